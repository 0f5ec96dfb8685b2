//! Which variables a probe may borrow inside closures.
//!
//! A closure without `move` captures `*v` of a `v: &mut Vec<_>`, not `v`.
//! A probe that borrows `v` there would make it capture `v` itself, and
//! closures that outlive the variable would no longer compile.

use std::collections::HashSet;

use syn::visit_mut::{self, VisitMut};
use syn::{Item, Pat, PatIdent};

/// The closures and async blocks around an expression.
#[derive(Debug, Default)]
pub(crate) struct Scope {
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
