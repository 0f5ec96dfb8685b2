//! What a function hands out: a value, a future or an iterator. Decides what is measured of it.

use proc_macro2::TokenTree;
use quote::ToTokens as _;
use syn::{
    Block, Expr, GenericArgument, Macro, PathArguments, PathSegment, ReturnType, Signature, Stmt,
    Type, TypeParamBound, TypePath,
};

use crate::returned;

/// What is measured of a function beside its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The body alone.
    Call,
    /// `async fn`: the polls of its body.
    Async,
    /// `-> impl Future`: the polls of what it returns.
    Future,
    /// `-> Pin<Box<dyn Future>>`, `-> BoxFuture`: the polls of what is boxed in its body.
    BoxedFuture,
    /// `-> impl Iterator`: the steps of what it returns.
    Iterator,
    /// `-> impl Stream`: the polls of what it returns.
    Stream,
}

impl Shape {
    /// The shape of a function, from its syntax alone.
    pub fn of(signature: &Signature, body: &Block) -> Self {
        if signature.asyncness.is_some() {
            return Self::Async;
        }
        match returned(&signature.output) {
            Self::BoxedFuture if returned::boxed(&mut body.clone(), &mut |_| {}) => {
                Self::BoxedFuture
            }
            opaque @ (Self::Future | Self::Iterator | Self::Stream)
                if has_plain_tail(body, opaque) && !returned::may_return_unseen(body) =>
            {
                opaque
            }
            _ => Self::Call,
        }
    }

    /// Whether the shape of a function is decided by its body too.
    pub fn depends_on_body(signature: &Signature) -> bool {
        signature.asyncness.is_none() && returned(&signature.output) != Self::Call
    }

    /// Whether its calls are polled to completion.
    pub fn is_async(self) -> bool {
        matches!(self, Self::Async | Self::Future | Self::BoxedFuture)
    }
}

/// Whether what the body ends in can be wrapped: a macro there may expand to statements, or to nothing
/// that is ever returned, and what carries a `#[cfg]` may not be there.
fn has_plain_tail(body: &Block, shape: Shape) -> bool {
    match body.stmts.last() {
        Some(Stmt::Expr(Expr::Macro(tail), None)) => shape.is_made_by(&tail.mac),
        Some(Stmt::Macro(tail)) => {
            tail.semi_token.is_none() && tail.attrs.is_empty() && shape.is_made_by(&tail.mac)
        }
        Some(Stmt::Expr(tail, None)) => {
            let first = tail.to_token_stream().into_iter().next();
            !matches!(first, Some(TokenTree::Punct(punct)) if punct.as_char() == '#')
        }
        Some(_) => true,
        None => false,
    }
}

impl Shape {
    /// Whether a macro is known to expand to such a value: `stream!` and `try_stream!` of async-stream.
    fn is_made_by(self, mac: &Macro) -> bool {
        let name = mac.path.segments.last().map(|last| last.ident.to_string());
        self == Self::Stream && matches!(name.as_deref(), Some("stream" | "try_stream"))
    }
}

fn returned(output: &ReturnType) -> Shape {
    let ReturnType::Type(_, ty) = output else { return Shape::Call };
    match ty.as_ref() {
        Type::ImplTrait(opaque) => of_bounds(opaque.bounds.iter()).unwrap_or(Shape::Call),
        Type::Path(path) if is_boxed_future(path) => Shape::BoxedFuture,
        _ => Shape::Call,
    }
}

/// The one of our shapes that the bounds ask for; `None` where a wrapper can't keep all of them.
fn of_bounds<'b>(bounds: impl Iterator<Item = &'b TypeParamBound>) -> Option<Shape> {
    let mut shape = None;
    for bound in bounds {
        let TypeParamBound::Trait(bound) = bound else { continue };
        let name = bound.path.segments.last()?.ident.to_string();
        let asked = match name.as_str() {
            "Future" => Shape::Future,
            "Iterator" | "DoubleEndedIterator" | "ExactSizeIterator" | "FusedIterator" => {
                Shape::Iterator
            }
            "Stream" => Shape::Stream,
            "Send" | "Sync" | "Unpin" | "Sized" => continue,
            // An iterator's wrapper is what the iterator is; a future has neither.
            "Clone" | "Debug" if shape == Some(Shape::Iterator) => continue,
            _ => return None,
        };
        if shape.is_some_and(|shape| shape != asked) {
            return None;
        }
        shape = Some(asked);
    }
    shape
}

