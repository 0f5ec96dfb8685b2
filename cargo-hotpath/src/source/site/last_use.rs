//! Whether a site is the last that needs its variable, so that this could be moved there.

use std::ops::Range;

use syn::{Expr, ExprMethodCall};

use super::growth::Binding;
use super::uses::visible;
use super::{Found, Walker};
use crate::source::{place, range};

/// Methods that put what they are given into their receiver.
const STORING: &[&str] =
    &["append", "entry", "extend", "insert", "push", "push_back", "push_front"];

/// Methods whose value borrows from their receiver.
const BORROWING: &[&str] = &[
    "as_bytes", "as_path", "as_ref", "as_slice", "as_str", "chars", "first", "get", "iter", "keys",
    "last", "lines", "trim", "values",
];

/// A variable that may hold what a call on it was lent.
pub(super) struct Store {
    holder: String,
    call: Range<usize>,
}

impl Walker<'_> {
    /// Notes that a call may store a reference: `seen.push(&row)`.
    pub(super) fn store(&mut self, call: &ExprMethodCall) {
        let stores = STORING.iter().any(|name| call.method == name);
        if let (true, Some(holder)) = (stores, place::changed_root(&call.receiver))
            && call.args.iter().any(is_borrow)
        {
            let (start, end) =
                (range::of_expr(&call.receiver).0, call.paren_token.span.close().end());
            let call = self.lines.byte(start)..self.lines.byte(end);
            self.stores.push(Store { holder, call });
        }
    }

    /// Whether nothing names the variable in or after the statement but the site itself, nor a name
    /// that may have borrowed from it.
    pub(super) fn is_last_use(&self, found: &Found, binding: usize) -> bool {
        let bound = &self.bindings[binding];
        if bound.innermost != found.innermost || bound.closures != found.closures {
            return false;
        }
        let (site, statement) = (found.source.span, found.source.statement);
        let mut uses = self.uses_of(binding);
        let is_own = |at: usize| (site.byte_start..site.byte_end).contains(&at);
        if !uses.all(|it| is_own(it.at) || it.at < statement.byte_start) {
            return false;
        }
        let may_hold = |other: &Binding| {
            let mut uses = self.uses_of(binding);
            uses.any(|it| !is_own(it.at) && (other.statement..other.from).contains(&it.at))
        };
        let stored = |store: &Store| {
            let mut uses = self.uses_of(binding);
            let is_given = uses.any(|it| !is_own(it.at) && store.call.contains(&it.at));
            let holder = visible(&self.bindings, &store.holder, store.call.start);
            is_given && holder.is_some_and(|it| self.uses_of(it).any(|it| it.at >= site.byte_end))
        };
        if self.stores.iter().any(stored) {
            return false;
        }
        let others = (0..self.bindings.len()).filter(|&other| other != binding);
        let mut holders = others.filter(|&other| may_hold(&self.bindings[other]));
        holders.all(|holder| self.uses_of(holder).all(|it| it.at < site.byte_end))
    }
}

fn is_borrow(expr: &Expr) -> bool {
    match expr {
        Expr::Reference(_) => true,
        Expr::MethodCall(call) => BORROWING.iter().any(|name| call.method == name),
        _ => false,
    }
}
