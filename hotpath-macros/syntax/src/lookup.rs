//! Method calls that look a key up, search a list or move all of it, as far as their arguments tell.
//!
//! Many types have methods of these names: what the call means only the receiver's type says.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Expr, ExprMethodCall, Lit};

use crate::Kind;

/// What a search goes through: `v` of `v.iter().any(..)`.
pub(crate) fn searched(call: &ExprMethodCall) -> Option<&Expr> {
    match call.receiver.as_ref() {
        Expr::MethodCall(iter) if iter.method == "iter" && iter.args.is_empty() => {
            Some(&iter.receiver)
        }
        _ => None,
    }
}

/// Methods that hand on a borrowed form of their receiver.
const BORROWING: &[&str] =
    &["as_bytes", "as_path", "as_ref", "as_slice", "as_str", "borrow", "deref"];

/// Whether an argument is more likely a key than an index.
fn is_key(argument: &Expr) -> bool {
    match argument {
        Expr::Reference(reference) => reference.mutability.is_none(),
        Expr::Lit(literal) => matches!(literal.lit, Lit::Str(_) | Lit::ByteStr(_)),
        Expr::MethodCall(call) => {
            call.args.is_empty()
                && BORROWING.iter().any(|name| call.method == name)
                && !starts_with_number(argument)
        }
        _ => false,
    }
}

fn is_pattern(argument: &Expr) -> bool {
    matches!(argument, Expr::Lit(_) | Expr::Closure(_)) || starts_as_pattern(argument)
}

/// Whether an argument starts like a pattern. By its first token alone, as
/// [`mention`](crate::mention) sees it.
fn starts_as_pattern(argument: &Expr) -> bool {
    match first_token(argument.to_token_stream()) {
        Some(TokenTree::Literal(_)) => true,
        Some(TokenTree::Punct(punct)) => matches!(punct.as_char(), '|' | '\''),
        _ => false,
    }
}

fn starts_with_number(argument: &Expr) -> bool {
    first_token(argument.to_token_stream()).is_some_and(|it| it.to_string().starts_with(is_digit))
}

fn is_digit(character: char) -> bool {
    character.is_ascii_digit()
}

/// The first token that is written: what a macro was given has delimiters that aren't.
fn first_token(tokens: TokenStream) -> Option<TokenTree> {
    match tokens.into_iter().next()? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            first_token(group.stream())
        }
        token => Some(token),
    }
}

/// Whether an argument is a constant by value: `flags.contains(Flags::A)` asks no list, and takes its
/// receiver by value, which may lie in a packed structure.
fn is_constant(argument: &Expr) -> bool {
    let Expr::Path(path) = argument else { return false };
    let last = path.path.segments.last().map(|last| last.ident.to_string());
    last.is_some_and(|name| name.starts_with(char::is_uppercase))
}

fn is_zero(argument: &Expr) -> bool {
    matches!(argument, Expr::Lit(literal)
        if matches!(&literal.lit, Lit::Int(number) if number.base10_digits() == "0"))
}

/// What a method call of this name does, where its arguments tell.
pub(crate) fn kind(call: &ExprMethodCall, name: &str) -> Option<Kind> {
    let first = call.args.first()?;
    match (name, call.args.len()) {
        ("remove", 1) | ("insert", 2) if is_zero(first) => Some(Kind::Shift),
        ("contains_key" | "entry", 1) => Some(Kind::Lookup),
        ("get" | "get_mut" | "remove", 1) if is_key(first) => Some(Kind::Lookup),
        ("contains", 1) if !is_pattern(first) && !is_constant(first) => Some(Kind::Lookup),
        ("any" | "find" | "position", 1)
            if matches!(first, Expr::Closure(_)) && searched(call).is_some() =>
        {
            Some(Kind::Search)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SiteSelection, may_hold_sites};

    fn kind_of(text: &str) -> Option<Kind> {
        let call: ExprMethodCall = syn::parse_str(text).unwrap();
        kind(&call, &call.method.to_string())
    }

    #[test]
    fn arguments_tell_keys_from_indices() {
        for (text, expected) in [
            ("v.insert(0, x)", Some(Kind::Shift)),
            ("v.remove(0)", Some(Kind::Shift)),
            ("v.remove(1)", None),
            ("v.swap_remove(0)", None),
            ("m.remove(&k)", Some(Kind::Lookup)),
            ("m.get(&k)", Some(Kind::Lookup)),
            ("m.get(\"k\")", Some(Kind::Lookup)),
            ("m.get(k.as_str())", Some(Kind::Lookup)),
            ("m.get_mut(&k)", Some(Kind::Lookup)),
            ("v.get(i)", None),
            ("v.get(1)", None),
            ("v.get(..2)", None),
            ("c.get()", None),
            ("m.contains_key(k)", Some(Kind::Lookup)),
            ("m.entry(k)", Some(Kind::Lookup)),
            ("d.entry()", None),
            ("v.contains(&x)", Some(Kind::Lookup)),
            ("v.contains(x)", Some(Kind::Lookup)),
            ("s.contains(\"x\")", None),
            ("s.contains(|c| c == 'a')", None),
            ("s.contains(\"x\".trim())", None),
            ("m.get(1.as_ref())", None),
            ("v.iter().any(|x| x == y)", Some(Kind::Search)),
            ("v.iter().position(|x| x == y)", Some(Kind::Search)),
            ("v.iter().find(|x| x.0 == y)", Some(Kind::Search)),
            ("v.iter().map(f).any(|x| x == y)", None),
            ("v.iter().any(is_y)", None),
            ("s.find(|c| c == 'a')", None),
        ] {
            assert_eq!(kind_of(text), expected, "{text}");
            let is_read = may_hold_sites(text, SiteSelection::Calls);
            assert!(is_read || expected.is_none(), "{text}: left as it is");
        }
    }
}
