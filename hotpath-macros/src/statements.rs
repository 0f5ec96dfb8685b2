//! A function's body as a syntax tree, as far as one is needed.
//!
//! Reading syntax is most of what an expansion takes. Statements without sites stay tokens: what
//! ends at a semicolon of the block itself can be read for itself.

use hotpath_runtime_syntax::{SiteSelection, may_grow, may_hold_sites, mentions_word};
use proc_macro2::{Group, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::parse::{ParseStream, Parser as _};
use syn::token::Brace;
use syn::{Attribute, Block, Expr, Result, Stmt, Token};

/// Which statements have to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    /// Those that may hold sites or async blocks, and those that name `self` where that is moved.
    Sites {
        of: SiteSelection,
        with_self: bool,
    },
}

impl Wanted {
    fn holds(self, text: &str) -> bool {
        match self {
            Self::All => true,
            Self::Sites { of, with_self } => {
                may_hold_sites(text, of) || with_self && mentions_word(text, "self")
            }
        }
    }
}

/// Inner attributes and statements; statements that aren't wanted are one
/// [verbatim](Expr::Verbatim) expression up to a semicolon.
///
/// # Errors
///
/// What is wanted holds syntax that syn doesn't know.
pub(crate) fn read(body: &Group, wanted: Wanted) -> Result<(Vec<Attribute>, Block)> {
    let tokens = body.stream();
    let brace_token = Brace(body.span());
    let text = if wanted == Wanted::All { String::new() } else { tokens.to_string() };
    // It may start with an attribute of the whole body.
    if wanted == Wanted::All || text.trim_start().starts_with('#') {
        let (attrs, stmts) = whole.parse2(tokens)?;
        return Ok((attrs, Block { brace_token, stmts }));
    }
    let mut stmts = Vec::new();
    if wanted.holds(&text) {
        let mut part: Vec<TokenTree> = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ';' => {
                    let end = Token![;](punct.span());
                    add(std::mem::take(&mut part), Some(end), wanted, &mut stmts)?;
                }
                other => part.push(other),
            }
        }
        add(part, None, wanted, &mut stmts)?;
    } else if !tokens.is_empty() {
        stmts.push(Stmt::Expr(Expr::Verbatim(tokens), None));
    }
    Ok((Vec::new(), Block { brace_token, stmts }))
}

/// Adds the statements up to a semicolon.
fn add(
    part: Vec<TokenTree>,
    end: Option<Token![;]>,
    wanted: Wanted,
    stmts: &mut Vec<Stmt>,
) -> Result<()> {
    if part.is_empty() && end.is_none() {
        return Ok(());
    }
    let mut tokens: TokenStream = part.into_iter().collect();
    let text = tokens.to_string();
    // One before may have made an empty collection.
    let may_grow =
        matches!(wanted, Wanted::Sites { of: SiteSelection::Calls, .. }) && may_grow(&text);
    if may_grow || wanted.holds(&text) {
        end.to_tokens(&mut tokens);
        stmts.extend(Block::parse_within.parse2(tokens)?);
    } else {
        stmts.push(Stmt::Expr(Expr::Verbatim(tokens), end));
    }
    Ok(())
}

fn whole(input: ParseStream<'_>) -> Result<(Vec<Attribute>, Vec<Stmt>)> {
    Ok((input.call(Attribute::parse_inner)?, input.call(Block::parse_within)?))
}

#[cfg(test)]
mod tests {
    use proc_macro2::Delimiter;

    use super::*;

    fn body(text: &str) -> Group {
        Group::new(Delimiter::Brace, text.parse().unwrap())
    }

    /// The statements that were left as tokens.
    fn left(text: &str, with_self: bool) -> Vec<String> {
        let wanted = Wanted::Sites { of: SiteSelection::Calls, with_self };
        let block = read(&body(text), wanted).unwrap().1;
        assert_eq!(block.to_token_stream().to_string(), body(text).to_string());
        let verbatim = block.stmts.iter().filter_map(|statement| match statement {
            Stmt::Expr(Expr::Verbatim(tokens), _) => Some(tokens.to_string()),
            _ => None,
        });
        verbatim.collect()
    }

    #[test]
    fn only_statements_with_sites_are_read() {
        let text =
            "let a = b [0] ; if a { c (a) ; } d (a) ; let e = a . clone () ; for f in e { f } h";
        let expected = ["let a = b [0]", "if a { c (a) ; } d (a)", "for f in e { f } h"];
        assert_eq!(left(text, false), expected);
        assert_eq!(left("f (1) ; g ()", false), ["f (1) ; g ()"]);
        assert!(left("", false).is_empty());
    }

    #[test]
    fn growth_is_read_where_anything_is() {
        assert!(left("let v = Vec :: new () ; v . push (1) ;", false).is_empty());
        assert_eq!(left("v . push (1) ;", false), ["v . push (1) ;"]);
    }

    #[test]
    fn a_self_that_moves_is_read() {
        assert_eq!(left("a () ; self . b () ; c (\"{self}\") ; d ()", true), ["a ()", "d ()"]);
    }

    #[test]
    fn unknown_syntax_stands_where_nobody_looks() {
        assert_eq!(left("builtin # strange (1) ; a . clone ()", false), ["builtin # strange (1)"]);
        let wanted = Wanted::Sites { of: SiteSelection::Calls, with_self: false };
        assert!(read(&body("builtin # a . clone ()"), wanted).is_err());
    }

    #[test]
    fn inner_attributes_are_found() {
        let wanted = Wanted::Sites { of: SiteSelection::Calls, with_self: false };
        assert_eq!(read(&body("#![allow(x)] a ()"), wanted).unwrap().0.len(), 1);
    }
}
