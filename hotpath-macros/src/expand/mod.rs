//! Tokens of the expansion.
//!
//! No lint attribute stands in it (a `forbid` in the user's crate would break
//! the build), and it names only `core` and the runtime.

mod blocks;
mod captured;
mod function;
mod future;
mod hold;
mod parameters;
mod probe;
mod receiver;
mod returned;
mod runtime;
mod scope;
mod table;

use std::collections::BTreeSet;

use hotpath_runtime_syntax::{Options, Shape, Site, enumerate};
use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Attribute, Expr, Stmt};

use self::runtime::Runtime;
pub(crate) use self::scope::scope;
use crate::fallback;
use crate::marker;
use crate::model::{self, Container, Function, Node};
use crate::place::Position;
use crate::statements::{self, Wanted};

/// The attribute with its options on its item.
pub(crate) fn attribute(options: TokenStream, item: TokenStream) -> TokenStream {
    match Options::parse(options) {
        Ok(options) if options.skip && !marker::mentions_table(item.clone()) => item,
        Ok(options) => match model::read(options, item.clone()) {
            Ok(node) => expanded(node, Position::of(Span::call_site())),
            Err(error) => fallback::keep(item, &error),
        },
        Err(error) => fallback::keep(item, &error),
    }
}

fn expanded(node: Node, attribute: Position) -> TokenStream {
    match node {
        Node::Function(function) => self::measured(*function, attribute),
        Node::Container(container) => members(container, attribute),
        Node::Verbatim(tokens) => tokens,
        Node::Refused(tokens, error) => fallback::keep(tokens, &error),
    }
}

fn members(container: Container, attribute: Position) -> TokenStream {
    let members = container.members.into_iter().map(|member| expanded(member, attribute));
    let mut body = Group::new(container.body.delimiter(), members.collect());
    body.set_span(container.body.span());
    let mut tokens = container.head;
    tokens.extend([TokenTree::Group(body)]);
    tokens
}

/// A function's body with its sites rewritten.
struct Body {
    /// `#![..]` inside it.
    attrs: Vec<Attribute>,
    /// What `self` by value is moved to.
    receiver: Option<TokenStream>,
    statements: TokenStream,
    /// Ends in an expression, as far as is known.
    has_tail: bool,
    shape: Shape,
    /// The text of its sites.
    sites: String,
}

impl Body {
    /// `{ BEFORE BODY }`, with the braces of the function: which temporaries of its tail a block drops
    /// after its locals is decided by the edition of its braces.
    fn block(&mut self, function: &Function, before: Option<TokenStream>) -> TokenTree {
        let mut statements = std::mem::take(&mut self.statements);
        if let Some(before) = before {
            statements = [before, statements].into_iter().collect();
        }
        let mut braces = Group::new(function.body.delimiter(), statements);
        braces.set_span(function.body.span());
        TokenTree::Group(braces)
    }
}

fn measured(mut function: Function, attribute: Position) -> TokenStream {
    let span = Span::mixed_site().located_at(function.head.sig.ident.span());
    let runtime = Runtime::new(function.options.runtime.as_ref(), span, attribute);
    let mut body = rewritten(&mut function, &runtime);
    let table = table::table(&function, &body, &runtime);
    let measured = match body.shape {
        Shape::Async => future::body(&mut function, &mut body, &runtime),
        _ => function::body(&mut function, &mut body, &runtime),
    };
    let mut inside = TokenStream::new();
    body.attrs.iter().for_each(|attribute| attribute.to_tokens(&mut inside));
    if function.names_matter {
        inside.extend(marker::leave(&function.options, &function.body, span));
    }
    inside.extend([runtime.alias(), table, measured]);
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
fn rewritten(function: &mut Function, runtime: &Runtime) -> Body {
    let is_async = function.head.sig.asyncness.is_some();
    let wanted = wanted(function);
    let Ok((attrs, mut block)) = statements::read(&function.body, wanted) else {
        return Body {
            attrs: Vec::new(),
            receiver: None,
            statements: function.body.stream(),
            has_tail: false,
            shape: if is_async { Shape::Async } else { Shape::Call },
            sites: String::new(),
        };
    };
    let shape = Shape::of(&function.head.sig, &block);
    let mut sites = String::new();
    let mut locks = BTreeSet::new();
    let selection = function.options.sites.unwrap_or_default();
    enumerate(&mut block, is_async, selection, &mut |expr: &mut Expr, site: Site| {
        table::tell(&mut sites, &site, function.columns.position(site.position));
        if hold::is_lock(expr, &site) {
            locks.insert(site.index);
        }
        probe::wrap(expr, &site, runtime);
    });
    hold::add(&mut block, &locks, runtime);
    returned::wrap(&mut block, shape, runtime);
    blocks::wrap(&mut block, function, runtime);
    let receiver = match shape {
        Shape::Async => None,
        _ => receiver::moved(function, &mut block, runtime),
    };
    let mut statements = TokenStream::new();
    for statement in &block.stmts {
        statement.to_tokens(&mut statements);
    }
    let has_tail = matches!(block.stmts.last(), Some(Stmt::Expr(_, None)));
    Body { attrs, receiver, statements, has_tail, shape, sites }
}

/// What of a function's body has to be read.
fn wanted(function: &mut Function) -> Wanted {
    let signature = &mut function.head.sig;
    if Shape::depends_on_body(signature) || function::is_opaque(&mut signature.output) {
        return Wanted::All;
    }
    let is_moved = signature.receiver().is_some_and(parameters::is_owned);
    Wanted::Sites {
        of: function.options.sites.unwrap_or_default(),
        with_self: is_moved && signature.asyncness.is_none(),
    }
}

#[cfg(test)]
mod tests;
