//! What a `for` goes through: whether each item is only lent while the body runs.

use hotpath_runtime_syntax::steps;
use syn::{Expr, ExprForLoop, Pat};

use super::{Slot, Walker};
use crate::facts::{SiteSource, Usage};
use crate::source::{place, range};

/// Methods that give what a `Result` holds.
const UNWRAPPING: &[&str] = &["expect", "unwrap", "unwrap_or_default"];

/// The site that a `for` is, and the binding that its items get.
pub(super) struct Items {
    site: usize,
    binding: usize,
}

impl Walker<'_> {
    /// Notes the site that a `for` is itself.
    pub(super) fn steps(&mut self, of: &ExprForLoop) {
        let Some(head) = steps(&of.expr) else { return };
        let Some(site) = self.site_at(&[of.for_token.span]) else { return };
        let (receiver, receiver_root) = self.receiver(&head.source.receiver);
        let method = Some(head.source.method.to_string());
        let own = SiteSource { method, receiver, receiver_root, ..SiteSource::default() };
        self.note(site, Slot::of(Usage::Iterated), range::of_expr(&of.expr), own);
    }

    /// Notes which of the bindings made from `first` on has its items.
    pub(super) fn items(&mut self, of: &ExprForLoop, first: usize) {
        let Some(head) = steps(&of.expr) else { return };
        let Some(site) = self.site_at(&[of.for_token.span]) else { return };
        let Some(name) = item_name(&of.pat, head.numbered) else { return };
        let binding = (first..self.bindings.len()).find(|&it| self.bindings[it].name == name);
        self.items.extend(binding.map(|binding| Items { site, binding }));
    }

    /// Says of the bindings made from `first` on that they hold what a `Result` in this variable held.
    pub(super) fn unwrapped(&mut self, pat: &Pat, from: &Expr, first: usize) {
        let source = match pat {
            Pat::TupleStruct(it) if it.path.is_ident("Ok") => variable(from),
            _ if place::binding(pat).is_some() => result(from).and_then(variable),
            _ => None,
        };
        let Some(at) = source.map(|it| self.lines.byte(it.span().start())) else { return };
        for binding in &mut self.bindings[first..] {
            binding.unwraps = Some(at);
        }
    }

    /// Whether each item of a site is only borrowed by the body; `None` where it is none of a `for`'s.
    pub(super) fn items_only_lent(&self, site: usize) -> Option<bool> {
        let items = self.items.iter().find(|items| items.site == site)?;
        Some(self.is_only_lent_unwrapped(items.binding))
    }

    /// Whether a binding is only borrowed, and what it is unwrapped to as well.
    fn is_only_lent_unwrapped(&self, binding: usize) -> bool {
        self.uses_of(binding).all(|it| {
            let mut holders = (0..self.bindings.len())
                .filter(|&holder| self.bindings[holder].unwraps == Some(it.at));
            !it.moved || holders.next().is_some_and(|holder| self.is_only_lent(holder))
        })
    }
}

/// The name that the item gets, or its part behind the number.
fn item_name(pat: &Pat, numbered: bool) -> Option<String> {
    match pat {
        Pat::Tuple(tuple) if numbered && tuple.elems.len() == 2 => place::binding(&tuple.elems[1]),
        other if !numbered => place::binding(other),
        _ => None,
    }
}

/// The `Result` that an expression takes its value from: `x` of `x?` and `x.unwrap()`.
fn result(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Try(inner) => Some(&inner.expr),
        Expr::MethodCall(call) if UNWRAPPING.iter().any(|name| call.method == name) => {
            Some(&call.receiver)
        }
        _ => None,
    }
}

fn variable(expr: &Expr) -> Option<&syn::Ident> {
    match expr {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        _ => None,
    }
}
