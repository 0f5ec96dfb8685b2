//! The enumeration: the sites of a function body, in one order for everybody.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, Expr, ExprAsync, ExprClosure, ExprForLoop, ExprMacro, ExprMethodCall, Item,
    Local, Macro, Pat, Path, Stmt, StmtMacro, Token, Type,
};

use crate::arguments::{Arguments, Family};
use crate::classify::{Class, classify, standard_macro};
use crate::input::{self, Role, Syntax};
use crate::label;
use crate::lookup::searched;
use crate::scope::Scope;
use crate::steps::steps;
use crate::wrap::{self, Form, Operand, Probe};
use crate::{Kind, SiteSelection};

/// An expression that carries a probe.
#[derive(Clone)]
pub struct Site {
    /// Position in the enumeration of its function.
    pub index: u32,
    /// What the expression does.
    pub kind: Kind,
    /// The token whose line and column say where it is: method name, start of the path, macro
    /// path, `await` or `for`.
    pub position: Span,
    /// Short text, at most 40 characters.
    pub label: String,
    /// How it is wrapped.
    pub form: Form,
    /// How the probe is opened.
    pub probe: Probe,
    /// Whether the receiver of this method call is a value whose own cost `mark` takes out.
    pub marks_receiver: bool,
}

/// Calls `sink` once for each site of `body` that `selection` asks for, inner expressions before those that hold them.
///
/// The expression may be replaced in place: neither the number nor the order of sites depends on
/// what the sink does. Nested items are left out, closures and async blocks are not. Returns the
/// number of sites.
pub fn enumerate<S: FnMut(&mut Expr, Site)>(
    body: &mut Block,
    is_async: bool,
    selection: SiteSelection,
    sink: &mut S,
) -> u32 {
    if selection == SiteSelection::Off {
        return 0;
    }
    let mut walk = Walk {
        sink,
        selection,
        next: 0,
        suspends: is_async,
        awaits: 0,
        operand: Operand::Plain,
        scope: Scope::default(),
    };
    walk.visit_block_mut(body);
    walk.next
}

struct Walk<'s, S> {
    sink: &'s mut S,
    selection: SiteSelection,
    next: u32,
    /// Whether an `await` here would suspend the function or block being walked.
    suspends: bool,
    /// `await`s met so far in it; one more after an expression than before it means that the
    /// expression suspends, so that no token may be held over it.
    awaits: u32,
    /// Where the expression that is visited next stands.
    operand: Operand,
    scope: Scope,
}

