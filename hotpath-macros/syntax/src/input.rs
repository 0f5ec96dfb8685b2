//! Macro input with a syntax of its own: which of its tokens are expressions.
//!
//! Read are `select!`, `join!` and `try_join!`, the macros of the log and tracing crates, and our
//! own `scope!`. What doesn't look like input of theirs is left alone.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Expr, Macro, Pat, Path, Result, Token};

/// Macros whose input is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// `PATTERN = FUTURE, if CONDITION => HANDLER`
    Select,
    /// Futures.
    Join,
    /// Our own `scope!`: a label and a block.
    Scope,
    /// Fields, and a format string with its arguments.
    Fields,
}

impl Syntax {
    /// The syntax of a macro, as far as its path can tell.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let name = path.segments.last()?.ident.to_string();
        let owner = match path.segments.len() {
            1 => None,
            2 => Some(path.segments[0].ident.to_string()),
            _ => return None,
        };
        let owner = owner.as_deref();
        match name.as_str() {
            "select" | "join" | "try_join" => {
                let syntax = if name == "select" { Self::Select } else { Self::Join };
                matches!(owner, None | Some("tokio" | "futures" | "futures_util")).then_some(syntax)
            }
            "scope" => matches!(owner, None | Some("hotpath_runtime")).then_some(Self::Scope),
            "error" | "warn" | "info" | "debug" | "trace" => {
                matches!(owner, None | Some("log" | "tracing")).then_some(Self::Fields)
            }
            "event" | "span" | "error_span" | "warn_span" | "info_span" | "debug_span"
            | "trace_span" => matches!(owner, None | Some("tracing")).then_some(Self::Fields),
            _ => None,
        }
    }
}

/// What an expression of the input is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Value,
    /// The macro polls it.
    Future,
    /// The macro polls it, and may ask more of it than to be a future.
    OwnFuture,
}

/// A piece of the input.
pub(crate) enum Part {
    Expr(Box<Expr>, Role),
    /// Of a branch: what it binds for its condition and its handler.
    Pattern(Box<Pat>),
    Tokens(TokenStream),
    /// `{ FIELDS }`
    Fields(Vec<Part>),
}

