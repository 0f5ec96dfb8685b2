//! The walk over calls and macros: what they are called on, and what they are given.

use hotpath_runtime_syntax::Input;
use proc_macro2::{LineColumn, Span};
use syn::spanned::Spanned;
use syn::{Expr, ExprCall, ExprClosure, ExprMethodCall, Macro};

use super::super::arguments::{self, MacroArguments};
use super::super::{equality, iteration, place, range};
use super::{Slot, Walker, uses};
use crate::facts::{Origin, SiteSource, Usage};

impl Walker<'_> {
    pub(super) fn method_call(&mut self, call: &ExprMethodCall, mut slot: Slot) {
        let method = call.method.to_string();
        let own_site = self.site_at(&[call.method.span()]);
        let chain = std::mem::take(&mut slot.chain);
        if let Some(site) = own_site {
            slot.chain.clone_from(&chain);
            let (receiver, receiver_root) = self.receiver(&call.receiver);
            let own = SiteSource {
                method: Some(method.clone()),
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
        if place::is_mutator(&method) {
            self.change(place::changed_root(&call.receiver));
            self.store(call);
        } else if !uses::only_lends(&method) {
            self.outlived.call(place::changed_root(&call.receiver), self.at_statement());
        }
        self.visit_as(&call.receiver, Slot::receiver(method.clone(), own_site, chain));
        let is_closure = |argument: &Expr| matches!(argument, Expr::Closure(_));
        let per_element = call.args.iter().any(is_closure) && iteration::calls_per_element(call);
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

    pub(super) fn call(&mut self, call: &ExprCall, slot: Slot) {
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

    pub(super) fn macro_call(&mut self, mac: &Macro, slot: Slot) {
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
            self.change(place::changed_root(target));
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
}

fn is_polled(input: &Input) -> bool {
    matches!(input, Input::Expr(_, true))
}
