//! What the source says of awaits: in which order, in which loops, under which locks.

use std::collections::{BTreeSet, HashMap};

use proc_macro2::{LineColumn, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::visit::{self, Visit};
use syn::{
    Block, Expr, ExprAsync, ExprAwait, ExprClosure, ExprForLoop, ExprLoop, ExprReference,
    ExprWhile, FnArg, Item, Local, Pat, ReceiverKind, Signature, Stmt,
};

use super::changes::Changes;
use crate::facts::{AwaitSource, Repeated};
use crate::source::place;

/// What is known of each await, by the place of its token; `site` gives the index of the site there,
/// and of a lock's method.
pub(super) fn of(
    signature: &Signature,
    block: &Block,
    site: &dyn Fn(LineColumn) -> Option<usize>,
) -> HashMap<usize, AwaitSource> {
    let mut awaits = Awaits {
        site,
        found: HashMap::new(),
        guards: Vec::new(),
        loops: Vec::new(),
        in_head: false,
        mutable: BTreeSet::new(),
    };
    for input in &signature.inputs {
        if let FnArg::Typed(typed) = input {
            awaits.note_mutable(&typed.pat);
            if matches!(&*typed.ty, syn::Type::Reference(it) if it.mutability.is_some()) {
                let mut names = Vec::new();
                place::bound(&typed.pat, &mut names);
                awaits.mutable.extend(names);
            }
        } else if let FnArg::Receiver(receiver) = input
            && matches!(receiver.kind, ReceiverKind::Reference(_, _, Some(_)))
        {
            awaits.mutable.insert("self".to_owned());
        }
    }
    awaits.visit_block(block);
    awaits.found
}

struct Awaits<'a> {
    site: &'a dyn Fn(LineColumn) -> Option<usize>,
    found: HashMap<usize, AwaitSource>,
    /// Guards that live here: the variable and the site of the lock.
    guards: Vec<(String, usize)>,
    /// Loops around, innermost last.
    loops: Vec<Around>,
    /// Whether this is the condition of a loop, or what it goes through.
    in_head: bool,
    /// Names that were bound `mut`, or are `&mut` parameters.
    mutable: BTreeSet<String>,
}

/// A loop around an await.
struct Around {
    is_for: bool,
    /// Whether it may end before its time, or sets the pace of its iterations.
    leaves: bool,
    /// Variables of outside that an iteration changes, and what is made of them.
    carried: BTreeSet<String>,
}

/// A statement that is one await: `let a = x.f().await?;`.
struct Step {
    site: usize,
    /// Whether what it names is not to be used by another at the same time.
    is_exclusive: bool,
    names: BTreeSet<String>,
    /// What it binds, and what was made of that.
    bound: BTreeSet<String>,
}

