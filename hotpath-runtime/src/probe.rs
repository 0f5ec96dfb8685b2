//! The probes of sync code: calls, and expression spans inside of them.

use core::marker::PhantomData;
use core::mem;

use crate::row::{self, Type};
use crate::segment::layout::{Node, Row, Slab, Span};
use crate::site::Function;
use crate::{clock, slab, span, tree};

/// Guard of a measured call: closes it when it goes, however the function ends.
#[must_use]
#[derive(Debug)]
pub struct Call {
    slab: &'static Slab,
    node: &'static Node,
    parent: &'static Node,
    /// 0: not timed.
    start: u64,
    outer: u64,
    not_send: PhantomData<*const ()>,
}

/// Opens a call.
#[inline(always)]
pub fn call(function: &'static Function) -> Call {
    let entered = tree::enter(function);
    let calls = entered.2.calls.get() + 1;
    entered.2.calls.set(calls);
    open(entered, calls)
}

/// Opens the span of a call or poll; the clock is read last.
#[inline(always)]
pub(crate) fn open((slab, parent, node): tree::Entered, calls: u64) -> Call {
    let next = node.next.get();
    let outer = slab.acc.get();
    let mut call = Call { slab, node, parent, start: 0, outer, not_send: PhantomData };
    if node.is_alias() {
        open_alias(slab, node);
    }
    slab.cur.set(node.ctx.get());
    if calls < next {
        return call;
    }
    let opened = if next == 0 { tree::reenter(slab, node) } else { &node.opened };
    call.start = clock::ticks();
    opened.set(call.start);
    call
}

#[cold]
#[inline(never)]
fn open_alias(slab: &Slab, node: &Node) {
    if let Some(ancestor) = node.ctx.get() {
        span::push_border(slab, ancestor);
    }
}

impl Call {
    /// Closes the span; the clock is read first. Gives the span.
    #[inline(always)]
    pub(crate) fn close(&self) -> Option<u64> {
        let Self { slab, node, .. } = *self;
        if self.start == 0 {
            slab.cur.set(Some(self.parent));
            return None;
        }
        let end = clock::ticks();
        slab.cur.set(Some(self.parent));
        let span = elapsed(slab, self.start, end);
        slab.acc.set(self.outer.wrapping_add(span));
        node.timed.add(1);
        if node.next.get() == 0 {
            tree::close_reentered(slab, node, span);
        } else {
            node.sum.add(span);
        }
        if span > node.max.get() {
            node.max.set(span);
        }
        if span < node.min.get() {
            node.min.set(span);
        }
        if node.is_alias() {
            span::pop_border(slab);
        }
        Some(span)
    }

    /// Ticks at which it opened; 0 where it is not timed.
    #[inline(always)]
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    pub(crate) fn slab(&self) -> &'static Slab {
        self.slab
    }

    pub(crate) fn node(&self) -> &'static Node {
        self.node
    }
}

impl Drop for Call {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(span) = self.close() {
            let histogram = self.node.histogram.get().or_else(|| {
                self.slab.function_histogram(&self.node.histogram, self.node.function.get())
            });
            self.slab.distribute(histogram, span);
        }
    }
}

/// Ticks between two readings; 0 where the second is older (other socket, not synchronised).
#[inline(always)]
pub(crate) fn elapsed(slab: &Slab, start: u64, end: u64) -> u64 {
    let span = end.wrapping_sub(start);
    if span.cast_signed() < 0 {
        slab.negative.add(1);
        return 0;
    }
    span
}

/// An open expression span; closes when it goes, so that a panic, `?` or `break` closes it too.
#[must_use]
#[derive(Debug)]
pub struct Token {
    slab: &'static Slab,
    span: Option<&'static Span>,
    function: &'static Function,
    /// Known at once where the type is the receiver's.
    row: Option<&'static Row>,
    index: u32,
    level: u32,
    not_send: PhantomData<*const ()>,
}

