//! What a function returns, measured beyond its making.

use hotpath_runtime_syntax::{Shape, mark_own, returned};
use proc_macro2::Ident;
use quote::{ToTokens as _, quote_spanned};
use syn::token::Brace;
use syn::{Arm, Block, Expr, ExprMatch, Pat, Token};

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
    let name = Ident::new("__hotpath_value", span);
    // A tree around the value, which what comes after this looks into.
    let value = std::mem::replace(expr, Expr::PLACEHOLDER);
    *expr = Expr::Match(ExprMatch {
        attrs: Vec::new(),
        match_token: Token![match](span),
        expr: Box::new(value),
        brace_token: Brace(span),
        arms: vec![Arm {
            attrs: Vec::new(),
            pat: Pat::Verbatim(name.to_token_stream()),
            fat_arrow_token: Token![=>](span),
            body: Box::new(Expr::Verbatim(quote_spanned! {span=>
                #kind(&#name).measure(&#table, #name)
            })),
            comma: None,
        }],
    });
}
