//! The short text that names a site in reports.
//!
//! Written from the syntax tree, so that the macro and the command line agree
//! whatever the formatting of the source.

use syn::{Expr, ExprMethodCall, Lit, Macro, MacroDelimiter, Member, Path, UnOp};

/// Longest label, in characters.
pub(crate) const MAX: usize = 40;

/// Links of a method chain that are told before its last.
const LINKS: usize = 3;

/// The label of a method call, path call or await.
pub(crate) fn of_expr(expr: &Expr) -> String {
    let mut text = Text::default();
    match expr {
        Expr::Await(awaited) => {
            text.expr(&awaited.base);
            text.push(".await");
            keep_end(text.done)
        }
        Expr::MethodCall(_) => {
            text.expr(expr);
            keep_end(text.done)
        }
        _ => {
            text.expr(expr);
            keep_start(text.done)
        }
    }
}

/// The label of a macro call with these arguments, where they could be read.
pub(crate) fn of_macro<'e>(
    mac: &Macro,
    arguments: Option<impl Iterator<Item = &'e Expr>>,
) -> String {
    let (open, close) = match &mac.delimiter {
        MacroDelimiter::Bracket(_) => ("[", "]"),
        MacroDelimiter::Paren(_) | MacroDelimiter::Brace(_) => ("(", ")"),
    };
    let mut text = Text::default();
    text.last(&mac.path);
    text.push("!");
    text.push(open);
    match arguments {
        Some(arguments) => text.list(arguments),
        None => text.push(".."),
    }
    text.push(close);
    keep_start(text.done)
}

/// Of a chain the end says most.
fn keep_end(text: String) -> String {
    let length = text.chars().count();
    if length <= MAX {
        return text;
    }
    std::iter::once('…').chain(text.chars().skip(length - (MAX - 1))).collect()
}

fn keep_start(text: String) -> String {
    if text.chars().count() <= MAX {
        return text;
    }
    text.chars().take(MAX - 1).chain(std::iter::once('…')).collect()
}

/// Source text in the making; what is beside the point becomes `..`.
#[derive(Default)]
struct Text {
    done: String,
    /// Links of a method chain between here and its end.
    links: usize,
    /// Inside an argument list.
    nested: bool,
}

