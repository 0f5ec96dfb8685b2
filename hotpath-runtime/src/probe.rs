//! The probes of sync code: calls, and expression spans inside of them.

use core::marker::PhantomData;
use core::mem;

use crate::row::{self, Type};
use crate::segment::layout::{Node, Row, Slab, Span};
use crate::site::Function;
use crate::tree::SPECIAL;
use crate::{clock, slab, span, tree};

/// Guard of a measured call: closes it when it goes, however the function ends.
#[must_use]
#[derive(Debug)]
pub struct Call {
    node: &'static Node,
    /// 0: not timed.
    start: u64,
    not_send: PhantomData<*const ()>,
}

/// Opens a call.
#[inline(always)]
pub fn call(function: &'static Function) -> Call {
    let (slab, node) = tree::enter(function);
    open(slab, node)
}

/// Opens the span of a call or poll.
#[inline(always)]
pub(crate) fn open(slab: &'static Slab, node: &'static Node) -> Call {
    let count = node.countdown.step();
    let next = node.countdown.next.get();
    let start = if count < next {
        slab.cur.set(Some(node));
        0
    } else if next == SPECIAL {
        tree::open_special(slab, node)
    } else {
        slab.cur.set(Some(node));
        let start = clock::ticks();
        node.opened.set(start);
        start
    };
    // Made last: with nothing after it that may unwind, it stays in registers.
    Call { node, start, not_send: PhantomData }
}

impl Call {
    /// Ticks at which it opened; 0 where it is not timed.
    #[inline(always)]
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// Closes the span of a poll, whose length the function's distribution does not hold. `end`
    /// matters where it is timed. The caller sees to it that the guard is not dropped as well.
    #[inline(always)]
    pub(crate) fn close_poll(&self, end: u64) {
        close_poll(self.node, self.start, end);
    }

    pub(crate) fn node(&self) -> &'static Node {
        self.node
    }
}

impl Drop for Call {
    #[inline(always)]
    fn drop(&mut self) {
        if self.start == 0 {
            close_untimed(self.node);
        } else {
            let end = clock::ticks();
            finish(self.node, self.start, end);
        }
    }
}

/// Closes the span of a poll that opened at `start`; 0 where it is not timed.
#[inline(always)]
pub(crate) fn close_poll(node: &'static Node, start: u64, end: u64) {
    if start == 0 {
        close_untimed(node);
    } else {
        finish_poll(node, start, end);
    }
}

/// What is left to do after a call that was timed. Not inlined, nor is anything called from it
/// but at its end: it has no registers to save.
#[inline(never)]
fn finish(node: &'static Node, start: u64, end: u64) {
    let slab = slab::current();
    let span = end.wrapping_sub(start);
    match node.histogram.get() {
        Some(histogram) if is_plain(node, span) => {
            close_plain(slab, node, span);
            slab.distribute(histogram, span);
        }
        _ => finish_rare(node, start, end),
    }
}

/// The same after a poll.
#[inline(never)]
fn finish_poll(node: &'static Node, start: u64, end: u64) {
    let slab = slab::current();
    let span = end.wrapping_sub(start);
    if is_plain(node, span) {
        close_plain(slab, node, span);
    } else {
        close_rare(slab, node, elapsed(slab, start, end));
    }
}

#[cold]
#[inline(never)]
fn finish_rare(node: &'static Node, start: u64, end: u64) {
    let slab = slab::current();
    let span = elapsed(slab, start, end);
    let weight = close_rare(slab, node, span);
    slab.distribute_call(node, span, weight);
}

/// Whether a timed span is one of a node all of whose spans are, and the clock did not go back.
#[inline(always)]
fn is_plain(node: &Node, span: u64) -> bool {
    node.countdown.is_plain() && !span.cast_signed().is_negative()
}

#[inline(always)]
fn close_plain(slab: &Slab, node: &Node, span: u64) {
    leave(slab, node, span);
    node.opened.set(0);
    node.sums.record(span);
}

/// Closes any timed span; gives the number of spans that it stands for.
#[cold]
#[inline(never)]
fn close_rare(slab: &Slab, node: &'static Node, span: u64) -> u64 {
    if node.countdown.next.get() == SPECIAL {
        tree::close_special(slab, node, Some(span));
        return 1;
    }
    leave(slab, node, span);
    node.opened.set(0);
    node.countdown.record(slab, &node.sums, span)
}