/// Opens a timed span; its type is that of the value given to [`exit`].
#[inline(always)]
pub fn site(function: &'static Function, index: u32) -> Token {
    timed(counted(slab::attached(), function, index, None))
}

/// Opens a timed span whose type is the receiver's.
#[inline(always)]
pub fn site_on<R: ?Sized>(function: &'static Function, index: u32, receiver: &R) -> Token {
    timed(grow_on(function, index, receiver))
}

/// Opens a span that is counted, never timed.
#[inline(always)]
pub fn grow(function: &'static Function, index: u32) -> Token {
    counted(slab::attached(), function, index, None)
}

/// Opens a span that is counted, never timed, and whose type is the receiver's.
#[inline(always)]
pub fn grow_on<R: ?Sized>(function: &'static Function, index: u32, receiver: &R) -> Token {
    let slab = slab::attached();
    let row =
        slab.and_then(|slab| row::find(slab, function, index, Type::of_receiver(receiver)));
    counted(slab, function, index, row)
}

#[inline(always)]
fn counted(
    slab: Option<&'static Slab>,
    function: &'static Function,
    index: u32,
    row: Option<&'static Row>,
) -> Token {
    let slab = slab.unwrap_or_else(slab::current);
    let level = slab.top.get() as u32;
    let span = span::push(slab);
    if let Some(span) = span {
        span.start.set(0);
    }
    Token { slab, span, function, row, index, level, not_send: PhantomData }
}

#[inline(always)]
fn timed(token: Token) -> Token {
    if let Some(span) = token.span {
        span.outer.set(token.slab.acc.get());
        token.slab.acc.set(0);
        span.start.set(clock::ticks());
    }
    token
}

/// Closes a span and hands the value on.
#[inline(always)]
pub fn exit<T>(token: Token, value: T) -> T {
    let end = token.end();
    let row = token
        .row
        .or_else(|| row::find(token.slab, token.function, token.index, Type::of::<T>()));
    token.close(end, row);
    mem::forget(token);
    value
}

/// Restarts the span on top: what its receiver took is not its own.
#[inline(always)]
pub fn mark<T>(value: T) -> T {
    let slab = slab::current();
    if let (Some(span), node) = (span::top(slab), slab.node()) {
        span.allocs.set(node.allocs.get());
        if span.start.get() != 0 {
            // Spans inside of the receiver are the business of what lies around.
            span.outer.add(slab.acc.get());
            slab.acc.set(0);
            span.start.set(clock::ticks());
        }
    }
    value
}

impl Token {
    /// The clock at the end of a timed span, 0 for others.
    #[inline(always)]
    fn end(&self) -> u64 {
        match self.span {
            Some(span) if span.start.get() != 0 => clock::ticks(),
            _ => 0,
        }
    }

    #[inline(always)]
    fn close(&self, end: u64, row: Option<&'static Row>) {
        let Some(span) = self.span else {
            // Deeper than is remembered, or a thread without a slab.
            self.slab.top.set(u64::from(self.level));
            if let Some(row) = row {
                row.count.add(1);
            }
            return;
        };
        span::pop(self.slab, u64::from(self.level), span, row);
        let Some(row) = row else { return self.close_time(end, span, None) };
        row.count.add(1);
        self.close_time(end, span, Some(row));
    }

    #[inline(always)]
    fn close_time(&self, end: u64, span: &Span, row: Option<&'static Row>) {
        let start = span.start.get();
        if start == 0 {
            return;
        }
        let slab = self.slab;
        let whole = elapsed(slab, start, end);
        let own = whole.saturating_sub(slab.acc.get());
        slab.acc.set(span.outer.get().wrapping_add(whole));
        let Some(row) = row else { return };
        row.timed.add(1);
        row.ticks.add(own);
        if own > row.max.get() {
            row.max.set(own);
        }
        if let Some(histogram) = row.histogram.get() {
            slab.distribute(Some(histogram), whole);
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let end = self.end();
        let row = self.row.or_else(|| row::find_untyped(self.slab, self.function, self.index));
        self.close(end, row);
    }
}

#[cfg(test)]
mod tests;
