//! What a function returns, measured beyond its making.

use hotpath_runtime_syntax::{Shape, mark_own, returned};
use syn::{Block, Expr};

use super::probe::list;
use super::runtime::Runtime;

/// Wraps the future or iterator that the body returns, wherever it does.
pub(super) fn wrap(body: &mut Block, shape: Shape, runtime: &Runtime) {
    let wrapper = match shape {
        Shape::Future | Shape::BoxedFuture => "frame",
        Shape::Iterator => "steps",
        Shape::Stream | Shape::Call | Shape::Async => return,
    };
    let mut wrap = |expr: &mut Expr| {
        mark_own(expr);
        let span = runtime.span;
        let value = std::mem::replace(expr, Expr::PLACEHOLDER);
        *expr = runtime.call(wrapper, span, list([Runtime::borrowed_table(span), value], span));
    };
    if shape == Shape::BoxedFuture {
        returned::boxed(body, &mut wrap);
    } else {
        returned::results(body, &mut wrap);
    }
}
