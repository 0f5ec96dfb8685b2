//! What a function returns, measured beyond its making.

use hotpath_runtime_syntax::{Shape, mark_own, returned};
use quote::quote_spanned;
use syn::{Block, Expr};

use super::probe::list;
use super::runtime::Runtime;

/// Wraps the future, iterator or stream that the body returns, wherever it does.
pub(super) fn wrap(body: &mut Block, shape: Shape, runtime: &Runtime) {
    let wrapper = match shape {
        Shape::Future | Shape::BoxedFuture => "frame",
        Shape::Iterator => "steps",
        Shape::Stream if cfg!(feature = "stream") => {
            return returned::results(body, &mut |expr| stream(expr, runtime));
        }
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

/// `match VALUE { value => kind(&value).measure(&TABLE, value) }`: only the compiler knows whether the
/// trait of that name is the one that the runtime can keep.
fn stream(expr: &mut Expr, runtime: &Runtime) {
    let span = runtime.span;
    let (kind, table) = (runtime.name("kind", span), Runtime::table(span));
    let value = std::mem::replace(expr, Expr::PLACEHOLDER);
    *expr = Expr::Verbatim(quote_spanned! {span=>
        match #value { value => #kind(&value).measure(&#table, value) }
    });
}
