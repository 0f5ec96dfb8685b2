//! An error never costs the item: it is kept as written, with the message beside it.

use proc_macro2::TokenStream;
use syn::Error;

/// The item and the error at its culprit.
pub(crate) fn keep(item: TokenStream, error: &Error) -> TokenStream {
    let mut tokens = item;
    tokens.extend(error.to_compile_error());
    tokens
}