/// Closes a span that was not timed.
#[inline(always)]
fn close_untimed(node: &'static Node) {
    let slab = slab::current();
    if node.countdown.next.get() == SPECIAL {
        tree::close_special(slab, node, None);
    } else {
        leave(slab, node, node.countdown.mean.get());
    }
}

/// Goes back to the caller, whose expressions do not count this span as their own.
#[inline(always)]
pub(crate) fn leave(slab: &Slab, node: &Node, span: u64) {
    let parent = node.parent.get();
    slab.cur.set(parent);
    if let Some(parent) = parent {
        parent.inner.add(span);
    }
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
    /// The row that the site leads to, with its countdown.
    first: Option<&'static Row>,
    /// That of the receiver's type, where that is the type.
    row: Option<&'static Row>,
    index: u32,
    level: u64,
    has_type: bool,
    mode: Mode,
    not_send: PhantomData<*const ()>,
}

/// What a span is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Timed,
    /// Of a site whose spans are timed, this one not.
    Skipped,
    Counted,
}

/// Opens a timed span; its type is that of the value given to [`exit`].
#[inline(always)]
pub fn site(function: &'static Function, index: u32) -> Token {
    let slab = slab::attached();
    let first = slab.rows.follow(function.site_id(index));
    open_span(slab, function, index, first, None, false)
}

/// Opens a timed span whose type is the receiver's.
#[inline(always)]
pub fn site_on<R: ?Sized>(function: &'static Function, index: u32, receiver: &R) -> Token {
    let slab = slab::attached();
    let row = row::find(slab, function, index, Type::of_receiver(receiver));
    let first = slab.rows.follow(function.site_id(index));
    open_span(slab, function, index, first, row, true)
}

/// Opens a span that is counted, never timed.
#[inline(always)]
pub fn grow(function: &'static Function, index: u32) -> Token {
    let slab = slab::attached();
    let first = slab.rows.follow(function.site_id(index));
    open_counted(slab, function, index, first, false)
}

/// Opens a span that is counted, never timed, and whose type is the receiver's.
#[inline(always)]
pub fn grow_on<R: ?Sized>(function: &'static Function, index: u32, receiver: &R) -> Token {
    let slab = slab::attached();
    let row = row::find(slab, function, index, Type::of_receiver(receiver));
    open_counted(slab, function, index, row, true)
}

#[inline(always)]
fn open_counted(
    slab: &'static Slab,
    function: &'static Function,
    index: u32,
    row: Option<&'static Row>,
    has_type: bool,
) -> Token {
    let (level, span) = span::push(slab);
    let (mode, not_send) = (Mode::Counted, PhantomData);
    Token { slab, span, function, first: row, row, index, level, has_type, mode, not_send }
}

#[inline(always)]
fn open_span(
    slab: &'static Slab,
    function: &'static Function,
    index: u32,
    first: Option<&'static Row>,
    row: Option<&'static Row>,
    has_type: bool,
) -> Token {
    let (level, span) = span::push(slab);
    let is_skipped = first.is_some_and(|row| row.countdown.step() < row.countdown.next.get());
    let mode = if is_skipped { Mode::Skipped } else { Mode::Timed };
    if let (false, Some(span)) = (is_skipped, span) {
        span.start_clock(slab);
    }
    let not_send = PhantomData;
    Token { slab, span, function, first, row, index, level, has_type, mode, not_send }
}

/// Closes a span and hands the value on.
#[inline(always)]
pub fn exit<T>(token: Token, value: T) -> T {
    let Token { slab, span, function, first, row, index, level, has_type, mode, .. } = token;
    // First of all: nothing after it has the token to drop, so that it stays in registers.
    mem::forget(token);
    let end = if mode == Mode::Timed { clock::ticks() } else { 0 };
    let row =
        if has_type { row } else { row::check(slab, function, index, first, Type::of::<T>()) };
    span::pop(slab, level, span, row);
    match (mode, span) {
        (Mode::Timed, Some(span)) => span::close_time(slab, span, row, first.or(row), end),
        (Mode::Skipped, _) => span::skip_time(slab, first),
        _ => {}
    }
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
        let end = clock::ticks();
        let slab = self.slab;
        let row = if self.has_type {
            self.row
        } else {
            row::find_untyped(slab, self.function, self.index)
        };
        span::pop(slab, self.level, self.span, row);
        match (self.mode, self.span) {
            (Mode::Timed, Some(span)) => {
                span::close_time(slab, span, row, self.first.or(row), end);
            }
            (Mode::Skipped, _) => span::skip_time(slab, self.first),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
