//! What the iterations of a loop do to variables, and to each other.

use std::collections::BTreeSet;

use quote::ToTokens as _;
use syn::visit::{self, Visit};
use syn::{
    Arm, BinOp, Expr, ExprAssign, ExprAsync, ExprAwait, ExprBinary, ExprBreak, ExprClosure,
    ExprLet, ExprMatch, ExprMethodCall, ExprReference, ExprReturn, Item, Local, Pat,
};

use super::awaits::{callee, names};
use crate::source::place;

/// Awaits that set the pace of a loop: what they let through is not to come all at once.
const PACING: &[&str] = &[
    "acquire",
    "acquire_many",
    "acquire_many_owned",
    "acquire_owned",
    "sleep",
    "sleep_until",
    "tick",
    "until_n_ready",
    "until_ready",
];

/// What a loop's iterations do.
#[derive(Default)]
pub(super) struct Changes {
    changed: BTreeSet<String>,
    bound: BTreeSet<String>,
    /// Variables, and what is named where they get a value.
    flows: Vec<(Vec<String>, BTreeSet<String>)>,
    leaves: bool,
    paces: bool,
}

impl Changes {
    /// Of a whole loop.
    pub(super) fn of(whole: &Expr) -> Self {
        let mut changes = Self::default();
        changes.visit_expr(whole);
        changes
    }

    /// Whether an iteration may end the loop, or waits on purpose.
    pub(super) fn is_ordered(&self) -> bool {
        self.leaves || self.paces
    }

    /// Variables of outside that an iteration changes, and those that get their values from them.
    pub(super) fn carried(&self) -> BTreeSet<String> {
        let mut carried: BTreeSet<String> = self.changed.difference(&self.bound).cloned().collect();
        loop {
            let before = carried.len();
            for (to, from) in &self.flows {
                if !from.is_disjoint(&carried) {
                    carried.extend(to.iter().cloned());
                }
            }
            if carried.len() == before {
                return carried;
            }
        }
    }

    fn change(&mut self, place: &Expr) {
        self.changed.extend(place::changed_root(place));
    }

    fn flow(&mut self, pat: &Pat, from: &Expr) {
        let mut to = Vec::new();
        place::bound(pat, &mut to);
        self.flows.push((to, names(from)));
    }
}

impl<'ast> Visit<'ast> for Changes {
    fn visit_pat(&mut self, pat: &'ast Pat) {
        let mut names = Vec::new();
        place::bound(pat, &mut names);
        self.bound.extend(names);
    }

    fn visit_local(&mut self, it: &'ast Local) {
        if let Some(init) = &it.init {
            self.flow(&it.pat, &init.expr);
        }
        visit::visit_local(self, it);
    }

    fn visit_expr_let(&mut self, it: &'ast ExprLet) {
        self.flow(&it.pat, &it.expr);
        visit::visit_expr_let(self, it);
    }

    fn visit_expr_match(&mut self, it: &'ast ExprMatch) {
        for Arm { pat, .. } in &it.arms {
            self.flow(pat, &it.expr);
        }
        visit::visit_expr_match(self, it);
    }

    fn visit_expr_await(&mut self, it: &'ast ExprAwait) {
        self.paces |= callee(&it.base).is_some_and(|name| PACING.contains(&name.as_str()));
        visit::visit_expr_await(self, it);
    }

    fn visit_expr_assign(&mut self, it: &'ast ExprAssign) {
        self.change(&it.left);
        self.flows.push((place::changed_root(&it.left).into_iter().collect(), names(&it.right)));
        visit::visit_expr_assign(self, it);
    }

    fn visit_expr_binary(&mut self, it: &'ast ExprBinary) {
        let compares = matches!(it.op, BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Le(_) | BinOp::Ge(_));
        if it.op.to_token_stream().to_string().ends_with('=') && !compares {
            self.change(&it.left);
        }
        visit::visit_expr_binary(self, it);
    }

    fn visit_expr_method_call(&mut self, it: &'ast ExprMethodCall) {
        if place::is_mutator(&it.method.to_string()) {
            self.change(&it.receiver);
        }
        visit::visit_expr_method_call(self, it);
    }

    fn visit_expr_reference(&mut self, it: &'ast ExprReference) {
        if it.mutability.is_some() {
            self.change(&it.expr);
        }
        visit::visit_expr_reference(self, it);
    }

    fn visit_expr_break(&mut self, _: &'ast ExprBreak) {
        self.leaves = true;
    }

    fn visit_expr_return(&mut self, _: &'ast ExprReturn) {
        self.leaves = true;
    }

    fn visit_expr_closure(&mut self, it: &'ast ExprClosure) {
        let ends = (self.leaves, self.paces);
        visit::visit_expr_closure(self, it);
        (self.leaves, self.paces) = ends;
    }

    fn visit_expr_async(&mut self, it: &'ast ExprAsync) {
        let ends = (self.leaves, self.paces);
        visit::visit_expr_async(self, it);
        (self.leaves, self.paces) = ends;
    }

    fn visit_item(&mut self, _: &'ast Item) {}
}
