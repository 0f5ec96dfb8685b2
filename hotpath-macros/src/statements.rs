//! A function's body as a syntax tree, as far as one is needed.
//!
//! Reading syntax is most of what an expansion takes. Statements without sites stay tokens: what
//! ends at a semicolon of the block itself can be read for itself.

mod hollow;

use hotpath_runtime_syntax::{
    SiteSelection, may_grow, may_hold_sites, may_make_empty, mentions_word,
};
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
    let stmts = if wanted.holds(&text) {
        Reader { wanted, made_empty: false }.inside(tokens)?
    } else if tokens.is_empty() {
        Vec::new()
    } else {
        vec![Stmt::Expr(Expr::Verbatim(tokens), None)]
    };
    Ok((Vec::new(), Block { brace_token, stmts }))
}

/// Reads a body that holds something wanted.
struct Reader {
    wanted: Wanted,
    /// Whether a statement before may have made an empty collection, whose growth is a site.
    made_empty: bool,
}

impl Reader {
    fn wants(&mut self, text: &str) -> bool {
        if self.made_empty && may_grow(text) {
            return true;
        }
        let holds = self.wanted.holds(text);
        self.made_empty |= holds && self.looks_at_growth() && may_make_empty(text);
        holds
    }

    fn looks_at_growth(&self) -> bool {
        !self.made_empty && matches!(self.wanted, Wanted::Sites { of: SiteSelection::Calls, .. })
    }

    /// The statements of a block.
    fn inside(&mut self, tokens: TokenStream) -> Result<Vec<Stmt>> {
        let mut stmts = Vec::new();
        let mut part: Vec<TokenTree> = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ';' => {
                    let end = Token![;](punct.span());
                    self.add(std::mem::take(&mut part), Some(end), &mut stmts)?;
                }
                other => part.push(other),
            }
        }
        self.add(part, None, &mut stmts)?;
        Ok(stmts)
    }

    /// Adds the statements up to a semicolon.
    fn add(
        &mut self,
        mut part: Vec<TokenTree>,
        end: Option<Token![;]>,
        stmts: &mut Vec<Stmt>,
    ) -> Result<()> {
        while let Some(hollow) = hollow::split(&part) {
            let rest = part.split_off(hollow.len);
            let mut tokens: TokenStream = std::mem::replace(&mut part, rest).into_iter().collect();
            if !self.wants(&tokens.to_string()) {
                stmts.push(Stmt::Expr(Expr::Verbatim(tokens), None));
            } else if let Ok(filled) = hollow.fill(&mut |block| self.inside(block.stream())) {
                stmts.push(filled);
            } else {
                // It wasn't what it looked like: nor may the rest be.
                tokens.extend(part);
                end.to_tokens(&mut tokens);
                stmts.extend(Block::parse_within.parse2(tokens)?);
                return Ok(());
            }
        }
        if part.is_empty() && end.is_none() {
            return Ok(());
        }
        let mut tokens: TokenStream = part.into_iter().collect();
        if self.wants(&tokens.to_string()) {
            end.to_tokens(&mut tokens);
            stmts.extend(Block::parse_within.parse2(tokens)?);
        } else {
            stmts.push(Stmt::Expr(Expr::Verbatim(tokens), end));
        }
        Ok(())
    }
}

fn whole(input: ParseStream<'_>) -> Result<(Vec<Attribute>, Vec<Stmt>)> {
    Ok((input.call(Attribute::parse_inner)?, input.call(Block::parse_within)?))
}

#[cfg(test)]
mod tests {
    use proc_macro2::Delimiter;
    use syn::visit_mut::{self, VisitMut};

    use super::*;

    fn body(text: &str) -> Group {
        Group::new(Delimiter::Brace, text.parse().unwrap())
    }