fn is_boxed_future(path: &TypePath) -> bool {
    let Some(last) = path.path.segments.last() else { return false };
    match last.ident.to_string().as_str() {
        "BoxFuture" | "LocalBoxFuture" => true,
        "Pin" => argument(last).is_some_and(|ty| {
            let Type::Path(owner) = ty else { return false };
            let boxed = owner.path.segments.last().filter(|last| last.ident == "Box");
            matches!(boxed.and_then(argument), Some(Type::TraitObject(object))
                if of_bounds(object.bounds.iter()) == Some(Shape::Future))
        }),
        _ => false,
    }
}

/// The only type argument of a path segment.
fn argument(segment: &PathSegment) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(function: &str) -> Shape {
        let function: syn::ItemFn = syn::parse_str(function).unwrap();
        Shape::of(&function.sig, &function.block)
    }

    #[test]
    fn shapes_by_return_type() {
        for (function, expected) in [
            ("async fn f() -> u8 { 1 }", Shape::Async),
            ("fn f() -> impl Future<Output = u8> + Send + 'a { async { 1 } }", Shape::Future),
            ("fn f() -> impl std::future::Future<Output = u8> { x }", Shape::Future),
            ("fn f() -> impl Iterator<Item = u8> + Clone + '_ { x }", Shape::Iterator),
            (
                "fn f() -> impl DoubleEndedIterator<Item = u8> + ExactSizeIterator { x }",
                Shape::Iterator,
            ),
            ("fn f() -> impl Stream<Item = u8> { x }", Shape::Stream),
            ("fn f() -> BoxFuture<'a, u8> { async { 1 }.boxed() }", Shape::BoxedFuture),
            (
                "fn f() -> Pin<Box<dyn Future<Output = u8> + Send + 'a>> { Box::pin(async { 1 }) }",
                Shape::BoxedFuture,
            ),
            (
                "fn f() -> Pin<Box<dyn Future<Output = u8>>> { if a { return Box::pin(x) } b }",
                Shape::BoxedFuture,
            ),
            ("fn f() -> BoxFuture<'a, u8> { other() }", Shape::Call),
            ("fn f() -> Pin<Box<dyn Stream<Item = u8>>> { Box::pin(x) }", Shape::Call),
            ("fn f() -> impl Iterator<Item = u8> + Mine { x }", Shape::Call),
            ("fn f() -> impl Future<Output = u8> + Clone { x }", Shape::Call),
            ("fn f() -> impl Future<Output = u8> { mine!() }", Shape::Call),
            ("fn f() -> impl Stream<Item = u8> { mine!() }", Shape::Call),
            ("fn f() -> impl Stream<Item = u8> { #[cfg(unix)] { x } }", Shape::Call),
            ("fn f() -> impl Iterator<Item = u8> { let a = ok_or_return!(b); a }", Shape::Call),
            (
                "fn f() -> impl Iterator<Item = u8> { let a = vec![b]; info!(\"x\"); a }",
                Shape::Iterator,
            ),
            ("fn f() -> impl Iterator<Item = u8> { a.map(|b| mine!(b)) }", Shape::Iterator),
            (
                "fn f() -> impl Iterator<Item = u8> { if matches!(a, B) { panic!(\"b\") } a }",
                Shape::Iterator,
            ),
            ("fn f() -> impl Iterator<Item = u8> { let a = dbg!({ return b }); a }", Shape::Call),
            ("fn f() -> impl Stream<Item = u8> { stream! { yield 1; } }", Shape::Stream),
            ("fn f() -> impl Iterator<Item = u8> { if a { return b } todo!() }", Shape::Call),
            ("fn f() -> impl Fn() -> u8 { x }", Shape::Call),
            ("fn f() -> (impl Iterator<Item = u8>, u8) { x }", Shape::Call),
            ("fn f() { x }", Shape::Call),
        ] {
            assert_eq!(shape(function), expected, "{function}");
        }
    }
}
