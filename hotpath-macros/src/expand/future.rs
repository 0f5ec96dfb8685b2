//! The body of an `async fn`.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{ReturnType, Type, TypeInfer};

use super::Body;
use super::runtime::Runtime;
use crate::model::Function;

/// `frame(&TABLE, async move { BODY }).await`
///
/// Always `move`: a body that only borrows an argument that is `Send` but not
/// `Sync` would make the future lose `Send`. The frame is made in the operand
/// of `.await`, because anything between would store the body twice.
pub(crate) fn body(function: &Function, body: &Body, runtime: &Runtime) -> TokenStream {
    let span = runtime.span;
    let (table, frame) = (Runtime::table(span), runtime.name("frame", span));
    let statements = &body.statements;
    let edge = edge(&function.head.sig.output, runtime);
    quote_spanned! {span=>
        #frame(&#table, async move { #edge #statements }).await
    }
}

/// Never reached; tells inference what the block returns, so that coercions and `?` work as in
/// the plain function.
fn edge(output: &ReturnType, runtime: &Runtime) -> TokenStream {
    let span = runtime.span;
    let edge = runtime.name("edge", span);
    match output {
        ReturnType::Default => quote_spanned!(span=> if false { return #edge::<()>(); }),
        ReturnType::Type(_, ty) if matches!(ty.as_ref(), Type::Never(_)) => TokenStream::new(),
        ReturnType::Type(_, ty) => {
            let mut ty = ty.as_ref().clone();
            Inferred(runtime).visit_type_mut(&mut ty);
            quote_spanned!(span=> if false { return #edge::<#ty>(); })
        }
    }
}

/// `impl Trait` can't stand in an expression: `_` instead.
struct Inferred<'r>(&'r Runtime);

impl VisitMut for Inferred<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if matches!(ty, Type::ImplTrait(_)) {
            *ty = Type::Infer(TypeInfer {
                attrs: Vec::new(),
                underscore_token: syn::Token![_](self.0.span),
            });
        } else {
            visit_mut::visit_type_mut(self, ty);
        }
    }
}
