//! The body of a function that runs to its end in one call.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::visit_mut::VisitMut;
use syn::{ReturnType, TypeImplTrait};

use super::Body;
use super::parameters;
use super::runtime::Runtime;
use crate::model::Function;

/// The guard, the parameters moved behind it, and the body.
///
/// The body is the arm of a `match`: before edition 2024 the temporaries of a tail outlive the
/// locals of its function, which the parameters are now, but never those outside of the arm. And
/// where the body diverges, nothing after it is unreachable.
///
/// An arm knows nothing of an `impl Fn(..)` that it returns, so that a closure there would need
/// types for its parameters: such a tail is returned instead.
pub(crate) fn body(function: &mut Function, body: &mut Body, runtime: &Runtime) -> TokenStream {
    let span = runtime.span;
    let guard = if body.shape.is_async() { "making" } else { "call" };
    let (table, open) = (Runtime::table(span), runtime.name(guard, span));
    let moves = if function.names_matter {
        TokenStream::new()
    } else {
        parameters::moved(function, runtime)
    };
    let receiver = body.receiver.take();
    let measured = if body.has_tail && is_opaque(&mut function.head.sig.output) {
        // With an item in it, nobody takes the braces for unnecessary.
        let block = body.block(function, Some(quote_spanned!(span=> const _: () = ();)));
        quote_spanned!(span=> return #block;)
    } else {
        let block = body.block(function, None);
        quote_spanned!(span=> match () { () => #block })
    };
    quote_spanned! {span=>
        let __hotpath_call = #open(&#table);
        #receiver
        #moves
        #measured
    }
}

/// Whether the return type mentions `impl Trait`.
pub(super) fn is_opaque(output: &mut ReturnType) -> bool {
    struct Search(bool);
    impl VisitMut for Search {
        fn visit_type_impl_trait_mut(&mut self, _: &mut TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut search = Search(false);
    search.visit_return_type_mut(output);
    search.0
}
