//! Arguments of calls and macros: their texts, and what the macros of `std` do with them.

use proc_macro2::Literal;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Lit, Macro, Token, UnOp};

use super::range;
use super::span::Lines;

/// The arguments of a macro, where they are expressions.
#[derive(Default)]
pub(super) struct MacroArguments {
    /// All of them; named ones (`name = value`) as assignments.
    pub(super) all: Vec<Expr>,
    /// How many stand before the values: the target of `write!`, the format string.
    pub(super) leading: usize,
    /// Whether the format string names variables itself: `"{x}"`.
    pub(super) captures: bool,
}

impl MacroArguments {
    /// Parses them; empty for macros with a syntax of their own.
    pub(super) fn of(mac: &Macro) -> Self {
        let Ok(all) = list.parse2(mac.tokens.clone()) else { return Self::default() };
        let name = name(mac);
        let targets = usize::from(matches!(name.as_str(), "write" | "writeln"));
        let conditions = match name.as_str() {
            "assert" | "debug_assert" => 1,
            "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne" => 2,
            _ => 0,
        };
        if name == "vec" || conditions > 0 {
            return Self { all, leading: 0, captures: false };
        }
        let format = all.get(targets).and_then(string);
        let captures = format.as_deref().is_some_and(captures);
        let leading = targets + usize::from(format.is_some());
        Self { all, leading, captures }
    }

    /// The values: what follows the target and the format string.
    pub(super) fn values(&self) -> &[Expr] {
        self.all.get(self.leading..).unwrap_or_default()
    }
}

/// Last segment of a macro's path.
pub(super) fn name(mac: &Macro) -> String {
    mac.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

/// Whether a macro only borrows its values.
pub(super) fn borrows(name: &str) -> bool {
    matches!(
        name,
        "format"
            | "format_args"
            | "print"
            | "println"
            | "eprint"
            | "eprintln"
            | "write"
            | "writeln"
            | "panic"
            | "assert"
            | "assert_eq"
            | "assert_ne"
            | "debug_assert"
            | "debug_assert_eq"
            | "debug_assert_ne"
            | "todo"
            | "unimplemented"
            | "unreachable"
            | "trace"
            | "debug"
            | "info"
            | "warn"
            | "error"
    )
}

/// The text of each of `arguments`.
pub(super) fn texts<'e>(
    lines: &Lines<'_>,
    arguments: impl Iterator<Item = &'e Expr>,
) -> Vec<String> {
    arguments.map(|argument| lines.text(range::of_expr(argument)).to_owned()).collect()
}

/// Whether an expression is a literal, also one with a sign or borrowed.
pub(super) fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) => true,
        Expr::Unary(unary) => matches!(unary.op, UnOp::Neg(_)) && is_literal(&unary.expr),
        Expr::Reference(reference) => is_literal(&reference.expr),
        Expr::Paren(paren) => is_literal(&paren.expr),
        _ => false,
    }
}

fn list(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    let mut all = Vec::new();
    while !input.is_empty() {
        all.push(input.parse()?);
        if input.is_empty() {
            break;
        }
        if input.peek(Token![;]) {
            input.parse::<Token![;]>()?;
        } else {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(all)
}

fn string(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

fn captures(format: &str) -> bool {
    !names(format).is_empty()
}

/// The variables that a format string names itself: `x` and `width` of `"{x:width$}"`.
pub(super) fn captured(format: &Expr) -> Vec<String> {
    string(format).map(|format| names(&format)).unwrap_or_default()
}

/// The same of a literal in tokens that can't be read.
pub(super) fn captured_by(literal: Literal) -> Vec<String> {
    match Lit::new(literal) {
        Lit::Str(text) => names(&text.value()),
        _ => Vec::new(),
    }
}

fn names(format: &str) -> Vec<String> {
    let unescaped = format.replace("{{", "");
    let holes = unescaped.split('{').skip(1).map(|hole| hole.split('}').next().unwrap_or_default());
    let words = holes.flat_map(|hole| {
        let (name, how) = hole.split_once(':').unwrap_or((hole, ""));
        let counts = how
            .split('$')
            .rev()
            .skip(1)
            .map(|count| count.rsplit(|it: char| !is_in_name(it)).next().unwrap_or_default());
        std::iter::once(name.trim()).chain(counts)
    });
    let is_name =
        |word: &&str| word.starts_with(|first: char| first.is_alphabetic() || first == '_');
    words.filter(is_name).map(str::to_owned).collect()
}

fn is_in_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The arguments of a call.
pub(super) fn all_literal(arguments: &Punctuated<Expr, Token![,]>) -> bool {
    arguments.iter().all(is_literal)
}