impl Awaits<'_> {
    fn note_mutable(&mut self, pat: &Pat) {
        struct Mutable<'a>(&'a mut BTreeSet<String>);
        impl<'ast> Visit<'ast> for Mutable<'_> {
            fn visit_pat_ident(&mut self, ident: &'ast syn::PatIdent) {
                if ident.mutability.is_some() {
                    self.0.insert(ident.ident.to_string());
                }
            }
        }
        Mutable(&mut self.mutable).visit_pat(pat);
    }

    /// The statement as a step, if it is one.
    fn step(&self, stmt: &Stmt) -> Option<Step> {
        let (expr, pat) = match stmt {
            Stmt::Local(Local { pat, init: Some(init), .. }) if init.diverge.is_none() => {
                (&*init.expr, Some(pat))
            }
            Stmt::Expr(expr, _) => (expr, None),
            _ => return None,
        };
        let Expr::Await(awaited) = unwrapped(expr) else { return None };
        let mut inner = Count(0);
        inner.visit_expr(&awaited.base);
        let site = (self.site)(awaited.await_token.span.start())?;
        let mut bound = Vec::new();
        if let Some(pat) = pat {
            place::bound(pat, &mut bound);
        }
        (inner.0 == 0).then(|| Step {
            site,
            is_exclusive: self.is_exclusive(&awaited.base),
            names: names(&awaited.base),
            bound: bound.into_iter().collect(),
        })
    }

    /// Whether the future borrows something mutably, as far as the syntax tells.
    fn is_exclusive(&self, future: &Expr) -> bool {
        let mut borrows = MutablyBorrows(false);
        borrows.visit_expr(future);
        borrows.0 || names(future).iter().any(|name| self.mutable.contains(name))
    }

    fn repeated(&self, future: &Expr) -> Repeated {
        let Some(around) = self.loops.last() else { return Repeated::Once };
        if self.in_head {
            return Repeated::Head;
        }
        let is_carried = names(future).iter().any(|name| around.carried.contains(name));
        if around.is_for && !around.leaves && !is_carried {
            Repeated::Each
        } else {
            Repeated::Carried
        }
    }

    fn in_loop(&mut self, is_for: bool, whole: &Expr, body: impl FnOnce(&mut Self)) {
        let changes = Changes::of(whole);
        self.loops.push(Around {
            is_for,
            leaves: changes.is_ordered(),
            carried: changes.carried(),
        });
        let in_head = std::mem::take(&mut self.in_head);
        body(self);
        self.in_head = in_head;
        self.loops.pop();
    }

    fn head(&mut self, expr: &Expr) {
        let before = std::mem::replace(&mut self.in_head, true);
        self.visit_expr(expr);
        self.in_head = before;
    }

    /// What runs on its own: neither loops nor guards around it are its.
    fn apart(&mut self, body: impl FnOnce(&mut Self)) {
        let guards = std::mem::take(&mut self.guards);
        let loops = std::mem::take(&mut self.loops);
        let in_head = std::mem::take(&mut self.in_head);
        body(self);
        (self.guards, self.loops, self.in_head) = (guards, loops, in_head);
    }

    /// The guard that a statement binds.
    fn guard(&self, stmt: &Stmt) -> Option<(String, usize)> {
        let Stmt::Local(Local { pat, init: Some(init), .. }) = stmt else { return None };
        let name = place::binding(pat)?;
        let (call, awaited) = match unwrapped(&init.expr) {
            Expr::Await(awaited) => (unwrapped(&awaited.base), Some(awaited)),
            other => (other, None),
        };
        let Expr::MethodCall(call) = call else { return None };
        let locks = matches!(call.method.to_string().as_str(), "lock" | "read" | "write");
        let at = awaited.map_or_else(|| call.method.span(), |awaited| awaited.await_token.span);
        let site = (self.site)(at.start()).filter(|_| locks && call.args.is_empty())?;
        Some((name, site))
    }
}

impl<'ast> Visit<'ast> for Awaits<'_> {
    fn visit_block(&mut self, block: &'ast Block) {
        let guards = self.guards.len();
        let mut previous: Option<Step> = None;
        for stmt in &block.stmts {
            let step = self.step(stmt);
            self.visit_stmt(stmt);
            if let Some(dropped) = dropped(stmt) {
                self.guards.retain(|(name, _)| *name != dropped);
            }
            self.guards.extend(self.guard(stmt));
            previous = match (previous, step) {
                (before, Some(mut step)) => {
                    let before = before.filter(|before| {
                        !before.is_exclusive
                            && !step.is_exclusive
                            && before.bound.is_disjoint(&step.names)
                    });
                    if let (Some(before), Some(found)) = (before, self.found.get_mut(&step.site)) {
                        found.after = Some(before.site);
                        // A third one must need nothing of the first either.
                        step.bound.extend(before.bound);
                    }
                    Some(step)
                }
                (Some(before), None) => made_of(before, stmt),
                (None, None) => None,
            };
        }
        self.guards.truncate(guards);
    }

    fn visit_local(&mut self, local: &'ast Local) {
        self.note_mutable(&local.pat);
        visit::visit_local(self, local);
    }

    fn visit_expr_await(&mut self, awaited: &'ast ExprAwait) {
        if let Some(site) = (self.site)(awaited.await_token.span.start()) {
            let source = AwaitSource {
                callee: callee(&awaited.base),
                after: None,
                held: self.guards.iter().map(|(_, site)| *site).collect(),
                repeated: self.repeated(&awaited.base),
                is_exclusive: self.is_exclusive(&awaited.base),
            };
            self.found.insert(site, source);
        }
        visit::visit_expr_await(self, awaited);
    }

    fn visit_expr_for_loop(&mut self, it: &'ast ExprForLoop) {
        self.visit_expr(&it.expr);
        let whole = Expr::ForLoop(it.clone());
        self.in_loop(true, &whole, |awaits| awaits.visit_block(&it.body));
    }

    fn visit_expr_while(&mut self, it: &'ast ExprWhile) {
        let whole = Expr::While(it.clone());
        self.in_loop(false, &whole, |awaits| {
            awaits.head(&it.cond);
            awaits.visit_block(&it.body);
        });
    }

    fn visit_expr_loop(&mut self, it: &'ast ExprLoop) {
        let whole = Expr::Loop(it.clone());
        self.in_loop(false, &whole, |awaits| awaits.visit_block(&it.body));
    }

    fn visit_expr_closure(&mut self, it: &'ast ExprClosure) {
        self.apart(|awaits| visit::visit_expr_closure(awaits, it));
    }

    fn visit_expr_async(&mut self, it: &'ast ExprAsync) {
        self.apart(|awaits| visit::visit_expr_async(awaits, it));
    }

    fn visit_item(&mut self, _: &'ast Item) {}
}