impl<S: FnMut(&mut Expr, Site)> Walk<'_, S> {
    /// What the site of `expr` will be, unless it turns out to suspend. Asked before the inner
    /// sites are handed out, while the expression is still as written.
    fn candidate(
        &self,
        expr: &Expr,
        operand: Operand,
        arguments: Option<&Arguments>,
    ) -> Option<Site> {
        let class = self.told(expr, classify(expr, self.selection)?)?;
        let form = wrap::form(expr, class, operand)?;
        let (subject, marks_receiver) = match expr {
            Expr::MethodCall(call) => (subject(call, class), wrap::is_value(&call.receiver)),
            _ => (arguments.and_then(Arguments::destination), false),
        };
        Some(Site {
            index: 0,
            kind: class.kind,
            position: class.position,
            label: label_of(expr, arguments),
            form,
            probe: wrap::probe(class, subject, &self.scope),
            marks_receiver,
        })
    }

    /// A call that can make a collection grow is only looked at where this function made it, one that
    /// blocks only where others could run instead, and what the receiver's type decides on only
    /// where a probe can tell that.
    fn told(&self, expr: &Expr, class: Class) -> Option<Class> {
        if class.kind == Kind::Block && !self.suspends {
            return (self.selection == SiteSelection::All).then(|| class.as_other());
        }
        let Expr::MethodCall(call) = expr else { return Some(class) };
        let class = match class.kind {
            Kind::Grow if !self.scope.was_made_empty(&call.receiver) => class.as_lookup(call)?,
            _ => class,
        };
        let is_known = || {
            subject(call, class).is_some_and(|subject| {
                // What begins with a capital letter may be a constant, of which a reference is to another
                // value; of locks that is known not to happen.
                wrap::may_borrow(subject, &self.scope) && !wrap::is_constant(subject)
            })
        };
        if !class.needs_receiver() || is_known() {
            return Some(class);
        }
        (self.selection == SiteSelection::All).then(|| class.as_other())
    }

    fn emit(&mut self, expr: &mut Expr, site: Option<Site>) {
        if let Some(mut site) = site {
            site.index = self.next;
            self.next += 1;
            (self.sink)(expr, site);
        }
    }

    /// Walks the parts of `expr` and emits its own site, unless the parts suspend.
    fn call(&mut self, expr: &mut Expr, operand: Operand) {
        let site = self.candidate(expr, operand, None);
        let before = self.awaits;
        visit_mut::visit_expr_mut(self, expr);
        if before == self.awaits {
            self.emit(expr, site);
        }
    }

    fn awaited(&mut self, expr: &mut Expr) {
        let site = self.candidate(expr, Operand::Plain, None);
        if let Expr::Await(awaited) = expr {
            self.operand = Operand::Awaited;
            self.visit_expr_mut(&mut awaited.base);
        }
        self.awaits += 1;
        self.emit(expr, site);
    }

    fn invocation(&mut self, expr: &mut Expr, operand: Operand) {
        let Expr::Macro(ExprMacro { mac, .. }) = &*expr else { return };
        let Some(family) = standard_macro(&mac.path).and_then(|name| Family::of(&name)) else {
            if let Expr::Macro(ExprMacro { mac, .. }) = expr {
                self.foreign(mac);
            }
            return;
        };
        let mut arguments = Arguments::read(&mac.tokens);
        let site = self.candidate(expr, operand, arguments.as_ref());
        let before = self.awaits;
        match (&mut arguments, &mut *expr) {
            (Some(arguments), Expr::Macro(ExprMacro { mac, .. })) => {
                self.arguments(mac, family, arguments);
            }
            (_, Expr::Macro(ExprMacro { mac, .. })) => self.opaque(mac),
            _ => {}
        }
        if before == self.awaits {
            self.emit(expr, site);
        }
    }

    /// A macro whose input isn't looked into.
    fn opaque(&mut self, mac: &Macro) {
        self.awaits += u32::from(self.suspends && mentions_await(mac.tokens.clone()));
    }

    /// A macro that is no site, but whose input may hold some.
    fn foreign(&mut self, mac: &mut Macro) {
        let syntax = Syntax::of(&mac.path)
            .filter(|it| self.suspends || matches!(it, Syntax::Fields | Syntax::Scope));
        let parts =
            syntax.and_then(|it| Some((it, input::read(it, &mac.path, mac.tokens.clone())?)));
        let Some((syntax, mut parts)) = parts else { return self.opaque(mac) };
        let first = self.next;
        // What waits for a branch suspends, whatever the branches hold.
        self.awaits += u32::from(matches!(syntax, Syntax::Select | Syntax::Join));
        let expressions = input::expressions(&mut parts);
        for (expr, role) in expressions {
            match role {
                Role::Value => self.visit_expr_mut(expr),
                Role::OwnFuture => {
                    self.operand = Operand::Awaited;
                    self.visit_expr_mut(expr);
                }
                Role::Future => self.branch(expr),
            }
        }
        if self.next > first {
            mac.tokens = input::to_tokens(&parts);
        }
    }

    /// The head, of which a probe may count the steps, and the body.
    fn for_loop(&mut self, it: &mut ExprForLoop) {
        let site = steps(&it.expr).map(|_| Site {
            index: 0,
            kind: Kind::Lines,
            position: it.for_token.span,
            label: label::of_expr(&it.expr),
            form: Form::Steps,
            probe: Probe::Steps,
            marks_receiver: false,
        });
        self.visit_pat_mut(&mut it.pat);
        self.visit_expr_mut(&mut it.expr);
        self.emit(&mut it.expr, site);
        self.visit_block_mut(&mut it.body);
    }

    /// A future that a macro polls, as if it were awaited.
    fn branch(&mut self, expr: &mut Expr) {
        let site = Site {
            index: 0,
            kind: Kind::Await,
            position: expr.span(),
            label: label::of_expr(expr),
            form: Form::Future,
            probe: Probe::Await,
            marks_receiver: false,
        };
        self.operand = Operand::Awaited;
        self.visit_expr_mut(expr);
        self.emit(expr, Some(site));
    }

    /// Walks macro arguments and puts them back if there was a site among them.
    fn arguments(&mut self, mac: &mut Macro, family: Family, arguments: &mut Arguments) {
        let first = self.next;
        let mut each = arguments.each();
        if family == Family::QuotesOnlyArgument && each.len() == 1 {
            return self.opaque(mac);
        }
        for argument in &mut each {
            self.visit_expr_mut(argument);
        }
        if self.next > first {
            mac.tokens = arguments.to_tokens();
        }
    }

    fn closure(&mut self, closure: &mut ExprClosure) {
        let captures_by_use = closure.capture.is_none();
        if captures_by_use {
            self.scope
                .enter(closure.inputs.iter_mut(), |bound| bound.visit_expr_mut(&mut closure.body));
        }
        let outer = (self.suspends, self.awaits);
        self.suspends = closure.asyncness.is_some();
        self.visit_expr_mut(&mut closure.body);
        (self.suspends, self.awaits) = outer;
        if captures_by_use {
            self.scope.leave();
        }
    }

    fn async_block(&mut self, block: &mut ExprAsync) {
        let captures_by_use = block.capture.is_none();
        if captures_by_use {
            self.scope.enter(std::iter::empty(), |bound| bound.visit_block_mut(&mut block.block));
        }
        let outer = (self.suspends, self.awaits);
        self.suspends = true;
        self.visit_block_mut(&mut block.block);
        (self.suspends, self.awaits) = outer;
        if captures_by_use {
            self.scope.leave();
        }
    }

    /// A macro statement is walked as an expression and stays a statement if nothing changed.
    fn statement(&mut self, statement: &mut Stmt, is_last: bool) {
        let Stmt::Macro(StmtMacro { attrs, mac, semi_token }) = statement else {
            return self.visit_stmt_mut(statement);
        };
        if standard_macro(&mac.path).is_none() {
            return self.foreign(mac);
        }
        let (attrs, semicolon) = (std::mem::take(attrs), *semi_token);
        let mut expr = Expr::Macro(ExprMacro { attrs, mac: mac.clone() });
        self.invocation(&mut expr, Operand::Plain);
        *statement = match expr {
            Expr::Macro(ExprMacro { attrs, mac }) => {
                Stmt::Macro(StmtMacro { attrs, mac, semi_token: semicolon })
            }
            // `println! { .. }` needs none, the call around it does.
            other if is_last => Stmt::Expr(other, semicolon),
            other => Stmt::Expr(other, semicolon.or_else(|| Some(<Token![;]>::default()))),
        };
    }
}