    /// The statements that were left as tokens.
    fn left(text: &str, with_self: bool) -> Vec<String> {
        let wanted = Wanted::Sites { of: SiteSelection::Calls, with_self };
        let mut block = read(&body(text), wanted).unwrap().1;
        assert_eq!(block.to_token_stream().to_string(), body(text).to_string());
        let mut found = Verbatim(Vec::new());
        found.visit_block_mut(&mut block);
        found.0
    }

    fn verbatim(text: &str) -> Vec<String> {
        left(text, false)
    }

    struct Verbatim(Vec<String>);

    impl VisitMut for Verbatim {
        fn visit_expr_mut(&mut self, expr: &mut Expr) {
            if let Expr::Verbatim(tokens) = expr {
                self.0.push(tokens.to_string());
            }
            visit_mut::visit_expr_mut(self, expr);
        }
    }

    #[test]
    fn only_statements_with_sites_are_read() {
        let text =
            "let a = b [0] ; if a { c (a) ; } d (a) ; let e = a . clone () ; for f in e { f } h";
        let expected = ["let a = b [0]", "if a { c (a) ; }", "d (a)", "for f in e { f }", "h"];
        assert_eq!(left(text, false), expected);
        assert_eq!(left("f (1) ; g ()", false), ["f (1) ; g ()"]);
        assert!(left("", false).is_empty());
    }

    #[test]
    fn blocks_of_loops_and_branches_are_read_one_by_one() {
        let text = "'a : for i in 0 .. n { b (i) ; i . clone () ; while let Some (x) = y { c (x) ; x . clone () } d () }";
        assert_eq!(verbatim(text), ["b (i)", "c (x)", "d ()"]);
        let text = "if a { b () ; a . clone () } else if let C = c { d () ; } else { e () ; a . clone () } f ()";
        assert_eq!(verbatim(text), ["b ()", "d ()", "e ()", "f ()"]);
        assert_eq!(verbatim("loop { a () ; break b . clone () ; } ;"), ["a ()", ""]);
        // Whose braces they are takes a parser.
        for text in [
            "for A { b } in c { b . clone () ; d () ; }",
            "if let A { b } = c { b . clone () ; d () ; }",
            "while match a { b => c } { d . clone () ; e () ; }",
            "for a in unsafe { b } { a . clone () ; d () ; }",
            "if a && f (| | { b }) == c ! { d } { a . clone () ; d () ; }",
            "if a { b . clone () ; c () } else { d } . e ()",
            "loop { # ! [allow (x)] a . clone () ; b () ; }",
            "while { a (b . clone ()) ; c } { d () ; }",
            "if { a (b . clone ()) ; c } { d () ; } else { e () ; }",
            "for a in { b . clone () } { d () ; }",
            "if let f = | x | -> bool { x . clone () ; y } && z { d () ; }",
        ] {
            assert!(verbatim(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_block_that_a_macro_was_given_is_lost_nowhere() {
        let mut tokens: TokenStream = "while c ()".parse().unwrap();
        let given = Group::new(Delimiter::None, "{ a . clone () ; }".parse().unwrap());
        tokens.extend([TokenTree::Group(given)]);
        tokens.extend("{ x . clone () ; }".parse::<TokenStream>());
        let wanted = Wanted::Sites { of: SiteSelection::Calls, with_self: false };
        let block = read(&Group::new(Delimiter::Brace, tokens), wanted).unwrap().1;
        let text = block.to_token_stream().to_string();
        assert!(text.contains("while c ()") && text.contains("a . clone"), "{text}");
        assert!(text.contains("x . clone"), "{text}");
    }

    #[test]
    fn growth_is_read_where_anything_is() {
        assert!(verbatim("let v = Vec :: new () ; v . push (1) ;").is_empty());
        assert!(verbatim("for i in w { let v = vec ! [] ; if i { v . push (1) ; } }").is_empty());
        assert_eq!(verbatim("w . push (a . clone ()) ; v . push (1) ;"), ["v . push (1)"]);
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
