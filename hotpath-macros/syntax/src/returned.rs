//! The places in a body that say what it returns.

use syn::token::Brace;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Block, Expr, ExprAsync, ExprBlock, ExprCall, ExprClosure, ExprReturn, Item, Macro, PathSegment,
    Stmt, StmtMacro,
};

use crate::classify::standard_macro;
use crate::input::Syntax;
use crate::mention::mentions_word;
use crate::wrap::ALIAS;

/// Calls `sink` for the tail of a body and for the operand of every `return` in it.
pub fn results(body: &mut Block, sink: &mut dyn FnMut(&mut Expr)) {
    Returns(&mut |expr: &mut Expr| sink(expr)).visit_block_mut(body);
    let Some(last) = body.stmts.last_mut() else { return };
    if let Stmt::Macro(StmtMacro { semi_token: None, .. }) = last {
        // It may expand to statements, for which there is room in a block.
        let stmts = vec![last.clone()];
        let block = Block { brace_token: Brace::default(), stmts };
        *last = Stmt::Expr(Expr::Block(ExprBlock { attrs: Vec::new(), label: None, block }), None);
    }
    if let Stmt::Expr(tail, None) = last {
        sink(tail);
    }
}

/// Calls `sink` for each future that the body puts into the box that it returns: the argument of
/// `Box::pin(..)`, the receiver of `.boxed()`. Whether there was one.
///
/// Looks through the probes of an expansion around them.
pub fn boxed(body: &mut Block, sink: &mut dyn FnMut(&mut Expr)) -> bool {
    let mut found = false;
    results(body, &mut |result| found |= future_in(result, sink));
    found
}

fn future_in(expr: &mut Expr, sink: &mut dyn FnMut(&mut Expr)) -> bool {
    match expr {
        Expr::Paren(inner) => future_in(&mut inner.expr, sink),
        Expr::Group(inner) => future_in(&mut inner.expr, sink),
        Expr::Cast(cast) => future_in(&mut cast.expr, sink),
        Expr::Block(block) => future_in_tail(&mut block.block, sink),
        Expr::Unsafe(block) => future_in_tail(&mut block.block, sink),
        Expr::If(branches) => {
            let then = future_in_tail(&mut branches.then_branch, sink);
            let otherwise = branches.else_branch.as_mut();
            otherwise.is_some_and(|(_, other)| future_in(other, sink)) || then
        }
        Expr::Match(arms) => {
            // Every arm is looked at, whatever the others hold.
            let mut found = false;
            for arm in &mut arms.arms {
                found |= future_in(&mut arm.body, sink);
            }
            found
        }
        Expr::MethodCall(call)
            if (call.method == "boxed" || call.method == "boxed_local") && call.args.is_empty() =>
        {
            sink(&mut call.receiver);
            true
        }
        Expr::Call(call) if is_probe(call) => {
            call.args.last_mut().is_some_and(|inner| future_in(inner, sink))
        }
        Expr::Call(call) if is_box_pin(call) => {
            call.args.iter_mut().for_each(sink);
            true
        }
        _ => false,
    }
}

fn future_in_tail(block: &mut Block, sink: &mut dyn FnMut(&mut Expr)) -> bool {
    match block.stmts.last_mut() {
        Some(Stmt::Expr(tail, None)) => future_in(tail, sink),
        _ => false,
    }
}

/// Where the user says where the runtime is, the callee is verbatim.
fn is_probe(call: &ExprCall) -> bool {
    match call.func.as_ref() {
        Expr::Verbatim(_) => true,
        Expr::Path(function) => {
            function.path.segments.first().is_some_and(|first| first.ident == ALIAS)
        }
        _ => false,
    }
}

fn is_box_pin(call: &ExprCall) -> bool {
    let Expr::Path(function) = call.func.as_ref() else { return false };
    let mut backwards = function.path.segments.iter().rev();
    call.args.len() == 1
        && backwards.next().is_some_and(|last| last.ident == "pin")
        && backwards.next().is_some_and(|owner| owner.ident == "Box")
}

/// The operands of `return` that are of the function itself.
struct Returns<'s>(&'s mut dyn FnMut(&mut Expr));

impl VisitMut for Returns<'_> {
    fn visit_expr_return_mut(&mut self, it: &mut ExprReturn) {
        visit_mut::visit_expr_return_mut(self, it);
        if let Some(operand) = &mut it.expr {
            (self.0)(operand);
        }
    }

    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}
    fn visit_expr_async_mut(&mut self, _: &mut ExprAsync) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// Whether a macro in a body may hold a `return` of the function, which nobody sees: any that isn't of
/// the standard library or of those whose input is read here.
pub(crate) fn may_return_unseen(body: &Block) -> bool {
    let mut search = Unseen(false);
    let tail = body.stmts.len().saturating_sub(1);
    for (position, statement) in body.stmts.clone().iter_mut().enumerate() {
        // One there is looked at by whoever wraps it.
        if position != tail
            || !matches!(statement, Stmt::Macro(_) | Stmt::Expr(Expr::Macro(_), None))
        {
            search.visit_stmt_mut(statement);
        }
    }
    search.0
}

/// Macros of the standard library that are no sites and hold no `return` of their own.
const RETURNLESS: &[&str] = &[
    "addr_of",
    "addr_of_mut",
    "cfg",
    "column",
    "concat",
    "dbg",
    "env",
    "file",
    "format_args",
    "include_bytes",
    "include_str",
    "line",
    "matches",
    "module_path",
    "offset_of",
    "option_env",
    "panic",
    "pin",
    "stringify",
    "todo",
    "unimplemented",
    "unreachable",
];

struct Unseen(bool);

impl VisitMut for Unseen {
    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        let is_named = |last: &PathSegment| RETURNLESS.iter().any(|name| last.ident == name);
        let is_known = standard_macro(&mac.path).is_some()
            || Syntax::of(&mac.path).is_some()
            || mac.path.segments.last().is_some_and(is_named);
        self.0 |= !is_known || mentions_word(&mac.tokens.to_string(), "return");
    }

    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}
    fn visit_expr_async_mut(&mut self, _: &mut ExprAsync) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}
}
