//! Parameters moved into the measured span, so that dropping them is part of it.

use proc_macro2::{Ident, TokenStream};
use quote::quote_spanned;
use syn::{FnArg, Pat, PatIdent, PatType, Receiver, ReceiverKind, Type};

use super::runtime::Runtime;
use crate::model::Function;

/// Renames the parameters that own something, and binds them inside the measured span, where
/// they are dropped in the order of parameters.
pub(super) fn moved(function: &mut Function, runtime: &Runtime) -> TokenStream {
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

/// Renames one parameter; gives the `let` that binds its pattern.
pub(super) fn rebound(position: usize, parameter: &mut PatType, runtime: &Runtime) -> TokenStream {
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

/// Whether a method takes `self` by value, as far as syntax tells.
pub(super) fn is_owned(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Value => true,
        ReceiverKind::Typed(_, ty) => owns(ty),
        _ => false,
    }
}

/// Whether dropping a value of this type may do anything, as far as syntax tells.
pub(super) fn owns(ty: &Type) -> bool {
    match ty {
        Type::Reference(_) | Type::Ptr(_) | Type::FnPtr(_) | Type::Never(_) => false,
        Type::Paren(inner) => owns(&inner.elem),
        Type::Group(inner) => owns(&inner.elem),
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
