//! Splits tokens into items without parsing what they hold.
//!
//! Only heads and, one by one, function bodies are parsed. A body with syntax
//! that syn doesn't know then costs the sites of that function and no more.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// What an item's keyword says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Fn,
    Impl,
    Mod,
    Other,
}

/// One item: everything up to its body, and the body where there is one.
#[derive(Clone)]
pub(crate) struct Piece {
    pub(crate) keyword: Keyword,
    pub(crate) head: TokenStream,
    pub(crate) body: Option<Group>,
}

impl Piece {
    pub(crate) fn into_tokens(self) -> TokenStream {
        let mut tokens = self.head;
        tokens.extend(self.body.map(TokenTree::Group));
        tokens
    }
}

/// The items that `tokens` consists of. Inner attributes are pieces of their own.
pub(crate) fn split(tokens: TokenStream) -> Vec<Piece> {
    let mut rest = tokens.into_iter().peekable();
    let mut pieces = Vec::new();
    while rest.peek().is_some() {
        let mut item = Item::default();
        for token in rest.by_ref() {
            if item.take(token) {
                break;
            }
        }
        pieces.push(item.finish());
    }
    pieces
}

/// How the end of an item is recognised.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Still among attributes, visibility and qualifiers.
    Unknown,
    /// A body in braces outside of generics, or a semicolon.
    Body,
    /// A semicolon: `use`, `static`, `const`, `type`.
    Semicolon,
    /// A macro call: braces, or a semicolon.
    Macro,
}

struct Item {
    head: Vec<TokenTree>,
    body: Option<Group>,
    keyword: Keyword,
    end: End,
    /// Generic brackets open: braces inside are const arguments.
    angles: u32,
}

impl Default for Item {
    fn default() -> Self {
        Self { head: Vec::new(), body: None, keyword: Keyword::Other, end: End::Unknown, angles: 0 }
    }
}

impl Item {
    /// Adds a token; whether it was the last.
    fn take(&mut self, token: TokenTree) -> bool {
        let ends = match &token {
            TokenTree::Ident(ident) => {
                self.word(&ident.to_string());
                false
            }
            TokenTree::Punct(punct) => self.punct(punct.as_char()),
            TokenTree::Group(group) => self.group(group),
            TokenTree::Literal(_) => false,
        };
        match token {
            TokenTree::Group(group) if ends && group.delimiter() == Delimiter::Brace => {
                self.body = Some(group);
            }
            other => self.head.push(other),
        }
        ends
    }

    fn word(&mut self, word: &str) {
        // `const fn`, `extern "C" fn` and `unsafe impl` are decided by the second word.
        let undecided = matches!(self.end, End::Unknown)
            || self.end == End::Semicolon && self.last_word().is_some_and(|last| last == "const");
        if !undecided {
            return;
        }
        let (keyword, end) = match word {
            "fn" => (Keyword::Fn, End::Body),
            "impl" => (Keyword::Impl, End::Body),
            "mod" => (Keyword::Mod, End::Body),
            "struct" | "enum" | "union" | "trait" => (Keyword::Other, End::Body),
            "use" | "static" | "type" | "const" | "crate" => (Keyword::Other, End::Semicolon),
            "unsafe" | "async" | "extern" => (Keyword::Other, End::Unknown),
            _ => return,
        };
        (self.keyword, self.end) = (keyword, end);
    }

    fn last_word(&self) -> Option<String> {
        match self.head.last() {
            Some(TokenTree::Ident(ident)) => Some(ident.to_string()),
            _ => None,
        }
    }

    fn punct(&mut self, punct: char) -> bool {
        let after = |wanted: char| matches!(self.head.last(), Some(TokenTree::Punct(it)) if it.as_char() == wanted);
        match punct {
            ';' => return true,
            '!' if self.end == End::Unknown && !after('#') => self.end = End::Macro,
            '<' => self.angles += 1,
            // Not the end of `->` and `=>`.
            '>' if !after('-') && !after('=') => self.angles = self.angles.saturating_sub(1),
            _ => {}
        }
        false
    }

    fn group(&self, group: &Group) -> bool {
        let is_inner_attribute = matches!(
            self.head.as_slice(),
            [TokenTree::Punct(hash), TokenTree::Punct(bang)] if hash.as_char() == '#' && bang.as_char() == '!'
        );
        is_inner_attribute
            || group.delimiter() == Delimiter::Brace
                && match self.end {
                    End::Semicolon => false,
                    End::Macro => true,
                    End::Unknown | End::Body => self.angles == 0,
                }
    }

    fn finish(self) -> Piece {
        Piece { keyword: self.keyword, head: self.head.into_iter().collect(), body: self.body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<(Keyword, String, bool)> {
        split(text.parse().unwrap())
            .into_iter()
            .map(|piece| {
                let (keyword, has_body) = (piece.keyword, piece.body.is_some());
                (keyword, piece.head.to_string(), has_body)
            })
            .collect()
    }

    #[test]
    fn finds_the_end_of_every_item() {
        let text = "#![allow(x)] #[a { }] pub(crate) const unsafe extern \"C\" fn f<const N: usize>() -> A<{ N }> where B<{ 1 }>: C { } \
                    use a::{b, c}; const X: u8 = { 1 }; const _: () = (); static S: T = T { a: 1 < 2 }; struct U(u8); \
                    struct V { a: u8 } mine! { a } mine!(b); macro_rules! m { () => { } } impl<F: Fn() -> u8> T for F { } \
                    mod n { } mod o; extern \"C\" { fn g(); } extern crate p; default fn h(); type A = u8;";
        let found = pieces(text);
        let keywords: Vec<Keyword> = found.iter().map(|piece| piece.0).collect();
        assert_eq!(found.len(), 18, "{found:#?}");
        assert_eq!(found[1].0, Keyword::Fn);
        assert!(found[1].1.ends_with(": C"), "{}", found[1].1);
        assert_eq!(keywords.iter().filter(|keyword| **keyword == Keyword::Fn).count(), 2);
        assert_eq!(found[11].0, Keyword::Impl);
        assert_eq!(keywords.iter().filter(|keyword| **keyword == Keyword::Mod).count(), 2);
        assert_eq!(found.iter().filter(|piece| piece.2).count(), 7);
    }

    #[test]
    fn loses_no_token() {
        let text = "#[x] fn f() { a } impl A { fn g(&self); } use b;";
        let tokens: TokenStream = text.parse().unwrap();
        let joined: TokenStream =
            split(tokens.clone()).into_iter().map(Piece::into_tokens).collect();
        assert_eq!(joined.to_string(), tokens.to_string());
    }
}