impl Text {
    fn push(&mut self, text: &str) {
        self.done.push_str(text);
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Path(path) => self.path(&path.path),
            Expr::Lit(literal) => self.literal(&literal.lit),
            Expr::Field(field) => {
                self.expr(&field.base);
                self.push(".");
                self.member(&field.member);
            }
            Expr::Reference(reference) => {
                self.push(if reference.mutability.is_some() { "&mut " } else { "&" });
                self.expr(&reference.expr);
            }
            Expr::Unary(unary) => {
                self.push(match unary.op {
                    UnOp::Deref(_) => "*",
                    UnOp::Not(_) => "!",
                    UnOp::Neg(_) => "-",
                    _ => "",
                });
                self.expr(&unary.expr);
            }
            Expr::Paren(inner) => self.expr(&inner.expr),
            Expr::Group(inner) => self.expr(&inner.expr),
            Expr::Try(tried) => {
                self.expr(&tried.expr);
                self.push("?");
            }
            Expr::Await(awaited) => {
                self.expr(&awaited.base);
                self.push(".await");
            }
            Expr::Index(index) => {
                self.expr(&index.expr);
                self.push("[");
                self.expr(&index.index);
                self.push("]");
            }
            Expr::MethodCall(call) => self.method(call),
            Expr::Call(call) => {
                self.expr(&call.func);
                self.arguments(call.args.iter());
            }
            Expr::Macro(invocation) => {
                self.last(&invocation.mac.path);
                self.push("!(..)");
            }
            Expr::Assign(named) => {
                self.expr(&named.left);
                self.push(" = ");
                self.expr(&named.right);
            }
            Expr::Closure(_) => self.push("|..| .."),
            _ => self.push(".."),
        }
    }

    /// Of a long chain only the last links are told.
    fn method(&mut self, call: &ExprMethodCall) {
        match call.receiver.as_ref() {
            Expr::MethodCall(_) if self.links == LINKS => self.push("…"),
            receiver => {
                self.links += 1;
                self.expr(receiver);
                self.links -= 1;
            }
        }
        self.push(".");
        self.push(&call.method.to_string());
        self.arguments(call.args.iter());
    }

    /// Arguments in parentheses; those of arguments aren't spelled out.
    fn arguments<'e>(&mut self, arguments: impl ExactSizeIterator<Item = &'e Expr>) {
        self.push("(");
        if self.nested && arguments.len() > 0 {
            self.push("..");
        } else {
            self.list(arguments);
        }
        self.push(")");
    }

    fn list<'e>(&mut self, arguments: impl Iterator<Item = &'e Expr>) {
        let outer = std::mem::replace(&mut self.nested, true);
        for (position, argument) in arguments.enumerate() {
            if self.done.len() > 4 * MAX {
                break;
            }
            if position > 0 {
                self.push(", ");
            }
            self.expr(argument);
        }
        self.nested = outer;
    }

    fn path(&mut self, path: &Path) {
        for (position, segment) in path.segments.iter().enumerate() {
            if position > 0 {
                self.push("::");
            }
            self.push(&segment.ident.to_string());
        }
    }

    fn last(&mut self, path: &Path) {
        if let Some(segment) = path.segments.last() {
            self.push(&segment.ident.to_string());
        }
    }

    fn member(&mut self, member: &Member) {
        match member {
            Member::Named(name) => self.push(&name.to_string()),
            Member::Unnamed(index) => self.push(&index.index.to_string()),
        }
    }

    fn literal(&mut self, literal: &Lit) {
        match literal {
            Lit::Str(text) => self.push(&text.token().to_string()),
            Lit::Int(number) => self.push(&number.token().to_string()),
            Lit::Float(number) => self.push(&number.token().to_string()),
            Lit::Bool(truth) => self.push(if truth.value { "true" } else { "false" }),
            Lit::Char(character) => self.push(&character.token().to_string()),
            _ => self.push(".."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str) -> String {
        of_expr(&syn::parse_str(text).unwrap())
    }

    #[test]
    fn reads_like_the_source() {
        for (text, expected) in [
            ("x . clone ( )", "x.clone()"),
            ("self.a.0.push(b)", "self.a.0.push(b)"),
            ("v.iter().map(|x| x + 1).collect::<Vec<_>>()", "v.iter().map(|..| ..).collect()"),
            ("Arc::clone(&a)", "Arc::clone(&a)"),
            ("serde_json::from_str(&text[..])", "serde_json::from_str(&text[..])"),
            ("client.get(url).send().await", "client.get(url).send().await"),
            ("fetch(1, g(2)).await", "fetch(1, g(..)).await"),
        ] {
            assert_eq!(label(text), expected);
        }
    }

    #[test]
    fn never_longer_than_the_limit() {
        let long = "a_very_long_name_indeed.another_name_of_length.yet_another.to_string()";
        assert_eq!(label(long).chars().count(), MAX);
        assert!(label(long).ends_with("yet_another.to_string()"));
        let call = format!("module::call({})", "argument, ".repeat(20));
        assert_eq!(label(&call).chars().count(), MAX);
        assert!(label(&call).starts_with("module::call(argument, "));
    }

    #[test]
    fn macros_show_their_first_arguments() {
        let mac: Macro = syn::parse_str("std::format!(..)").unwrap();
        let arguments: [Expr; 2] =
            [syn::parse_str("\"{x}\"").unwrap(), syn::parse_str("x = 1").unwrap()];
        assert_eq!(of_macro(&mac, Some(arguments.iter())), "format!(\"{x}\", x = 1)");
        assert_eq!(of_macro(&mac, None::<std::iter::Empty<&Expr>>), "format!(..)");
    }
}
