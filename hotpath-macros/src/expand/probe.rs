//! An expression with its probe around it.

use hotpath_runtime_syntax::{Form, Kind, Probe, Site, is_constant};
use proc_macro2::{Literal, Span};
use syn::punctuated::Punctuated;
use syn::token::Paren;
use syn::{
    Attribute, Expr, ExprField, ExprLit, ExprParen, ExprRawAddr, ExprReference, ExprUnary, Index,
    Lit, Member, PointerMutability, Token, UnOp,
};

use super::runtime::Runtime;

/// Wraps the expression in place.
pub(crate) fn wrap(expr: &mut Expr, site: &Site, runtime: &Runtime) {
    let span = Span::mixed_site().located_at(site.position);
    if let Expr::Await(awaited) = expr {
        let future = std::mem::replace(awaited.base.as_mut(), Expr::PLACEHOLDER);
        let arguments = list([Runtime::borrowed_table(span), index(site, span), future], span);
        *awaited.base = runtime.call("awaited", span, arguments);
        return;
    }
    let whole = match site.form {
        Form::Future => Some("awaited"),
        Form::Steps => Some("each"),
        Form::Call | Form::Field | Form::Await => None,
    };
    if let Some(name) = whole {
        let inner = std::mem::replace(expr, Expr::PLACEHOLDER);
        let arguments = list([Runtime::borrowed_table(span), index(site, span), inner], span);
        *expr = runtime.call(name, span, arguments);
        return;
    }
    if site.marks_receiver
        && let Expr::MethodCall(call) = expr
    {
        let receiver = std::mem::replace(call.receiver.as_mut(), Expr::PLACEHOLDER);
        *call.receiver = runtime.call("mark", span, list([receiver], span));
    }
    let mut inner = std::mem::replace(expr, Expr::PLACEHOLDER);
    // A `#[cfg]` has to take the wrapper away too, not only its argument.
    let attrs = taken_attrs(&mut inner);
    let arguments = list([token(site, runtime, span), inner], span);
    *expr = match site.form {
        Form::Call if site.kind == Kind::Send => runtime.call("sent", span, arguments),
        Form::Field => first_field(runtime.call("field", span, arguments), span),
        Form::Call | Form::Await | Form::Future | Form::Steps => {
            runtime.call("exit", span, arguments)
        }
    };
    put_attrs(expr, attrs);
}

/// The call that opens the span.
fn token(site: &Site, runtime: &Runtime, span: Span) -> Expr {
    let (name, place) = match &site.probe {
        Probe::Value | Probe::Await | Probe::Steps => ("site", None),
        Probe::On(place) => ("site_on", Some(place)),
        Probe::Grow => ("grow", None),
        Probe::GrowOn(place) if site.kind == Kind::Send => ("send_on", Some(place)),
        Probe::GrowOn(place) => ("grow_on", Some(place)),
    };
    let mut arguments = list([Runtime::borrowed_table(span), index(site, span)], span);
    if let Some(place) = place {
        arguments.push_punct(Token![,](span));
        arguments.push_value(pointer(place.as_ref().clone(), span));
    }
    runtime.call(name, span, arguments)
}

fn index(site: &Site, span: Span) -> Expr {
    let mut literal = Literal::u32_unsuffixed(site.index);
    literal.set_span(span);
    Expr::Lit(ExprLit { attrs: Vec::new(), lit: Lit::Verbatim(literal) })
}

/// What becomes a raw pointer to a place. No reference may be taken of a field of a packed structure, and no
/// raw pointer of a constant.
fn pointer(mut place: Expr, span: Span) -> Expr {
    if is_constant(&place) {
        shared(&mut place, span);
    }
    if matches!(place, Expr::Field(_)) {
        return Expr::RawAddr(ExprRawAddr {
            attrs: Vec::new(),
            and_token: Token![&](span),
            raw: Token![raw](span),
            mutability: PointerMutability::Const(Token![const](span)),
            expr: Box::new(place),
        });
    }
    reference(place, span)
}

/// `(*&X).a` of `X.a`, where `X` may be a constant: what a reference leads to may be pointed to. That of a
/// variable could be in the way of one to another field.
///
/// The name is one that we wrote, as `X` may be a `static mut`: of references to those a lint warns.
fn shared(place: &mut Expr, span: Span) {
    match place {
        Expr::Path(path) => {
            for segment in &mut path.path.segments {
                segment.ident.set_span(segment.ident.span().resolved_at(Span::call_site()));
            }
        }
        Expr::Field(field) => {
            shared(&mut field.base, span);
            if matches!(*field.base, Expr::Path(_)) {
                let name = std::mem::replace(&mut *field.base, Expr::PLACEHOLDER);
                let lent = Expr::Unary(ExprUnary {
                    attrs: Vec::new(),
                    op: UnOp::Deref(Token![*](span)),
                    expr: Box::new(reference(name, span)),
                });
                let (attrs, paren_token, expr) = (Vec::new(), Paren(span), Box::new(lent));
                *field.base = Expr::Paren(ExprParen { attrs, paren_token, expr });
            }
        }
        _ => {}
    }
}

fn reference(place: Expr, span: Span) -> Expr {
    Expr::Reference(ExprReference {
        attrs: Vec::new(),
        and_token: Token![&](span),
        mutability: None,
        expr: Box::new(place),
    })
}

/// `EXPR.0`
fn first_field(base: Expr, span: Span) -> Expr {
    Expr::Field(ExprField {
        attrs: Vec::new(),
        base: Box::new(base),
        dot_token: Token![.](span),
        member: Member::Unnamed(Index { index: 0, span }),
    })
}

/// Arguments of a call.
pub(super) fn list(
    expressions: impl IntoIterator<Item = Expr>,
    span: Span,
) -> Punctuated<Expr, Token![,]> {
    let mut list = Punctuated::new();
    for expr in expressions {
        if !list.empty_or_trailing() {
            list.push_punct(Token![,](span));
        }
        list.push_value(expr);
    }
    list
}

fn taken_attrs(expr: &mut Expr) -> Vec<Attribute> {
    match expr {
        Expr::MethodCall(call) => std::mem::take(&mut call.attrs),
        Expr::Call(call) => std::mem::take(&mut call.attrs),
        Expr::Macro(invocation) => std::mem::take(&mut invocation.attrs),
        _ => Vec::new(),
    }
}

fn put_attrs(expr: &mut Expr, attrs: Vec<Attribute>) {
    match expr {
        Expr::Call(call) => call.attrs = attrs,
        Expr::Field(field) => field.attrs = attrs,
        _ => {}
    }
}