impl<S: FnMut(&mut Expr, Site)> VisitMut for Walk<'_, S> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let operand = std::mem::take(&mut self.operand);
        match expr {
            Expr::MethodCall(_) | Expr::Call(_) => self.call(expr, operand),
            Expr::Await(_) => self.awaited(expr),
            Expr::Macro(_) => self.invocation(expr, operand),
            Expr::Reference(reference) => {
                self.operand = Operand::Borrowed;
                self.visit_expr_mut(&mut reference.expr);
            }
            Expr::Paren(inner) => {
                self.operand = operand;
                self.visit_expr_mut(&mut inner.expr);
            }
            Expr::Group(inner) => {
                self.operand = operand;
                self.visit_expr_mut(&mut inner.expr);
            }
            Expr::ForLoop(it) => self.for_loop(it),
            Expr::Closure(closure) => self.closure(closure),
            Expr::Async(block) => self.async_block(block),
            // Evaluated by the compiler, or (arrays) copied through the stack by a wrapper, or a
            // place that has to stay one.
            Expr::Const(_) | Expr::Repeat(_) | Expr::RawAddr(_) | Expr::Verbatim(_) => {}
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        let last = block.stmts.len().saturating_sub(1);
        for (position, statement) in block.stmts.iter_mut().enumerate() {
            self.statement(statement, position == last);
        }
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        self.scope.bind(local);
        visit_mut::visit_local_mut(self, local);
    }

    fn visit_pat_mut(&mut self, pattern: &mut Pat) {
        if let Pat::Guard(guarded) = pattern {
            self.visit_expr_mut(&mut guarded.guard);
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
    fn visit_type_mut(&mut self, _: &mut Type) {}
    fn visit_path_mut(&mut self, _: &mut Path) {}
    fn visit_attribute_mut(&mut self, _: &mut Attribute) {}
    fn visit_angle_bracketed_generic_arguments_mut(
        &mut self,
        _: &mut syn::AngleBracketedGenericArguments,
    ) {
    }
}

/// What the type of a method call's site is that of, where it isn't the value's.
fn subject(call: &ExprMethodCall, class: Class) -> Option<&Expr> {
    match class.kind {
        Kind::Search => searched(call),
        _ => Some(&call.receiver),
    }
}

fn label_of(expr: &Expr, arguments: Option<&Arguments>) -> String {
    match expr {
        Expr::Macro(invocation) => label::of_macro(&invocation.mac, arguments.map(Arguments::iter)),
        _ => label::of_expr(expr),
    }
}

/// Whether tokens that aren't read may suspend.
fn mentions_await(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "await",
        TokenTree::Group(group) => mentions_await(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

#[cfg(test)]
mod tests;
