//! Where expressions and statements start and end, without printing them where that can be avoided.

use proc_macro2::LineColumn;
use syn::spanned::Spanned;
use syn::{Expr, ExprPath, Macro, MacroDelimiter, Path, Stmt};

/// First and last place of an expression.
pub(super) fn of_expr(expr: &Expr) -> (LineColumn, LineColumn) {
    (start(expr), end(expr))
}

/// First and last place of a statement, its semicolon included.
pub(super) fn of_stmt(stmt: &Stmt) -> (LineColumn, LineColumn) {
    match stmt {
        Stmt::Local(local) => (local.let_token.span.start(), local.semi_token.span.end()),
        Stmt::Expr(expr, semi) => {
            (start(expr), semi.map_or_else(|| end(expr), |semi| semi.span.end()))
        }
        Stmt::Macro(stmt) => {
            let (start, end) = of_macro(&stmt.mac);
            (start, stmt.semi_token.map_or(end, |semi| semi.span.end()))
        }
        Stmt::Item(item) => {
            let span = item.span();
            (span.start(), span.end())
        }
    }
}

/// First and last place of a macro call.
pub(super) fn of_macro(mac: &Macro) -> (LineColumn, LineColumn) {
    let close = match &mac.delimiter {
        MacroDelimiter::Paren(token) => token.span.close(),
        MacroDelimiter::Brace(token) => token.span.close(),
        MacroDelimiter::Bracket(token) => token.span.close(),
    };
    (of_path(&mac.path).0, close.end())
}

/// First and last place of a path.
fn of_path(path: &Path) -> (LineColumn, LineColumn) {
    let first = path.segments.first().map(|first| first.ident.span());
    let start = match (path.leading_colon, first) {
        (None, Some(first)) => first.start(),
        _ => path.span().start(),
    };
    let end = match path.segments.last() {
        Some(last) if last.arguments.is_none() => last.ident.span().end(),
        _ => path.span().end(),
    };
    (start, end)
}

fn start(expr: &Expr) -> LineColumn {
    match expr {
        Expr::MethodCall(e) => start(&e.receiver),
        Expr::Call(e) => start(&e.func),
        Expr::Await(e) => start(&e.base),
        Expr::Try(e) => start(&e.expr),
        Expr::Field(e) => start(&e.base),
        Expr::Index(e) => start(&e.expr),
        Expr::Binary(e) => start(&e.left),
        Expr::Assign(e) => start(&e.left),
        Expr::Cast(e) => start(&e.expr),
        Expr::Reference(e) => e.and_token.span.start(),
        Expr::Path(ExprPath { attrs, qself: None, path }) if attrs.is_empty() => of_path(path).0,
        Expr::Lit(e) if e.attrs.is_empty() => e.lit.span().start(),
        Expr::Paren(e) => e.paren_token.span.open().start(),
        Expr::Macro(e) => of_macro(&e.mac).0,
        Expr::If(e) => e.if_token.span.start(),
        Expr::Match(e) => e.match_token.span.start(),
        Expr::ForLoop(e) if e.label.is_none() => e.for_token.span.start(),
        Expr::While(e) if e.label.is_none() => e.while_token.span.start(),
        Expr::Loop(e) if e.label.is_none() => e.loop_token.span.start(),
        other => other.span().start(),
    }
}

fn end(expr: &Expr) -> LineColumn {
    match expr {
        Expr::MethodCall(e) => e.paren_token.span.close().end(),
        Expr::Call(e) => e.paren_token.span.close().end(),
        Expr::Await(e) => e.await_token.span.end(),
        Expr::Try(e) => e.question_token.span.end(),
        Expr::Index(e) => e.bracket_token.span.close().end(),
        Expr::Paren(e) => e.paren_token.span.close().end(),
        Expr::Reference(e) => end(&e.expr),
        Expr::Unary(e) => end(&e.expr),
        Expr::Path(ExprPath { path, .. }) => of_path(path).1,
        Expr::Lit(e) => e.lit.span().end(),
        Expr::Binary(e) => end(&e.right),
        Expr::Assign(e) => end(&e.right),
        Expr::Closure(e) => end(&e.body),
        Expr::Macro(e) => of_macro(&e.mac).1,
        Expr::If(e) => match &e.else_branch {
            Some((_, other)) => end(other),
            None => e.then_branch.brace_token.span.close().end(),
        },
        Expr::Block(e) => e.block.brace_token.span.close().end(),
        Expr::Match(e) => e.brace_token.span.close().end(),
        Expr::ForLoop(e) => e.body.brace_token.span.close().end(),
        Expr::While(e) => e.body.brace_token.span.close().end(),
        Expr::Loop(e) => e.body.brace_token.span.close().end(),
        other => other.span().end(),
    }
}
