//! Loops and `if`s at the start of statements: their heads apart from their blocks, so that of a
//! block only the statements need be read that may hold sites.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use syn::parse::Parser as _;
use syn::{Block, Error, Expr, Result, Stmt};

/// The statement with empty blocks.
pub(super) struct Hollow {
    tokens: TokenStream,
    /// What its blocks held, in order.
    blocks: Vec<Group>,
    /// Of how many tokens it was made.
    pub(super) len: usize,
}

/// The loop or `if` that `tokens` start with; `None` where they start with something else, or where it
/// takes a parser to tell which braces are its blocks.
pub(super) fn split(tokens: &[TokenTree]) -> Option<Hollow> {
    let mut ends = vec![block_end(tokens, label(tokens))?];
    while is_word(tokens.get(ends[ends.len() - 1]), "else") {
        ends.push(block_end(tokens, ends[ends.len() - 1] + 1)?);
    }
    let len = ends[ends.len() - 1];
    // A method called on it makes it part of an expression.
    if let Some(TokenTree::Punct(punct)) = tokens.get(len)
        && matches!(punct.as_char(), '.' | '?')
    {
        return None;
    }
    let mut blocks = Vec::new();
    let hollow = tokens[..len].iter().enumerate().map(|(position, token)| match token {
        TokenTree::Group(group) if ends.contains(&(position + 1)) => {
            blocks.push(group.clone());
            let mut empty = Group::new(Delimiter::Brace, TokenStream::new());
            empty.set_span(group.span());
            TokenTree::Group(empty)
        }
        other => other.clone(),
    });
    let tokens = hollow.collect();
    Some(Hollow { tokens, blocks, len })
}

impl Hollow {
    /// The statement, each of its blocks filled with what `read` makes of it.
    ///
    /// # Errors
    ///
    /// The head holds syntax that syn doesn't know, or `read` fails.
    pub(super) fn fill(self, read: &mut dyn FnMut(&Group) -> Result<Vec<Stmt>>) -> Result<Stmt> {
        let mut blocks = self.blocks.iter();
        let mut next = || match blocks.next() {
            Some(block) => read(block),
            None => Err(unexpected()),
        };
        let mut statements = Block::parse_within.parse2(self.tokens)?;
        match statements.as_mut_slice() {
            [Stmt::Expr(expr, None)] => fill(expr, &mut next)?,
            _ => return Err(unexpected()),
        }
        match (statements.pop(), blocks.next()) {
            (Some(statement), None) => Ok(statement),
            _ => Err(unexpected()),
        }
    }
}

fn fill(expr: &mut Expr, next: &mut dyn FnMut() -> Result<Vec<Stmt>>) -> Result<()> {
    match expr {
        Expr::ForLoop(it) => it.body.stmts = next()?,
        Expr::While(it) => it.body.stmts = next()?,
        Expr::Loop(it) => it.body.stmts = next()?,
        Expr::Block(it) => it.block.stmts = next()?,
        Expr::If(it) => {
            it.then_branch.stmts = next()?;
            if let Some((_, otherwise)) = &mut it.else_branch {
                fill(otherwise, next)?;
            }
        }
        _ => return Err(unexpected()),
    }
    Ok(())
}

/// Nobody sees it: the statement is then read as a whole.
fn unexpected() -> Error {
    Error::new(Span::call_site(), "no loop or `if`")
}

/// Tokens of `'label:`.
fn label(tokens: &[TokenTree]) -> usize {
    match tokens {
        [TokenTree::Punct(quote), TokenTree::Ident(_), TokenTree::Punct(colon), ..]
            if quote.as_char() == '\'' && colon.as_char() == ':' =>
        {
            3
        }
        _ => 0,
    }
}

/// Where the block ends that belongs to the keyword at `start`, or that stands there behind an `else`.
fn block_end(tokens: &[TokenTree], start: usize) -> Option<usize> {
    // Whether a pattern is open, which may have braces.
    let mut in_pattern = match tokens.get(start)? {
        TokenTree::Ident(word) if word == "for" => true,
        TokenTree::Ident(word) if word == "while" || word == "if" || word == "loop" => false,
        TokenTree::Group(_) if start > 0 => false,
        _ => return None,
    };
    for (position, token) in tokens.iter().enumerate().skip(start) {
        match token {
            TokenTree::Ident(word) if position > start => match word.to_string().as_str() {
                "let" => in_pattern = true,
                "in" => in_pattern = false,
                // These have braces of their own.
                "match" | "unsafe" | "async" | "if" | "const" | "loop" | "while" | "for"
                | "try" | "gen" | "do" => return None,
                _ => {}
            },
            TokenTree::Punct(punct) if punct.as_char() == '=' => in_pattern = false,
            // A closure may have a block of its own.
            TokenTree::Punct(punct) if punct.as_char() == '|' => return None,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let is_block =
                    !in_pattern && !is_condition(tokens, start, position) && !has_attributes(group);
                return is_block.then_some(position + 1);
            }
            // A block that a macro was given, or an expression with one.
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => return None,
            _ => {}
        }
    }
    None
}

/// Whether braces at `position` may be of the condition itself: right behind the keyword that `start` is,
/// or behind an operator or a `!`.
fn is_condition(tokens: &[TokenTree], start: usize, position: usize) -> bool {
    match position.checked_sub(1).filter(|_| position > start).map(|before| &tokens[before]) {
        Some(TokenTree::Punct(_)) => true,
        Some(TokenTree::Ident(word)) => word == "while" || word == "if" || word == "in",
        _ => false,
    }
}

fn is_word(token: Option<&TokenTree>, wanted: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(word)) if word == wanted)
}

/// `#![..]` inside is the loop's.
fn has_attributes(group: &Group) -> bool {
    matches!(group.stream().into_iter().next(), Some(TokenTree::Punct(punct)) if punct.as_char() == '#')
}
