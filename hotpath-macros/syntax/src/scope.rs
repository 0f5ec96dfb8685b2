//! Variables: which a probe may borrow inside closures, and which hold a collection made here.
//!
//! A closure without `move` captures `*v` of a `v: &mut Vec<_>`, not `v`.
//! A probe that borrows `v` there would make it capture `v` itself, and
//! closures that outlive the variable would no longer compile.

use std::collections::HashSet;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, Item, Local, Pat, PatIdent};

use crate::classify::makes_empty_collection;

/// The closures and async blocks around an expression, and what was bound before it.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// Variables of the function that were bound to an empty collection.
    made_empty: HashSet<String>,
    /// For each that captures by use, the names that mean a variable of its own wherever they stand
    /// inside it.
    capturing: Vec<HashSet<String>>,
}

impl Scope {
    /// Enters a closure or block that captures by use. Pair with [`Scope::leave`].
    pub(crate) fn enter<'p>(
        &mut self,
        parameters: impl Iterator<Item = &'p mut Pat>,
        body: impl FnOnce(&mut Bound),
    ) {
        let mut own = Names::default();
        parameters.for_each(|pattern| own.visit_pat_mut(pattern));
        let mut bound = Bound::default();
        body(&mut bound);
        own.0.extend(bound.names.difference(&bound.ambiguous).cloned());
        self.capturing.push(own.0);
    }

    /// Leaves what was entered last.
    pub(crate) fn leave(&mut self) {
        self.capturing.pop();
    }

    /// Remembers a `let` that makes an empty collection. Ask before its inner sites are replaced.
    pub(crate) fn bind(&mut self, local: &Local) {
        let Some(init) = &local.init else { return };
        let mut pattern = &local.pat;
        while let Pat::Type(typed) = pattern {
            pattern = &typed.pat;
        }
        if let (Pat::Ident(bound), true) = (pattern, makes_empty_collection(&init.expr)) {
            self.made_empty.insert(bound.ident.to_string());
        }
    }

    /// Whether this is a variable that this function bound to an empty collection: only there do
    /// calls that make it grow tell anything about how it was made.
    pub(crate) fn was_made_empty(&self, receiver: &Expr) -> bool {
        let Expr::Path(variable) = receiver else { return false };
        let name = variable.path.get_ident().map(ToString::to_string);
        name.is_some_and(|name| self.made_empty.contains(&name))
    }

    /// Whether a reference to a place that starts with this variable changes no capture.
    pub(crate) fn may_borrow(&self, root: &str) -> bool {
        let is_static = root.starts_with(char::is_uppercase);
        is_static || self.capturing.last().is_none_or(|bound| bound.contains(root))
    }
}

/// Collects the names that a body binds.
#[derive(Default)]
pub(crate) struct Bound {
    /// By a `let` whose value doesn't name them.
    names: HashSet<String>,
    /// By anything else: in `if let Some(m) = m.get(k)` the second is the variable outside.
    ambiguous: HashSet<String>,
}

impl VisitMut for Bound {
    fn visit_local_mut(&mut self, local: &mut Local) {
        let mut own = Names::default();
        own.visit_pat_mut(&mut local.pat);
        let Some(init) = &mut local.init else { return self.names.extend(own.0) };
        let value = init.expr.to_token_stream();
        for name in own.0 {
            let is_ambiguous = mentions(value.clone(), &name);
            if is_ambiguous { &mut self.ambiguous } else { &mut self.names }.insert(name);
        }
        self.visit_local_init_mut(init);
    }

    fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
        self.ambiguous.insert(pattern.ident.to_string());
        visit_mut::visit_pat_ident_mut(self, pattern);
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

fn mentions(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        TokenTree::Literal(text) => text.to_string().contains(name),
        TokenTree::Punct(_) => false,
    })
}

/// The names in a pattern.
#[derive(Default)]
struct Names(HashSet<String>);

impl VisitMut for Names {
    fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
        self.0.insert(pattern.ident.to_string());
        visit_mut::visit_pat_ident_mut(self, pattern);
    }
}

#[cfg(test)]
mod tests {
    use syn::Expr;

    use super::*;

    #[test]
    fn a_name_that_may_be_that_of_a_variable_outside_is_not_borrowed() {
        for body in [
            "|a| if let Some(m) = m.get(a) { m.len() } else { 0 }",
            "|a| match m.get(a) { Some(m) => m.len(), None => 0 }",
            "|a| { let m = m.get(a); m }",
            "|a| { for m in m.iter() { f(m) } }",
            "|a| { let m = 1; g(|m| m) }",
        ] {
            let mut scope = Scope::default();
            let Expr::Closure(mut closure) = syn::parse_str(body).unwrap() else {
                panic!("a closure");
            };
            scope.enter(closure.inputs.iter_mut(), |bound| bound.visit_expr_mut(&mut closure.body));
            assert!(!scope.may_borrow("m"), "{body}");
            assert!(scope.may_borrow("a"), "{body}");
        }
    }

    #[test]
    fn only_what_is_bound_inside_may_be_borrowed() {
        let mut scope = Scope::default();
        assert!(scope.may_borrow("v"));
        let Expr::Closure(mut closure) = syn::parse_str("|a| { let b = a; b.push(v) }").unwrap()
        else {
            panic!("a closure");
        };
        scope.enter(closure.inputs.iter_mut(), |bound| bound.visit_expr_mut(&mut closure.body));
        assert!(scope.may_borrow("a"));
        assert!(scope.may_borrow("b"));
        assert!(scope.may_borrow("CACHE"));
        assert!(!scope.may_borrow("v"));
        scope.leave();
        assert!(scope.may_borrow("v"));
    }
}
