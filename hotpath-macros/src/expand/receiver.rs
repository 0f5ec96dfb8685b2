//! A `self` taken by value: moved to a local, so that it is dropped inside the measured span.
//!
//! `self` can't be bound by a `let`, so every use of it in the body is replaced by the local. Where
//! a use may be looked at rather than evaluated (a format string, a macro that quotes its input or
//! matches on the word) the body is left as it is, and `self` is dropped right after the span.

use hotpath_runtime_syntax::evaluates;
use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens as _, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, ExprPath, FnArg, Item, Macro};

use super::parameters::is_owned;
use super::runtime::Runtime;
use crate::model::Function;

/// Moves `self` to a local and rewrites the body; gives the `let`, where it can be done.
pub(super) fn moved(
    function: &mut Function,
    body: &mut Block,
    runtime: &Runtime,
) -> Option<TokenStream> {
    let Some(FnArg::Receiver(receiver)) = function.head.sig.inputs.first_mut() else { return None };
    if function.names_matter || !is_owned(receiver) {
        return None;
    }
    let mut uses = Uses { local: None, is_quoted: false };
    uses.visit_block_mut(body);
    if uses.is_quoted {
        return None;
    }
    let span = runtime.span;
    let local = Ident::new("__hotpath_self", span);
    Uses { local: Some(local.clone()), is_quoted: false }.visit_block_mut(body);
    let mutability = receiver.mutability.take();
    let this = receiver.self_token;
    Some(quote_spanned!(span=> let #mutability #local = #this;))
}

/// The uses of `self`: finds out whether each can be replaced, or replaces them.
struct Uses {
    local: Option<Ident>,
    is_quoted: bool,
}

impl VisitMut for Uses {
    fn visit_expr_path_mut(&mut self, path: &mut ExprPath) {
        if let (Some(local), true) = (&self.local, path.path.is_ident("self")) {
            path.path = at(local, &path.path.segments[0].ident).into();
        } else {
            visit_mut::visit_expr_path_mut(self, path);
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        match &self.local {
            Some(local) => mac.tokens = replaced(std::mem::take(&mut mac.tokens), local),
            None if evaluates(mac) => self.is_quoted |= is_captured(mac.tokens.clone()),
            None => self.is_quoted |= mentions(mac.tokens.clone()),
        }
    }

    // Methods inside have a `self` of their own.
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// Whether the value `self` occurs, or a string that may capture it.
fn mentions(tokens: TokenStream) -> bool {
    is_captured(tokens.clone())
        || tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == "self",
            TokenTree::Group(group) => mentions(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
}

/// Whether a literal may be a format string with `self` in it, or a macro inside may quote it.
fn is_captured(tokens: TokenStream) -> bool {
    let mut tokens = tokens.into_iter().peekable();
    let mut after_name = false;
    while let Some(token) = tokens.next() {
        let is_call = after_name && matches!(&token, TokenTree::Punct(it) if it.as_char() == '!');
        match &token {
            TokenTree::Literal(literal) if literal.to_string().contains("{self") => return true,
            TokenTree::Group(group) if is_captured(group.stream()) => return true,
            _ => {}
        }
        if is_call
            && let Some(TokenTree::Group(group)) = tokens.peek()
            && mentions(group.stream())
        {
            return true;
        }
        after_name = matches!(token, TokenTree::Ident(_));
    }
    false
}

/// The tokens with the value `self` replaced; the module `self::` stays.
fn replaced(tokens: TokenStream, local: &Ident) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut done = TokenStream::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) if ident == "self" => {
                let is_module =
                    matches!(tokens.peek(), Some(TokenTree::Punct(it)) if it.as_char() == ':');
                let name = if is_module { ident } else { at(local, &ident) };
                name.to_tokens(&mut done);
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), replaced(group.stream(), local));
                inner.set_span(group.span());
                done.extend([TokenTree::Group(inner)]);
            }
            other => done.extend([other]),
        }
    }
    done
}

/// The local at the place of a use.
fn at(local: &Ident, place: &Ident) -> Ident {
    Ident::new(&local.to_string(), local.span().located_at(place.span()))
}
