//! Beside each guard of a lock that a `let` or `if let` binds, a local that lives as long.
//!
//! `let guard = m.lock().unwrap();` is followed by `let __hotpath_hold_3 = hold(&TABLE, 3);`, which goes
//! right before the guard does. What is no statement of its own keeps its guard to the end of that: there a
//! local would have to move, and with it what is dropped when. Nor is a guard followed that is moved,
//! but into a `drop(guard);` of its block.

use std::collections::BTreeSet;

use hotpath_runtime_syntax::{Kind, Site};
use proc_macro2::{Delimiter, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprCall, ExprIf, Item, Local, Pat, Stmt, Token};

use super::runtime::Runtime;

/// Methods of a `Result` that hand on the guard in it.
const UNWRAPPING: &[&str] = &["expect", "map_err", "ok", "unwrap", "unwrap_or_else"];

/// What takes a guard by value, or the `Result` or future that it is in: a variable that has one of them
/// holds no guard any more, or none yet. Whatever begins with one of [`TAKING_PREFIXES`] does as well.
const TAKING: &[&str] = &[
    "and",
    "and_then",
    "await",
    "cloned",
    "copied",
    "err",
    "flatten",
    "inspect",
    "inspect_err",
    "into",
    "is_err_and",
    "is_ok_and",
    "map",
    "map_err",
    "map_ok",
    "map_or",
    "map_or_default",
    "map_or_else",
    "ok",
    "or",
    "or_else",
    "release",
    "take",
    "then",
    "transpose",
    "try_into",
];

const TAKING_PREFIXES: &[&str] =
    &["downgrade", "expect", "into_", "now_or_never", "try_map", "unlock", "unwrap", "upgrade"];

/// Whether this site takes a lock. Asked before it is wrapped.
pub(super) fn is_lock(expr: &Expr, site: &Site) -> bool {
    let future = match expr {
        Expr::Await(awaited) => &*awaited.base,
        _ => return site.kind == Kind::Lock,
    };
    let Expr::MethodCall(call) = future else { return false };
    let name = call.method.to_string();
    let name = name.strip_suffix("_owned").unwrap_or(&name);
    call.args.is_empty() && matches!(name, "lock" | "read" | "write")
}

/// Adds them to a body whose sites are wrapped; `locks` are those that take one.
pub(super) fn add(body: &mut Block, locks: &BTreeSet<u32>, runtime: &Runtime) {
    if !locks.is_empty() {
        Guards { locks, runtime }.visit_block_mut(body);
    }
}

struct Guards<'r> {
    locks: &'r BTreeSet<u32>,
    runtime: &'r Runtime,
}

impl VisitMut for Guards<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        visit_mut::visit_block_mut(self, block);
        let found: Vec<(usize, Guard)> = block
            .stmts
            .iter()
            .enumerate()
            .filter_map(|(place, stmt)| Some((place + 1, self.of_statement(stmt)?)))
            .collect();
        self.follow(block, &found);
    }

    fn visit_expr_if_mut(&mut self, it: &mut ExprIf) {
        visit_mut::visit_expr_if_mut(self, it);
        if let Expr::Let(condition) = &*it.cond
            && let Some(guard) = self.of(&condition.pat, &condition.expr, true)
        {
            self.follow(&mut it.then_branch, &[(0, guard)]);
        }
    }

    // These have tables of their own.
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// A variable that holds the guard of a lock.
struct Guard {
    name: String,
    /// The site that took the lock.
    site: u32,
}

