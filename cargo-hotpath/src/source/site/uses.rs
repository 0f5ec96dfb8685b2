//! Where a function names its variables, and what follows for the sites that read or bind them.

use std::collections::HashMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::{Expr, FnArg, Pat};

use super::growth::Binding;
use super::{Body, Found, Slot, Walker};
use crate::facts::{OnlyUse, Origin, Usage};
use crate::source::{arguments, place};

/// Methods of collections and strings that borrow them for no longer than the call, or for what
/// they give back.
const LENDING: &[&str] = &[
    "append",
    "as_bytes",
    "as_mut_slice",
    "as_mut_str",
    "as_path",
    "as_ref",
    "as_slice",
    "as_str",
    "back",
    "binary_search",
    "bytes",
    "capacity",
    "char_indices",
    "chars",
    "chunks",
    "clear",
    "clone",
    "contains",
    "dedup",
    "drain",
    "ends_with",
    "extend",
    "extend_from_slice",
    "fill",
    "find",
    "first",
    "front",
    "get",
    "get_mut",
    "insert",
    "insert_str",
    "is_empty",
    "iter",
    "iter_mut",
    "join",
    "last",
    "len",
    "lines",
    "make_ascii_lowercase",
    "make_ascii_uppercase",
    "parse",
    "pop",
    "pop_back",
    "pop_front",
    "push",
    "push_back",
    "push_front",
    "push_str",
    "remove",
    "reserve",
    "resize",
    "retain",
    "reverse",
    "sort",
    "sort_by",
    "sort_by_key",
    "sort_unstable",
    "sort_unstable_by",
    "sort_unstable_by_key",
    "split",
    "split_at",
    "split_whitespace",
    "starts_with",
    "swap",
    "swap_remove",
    "to_owned",
    "to_string",
    "to_vec",
    "trim",
    "trim_end",
    "trim_start",
    "truncate",
    "windows",
    "write_all",
    "write_str",
];

/// The places where variables are named.
#[derive(Default)]
pub(super) struct Uses {
    all: Vec<Use>,
    /// `move` closures and blocks around the current expression.
    moving: u32,
}

pub(super) struct Use {
    pub(super) name: String,
    pub(super) at: usize,
    pub(super) moved: bool,
    /// What it is used for, and the methods called on it; where it stands by itself.
    role: Option<(Usage, Vec<String>)>,
    innermost: Option<usize>,
    closures: u32,
    /// The binding that the name means, once all are known.
    pub(super) binding: Option<usize>,
}

impl Uses {
    /// Enters a `move` closure or block: what it names is its own.
    pub(super) fn enter_moving(&mut self) {
        self.moving += 1;
    }

    /// Leaves it.
    pub(super) fn leave_moving(&mut self) {
        self.moving -= 1;
    }

    pub(super) fn add(&mut self, name: String, at: usize, moved: bool) {
        let moved = moved || self.moving > 0;
        let (role, innermost) = (None, None);
        self.all.push(Use { name, at, moved, role, innermost, closures: 0, binding: None });
    }

    /// What the last one is for, and where it stands.
    fn describe(&mut self, role: (Usage, Vec<String>), innermost: Option<usize>, closures: u32) {
        if let Some(last) = self.all.last_mut() {
            (last.role, last.innermost, last.closures) = (Some(role), innermost, closures);
        }
    }

    /// Looks up what each name means.
    pub(super) fn resolve(&mut self, bindings: &[Binding]) {
        for it in &mut self.all {
            it.binding = visible(bindings, &it.name, it.at);
        }
    }
}

/// Functions that take what lies behind a `&mut` away.
const TAKING: &[&str] = &["replace", "swap", "take"];

/// Whether a method of this name borrows its receiver only.
pub(super) fn only_lends(method: &str) -> bool {
    LENDING.contains(&method)
}

/// Whether a variable in such a place is only borrowed.
pub(super) fn lends(usage: &Usage) -> bool {
    match usage {
        Usage::Borrowed | Usage::Compared | Usage::AddAssign { borrowed: true } => true,
        Usage::Argument { callee, borrowed, .. } => *borrowed && !TAKING.contains(&callee.as_str()),
        Usage::Receiver(method) => only_lends(method),
        _ => false,
    }
}

/// The binding that `name` means at a place: the last one made before it whose scope holds it.
pub(super) fn visible(bindings: &[Binding], name: &str, at: usize) -> Option<usize> {
    let covers = |b: &Binding| b.name == name && b.from <= at && at < b.until;
    (0..bindings.len()).filter(|&index| covers(&bindings[index])).max_by_key(|&i| bindings[i].from)
}

/// What a site's variables say of it.
#[derive(Default)]
pub(super) struct Variable {
    pub(super) only_lent: Option<bool>,
    pub(super) original_stays: Option<bool>,
    pub(super) used_once: Option<OnlyUse>,
    pub(super) last_use: Option<bool>,
    pub(super) declared_type: Option<String>,
    pub(super) bound_by: Option<usize>,
    pub(super) read_in_body: Option<bool>,
    pub(super) root_origin: Option<Origin>,
}

