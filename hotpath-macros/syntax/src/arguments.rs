//! The arguments of the standard library's macros: the only macro input that is read.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, Macro, Result, Token};

use crate::classify::standard_macro;

/// What a macro does with its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// All are evaluated as they stand.
    Evaluates,
    /// The first is quoted in the panic message when it's the only one: `assert!`.
    QuotesOnlyArgument,
}

impl Family {
    /// The family of a macro by its name, `None` for macros that are left untouched.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "format" | "vec" | "print" | "println" | "eprint" | "eprintln" | "write"
            | "writeln" | "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne" => {
                Some(Self::Evaluates)
            }
            "assert" | "debug_assert" => Some(Self::QuotesOnlyArgument),
            _ => None,
        }
    }
}

/// Whether a macro only evaluates what it is given, and doesn't show or match it.
pub fn evaluates(mac: &Macro) -> bool {
    let family = standard_macro(&mac.path).and_then(|name| Family::of(&name));
    match (family, Arguments::read(&mac.tokens)) {
        (Some(Family::Evaluates), Some(_)) => true,
        (Some(Family::QuotesOnlyArgument), Some(mut arguments)) => arguments.each().len() > 1,
        _ => false,
    }
}

/// Arguments as expressions; a named one (`x = e`) is an assignment.
pub(crate) enum Arguments {
    List(Punctuated<Expr, Token![,]>),
    /// `vec![value; count]`
    Repeat(Box<Expr>, Token![;], Box<Expr>),
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut list = Punctuated::new();
        while !input.is_empty() {
            list.push_value(input.parse::<Expr>()?);
            if list.len() == 1 && input.peek(Token![;]) {
                let semicolon = input.parse()?;
                let value = list.pop();
                let value = value.ok_or_else(|| input.error("expected a value"))?;
                return Ok(Self::Repeat(Box::new(value), semicolon, input.parse()?));
            }
            if !input.is_empty() {
                list.push_punct(input.parse()?);
            }
        }
        Ok(Self::List(list))
    }
}

impl Arguments {
    /// Reads the tokens of a macro; `None` if they are something else than expressions.
    pub(crate) fn read(tokens: &TokenStream) -> Option<Self> {
        syn::parse2(tokens.clone()).ok()
    }

    /// Every argument, in order, to rewrite.
    pub(crate) fn each(&mut self) -> Vec<&mut Expr> {
        match self {
            Self::List(list) => list.iter_mut().collect(),
            Self::Repeat(value, _, count) => vec![value, count],
        }
    }

    /// Every argument, in order.
    pub(crate) fn iter(&self) -> Box<dyn Iterator<Item = &Expr> + '_> {
        match self {
            Self::List(list) => Box::new(list.iter()),
            Self::Repeat(value, _, count) => Box::new([value.as_ref(), count.as_ref()].into_iter()),
        }
    }

    /// The first argument without its `&` or `&mut`: what `write!` writes to.
    pub(crate) fn destination(&self) -> Option<&Expr> {
        match self {
            Self::List(list) => list.first().map(|first| match first {
                Expr::Reference(reference) => reference.expr.as_ref(),
                other => other,
            }),
            Self::Repeat(..) => None,
        }
    }

    /// The tokens to put back.
    pub(crate) fn to_tokens(&self) -> TokenStream {
        let mut tokens = TokenStream::new();
        match self {
            Self::List(list) => list.to_tokens(&mut tokens),
            Self::Repeat(value, semicolon, count) => {
                value.to_tokens(&mut tokens);
                semicolon.to_tokens(&mut tokens);
                count.to_tokens(&mut tokens);
            }
        }
        tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(text: &str) -> Option<String> {
        let tokens: TokenStream = text.parse().unwrap();
        Arguments::read(&tokens).map(|arguments| arguments.to_tokens().to_string())
    }

    #[test]
    fn keeps_what_it_reads() {
        for text in ["", "\"{}\" , a . b ()", "\"{x}\" , x = 3 ,", "a ; 10", "f , \"{}\" , & b"] {
            assert_eq!(round_trip(text).as_deref(), Some(text));
        }
        assert_eq!(round_trip("a => b"), None);
    }

    #[test]
    fn the_destination_is_what_is_borrowed() {
        let arguments = Arguments::read(&"&mut out, \"x\"".parse().unwrap()).unwrap();
        assert!(matches!(arguments.destination(), Some(Expr::Path(_))));
    }
}
