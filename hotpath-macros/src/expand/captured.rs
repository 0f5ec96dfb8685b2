//! The arguments of an `async fn`: in its frame, and dropped in the order of the plain function.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::{FnArg, Pat, PatIdent};

use super::parameters;
use super::runtime::Runtime;
use crate::model::Function;

/// Binds every argument inside the block, as the compiler does with those of an `async fn`.
/// `self` can't be bound: it is mentioned first, so that it is captured first and dropped last.
pub(super) fn bound(function: &mut Function, runtime: &Runtime) -> TokenStream {
    let receiver = receiver(function, runtime);
    let arguments = parameters::moved(function, runtime);
    quote_spanned!(runtime.span=> #receiver #arguments)
}

/// Mentions the arguments whose names have to stay, for a block that is not the whole function.
///
/// It drops what it captures in the order in which that is mentioned: the last first, as a
/// function drops its arguments. What a pattern takes apart is left to the use of its parts.
pub(super) fn mentioned(function: &Function, runtime: &Runtime) -> TokenStream {
    let span = runtime.span;
    let mut mentions = vec![receiver(function, runtime)];
    for argument in &function.head.sig.inputs {
        if let FnArg::Typed(typed) = argument
            && let Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, .. }) = &*typed.pat
            && parameters::owns(&typed.ty)
        {
            let attrs = &typed.attrs;
            mentions.push(quote_spanned!(span=> #(#attrs)* let _ = &#ident;));
        }
    }
    mentions.into_iter().rev().collect()
}

fn receiver(function: &Function, runtime: &Runtime) -> TokenStream {
    match function.head.sig.receiver() {
        Some(receiver) if parameters::is_owned(receiver) => {
            let this = receiver.self_token;
            quote_spanned!(runtime.span=> let _ = &#this;)
        }
        _ => TokenStream::new(),
    }
}
