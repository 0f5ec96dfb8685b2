//! How an expression may be wrapped, and which may not be wrapped at all.
//!
//! Every rule here stands for an expression that compiles alone and doesn't
//! compile wrapped; `tests/fixtures/wrap-cases` holds them.

use syn::{Expr, Member};

use crate::Kind;
use crate::classify::{Class, standard_macro};
use crate::scope::Scope;

/// The name that an expansion has for the runtime: calls that start with it are probes.
pub const ALIAS: &str = "__hotpath";

/// The shape of the wrapped expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `exit(TOKEN, EXPR)`: keeps temporaries, coercions and the expected type.
    Call,
    /// `field(TOKEN, EXPR).0`, directly under `&` and `&mut`: there the call
    /// form would impose the type behind a deref coercion on the operand.
    Field,
    /// `awaited(.., FUTURE).await`: no token lives across a suspension.
    Await,
    /// `awaited(.., FUTURE)`, where a macro polls the future.
    Future,
    /// `each(.., ITERATOR)`, where a `for` goes through it.
    Steps,
}

/// How a site is opened.
#[derive(Clone)]
pub enum Probe {
    /// Timed; its type is that of the value.
    Value,
    /// Timed; its type is that of this place.
    On(Box<Expr>),
    /// Counted only, without a type.
    Grow,
    /// Counted only; its type is that of this place.
    GrowOn(Box<Expr>),
    /// Polls and waits of the awaited future.
    Await,
    /// Steps of an iterator, counted only; its type is that of the items.
    Steps,
}

/// Where an expression stands, as far as it decides on wrapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Operand {
    /// Anywhere else.
    #[default]
    Plain,
    /// Directly under `&` or `&mut`.
    Borrowed,
    /// Directly before `.await`.
    Awaited,
}

/// The form for an expression of this class, `None` where it has to be left alone.
pub(crate) fn form(expr: &Expr, class: Class, operand: Operand) -> Option<Form> {
    match (class.kind, operand) {
        (Kind::Await, _) => Some(Form::Await),
        // `&path::call()` may be promoted to a static, which a wrapped call isn't.
        (Kind::Call | Kind::Other, Operand::Borrowed) if matches!(expr, Expr::Call(_)) => None,
        (_, Operand::Borrowed) => Some(Form::Field),
        // These only make a future here; the await point is the site.
        (Kind::Lock | Kind::Write | Kind::Grow | Kind::Call | Kind::Other, Operand::Awaited) => {
            None
        }
        (
            Kind::Lookup | Kind::Search | Kind::Shift | Kind::Block | Kind::Send | Kind::Connect,
            Operand::Awaited,
        ) => None,
        (_, Operand::Plain | Operand::Awaited) => Some(Form::Call),
    }
}

/// The probe for an expression of this class.
pub(crate) fn probe(class: Class, subject: Option<&Expr>, scope: &Scope) -> Probe {
    let place = subject
        .filter(|subject| class.by_receiver && may_borrow(subject, scope))
        .map(|subject| Box::new(subject.clone()));
    match (class.kind, place) {
        (Kind::Await, _) => Probe::Await,
        (Kind::Grow | Kind::Send, Some(place)) => Probe::GrowOn(place),
        (Kind::Grow, None) => Probe::Grow,
        (_, Some(place)) => Probe::On(place),
        (_, None) => Probe::Value,
    }
}

/// Whether a probe may borrow this: a place, in which a reference to it changes no capture.
pub(crate) fn may_borrow(subject: &Expr, scope: &Scope) -> bool {
    root(subject).is_some_and(|root| scope.may_borrow(&root))
}

/// Whether this may be a constant or a static, or a part of one.
pub fn is_constant(subject: &Expr) -> bool {
    root(subject).is_some_and(|root| root.trim_start_matches('_').starts_with(char::is_uppercase))
}

/// Whether `mark` may take this receiver: a value, never a place (which it would move).
pub(crate) fn is_value(receiver: &Expr) -> bool {
    match receiver {
        Expr::MethodCall(_) | Expr::Call(_) | Expr::Try(_) => true,
        Expr::Paren(inner) => is_value(&inner.expr),
        Expr::Group(inner) => is_value(&inner.expr),
        // Another macro may expand to a place.
        Expr::Macro(invocation) => standard_macro(&invocation.mac.path).is_some(),
        _ => false,
    }
}

/// The variable that a simple place (`a`, `a.b`, `self.a.0`) starts with.
fn root(place: &Expr) -> Option<String> {
    match place {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident().map(ToString::to_string),
        Expr::Field(field) => match &field.member {
            Member::Named(_) | Member::Unnamed(_) => root(&field.base),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SiteSelection;
    use crate::classify::classify;

    fn form_of(text: &str, operand: Operand) -> Option<Form> {
        let expr: Expr = syn::parse_str(text).unwrap();
        form(&expr, classify(&expr, SiteSelection::Calls).unwrap(), operand)
    }

    #[test]
    fn the_form_follows_the_position() {
        assert_eq!(form_of("a.clone()", Operand::Plain), Some(Form::Call));
        assert_eq!(form_of("a.clone()", Operand::Borrowed), Some(Form::Field));
        assert_eq!(form_of("String::from(a)", Operand::Borrowed), Some(Form::Field));
        assert_eq!(form_of("other::call()", Operand::Borrowed), None);
        assert_eq!(form_of("r.find_iter(a)", Operand::Borrowed), Some(Form::Field));
        assert_eq!(form_of("m.lock()", Operand::Awaited), None);
        assert_eq!(form_of("m.get(&a)", Operand::Awaited), None);
        assert_eq!(form_of("File::open(a)", Operand::Awaited), None);
        assert_eq!(form_of("s.send(a)", Operand::Awaited), None);
        assert_eq!(form_of("a.clone()", Operand::Awaited), Some(Form::Call));
        assert_eq!(form_of("a.await", Operand::Borrowed), Some(Form::Await));
    }

    #[test]
    fn only_simple_places_have_a_root() {
        let root_of = |text: &str| root(&syn::parse_str(text).unwrap());
        assert_eq!(root_of("a").as_deref(), Some("a"));
        assert_eq!(root_of("self.a.0.b").as_deref(), Some("self"));
        assert_eq!(root_of("a[0].b"), None);
        assert_eq!(root_of("(*a).b"), None);
        assert_eq!(root_of("a.b().c"), None);
    }

    #[test]
    fn places_are_not_values() {
        for (text, value) in [
            ("a.b()", true),
            ("f()", true),
            ("a?", true),
            ("(a.b())", true),
            ("format!(\"\")", true),
            ("mine!(a)", false),
            ("a", false),
            ("a.b", false),
            ("*a", false),
            ("v[0]", false),
        ] {
            assert_eq!(is_value(&syn::parse_str(text).unwrap()), value, "{text}");
        }
    }
}