/// Behind `?`, parentheses and `unwrap`.
fn unwrapped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Try(inner) => unwrapped(&inner.expr),
        Expr::Paren(inner) => unwrapped(&inner.expr),
        Expr::Group(inner) => unwrapped(&inner.expr),
        Expr::MethodCall(call)
            if ["unwrap", "expect", "unwrap_or_else"].iter().any(|name| call.method == name) =>
        {
            unwrapped(&call.receiver)
        }
        other => other,
    }
}

/// Name of the function or method whose future is awaited.
pub(super) fn callee(future: &Expr) -> Option<String> {
    match unwrapped(future) {
        Expr::MethodCall(call) => Some(call.method.to_string()),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// The variable that `drop(x);` ends.
fn dropped(stmt: &Stmt) -> Option<String> {
    let Stmt::Expr(Expr::Call(call), _) = stmt else { return None };
    let is_drop = callee(&Expr::Call(call.clone())).is_some_and(|name| name == "drop");
    call.args.first().filter(|_| is_drop).and_then(place::root)
}

/// What a statement that doesn't suspend leaves of the step before: nothing where it may end the
/// function or do something whose order matters, else what it makes of the step's value.
fn made_of(mut before: Step, stmt: &Stmt) -> Option<Step> {
    let Stmt::Local(Local { pat, init: Some(init), .. }) = stmt else { return None };
    let mut awaits = Count(0);
    awaits.visit_expr(&init.expr);
    let is_plain = init.diverge.is_none() && awaits.0 == 0 && !matches!(&*init.expr, Expr::Try(_));
    if !is_plain {
        return None;
    }
    if !names(&init.expr).is_disjoint(&before.bound) {
        let mut bound = Vec::new();
        place::bound(pat, &mut bound);
        before.bound.extend(bound);
    }
    Some(before)
}

/// All names in an expression that may be variables.
pub(super) fn names(expr: &Expr) -> BTreeSet<String> {
    fn add(tokens: TokenStream, names: &mut BTreeSet<String>) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    names.insert(ident.to_string());
                }
                TokenTree::Group(group) => add(group.stream(), names),
                TokenTree::Literal(text) => names.extend(captured(&text.to_string())),
                TokenTree::Punct(_) => {}
            }
        }
    }
    let mut all = BTreeSet::new();
    add(expr.to_token_stream(), &mut all);
    all
}

/// Names in the braces of a format string.
fn captured(text: &str) -> Vec<String> {
    let parts = text.split('{').skip(1);
    let name = |part: &str| part.split(['}', ':']).next().unwrap_or("").to_owned();
    parts.map(name).filter(|name| !name.is_empty()).collect()
}

/// Counts awaits, closures and blocks of their own left out.
struct Count(u32);

impl<'ast> Visit<'ast> for Count {
    fn visit_expr_await(&mut self, it: &'ast ExprAwait) {
        self.0 += 1;
        visit::visit_expr_await(self, it);
    }

    fn visit_expr_closure(&mut self, _: &'ast ExprClosure) {}
    fn visit_expr_async(&mut self, _: &'ast ExprAsync) {}
}

struct MutablyBorrows(bool);

impl<'ast> Visit<'ast> for MutablyBorrows {
    fn visit_expr_reference(&mut self, it: &'ast ExprReference) {
        self.0 |= it.mutability.is_some();
        visit::visit_expr_reference(self, it);
    }
}

#[cfg(test)]
mod tests;