impl Walker<'_> {
    /// Binds the parameters.
    pub(super) fn parameters(&mut self, body: Body<'_>) {
        let braces = body.block.brace_token.span;
        let (from, until) = (braces.open().start(), braces.close().start());
        for input in &body.signature.inputs {
            let FnArg::Typed(typed) = input else { continue };
            let first = self.bindings.len();
            self.bind_from(Origin::Outside, &typed.pat, from, Some(until));
            if let Some(name) = place::binding(&typed.pat) {
                let declared = self.type_text(&typed.ty);
                for binding in self.bindings[first..].iter_mut().filter(|it| it.name == name) {
                    binding.declared_type = Some(declared.clone());
                }
            }
        }
    }

    /// The type in a `let` pattern, as it is written.
    pub(super) fn declared_type(&self, pat: &Pat) -> Option<String> {
        match pat {
            Pat::Type(typed) => Some(self.type_text(&typed.ty)),
            _ => None,
        }
    }

    fn type_text(&self, of: &syn::Type) -> String {
        let span = syn::spanned::Spanned::span(of);
        self.lines.text((span.start(), span.end())).to_owned()
    }

    /// Notes a variable that is named in a place which lends it.
    pub(super) fn visit_lent(&mut self, expr: &Expr) {
        match expr {
            Expr::Path(_) => self.name(expr, false),
            other => self.visit_plain(other),
        }
    }

    /// Notes a variable.
    pub(super) fn name(&mut self, expr: &Expr, moved: bool) {
        let Expr::Path(path) = expr else { return };
        if let (None, Some(ident)) = (&path.qself, path.path.get_ident()) {
            let at = self.lines.byte(ident.span().start());
            self.uses.add(ident.to_string(), at, moved);
        }
    }

    /// Notes a variable with what it is used for.
    pub(super) fn name_in(&mut self, expr: &Expr, slot: Slot) {
        let Expr::Path(path) = expr else { return };
        self.name(expr, !lends(&slot.usage));
        if path.qself.is_none() && path.path.get_ident().is_some() {
            let role = (slot.usage, slot.chain);
            self.uses.describe(role, self.loops.innermost(), self.closures);
        }
    }

    /// Notes every name in tokens that can't be read, those in format strings among them.
    pub(super) fn name_all(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    let at = self.lines.byte(ident.span().start());
                    self.uses.add(ident.to_string(), at, true);
                }
                TokenTree::Group(group) => self.name_all(group.stream()),
                TokenTree::Literal(literal) => {
                    let at = self.lines.byte(literal.span().start());
                    for name in arguments::captured_by(literal) {
                        self.uses.add(name, at, true);
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }

    /// What is known of the variables of a site once the whole function was seen.
    pub(super) fn variable(&self, found: Option<&Found>) -> Variable {
        let Some(found) = found else { return Variable::default() };
        let source = &found.source;
        let receiver = source
            .receiver
            .as_deref()
            .and_then(|name| visible(&self.bindings, name, source.span.byte_start));
        Variable {
            only_lent: found.binding.map(|binding| self.is_only_lent(binding)),
            used_once: self.used_once(found),
            original_stays: self.original_stays(found),
            last_use: receiver.map(|binding| self.is_last_use(found, binding)),
            declared_type: receiver.and_then(|it| self.bindings[it].declared_type.clone()),
            bound_by: receiver.and_then(|it| {
                let holds = |found: &Option<Found>| {
                    found.as_ref().is_some_and(|found| found.binding == Some(it))
                };
                self.found.iter().position(holds)
            }),
            read_in_body: self.read_in_body(found),
            root_origin: source.receiver_root.as_deref().map(|root| self.origin(found, root)),
        }
    }

    /// Where the variable gets its value, seen from a site.
    fn origin(&self, found: &Found, root: &str) -> Origin {
        let binding = visible(&self.bindings, root, found.source.span.byte_start);
        let inside = binding.filter(|&it| self.bindings[it].innermost == found.innermost);
        inside.map_or(Origin::Outside, |it| self.bindings[it].origin)
    }

    pub(super) fn all_uses(&self) -> &[Use] {
        &self.uses.all
    }

    pub(super) fn uses_of(&self, binding: usize) -> impl Iterator<Item = &Use> {
        self.uses.all.iter().filter(move |it| it.binding == Some(binding))
    }

    pub(super) fn is_only_lent(&self, binding: usize) -> bool {
        self.uses_of(binding).all(|it| !it.moved)
    }

    /// The only use of what a `let` makes of the site's value.
    fn used_once(&self, found: &Found) -> Option<OnlyUse> {
        let mut uses = self.uses_of(found.binding?);
        let (only, None) = (uses.next()?, uses.next()) else { return None };
        if only.innermost != found.innermost || only.closures != found.closures {
            return None;
        }
        let (usage, followed_by) = only.role.clone()?;
        let (span, until) = (found.source.span, self.bindings[found.binding?].until);
        let made_from = |it: &&Use| (span.byte_start..span.byte_end).contains(&it.at);
        let again = |of: &Use| {
            let mut later =
                self.uses.all.iter().filter(|it| (span.byte_end..until).contains(&it.at));
            later.any(|it| it.name == of.name && it.binding == of.binding)
        };
        let read_meanwhile = self.uses.all.iter().filter(made_from).any(again);
        Some(OnlyUse { usage, followed_by, read_meanwhile })
    }

    /// Whether what is evaluated while the site's value is in use names what the site names: the rest
    /// of its statement, and the body where it stands in the head of a `for`. `None` where it
    /// doesn't, in no head.
    fn read_in_body(&self, found: &Found) -> Option<bool> {
        let span = found.source.span;
        let body = self.loops.body_below(span);
        let until = body.as_ref().map_or(found.source.statement.byte_end, |body| body.end);
        let mut named: HashMap<(&str, Option<usize>), (bool, bool)> = HashMap::new();
        for it in &self.uses.all {
            let (inside, behind) = named.entry((&it.name, it.binding)).or_default();
            *inside |= (span.byte_start..span.byte_end).contains(&it.at);
            *behind |= (span.byte_end..until).contains(&it.at);
        }
        let shared = named.values().any(|&(inside, behind)| inside && behind);
        (shared || body.is_some()).then_some(shared)
    }
}
