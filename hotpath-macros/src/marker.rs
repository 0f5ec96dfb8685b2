//! What one expansion leaves for the next: an attribute may meet a function a second time, under
//! another name, by `cfg_attr`, or on a module over an `impl` block.
//!
//! Where that can happen the body starts with the options and the original body, in the arguments
//! of a macro that nobody else expands first. The second attribute then joins its options with
//! those of the first and expands the original again.

use hotpath_runtime_syntax::Options;
use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::quote_spanned;

/// What a body says about earlier expansions.
pub(crate) enum Found {
    /// There was none.
    Nothing,
    /// The whole body is one: its options, and the body as written.
    Original(Box<Options>, Group),
    /// There was one that can't be taken back: another macro changed the body since, or none was
    /// expected to follow.
    Expanded,
}

/// The item that carries the options and the body through to a second expansion.
pub(crate) fn leave(options: &Options, body: &Group, span: Span) -> TokenStream {
    let options = options.to_tokens();
    quote_spanned!(span=> const _: &str = ::core::stringify!(__HOTPATH (#options) #body);)
}

/// Looks for an earlier expansion.
pub(crate) fn find(body: &Group) -> Found {
    // The compiler writes tokens out faster than a macro, built without optimisation, walks them.
    if !body.to_string().contains(TABLE) || !mentions_table(body.stream()) {
        return Found::Nothing;
    }
    original(body).unwrap_or(Found::Expanded)
}

/// `const _ : & str = :: core :: stringify ! ( __HOTPATH ( OPTIONS ) { BODY } ) ; ..`
fn original(body: &Group) -> Option<Found> {
    let mut tokens = body.stream().into_iter();
    let opening: String = tokens.by_ref().take(12).map(|token| token.to_string()).collect();
    if opening != "const_:&str=::core::stringify" {
        return None;
    }
    let TokenTree::Group(arguments) = tokens.nth(1)? else { return None };
    let mut arguments = arguments.stream().into_iter().skip(1);
    let (TokenTree::Group(options), TokenTree::Group(body)) =
        (arguments.next()?, arguments.next()?)
    else {
        return None;
    };
    if body.delimiter() != Delimiter::Brace {
        return None;
    }
    Some(Found::Original(Box::new(Options::parse(options.stream()).ok()?), body))
}

/// The name of our tables.
const TABLE: &str = "__HOTPATH";

/// Whether the name of our tables occurs: nothing that was not expanded holds it.
pub(crate) fn mentions_table(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == TABLE,
        TokenTree::Group(group) => mentions_table(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Group {
        Group::new(Delimiter::Brace, text.parse().unwrap())
    }

    #[test]
    fn finds_what_it_left() {
        let options = Options::parse("name = \"a\", sites = off, allow(b-c)".parse().unwrap());
        let tokens = leave(&options.unwrap(), &body("x.y()"), Span::call_site());
        let marked = body(&format!("{tokens} static __HOTPATH: A = B; x"));
        let Found::Original(options, original) = find(&marked) else { panic!("is found") };
        assert_eq!(original.to_string(), "{ x . y () }");
        assert_eq!(options.name.as_deref(), Some("a"));
        assert_eq!(options.allow, ["b-c"]);
    }

    #[test]
    fn other_bodies_are_new_or_expanded() {
        assert!(matches!(find(&body("x.y()")), Found::Nothing));
        assert!(matches!(find(&body("static __HOTPATH: A = B; x")), Found::Expanded));
        assert!(matches!(find(&body("wrap(|| { static __HOTPATH: A = B; })")), Found::Expanded));
    }
}
