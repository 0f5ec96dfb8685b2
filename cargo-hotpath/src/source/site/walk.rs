//! The walk over a function's expressions: what holds each, and what each does to variables.

use proc_macro2::LineColumn;
use syn::visit::{self, Visit};
use syn::{Arm, BinOp, Block, Expr, ExprClosure, Item, Local, Pat, Stmt};

use super::super::{place, range};
use super::growth::Binding;
use super::{Slot, Walker};
use crate::facts::{Origin, SiteSource, Usage};

impl Walker<'_> {
    pub(super) fn visit_as(&mut self, expr: &Expr, slot: Slot) {
        self.slot = slot;
        self.visit_expr(expr);
    }

    pub(super) fn visit_plain(&mut self, expr: &Expr) {
        self.visit_as(expr, Slot::default());
    }

    fn local(&mut self, local: &Local) {
        // The names are in scope after the statement, to the end of the block.
        let first = self.bindings.len();
        let binding = place::binding(&local.pat).map(|_| first);
        self.bind(&local.pat, local.semi_token.span.end(), None);
        if let Some(init) = &local.init {
            self.unwrapped(&local.pat, &init.expr, first);
        }
        if let Some(binding) = binding {
            self.bindings[binding].mutable = place::is_mutable(&local.pat);
            self.bindings[binding].declared_type = self.declared_type(&local.pat);
        }
        if let Some(init) = &local.init {
            self.visit_as(&init.expr, Slot { binding, ..Slot::of(Usage::Bound) });
            if let Some((_, diverge)) = &init.diverge {
                self.visit_plain(diverge);
            }
        }
    }

    /// Names in scope from a place on: until another one, or to the end of the block.
    pub(super) fn bind(&mut self, pat: &Pat, from: LineColumn, until: Option<LineColumn>) {
        self.bind_from(Origin::Inside, pat, from, until);
    }

    pub(super) fn bind_from(
        &mut self,
        origin: Origin,
        pat: &Pat,
        from: LineColumn,
        until: Option<LineColumn>,
    ) {
        let mut names = Vec::new();
        place::bound(pat, &mut names);
        let from = self.lines.byte(from);
        let until = match until {
            Some(place) => self.lines.byte(place),
            None => self.scopes.last().copied().unwrap_or(usize::MAX),
        };
        let statement = self.statement.map_or(from, |(start, _)| self.lines.byte(start));
        for name in names {
            self.change(Some(name.clone()));
            self.bindings.push(Binding {
                name,
                from,
                until,
                statement,
                innermost: self.loops.innermost(),
                closures: self.closures,
                origin,
                ..Binding::default()
            });
        }
    }

    /// A closure or async block; `moves` if it takes what it names.
    fn in_closure(&mut self, moves: bool, body: impl FnOnce(&mut Self)) {
        self.closures += 1;
        if moves {
            self.loops.move_away();
            self.uses.enter_moving();
        }
        body(self);
        if moves {
            self.uses.leave_moving();
        }
        self.closures -= 1;
    }

    /// A closure whose parameters come from there.
    pub(super) fn closure(&mut self, closure: &ExprClosure, origin: Origin) {
        let (from, until) = range::of_expr(&closure.body);
        self.in_closure(closure.capture.is_some(), |walker| {
            for input in &closure.inputs {
                walker.bind_from(origin, input, from, Some(until));
            }
            walker.visit_plain(&closure.body);
        });
    }

    fn in_loop(&mut self, expr: &Expr, body: impl FnOnce(&mut Self)) {
        self.loops.enter(self.lines.span(range::of_expr(expr)));
        body(self);
        self.loops.leave();
    }

    /// Expressions that hand their own slot on, or that sites are.
    fn expr_in_slot(&mut self, expr: &Expr, slot: Slot) {
        match expr {
            Expr::Paren(inner) => self.visit_as(&inner.expr, slot),
            Expr::Group(inner) => self.visit_as(&inner.expr, slot),
            Expr::Try(inner) => self.visit_as(&inner.expr, slot),
            Expr::Reference(inner) => {
                if inner.mutability.is_some() {
                    self.change(place::changed_root(&inner.expr));
                }
                let usage = match slot.usage {
                    Usage::Argument { callee, position, .. } => {
                        Usage::Argument { callee, position, borrowed: true }
                    }
                    Usage::AddAssign { .. } => Usage::AddAssign { borrowed: true },
                    Usage::Compared => Usage::Compared,
                    _ => Usage::Borrowed,
                };
                self.visit_as(&inner.expr, Slot::taken(usage, slot.taken_by));
            }
            Expr::Path(_) => self.name_in(expr, slot),
            Expr::MethodCall(call) => self.method_call(call, slot),
            Expr::Call(call) => self.call(call, slot),
            Expr::Macro(mac) => self.macro_call(&mac.mac, slot),
            Expr::Await(inner) => {
                if let Some(site) = self.await_at(inner.await_token.span.start()) {
                    let (receiver, receiver_root) = self.receiver(&inner.base);
                    let own = SiteSource { receiver, receiver_root, ..SiteSource::default() };
                    self.note(site, slot, range::of_expr(expr), own);
                }
                self.visit_plain(&inner.base);
            }
            other => self.expr_without_slot(other),
        }
    }

    fn expr_without_slot(&mut self, expr: &Expr) {
        match expr {
            Expr::Assign(assign) => {
                self.change(place::changed_root(&assign.left));
                self.visit_plain(&assign.left);
                self.visit_plain(&assign.right);
            }
            Expr::Field(field) => self.visit_lent(&field.base),
            Expr::Index(index) => {
                self.visit_lent(&index.expr);
                self.visit_plain(&index.index);
            }
            Expr::Unary(unary) => self.visit_lent(&unary.expr),
            Expr::Binary(binary) if matches!(binary.op, BinOp::Eq(_) | BinOp::Ne(_)) => {
                self.visit_as(&binary.left, Slot::of(Usage::Compared));
                self.visit_as(&binary.right, Slot::of(Usage::Compared));
            }
            Expr::Binary(binary) if is_compound(&binary.op) => {
                self.change(place::changed_root(&binary.left));
                self.visit_lent(&binary.left);
                let adds = matches!(binary.op, BinOp::AddAssign(_));
                let usage = if adds { Usage::AddAssign { borrowed: false } } else { Usage::Other };
                self.visit_as(&binary.right, Slot::of(usage));
            }
            Expr::ForLoop(it) => {
                self.steps(it);
                self.visit_as(&it.expr, Slot::of(Usage::Iterated));
                self.in_loop(expr, |walker| {
                    let body = it.body.brace_token.span;
                    walker.loops.body_at(walker.lines.byte(body.open().start()));
                    let (from, until) = (body.open().start(), Some(body.close().end()));
                    let first = walker.bindings.len();
                    walker.bind_from(Origin::Element, &it.pat, from, until);
                    walker.items(it, first);
                    walker.visit_block(&it.body);
                });
            }
            Expr::While(it) => self.in_loop(expr, |walker| {
                walker.visit_plain(&it.cond);
                walker.visit_block(&it.body);
            }),
            Expr::Loop(it) => self.in_loop(expr, |walker| walker.visit_block(&it.body)),
            Expr::Async(it) => {
                let moves = it.capture.is_some();
                self.in_closure(moves, |walker| visit::visit_expr(walker, expr));
            }
            Expr::Let(it) => {
                self.visit_plain(&it.expr);
                let first = self.bindings.len();
                self.bind(&it.pat, range::of_expr(&it.expr).1, None);
                self.unwrapped(&it.pat, &it.expr, first);
            }
            other => visit::visit_expr(self, other),
        }
    }
}

