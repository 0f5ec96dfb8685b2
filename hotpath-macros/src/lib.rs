//! The `#[hotpath]` attribute.
#![forbid(unsafe_code)]

use proc_macro::TokenStream;

/// Measures the function, or every function of the `impl` block or module.
#[proc_macro_attribute]
pub fn hotpath(_options: TokenStream, item: TokenStream) -> TokenStream {
    item
}
