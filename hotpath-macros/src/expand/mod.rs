//! Tokens of the expansion.
//!
//! No lint attribute stands in it (a `forbid` in the user's crate would break
//! the build), and it names only `core` and the runtime.

mod function;
mod future;
mod probe;
mod runtime;
mod table;

use hotpath_runtime_syntax::{Options, Site, SiteSelection, enumerate};
use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::parse::{ParseStream, Parser as _};
use syn::token::Brace;
use syn::{AttrStyle, Attribute, Block, Expr, Stmt};

use self::runtime::Runtime;
use crate::fallback;
use crate::model::{self, Container, Function, Node};

/// The attribute with its options on its item.
pub(crate) fn attribute(options: TokenStream, item: TokenStream) -> TokenStream {
    match Options::parse(options) {
        Ok(options) if options.skip => item,
        Ok(options) => match model::read(options, item.clone()) {
            Ok(node) => expanded(node),
            Err(error) => fallback::keep(item, &error),
        },
        Err(error) => fallback::keep(item, &error),
    }
}

fn expanded(node: Node) -> TokenStream {
    match node {
        Node::Function(function) => self::measured(*function),
        Node::Container(container) => members(container),
        Node::Verbatim(tokens) => tokens,
        Node::Refused(tokens, error) => fallback::keep(tokens, &error),
    }
}

fn members(container: Container) -> TokenStream {
    let mut body = Group::new(
        container.body.delimiter(),
        container.members.into_iter().map(expanded).collect(),
    );
    body.set_span(container.body.span());
    let mut tokens = container.head;
    tokens.extend([TokenTree::Group(body)]);
    tokens
}

/// A function's body with its sites rewritten.
struct Body {
    /// `#![..]` inside it.
    attrs: Vec<Attribute>,
    statements: TokenStream,
    /// Ends in an expression, as far as is known.
    has_tail: bool,
    sites: Vec<Site>,
}

fn measured(mut function: Function) -> TokenStream {
    let span = Span::mixed_site().located_at(function.head.sig.ident.span());
    let runtime = Runtime::new(function.options.runtime.as_ref(), span);
    let body = rewritten(&function, &runtime);
    let table = table::table(&function, &body.sites, &runtime);
    let measured = if function.head.sig.asyncness.is_some() {
        future::body(&function, &body, &runtime)
    } else {
        function::body(&mut function, &body, &runtime)
    };
    let mut inside = TokenStream::new();
    body.attrs.iter().for_each(|attribute| attribute.to_tokens(&mut inside));
    inside.extend(table);
    inside.extend(measured);
    let mut braces = Group::new(function.body.delimiter(), inside);
    braces.set_span(function.body.span());

    let mut tokens = TokenStream::new();
    let head = &function.head;
    head.attrs.iter().for_each(|attribute| attribute.to_tokens(&mut tokens));
    head.vis.to_tokens(&mut tokens);
    head.defaultness.to_tokens(&mut tokens);
    head.sig.to_tokens(&mut tokens);
    tokens.extend([TokenTree::Group(braces)]);
    tokens
}

/// Replaces each site in place. A body that syn can't parse stays as it is: the function is
/// measured, without sites.
fn rewritten(function: &Function, runtime: &Runtime) -> Body {
    let is_async = function.head.sig.asyncness.is_some();
    let Ok((attrs, mut block)) = statements(&function.body) else {
        let statements = function.body.stream();
        return Body { attrs: Vec::new(), statements, has_tail: false, sites: Vec::new() };
    };
    let mut sites = Vec::new();
    if function.options.sites.unwrap_or_default() == SiteSelection::Calls {
        enumerate(&mut block, is_async, &mut |expr: &mut Expr, site: Site| {
            probe::wrap(expr, &site, runtime);
            sites.push(site);
        });
    }
    let mut statements = TokenStream::new();
    for statement in &block.stmts {
        statement.to_tokens(&mut statements);
    }
    let has_tail = matches!(block.stmts.last(), Some(Stmt::Expr(_, None)));
    Body { attrs, statements, has_tail, sites }
}

fn statements(body: &Group) -> syn::Result<(Vec<Attribute>, Block)> {
    let parser = |input: ParseStream<'_>| {
        let attrs = input.call(Attribute::parse_inner)?;
        Ok((attrs, input.call(Block::parse_within)?))
    };
    let (attrs, stmts) = parser.parse2(body.stream())?;
    debug_assert!(attrs.iter().all(|it| matches!(it.style, AttrStyle::Inner(_))));
    Ok((attrs, Block { brace_token: Brace(body.span()), stmts }))
}

#[cfg(test)]
mod tests;