/// The parts of the input; `None` where it isn't of that syntax.
pub(crate) fn read(syntax: Syntax, path: &Path, tokens: TokenStream) -> Option<Vec<Part>> {
    match syntax {
        Syntax::Select => {
            let of_tokio = path.segments.len() == 2 && path.segments[0].ident == "tokio";
            let role = if of_tokio { Role::Future } else { Role::OwnFuture };
            (|input: ParseStream<'_>| select(input, role)).parse2(tokens).ok()
        }
        Syntax::Join => join.parse2(tokens).ok(),
        Syntax::Scope => scope.parse2(tokens).ok(),
        Syntax::Fields => Some(fields(tokens)),
    }
}

/// The input as it was read, with its expressions as they are now.
pub(crate) fn to_tokens(parts: &[Part]) -> TokenStream {
    let mut tokens = TokenStream::new();
    for part in parts {
        match part {
            Part::Expr(expr, _) => expr.to_tokens(&mut tokens),
            Part::Pattern(pattern) => pattern.to_tokens(&mut tokens),
            Part::Tokens(other) => tokens.extend(other.clone()),
            Part::Fields(inner) => {
                tokens.extend([TokenTree::Group(Group::new(Delimiter::Brace, to_tokens(inner)))]);
            }
        }
    }
    tokens
}

/// Every expression with its role, in order.
pub(crate) fn expressions(parts: &mut [Part]) -> Vec<(&mut Expr, Role)> {
    let mut found = Vec::new();
    for part in parts {
        match part {
            Part::Expr(expr, role) => found.push((expr.as_mut(), *role)),
            Part::Fields(inner) => found.extend(expressions(inner)),
            Part::Pattern(_) | Part::Tokens(_) => {}
        }
    }
    found
}

/// What the input of a macro with a syntax of its own holds.
pub enum Input {
    /// An expression, and whether the macro polls it as an `.await` would.
    Expr(Box<Expr>, bool),
    /// What a branch binds, before its future, its condition and its handler.
    Pattern(Box<Pat>),
}

/// Patterns and expressions in the input of a macro, in order; `None` where it's none of those that
/// are read here (`select!`, `join!`, `try_join!`, those of the log and tracing crates, `scope!`).
pub fn inputs(mac: &Macro) -> Option<Vec<Input>> {
    let parts = read(Syntax::of(&mac.path)?, &mac.path, mac.tokens.clone())?;
    let mut inputs = Vec::new();
    collect(parts, &mut inputs);
    Some(inputs)
}

fn collect(parts: Vec<Part>, inputs: &mut Vec<Input>) {
    for part in parts {
        match part {
            Part::Expr(expr, role) => inputs.push(Input::Expr(expr, role == Role::Future)),
            Part::Pattern(pattern) => inputs.push(Input::Pattern(pattern)),
            Part::Fields(inner) => collect(inner, inputs),
            Part::Tokens(_) => {}
        }
    }
}

/// Whether the input starts with `biased;`, which is taken.
fn biased(input: ParseStream<'_>, parts: &mut Vec<Part>) -> Result<bool> {
    let fork = input.fork();
    let is_biased =
        fork.parse::<syn::Ident>().is_ok_and(|word| word == "biased") && fork.peek(Token![;]);
    if is_biased {
        let word: syn::Ident = input.parse()?;
        let semicolon: Token![;] = input.parse()?;
        parts.push(Part::Tokens(quote::quote!(#word #semicolon)));
    }
    Ok(is_biased)
}

fn join(input: ParseStream<'_>) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    biased(input, &mut parts)?;
    while !input.is_empty() {
        parts.push(Part::Expr(input.parse()?, Role::Future));
        if !input.is_empty() {
            parts.push(tokens::<Token![,]>(input)?);
        }
    }
    Ok(parts)
}

fn scope(input: ParseStream<'_>) -> Result<Vec<Part>> {
    let mut parts = vec![tokens::<syn::LitStr>(input)?, tokens::<Token![,]>(input)?];
    let block = Expr::Block(input.parse()?);
    parts.push(Part::Expr(Box::new(block), Role::Value));
    if !input.is_empty() {
        parts.push(tokens::<Token![,]>(input)?);
    }
    Ok(parts)
}

fn select(input: ParseStream<'_>, role: Role) -> Result<Vec<Part>> {
    let mut parts = Vec::new();
    let mut role = role;
    if biased(input, &mut parts)? {
        role = Role::Future;
    }
    while !input.is_empty() {
        if !(word_then_arrow(input, &mut parts)?) {
            let pattern = input.call(Pat::parse_multi_with_leading_vert)?;
            parts.push(Part::Pattern(Box::new(pattern)));
            parts.push(tokens::<Token![=]>(input)?);
            parts.push(Part::Expr(input.parse()?, role));
            if input.peek(Token![,]) && input.peek2(Token![if]) {
                parts.push(tokens::<Token![,]>(input)?);
                parts.push(tokens::<Token![if]>(input)?);
                parts.push(Part::Expr(input.parse()?, Role::Value));
            }
            parts.push(tokens::<Token![=>]>(input)?);
        }
        let handler: Expr = if input.peek(syn::token::Brace) {
            Expr::Block(input.parse()?)
        } else {
            input.parse()?
        };
        parts.push(Part::Expr(Box::new(handler), Role::Value));
        if input.peek(Token![,]) {
            parts.push(tokens::<Token![,]>(input)?);
        }
    }
    Ok(parts)
}

/// `else =>`, `complete =>`, `default =>`
fn word_then_arrow(input: ParseStream<'_>, parts: &mut Vec<Part>) -> Result<bool> {
    let is_word = input.peek(Token![else])
        || input.fork().parse::<syn::Ident>().is_ok_and(|it| it == "complete" || it == "default");
    if !is_word || !input.peek2(Token![=>]) {
        return Ok(false);
    }
    let word: TokenTree = input.parse()?;
    parts.push(Part::Tokens(word.into()));
    parts.push(tokens::<Token![=>]>(input)?);
    Ok(true)
}

fn tokens<T: syn::parse::Parse + quote::ToTokens>(input: ParseStream<'_>) -> Result<Part> {
    Ok(Part::Tokens(input.call(T::parse)?.to_token_stream()))
}

/// Values of fields (`name = ?VALUE`) and what follows a format string.
///
/// Names, `target:`, `parent:` and shorthands (`%self.id`, which names a field after its text)
/// are tokens.
fn fields(input: TokenStream) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut after_format = false;
    let mut item: Vec<TokenTree> = Vec::new();
    let mut rest = input.into_iter().peekable();
    while rest.peek().is_some() {
        item.clear();
        let mut separator = None;
        for token in rest.by_ref() {
            match &token {
                TokenTree::Punct(punct) if matches!(punct.as_char(), ',' | ';') => {
                    separator = Some(token);
                    break;
                }
                _ => item.push(token),
            }
        }
        field(&item, &mut after_format, &mut parts);
        parts.extend(separator.map(|separator| Part::Tokens(separator.into())));
    }
    parts
}

fn field(item: &[TokenTree], after_format: &mut bool, parts: &mut Vec<Part>) {
    let equals = (0..item.len()).find(|&at| is_equals(item, at));
    match (item, equals) {
        ([TokenTree::Group(group)], _) if group.delimiter() == Delimiter::Brace => {
            parts.push(Part::Fields(fields(group.stream())));
        }
        ([TokenTree::Literal(_)], _) => {
            *after_format = true;
            parts.push(as_tokens(item));
        }
        (_, Some(equals)) => {
            let sigil =
                item.get(equals + 1).is_some_and(|it| is_punct(it, '?') || is_punct(it, '%'));
            let start = equals + 1 + usize::from(sigil);
            parts.push(as_tokens(&item[..start]));
            parts.push(value(&item[start..]));
        }
        (_, None) if *after_format => parts.push(value(item)),
        (_, None) => parts.push(as_tokens(item)),
    }
}

/// An `=` that is no part of `==`, `=>`, `<=` and the like.
fn is_equals(item: &[TokenTree], at: usize) -> bool {
    let joint = |at: usize| matches!(item.get(at), Some(TokenTree::Punct(punct)) if punct.spacing() == Spacing::Joint);
    let next = item.get(at + 1);
    is_punct(&item[at], '=')
        && !(at > 0 && joint(at - 1))
        && !(joint(at) && next.is_some_and(|next| is_punct(next, '=') || is_punct(next, '>')))
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

fn value(tokens: &[TokenTree]) -> Part {
    match syn::parse2(tokens.iter().cloned().collect()) {
        Ok(expr) => Part::Expr(Box::new(expr), Role::Value),
        Err(_) => as_tokens(tokens),
    }
}

fn as_tokens(tokens: &[TokenTree]) -> Part {
    Part::Tokens(tokens.iter().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(mac: &str) -> Option<Vec<String>> {
        let mac: syn::Macro = syn::parse_str(mac).unwrap();
        let syntax = Syntax::of(&mac.path).expect("is known");
        let mut parts = read(syntax, &mac.path, mac.tokens.clone())?;
        assert_eq!(to_tokens(&parts).to_string(), mac.tokens.to_string());
        let found = expressions(&mut parts).into_iter();
        Some(found.map(|(expr, role)| format!("{role:?} {}", expr.to_token_stream())).collect())
    }

    #[test]
    fn branches_of_select() {
        assert_eq!(
            listed("tokio::select! { biased; Some(x) = rx.recv(), if open => use_it(x), _ = &mut sleep => { break } else => return, }").unwrap(),
            ["Future rx . recv ()", "Value open", "Value use_it (x)", "Future & mut sleep", "Value { break }", "Value return"]
        );
        assert_eq!(
            listed("select! { a = f() => 1, complete => 2, default => 3 }").unwrap(),
            ["OwnFuture f ()", "Value 1", "Value 2", "Value 3"]
        );
        assert_eq!(listed("select! { recv(r) -> msg => 1, default(t) => 2 }"), None);
    }

    #[test]
    fn what_is_joined() {
        assert_eq!(listed("join!(a(), b.c())").unwrap(), ["Future a ()", "Future b . c ()"]);
        assert_eq!(listed("tokio::try_join!(biased; a,)").unwrap(), ["Future a"]);
        assert_eq!(listed("join!(a => b)"), None);
    }

    #[test]
    fn the_block_of_a_scope() {
        assert_eq!(listed("scope!(\"x\", { a.b() })").unwrap(), ["Value { a . b () }"]);
        assert_eq!(listed("scope!(|s| s.spawn(x))"), None);
    }

    #[test]
    fn values_of_fields() {
        assert_eq!(
            listed("info!(target: \"x\", id = %self.id(), ok, %self.name, n = a == b, \"text {}\", y.z(), k = v)").unwrap(),
            ["Value self . id ()", "Value a == b", "Value y . z ()", "Value v"]
        );
        assert_eq!(
            listed("warn!(error=?e.f(), \"{}\", a == b.c())").unwrap(),
            ["Value e . f ()", "Value a == b . c ()"]
        );
        assert_eq!(
            listed("tracing::event!(Level::INFO, { a.b = ?f(), c }, \"x\")").unwrap(),
            ["Value f ()"]
        );
        assert_eq!(
            listed("log::warn!(k:? = g(), n; \"{}\", h())").unwrap(),
            ["Value g ()", "Value h ()"]
        );
        assert_eq!(listed("debug!(a.b())").unwrap(), [""; 0]);
    }
}
