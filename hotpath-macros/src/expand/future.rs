//! The body of an `async fn`.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{ReturnType, Token, Type, TypeInfer};

use super::Body;
use super::captured;
use super::runtime::Runtime;
use crate::model::Function;

/// `frame(&TABLE, async move { BODY })`, returned by a function that is `async` no more.
///
/// So the arguments lie in the future once, as in the plain function's: a block inside of an
/// `async fn` would hold them again. What the return type captures is decided by the edition of
/// its tokens, which is this crate's: everything, as with an `async fn`.
///
/// Where another attribute has to find an `async fn`, or the return type can't be said (`!`), it
/// is the block inside: `frame(&TABLE, async move { BODY }).await`, made in the operand of
/// `.await`, because anything between would store the body twice more.
///
/// Always `move`: a body that only borrows an argument that is `Send` but not
/// `Sync` would make the future lose `Send`.
pub(crate) fn body(function: &mut Function, body: &mut Body, runtime: &Runtime) -> TokenStream {
    let span = runtime.span;
    let (table, frame) = (Runtime::table(span), runtime.name("frame", span));
    let edge = edge(&function.head.sig.output, runtime);
    let block = body.block(function, None);
    // Before edition 2024 the temporaries of a tail outlive the locals of its block, but never
    // the arguments of the function.
    let measured = quote_spanned!(span=> match () { () => #block });
    if function.names_matter || is_never(&function.head.sig.output) {
        let arguments = captured::mentioned(function, runtime);
        return quote_spanned! {span=>
            #frame(&#table, async move { #arguments #edge #measured }).await
        };
    }
    let arguments = captured::bound(function, runtime);
    let signature = &mut function.head.sig;
    signature.asyncness = None;
    let output = match &signature.output {
        ReturnType::Default => quote_spanned!(span=> ()),
        ReturnType::Type(_, ty) => ty.to_token_stream(),
    };
    let output = quote_spanned!(span=> impl ::core::future::Future<Output = #output>);
    signature.output = ReturnType::Type(Token![->](span), Box::new(Type::Verbatim(output)));
    quote_spanned! {span=>
        #frame(&#table, async move { #arguments #edge #measured })
    }
}

fn is_never(output: &ReturnType) -> bool {
    matches!(output, ReturnType::Type(_, ty) if matches!(ty.as_ref(), Type::Never(_)))
}

/// Never reached; tells inference what the block returns, so that coercions and `?` work as in
/// the plain function.
fn edge(output: &ReturnType, runtime: &Runtime) -> TokenStream {
    let span = runtime.span;
    let edge = runtime.name("edge", span);
    match output {
        ReturnType::Default => quote_spanned!(span=> if false { return #edge::<()>(); }),
        ReturnType::Type(..) if is_never(output) => TokenStream::new(),
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
