//! The walk over a function's expressions: what holds each, and what each does to variables.

use hotpath_runtime_syntax::Input;
use proc_macro2::{LineColumn, Span};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Arm, BinOp, Block, Expr, ExprCall, ExprClosure, ExprMethodCall, Item, Local, Macro, Pat, Stmt,
};

use super::super::arguments::{self, MacroArguments};
use super::super::{equality, iteration, place, range};
use super::growth::Binding;
use super::{Slot, Walker, uses};
use crate::facts::{Origin, SiteSource, Usage};

impl Walker<'_> {
    pub(super) fn visit_as(&mut self, expr: &Expr, slot: Slot) {
        self.slot = slot;
        self.visit_expr(expr);
    }

    pub(super) fn visit_plain(&mut self, expr: &Expr) {
        self.visit_as(expr, Slot::default());
    }

    fn method_call(&mut self, call: &ExprMethodCall, slot: Slot) {
        let chain = slot.chain.clone();
        let own_site = self.site_at(&[call.method.span()]);
        if let Some(site) = own_site {
            let (receiver, receiver_root) = self.receiver(&call.receiver);
            let own = SiteSource {
                method: Some(call.method.to_string()),
                receiver,
                receiver_root,
                arguments: arguments::texts(self.lines, call.args.iter()),
                literal_arguments: arguments::all_literal(&call.args),
                searches_for_equal: equality::searches_for_equal(call),
                ..SiteSource::default()
            };
            let start = range::of_expr(&call.receiver).0;
            self.note(site, slot, (start, call.paren_token.span.close().end()), own);
        }
        let method = call.method.to_string();
        if place::is_mutator(&method) {
            self.loops.change(place::changed_root(&call.receiver));
        }
        self.visit_as(&call.receiver, Slot::receiver(method.clone(), own_site, chain));
        let per_element = iteration::calls_per_element(call);
        for (position, argument) in call.args.iter().enumerate() {
            match argument {
                Expr::Closure(closure) if per_element => {
                    self.element_closure(closure, iteration::runs_at_once(call));
                }
                other => self.visit_argument(other, (&method, own_site), position, false),
            }
        }
    }

    /// A closure that runs once an element is a loop.
    fn element_closure(&mut self, closure: &ExprClosure, at_once: bool) {
        let whole = (closure.span().start(), range::of_expr(&closure.body).1);
        self.loops.enter(self.lines.span(whole));
        if at_once {
            self.loops.share();
        }
        self.slot = Slot::default();
        self.closure(closure, Origin::Element);
        self.loops.leave();
    }

    fn call(&mut self, call: &ExprCall, slot: Slot) {
        let mut callee = String::new();
        let mut own_site = None;
        if let Expr::Path(path) = &*call.func {
            let segments = &path.path.segments;
            callee = segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
            let places: Vec<Span> = [segments.last(), segments.first()]
                .into_iter()
                .flatten()
                .map(|segment| segment.ident.span())
                .chain([path.span()])
                .collect();
            own_site = self.site_at(&places);
            if let Some(site) = own_site {
                self.note_call(site, call, &callee, slot);
            }
        } else {
            self.visit_plain(&call.func);
        }
        for (position, argument) in call.args.iter().enumerate() {
            self.visit_argument(argument, (&callee, own_site), position, false);
        }
    }

    fn note_call(&mut self, site: usize, call: &ExprCall, callee: &str, slot: Slot) {
        // `Arc::clone(&x)`: what the method form calls on.
        let on = if callee == "clone" { call.args.first() } else { None };
        let (receiver, receiver_root) = match on {
            Some(Expr::Reference(reference)) => self.receiver(&reference.expr),
            Some(other) => self.receiver(other),
            None => (None, None),
        };
        let own = SiteSource {
            receiver,
            receiver_root,
            arguments: arguments::texts(self.lines, call.args.iter()),
            literal_arguments: arguments::all_literal(&call.args),
            ..SiteSource::default()
        };
        let start = range::of_expr(&call.func).0;
        self.note(site, slot, (start, call.paren_token.span.close().end()), own);
    }

    /// Visits an argument of a callee, which is a site or none.
    fn visit_argument(
        &mut self,
        expr: &Expr,
        (callee, site): (&str, Option<usize>),
        position: usize,
        borrowed: bool,
    ) {
        let usage = Usage::Argument { callee: callee.to_owned(), position, borrowed };
        self.visit_as(expr, Slot::taken(usage, site));
    }

    fn macro_call(&mut self, mac: &Macro, slot: Slot) {
        let parsed = MacroArguments::of(mac);
        let name = arguments::name(mac);
        let writes = matches!(name.as_str(), "write" | "writeln");
        let target = if writes { parsed.all.first() } else { None };
        let segments = &mac.path.segments;
        let ends = [segments.last(), segments.first()];
        let places = ends.into_iter().flatten().map(|segment| segment.ident.span());
        let places: Vec<Span> = places.chain([mac.path.span()]).collect();
        let own_site = self.site_at(&places);
        if let Some(site) = own_site {
            let (receiver, receiver_root) =
                target.map_or((None, None), |target| self.receiver(target));
            let own = SiteSource {
                receiver,
                receiver_root,
                arguments: arguments::texts(self.lines, parsed.values().iter()),
                literal_arguments: !parsed.captures
                    && parsed.values().iter().all(arguments::is_literal),
                ..SiteSource::default()
            };
            self.note(site, slot, range::of_macro(mac), own);
        }
        if let Some(target) = target {
            self.loops.change(place::changed_root(target));
        }
        if parsed.all.is_empty() {
            self.name_all(mac.tokens.clone());
        }
        match hotpath_runtime_syntax::inputs(mac) {
            Some(inputs) if parsed.all.is_empty() || inputs.iter().any(is_polled) => {
                self.macro_inputs(&inputs, range::of_macro(mac).1);
            }
            _ => self.visit_macro_arguments(&parsed, &name, own_site),
        }
    }

    /// The input of a macro with a syntax of its own, which ends at `end`.
    fn macro_inputs(&mut self, inputs: &[Input], end: LineColumn) {
        for input in inputs {
            match input {
                Input::Pattern(pattern) => self.bind(pattern, pattern.span().end(), Some(end)),
                Input::Expr(expr, false) => self.visit_plain(expr),
                Input::Expr(expr, true) => {
                    let range = range::of_expr(expr);
                    if let Some(site) = self.await_at(range.0) {
                        let (receiver, receiver_root) = self.receiver(expr);
                        let own = SiteSource { receiver, receiver_root, ..SiteSource::default() };
                        self.note(site, Slot::default(), range, own);
                    }
                    self.visit_plain(expr);
                }
            }
        }
    }

    fn visit_macro_arguments(
        &mut self,
        parsed: &MacroArguments,
        name: &str,
        own_site: Option<usize>,
    ) {
        let borrowed = arguments::borrows(name);
        let callee = format!("{name}!");
        for (index, argument) in parsed.all.iter().enumerate() {
            // `name = value` is no assignment here.
            let value = match argument {
                Expr::Assign(named) if borrowed => &*named.right,
                other => other,
            };
            match index.checked_sub(parsed.leading) {
                Some(position) => {
                    self.visit_argument(value, (&callee, own_site), position, borrowed);
                }
                None => self.visit_lent(value),
            }
            // Macros of other crates format too.
            let at = self.lines.byte(range::of_expr(value).0);
            for name in arguments::captured(value) {
                self.uses.add(name, at, !borrowed);
            }
        }
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
    fn bind(&mut self, pat: &Pat, from: LineColumn, until: Option<LineColumn>) {
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
            self.loops.change(Some(name.clone()));
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
    fn closure(&mut self, closure: &ExprClosure, origin: Origin) {
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
                    self.loops.change(place::changed_root(&inner.expr));
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
            Expr::Path(_) => self.name(expr, !uses::lends(&slot.usage)),
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
                self.loops.change(place::changed_root(&assign.left));
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
                self.loops.change(place::changed_root(&binary.left));
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

fn is_polled(input: &Input) -> bool {
    matches!(input, Input::Expr(_, true))
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
