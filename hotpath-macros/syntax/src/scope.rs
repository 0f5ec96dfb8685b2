//! Variables: which a probe may borrow inside closures, and which hold a collection made here.
//!
//! A closure without `move` captures `*v` of a `v: &mut Vec<_>`, not `v`.
//! A probe that borrows `v` there would make it capture `v` itself, and
//! closures that outlive the variable would no longer compile.

use std::collections::HashSet;

use syn::visit_mut::{self, VisitMut};
use syn::{Expr, Item, Local, Pat, PatIdent};

use crate::classify::makes_empty_collection;

/// The closures and async blocks around an expression, and what was bound before it.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// Variables of the function that were bound to an empty collection.
    made_empty: HashSet<String>,
    /// For each that captures by use, the names bound inside it.
    capturing: Vec<HashSet<String>>,
}

impl Scope {
    /// Enters a closure or block that captures by use. Pair with [`Scope::leave`].
    pub(crate) fn enter<'p>(
        &mut self,
        parameters: impl Iterator<Item = &'p mut Pat>,
        body: impl FnOnce(&mut Bound),
    ) {
        let mut bound = Bound { names: HashSet::new() };
        parameters.for_each(|pattern| bound.visit_pat_mut(pattern));
        body(&mut bound);
        self.capturing.push(bound.names);
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

/// Collects the names that patterns bind.
pub(crate) struct Bound {
    names: HashSet<String>,
}

impl VisitMut for Bound {
    fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
        self.names.insert(pattern.ident.to_string());
        visit_mut::visit_pat_ident_mut(self, pattern);
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

#[cfg(test)]
mod tests {
    use syn::Expr;

    use super::*;

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
