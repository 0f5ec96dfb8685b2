//! The body of a function that runs to its end in one call.

use proc_macro2::{Ident, TokenStream};
use quote::quote_spanned;
use syn::visit_mut::VisitMut;
use syn::{FnArg, Pat, PatIdent, PatType, ReturnType, Type, TypeImplTrait};

use super::Body;
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
pub(crate) fn body(function: &mut Function, body: &Body, runtime: &Runtime) -> TokenStream {
    let span = runtime.span;
    let (table, open) = (Runtime::table(span), runtime.name("call", span));
    let moves = if function.names_matter { TokenStream::new() } else { moved(function, runtime) };
    let statements = &body.statements;
    let measured = if body.has_tail && is_opaque(&mut function.head.sig.output) {
        quote_spanned!(span=> return { #statements };)
    } else {
        quote_spanned!(span=> match () { () => { #statements } })
    };
    quote_spanned! {span=>
        let __hotpath_call = #open(&#table);
        #moves
        #measured
    }
}

/// Whether the return type mentions `impl Trait`.
fn is_opaque(output: &mut ReturnType) -> bool {
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

/// Renames the parameters that own something, and binds them inside the measured span, where
/// they are dropped in the order of parameters.
fn moved(function: &mut Function, runtime: &Runtime) -> TokenStream {
    let parameters = function.head.sig.inputs.iter_mut().enumerate();
    parameters
        .filter_map(|(position, parameter)| match parameter {
            FnArg::Typed(parameter) if owns(&parameter.ty) => {
                Some(rebound(position, parameter, runtime))
            }
            FnArg::Typed(_) | FnArg::Receiver(_) => None,
        })
        .collect()
}

fn rebound(position: usize, parameter: &mut PatType, runtime: &Runtime) -> TokenStream {
    let span = runtime.span;
    let name = Ident::new(&format!("__hotpath_{position}"), span);
    let renamed = Pat::Ident(PatIdent {
        attrs: Vec::new(),
        by_ref: None,
        mutability: None,
        ident: name.clone(),
        subpat: None,
    });
    let pattern = std::mem::replace(parameter.pat.as_mut(), renamed);
    let attrs = &parameter.attrs;
    match &pattern {
        Pat::Wild(_) => quote_spanned!(span=> #(#attrs)* let #name = #name;),
        Pat::Ident(PatIdent { by_ref: None, subpat: None, .. }) => {
            quote_spanned!(span=> #(#attrs)* let #pattern = #name;)
        }
        // What the pattern doesn't bind is dropped after what it does, as with a parameter.
        _ => quote_spanned!(span=> #(#attrs)* let #name = #name; #(#attrs)* let #pattern = #name;),
    }
}

/// Whether dropping a value of this type may do anything, as far as syntax tells.
fn owns(ty: &Type) -> bool {
    match ty {
        Type::Reference(_) | Type::Ptr(_) | Type::FnPtr(_) | Type::Never(_) => false,
        Type::Path(path) => !path
            .path
            .get_ident()
            .is_some_and(|name| PRIMITIVES.iter().any(|primitive| name == primitive)),
        _ => true,
    }
}

const PRIMITIVES: &[&str] = &[
    "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "u128", "u16", "u32",
    "u64", "u8", "usize",
];