impl Guards<'_> {
    fn of_statement(&self, stmt: &Stmt) -> Option<Guard> {
        let Stmt::Local(Local { attrs, pat, init: Some(init), .. }) = stmt else { return None };
        // What a `#[cfg]` takes away must take all of it away.
        self.of(pat, &init.expr, init.diverge.is_some()).filter(|_| attrs.is_empty())
    }

    fn of(&self, pat: &Pat, value: &Expr, is_result: bool) -> Option<Guard> {
        Some(Guard { name: bound(pat, is_result)?, site: self.lock(value)? })
    }

    /// The site of the lock whose guard, alone or in a `Result`, an expression gives.
    fn lock(&self, expr: &Expr) -> Option<u32> {
        match expr {
            Expr::Paren(inner) => self.lock(&inner.expr),
            Expr::Group(inner) => self.lock(&inner.expr),
            Expr::Try(tried) => self.lock(&tried.expr),
            Expr::MethodCall(call) if UNWRAPPING.contains(&&*call.method.to_string()) => {
                self.lock(&call.receiver)
            }
            Expr::Await(awaited) => {
                let Expr::Call(probe) = &*awaited.base else { return None };
                index(probe).filter(|index| self.locks.contains(index))
            }
            Expr::Call(probe) => match (probe.args.first()?, probe.args.get(1)) {
                (Expr::Call(token), Some(inner)) => {
                    let index = index(token)?;
                    if self.locks.contains(&index) { Some(index) } else { self.lock(inner) }
                }
                (marked, None) if is_mark(probe) => self.lock(marked),
                _ => None,
            },
            _ => None,
        }
    }

    /// Adds the locals of guards that are in a block from these places on.
    fn follow(&self, block: &mut Block, guards: &[(usize, Guard)]) {
        let mut added: Vec<(usize, TokenStream)> = Vec::new();
        for (start, guard) in guards {
            let Some(end) = end(&block.stmts[*start..], &guard.name) else { continue };
            let span = Span::mixed_site().located_at(self.runtime.span);
            let local = Ident::new(&format!("__hotpath_hold_{}", guard.site), span);
            let (hold, table) = (self.runtime.name("hold", span), Runtime::table(span));
            let mut site = Literal::u32_unsuffixed(guard.site);
            site.set_span(span);
            added.push((*start, quote_spanned!(span=> let #local = #hold(&#table, #site))));
            if let Some(place) = end {
                let end = self.runtime.name("held", span);
                added.push((start + place, quote_spanned!(span=> #end(#local))));
            }
        }
        // Of those at one place, what was added first comes first.
        added.sort_by_key(|(place, _)| *place);
        let end = Token![;](self.runtime.span);
        for (place, tokens) in added.into_iter().rev() {
            block.stmts.insert(place, Stmt::Expr(Expr::Verbatim(tokens), Some(end)));
        }
    }
}

/// The number of the site that `site(&TABLE, 3)`, `awaited(&TABLE, 3, ..)` and their like are for.
fn index(probe: &ExprCall) -> Option<u32> {
    let (Expr::Reference(table), Expr::Lit(index)) = (probe.args.first()?, probe.args.get(1)?)
    else {
        return None;
    };
    let Expr::Path(table) = &*table.expr else { return None };
    if !table.path.is_ident("__HOTPATH") {
        return None;
    }
    index.lit.to_token_stream().to_string().parse().ok()
}

/// Whether this is what takes the cost of a receiver out: its arguments are as they were.
fn is_mark(probe: &ExprCall) -> bool {
    let mut path = probe.func.to_token_stream().into_iter();
    let is_ours = path.any(
        |token| matches!(&token, TokenTree::Ident(it) if it == "__hotpath" || it == "__private"),
    );
    is_ours && path.last().is_some_and(|token| token.to_string() == "mark")
}

/// The variable that a pattern binds a guard to; with `is_result`, in `Ok(..)` as well.
fn bound(pat: &Pat, is_result: bool) -> Option<String> {
    match pat {
        Pat::Type(typed) => bound(&typed.pat, is_result),
        Pat::TupleStruct(tuple)
            if is_result && tuple.path.is_ident("Ok") && tuple.elems.len() == 1 =>
        {
            bound(&tuple.elems[0], false)
        }
        // A reference leaves the guard where it is, and what begins with a capital letter may be a constant.
        Pat::Ident(it) if it.by_ref.is_none() && it.subpat.is_none() && it.attrs.is_empty() => {
            let name = it.ident.to_string();
            (!name.starts_with(char::is_uppercase)).then_some(name)
        }
        _ => None,
    }
}

/// Where the guard goes, if that can be told: the place of the statement that drops it, or nothing where it
/// lives to the end of the block.
#[expect(clippy::option_option, reason = "not known is not the same as not before the end")]
fn end(stmts: &[Stmt], name: &str) -> Option<Option<usize>> {
    for (place, stmt) in stmts.iter().enumerate() {
        if drops(stmt, name) {
            return Some(Some(place));
        }
        let hidden = hides(stmt, name);
        let is_hidden = hidden.is_some();
        if may_move(hidden.unwrap_or_else(|| stmt.to_token_stream()), name) {
            return None;
        }
        if is_hidden {
            // From here on the name is another's.
            return Some(None);
        }
    }
    Some(None)
}

/// Of a statement that binds the variable anew its value, from which on the name is another's.
fn hides(stmt: &Stmt, name: &str) -> Option<TokenStream> {
    match stmt {
        // What a `#[cfg]` takes away hides nothing.
        Stmt::Local(local)
            if local.attrs.is_empty() && bound(&local.pat, true).as_deref() == Some(name) =>
        {
            Some(local.init.as_ref().map(|init| init.expr.to_token_stream()).unwrap_or_default())
        }
        // What holds no site was not read.
        Stmt::Expr(Expr::Verbatim(tokens), Some(_)) => {
            let mut tokens = tokens.clone().into_iter().peekable();
            let mut is = |what: &str| tokens.next_if(|it| it.to_string() == what).is_some();
            if !is("let") {
                return None;
            }
            let _ = is("mut");
            (is(name) && is("=")).then(|| tokens.collect())
        }
        _ => None,
    }
}

/// Whether a statement is `drop(guard);`.
fn drops(stmt: &Stmt, name: &str) -> bool {
    let Stmt::Expr(expr, Some(_)) = stmt else { return false };
    let call = match expr {
        // What a `#[cfg]` takes away drops nothing.
        Expr::Call(probe)
            if probe.attrs.is_empty()
                && probe.args.first().is_some_and(
                    |it| matches!(it, Expr::Call(token) if index(token).is_some()),
                ) =>
        {
            probe.args[probe.args.len() - 1].to_token_stream()
        }
        other => other.to_token_stream(),
    };
    let mut text = call.to_string();
    text.retain(|character| !character.is_whitespace());
    let Some(function) = text.strip_suffix(&format!("({name})")) else { return false };
    let function = function.trim_start_matches("::");
    matches!(function, "drop" | "mem::drop" | "std::mem::drop" | "core::mem::drop")
}

/// Whether any mention of the variable may move it, or be that of a `Result`.
fn may_move(tokens: TokenStream, name: &str) -> bool {
    let mut found = Mentions::default();
    found.look(tokens, name);
    found.moves || (found.any && found.captures_by_move)
}

#[derive(Default)]
struct Mentions {
    any: bool,
    moves: bool,
    captures_by_move: bool,
}

impl Mentions {
    fn look(&mut self, tokens: TokenStream, name: &str) {
        let mut before = [None, None];
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match &token {
                TokenTree::Ident(ident) if ident == name => {
                    let next = [tokens.peek().cloned(), tokens.clone().nth(1)];
                    self.any = true;
                    self.moves |= !lends(&before, &next);
                }
                TokenTree::Ident(ident) => self.captures_by_move |= ident == "move",
                TokenTree::Group(group) => self.look(group.stream(), name),
                TokenTree::Literal(text) => self.any |= text.to_string().contains(name),
                TokenTree::Punct(_) => {}
            }
            before = [before[1].take(), Some(token)];
        }
    }
}

/// Whether a name between these tokens is only looked at: `&x`, `&mut x`, `*x`, `x.f`, `x[0]`; or is that of
/// a field, `a.x`.
fn lends(before: &[Option<TokenTree>; 2], next: &[Option<TokenTree>; 2]) -> bool {
    let is = |token: &Option<TokenTree>, what: char| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == what);
    let [earlier, last] = before;
    let is_mut = matches!(last, Some(TokenTree::Ident(ident)) if ident == "mut");
    if is(last, '&') || is(last, '*') || is_mut && is(earlier, '&') {
        return true;
    }
    let is_field = is(last, '.') && !is(earlier, '.');
    let is_indexed = matches!(&next[0], Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket);
    let is_used = is(&next[0], '.') && !is(&next[1], '.');
    let is_taken = matches!(&next[1], Some(TokenTree::Ident(method)) if takes(&method.to_string()));
    is_field || is_indexed || is_used && !is_taken
}

fn takes(method: &str) -> bool {
    TAKING.contains(&method) || TAKING_PREFIXES.iter().any(|prefix| method.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statements::Wanted;

    /// As it is found in a body that is read as those are that are expanded.
    #[expect(clippy::option_option, reason = "as `end`")]
    fn ends(body: &str) -> Option<Option<usize>> {
        let text = format!("let g = m.lock().unwrap(); {body}");
        let group = proc_macro2::Group::new(Delimiter::Brace, text.parse().unwrap());
        let of = hotpath_runtime_syntax::SiteSelection::Calls;
        let [found, whole] = [Wanted::Sites { of, with_self: false }, Wanted::All].map(|wanted| {
            let (_, block) = crate::statements::read(&group, wanted).unwrap();
            end(&block.stmts[1..], "g")
        });
        assert_eq!(found, whole, "{body}");
        found
    }

    #[test]
    fn what_only_looks_at_a_guard_leaves_it_alive() {
        for body in [
            "",
            "g.push(1); g[0] += 1; f(&g, &mut g); *g = 3; a.g; println!(\"{g}\", g.len())",
            "if a { g.push(1); return; } for x in g.iter() { h(x) }",
            "let g = g.len(); f(g)",
            "let n = 1; g.field",
            "let mut g = g.len(); f(g)",
            "let x = s.clone(); let g = g.len(); f(g)",
            "g.get(1).map(f); g.items.into_iter()",
        ] {
            assert_eq!(ends(body), Some(None), "{body}");
        }
    }

    #[test]
    fn a_drop_in_the_block_ends_it() {
        assert_eq!(ends("g.push(1); drop(g); f()"), Some(Some(1)));
        assert_eq!(ends("std::mem::drop(g); drop(g);"), Some(Some(0)));
        assert_eq!(ends("::core::mem::drop(g);"), Some(Some(0)));
    }

    #[test]
    fn what_may_move_it_leaves_nothing_to_tell() {
        for body in [
            "f(g)",
            "if a { drop(g); }",
            "g",
            "return g;",
            "g = cv.wait(g).unwrap();",
            "let h = g;",
            "spawn(move || g.push(1))",
            "S { g }",
            "m!(g)",
            "g.unwrap().push(1)",
            "match g { _ => {} }",
            "let g = Guard::map(g, f);",
            "let h = ..g;",
            "other().await; g.await;",
            "let g = g.await;",
            "let r = g.downgrade(); f(&r)",
            "g.unlock(); f()",
            "g.unlock_fair(); f()",
            "g.release()",
            "let n = g.map_or(0, |g| g.len());",
            "g.map_or_else(f, h)",
            "let g = g.or_else(f)?;",
            "g.unwrap_or_default()",
            "if g.is_ok_and(|g| g.is_empty()) { f() }",
            "g.take()",
            "g.into_mapped(f)",
            "#[cfg(x)] drop(g);",
            "#[cfg(x)] let g = 1; f(g)",
            "#[cfg(x)] let g = s.clone(); f(g)",
        ] {
            assert_eq!(ends(body), None, "{body}");
        }
    }

    #[test]
    fn guards_are_bound_by_name() {
        let bound = |text: &str, is_result: bool| {
            let block: Block = syn::parse_str(&format!("{{ let {text} = x; }}")).unwrap();
            let Stmt::Local(local) = &block.stmts[0] else { panic!("a let") };
            bound(&local.pat, is_result)
        };
        assert_eq!(bound("mut g: MutexGuard<u8>", false).as_deref(), Some("g"));
        assert_eq!(bound("Ok(mut g)", true).as_deref(), Some("g"));
        for text in ["_", "ref g", "g @ 1", "G", "(a, b)", "Ok(g)", "Some(g)"] {
            assert_eq!(bound(text, false), None, "{text}");
        }
    }
}