fn is_compound(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}

impl<'ast> Visit<'ast> for Walker<'_> {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        let slot = std::mem::take(&mut self.slot);
        self.expr_in_slot(expr, slot);
    }

    fn visit_block(&mut self, block: &'ast Block) {
        let statement = self.statement;
        self.scopes.push(self.lines.byte(block.brace_token.span.close().start()));
        for stmt in &block.stmts {
            self.visit_stmt(stmt);
        }
        self.scopes.pop();
        self.statement = statement;
    }

    fn visit_stmt(&mut self, stmt: &'ast Stmt) {
        if matches!(stmt, Stmt::Item(_)) {
            return;
        }
        self.statement = Some(range::of_stmt(stmt));
        match stmt {
            Stmt::Local(local) => self.local(local),
            Stmt::Expr(expr, semi) => {
                let usage = if semi.is_some() { Usage::Statement } else { Usage::Other };
                self.visit_as(expr, Slot::of(usage));
            }
            Stmt::Macro(stmt) => self.macro_call(&stmt.mac, Slot::of(Usage::Statement)),
            Stmt::Item(_) => {}
        }
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        let (from, until) = range::of_expr(&arm.body);
        self.bind(&arm.pat, from, Some(until));
        visit::visit_arm(self, arm);
    }

    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.closure(closure, Origin::Outside);
    }

    // Items inside a function are none of its expressions.
    fn visit_item(&mut self, _: &'ast Item) {}
}
