//! The probes of sync code: calls, and expression spans inside of them.

use core::marker::PhantomData;
use core::mem;

use crate::row::{self, Type};
use crate::segment::layout::{Node, Row, Slab, Span};
use crate::site::Function;
use crate::tree::ALWAYS;
use crate::{clock, slab, span, tree};

/// Guard of a measured call: closes it when it goes, however the function ends.
#[must_use]
#[derive(Debug)]
pub struct Call {
    node: &'static Node,
    /// 0: not timed.
    start: u64,
    outer: u64,
    not_send: PhantomData<*const ()>,
}

/// Opens a call.
#[inline(always)]
pub fn call(function: &'static Function) -> Call {
    let node = tree::enter(function);
    node.calls.add(1);
    open(node)
}

/// Opens the span of a call or poll.
#[inline(always)]
pub(crate) fn open(node: &'static Node) -> Call {
    let slab = slab::current();
    let start = if node.next.get() == ALWAYS {
        slab.cur.set(Some(node));
        let start = clock::ticks();
        node.opened.set(start);
        start
    } else {
        tree::open_special(slab, node)
    };
    // After the clock: it hangs on the last span's end, and the clock would wait for it.
    let outer = slab.acc.get();
    // Made last: with nothing after it that may unwind, it stays in registers.
    Call { node, start, outer, not_send: PhantomData }
}

impl Call {
    /// Ticks at which it opened; 0 where it is not timed.
    #[inline(always)]
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Closes the span of a poll, whose length the function's distribution does not hold. The
    /// caller sees to it that the guard is not dropped as well.
    pub(crate) fn close_poll(&self, end: u64) {
        close(slab::current(), self.node, self.start, self.outer, end);
    }

    pub(crate) fn node(&self) -> &'static Node {
        self.node
    }
}

impl Drop for Call {
    #[inline(always)]
    fn drop(&mut self) {
        let end = clock::ticks();
        finish(self.node, self.start, self.outer, end);
    }
}

/// What is left to do after a call. Out of line and by value: the drop glue would not be inlined
/// with all this in it, and would pass the guard through memory.
#[inline(never)]
fn finish(node: &'static Node, start: u64, outer: u64, end: u64) {
    let slab = slab::current();
    let span = close(slab, node, start, outer, end);
    slab.distribute_call(node, start, span);
}

/// Closes the span of a call or poll, and says how long it was.
#[inline(always)]
fn close(slab: &'static Slab, node: &'static Node, start: u64, outer: u64, end: u64) -> u64 {
    let span = if node.next.get() == ALWAYS {
        slab.cur.set(node.parent.get());
        let span = elapsed(slab, start, end);
        node.sum.add(span);
        node.record(span);
        span
    } else {
        tree::close_special(slab, node, start, end)
    };
    slab.acc.set(outer.wrapping_add(span));
    span
}

/// Ticks between two readings; 0 where the second is older (other socket, not synchronised).
#[inline(always)]
pub(crate) fn elapsed(slab: &Slab, start: u64, end: u64) -> u64 {
    let span = end.wrapping_sub(start);
    if span.cast_signed() < 0 { went_back(slab) } else { span }
}

#[cold]
#[inline(never)]
fn went_back(slab: &Slab) -> u64 {
    slab.negative.add(1);
    0
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
    timed: bool,
    not_send: PhantomData<*const ()>,
}

/// Opens a timed span; its type is that of the value given to [`exit`].
#[inline(always)]
pub fn site(function: &'static Function, index: u32) -> Token {
    open_span(slab::attached(), function, index, None, true)
}

/// Opens a timed span whose type is the receiver's.
#[inline(always)]
pub fn site_on<R: ?Sized>(function: &'static Function, index: u32, receiver: &R) -> Token {
    let slab = slab::attached();
    let row = row::find(slab, function, index, Type::of_receiver(receiver));
    open_span(slab, function, index, row, true)
}

/// Opens a span that is counted, never timed.
#[inline(always)]
pub fn grow(function: &'static Function, index: u32) -> Token {
    open_span(slab::attached(), function, index, None, false)
}

/// Opens a span that is counted, never timed, and whose type is the receiver's.
#[inline(always)]
pub fn grow_on<R: ?Sized>(function: &'static Function, index: u32, receiver: &R) -> Token {
    let slab = slab::attached();
    let row = row::find(slab, function, index, Type::of_receiver(receiver));
    open_span(slab, function, index, row, false)
}

#[inline(always)]
fn open_span(
    slab: &'static Slab,
    function: &'static Function,
    index: u32,
    row: Option<&'static Row>,
    timed: bool,
) -> Token {
    let level = slab.top.get() as u32;
    let span = span::push(slab, timed);
    Token { slab, span, function, row, index, level, timed, not_send: PhantomData }
}

/// Closes a span and hands the value on.
#[inline(always)]
pub fn exit<T>(token: Token, value: T) -> T {
    let end = if token.timed { clock::ticks() } else { 0 };
    let Token { slab, span, function, row, index, level, timed, .. } = token;
    mem::forget(token);
    let row = row.or_else(|| row::find(slab, function, index, Type::of::<T>()));
    span::pop(slab, u64::from(level), span, row, timed.then_some(end));
    value
}

/// Restarts the span on top: what its receiver took is not its own.
#[inline(always)]
pub fn mark<T>(value: T) -> T {
    span::restart(slab::current());
    value
}

impl Drop for Token {
    #[cold]
    fn drop(&mut self) {
        let end = self.timed.then(clock::ticks);
        let row = self.row.or_else(|| row::find_untyped(self.slab, self.function, self.index));
        span::pop(self.slab, u64::from(self.level), self.span, row, end);
    }
}

#[cfg(test)]
mod tests;
