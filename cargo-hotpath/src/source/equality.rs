//! Whether a closure looks for an element that is equal to something: what a set or map finds at once.

use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, ExprClosure, ExprMethodCall, Macro, Stmt, UnOp};

use super::place;

/// Methods whose result says little about which element it is.
const SIZES: &[&str] = &["count", "is_empty", "is_none", "is_some", "len"];

/// Whether the one argument is a closure that compares its parameter, or a part of it, with something
/// that doesn't depend on it; `None` where the argument is something else.
pub(super) fn searches_for_equal(call: &ExprMethodCall) -> Option<bool> {
    match call.args.first() {
        Some(Expr::Closure(closure)) if call.args.len() == 1 => Some(compares(closure)),
        _ => None,
    }
}

fn compares(closure: &ExprClosure) -> bool {
    let mut parameters = Vec::new();
    closure.inputs.iter().for_each(|input| place::bound(input, &mut parameters));
    is_comparison(&closure.body, &parameters)
}

fn is_comparison(expr: &Expr, of: &[String]) -> bool {
    match expr {
        Expr::Paren(paren) => is_comparison(&paren.expr, of),
        Expr::Block(block) => only_value(&block.block).is_some_and(|it| is_comparison(it, of)),
        Expr::Binary(binary) => {
            let (left, right) = (&*binary.left, &*binary.right);
            match binary.op {
                BinOp::Eq(_) => is_pair(left, right, of) || is_pair(right, left, of),
                // What else has to hold is asked of what a lookup finds.
                BinOp::And(_) => is_comparison(left, of) || is_comparison(right, of),
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether `part` is of the element and `other` isn't.
fn is_pair(part: &Expr, other: &Expr, of: &[String]) -> bool {
    is_part(part, of) && !Names::any(other, of)
}

/// The element, a field of it or what a method without arguments gives of it.
fn is_part(expr: &Expr, of: &[String]) -> bool {
    match expr {
        Expr::Path(path) => {
            path.path.get_ident().is_some_and(|name| of.iter().any(|it| name == it))
        }
        Expr::Field(field) => is_part(&field.base, of),
        Expr::Paren(paren) => is_part(&paren.expr, of),
        Expr::Reference(reference) => is_part(&reference.expr, of),
        Expr::Unary(unary) => matches!(unary.op, UnOp::Deref(_)) && is_part(&unary.expr, of),
        Expr::MethodCall(call) => {
            call.args.is_empty()
                && !SIZES.iter().any(|name| call.method == name)
                && is_part(&call.receiver, of)
        }
        _ => false,
    }
}

fn only_value(block: &Block) -> Option<&Expr> {
    match block.stmts.as_slice() {
        [Stmt::Expr(expr, None)] => Some(expr),
        _ => None,
    }
}

/// Whether an expression names one of these.
struct Names<'n> {
    wanted: &'n [String],
    found: bool,
}

impl Names<'_> {
    fn any(expr: &Expr, wanted: &[String]) -> bool {
        let mut names = Names { wanted, found: false };
        names.visit_expr(expr);
        names.found
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        if let Expr::Path(path) = expr
            && let Some(name) = path.path.get_ident()
        {
            self.found |= self.wanted.iter().any(|it| name == it);
        }
        visit::visit_expr(self, expr);
    }

    /// Its tokens may name anything.
    fn visit_macro(&mut self, _: &'ast Macro) {
        self.found = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn searches(text: &str) -> Option<bool> {
        searches_for_equal(&syn::parse_str(&format!("v.iter().any({text})")).unwrap())
    }

    #[test]
    fn elements_and_their_parts_are_compared_with_something_else() {
        for text in [
            "|x| x == y",
            "|&x| y == x",
            "|x| *x == self.wanted()",
            "|x| { x.id == id }",
            "|(name, _)| name.as_str() == wanted",
            "|x| x.id() == order.id && x.is_open()",
            "|x| x.0 == 7",
        ] {
            assert_eq!(searches(text), Some(true), "{text}");
        }
    }

    #[test]
    fn other_tests_are_none() {
        for text in [
            "|x| x.len() > 3",
            "|x| x.len() == 3",
            "|x| x % 2 == 0",
            "|x| x.a == x.b",
            "|x| x.a == y || x.b == y",
            "|x| x != y",
            "|x| f(x) == y",
            "|x| x == wanted!(x)",
            "|x| { log(x); x == y }",
        ] {
            assert_eq!(searches(text), Some(false), "{text}");
        }
        assert_eq!(searches("is_y"), None);
    }
}
