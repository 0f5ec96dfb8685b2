//! The probes of sync code: calls, and expression spans inside of them.
//!
//! What the expansion names is inlined, but not where nothing is optimised: there every copy would
//! keep stack of its own in the function around it, several times what that takes itself.

use core::marker::PhantomData;
use core::mem;

use crate::row::{self, Type};
use crate::segment::layout::{Node, Row, SPECIAL, Slab, Span};
use crate::site::Function;
use crate::tree::NOT_TIMED;
use crate::{clock, fork, outcome, slab, span, tree};

/// Guard of a measured call: closes it when it goes, however the function ends.
#[must_use]
#[derive(Debug)]
pub struct Call {
    pub(crate) open: Open,
    not_send: PhantomData<*const ()>,
}

/// A span that is open, on this thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    slab: &'static Slab,
    node: &'static Node,
    /// 0: not timed.
    start: u64,
}

/// Opens a call.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn call(function: &'static Function) -> Call {
    Call { open: open(function), not_send: PhantomData }
}

/// Opens the span of a call or poll.
///
/// The short way calls nothing, and what the long ways call gives back all that is needed after
/// it: so nothing has to be saved before.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn open(function: &'static Function) -> Open {
    let (mut slab, mut node) = tree::enter(function);
    let count = node.countdown.step();
    let next = node.countdown.next.get();
    let start = if count < next {
        slab.cur.set(Some(node));
        0
    } else if next == SPECIAL {
        (slab, node) = tree::open_special(slab, node);
        slab.start.get()
    } else {
        slab.cur.set(Some(node));
        let start = clock::raw();
        node.opened.set(start);
        start
    };
    Open { slab, node, start }
}

impl Open {
    /// Slab, node and start, one by one: a function that takes them so need not find them in memory.
    #[inline(always)]
    pub(crate) fn parts(self) -> (&'static Slab, &'static Node, u64) {
        (self.slab, self.node, self.start)
    }

    /// What [`Open::parts`] gave.
    #[inline(always)]
    pub(crate) fn of(slab: &'static Slab, node: &'static Node, start: u64) -> Self {
        Self { slab, node, start }
    }

    /// A span that is none: closing it does nothing.
    #[inline(always)]
    pub(crate) fn none() -> Self {
        Self { slab: slab::no_slab(), node: slab::no_node(), start: NOT_TIMED }
    }

    #[inline(always)]
    pub(crate) fn node(self) -> &'static Node {
        self.node
    }

    /// Ticks at which it opened, by the process's clock; 0 where that is not known.
    #[inline(always)]
    pub(crate) fn start(self) -> u64 {
        if self.start == 0 { 0 } else { known_start(self.node, self.start) }
    }

    /// Closes the span of a poll, whose length the function's distribution does not hold. `end` is
    /// by the process's clock.
    pub(crate) fn close_poll(self, end: u64) {
        let Self { slab, node, start } = self;
        if start == 0 {
            return close_untimed(slab, node);
        }
        let start = start.max(fork::born());
        if node.countdown.next.get() == SPECIAL {
            tree::close_special(slab, node, start, end);
        } else if clock::is_system() {
            postpone(slab, node);
        } else {
            let span = elapsed(slab, start, end);
            if node.countdown.is_plain() {
                close_plain(slab, node, span);
            } else {
                close_rare(slab, node, span);
            }
        }
    }

    /// The same of one that is not timed.
    #[inline(always)]
    pub(crate) fn close_untimed(self) {
        close_untimed(self.slab, self.node);
    }
}

/// Ticks at which a span opened that is timed, by the process's clock; 0 where that is not known.
pub(crate) fn known_start(node: &Node, start: u64) -> u64 {
    if start == NOT_TIMED {
        return 0;
    }
    // By another counter where it opened as a plain one, whatever its node is by now.
    let is_of_clock = || node.countdown.next.get() == SPECIAL && node.opened.get() == start;
    if clock::is_system() && !is_of_clock() { 0 } else { start }
}

impl Drop for Call {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        let Open { slab, node, start } = self.open;
        if start == 0 {
            close_untimed(slab, node);
        } else {
            let end = clock::raw();
            finish(slab, node, start, end);
        }
    }
}

/// What is left to do after a call that was timed, by the processor's counter. Not inlined, nor is
/// anything called from it but at its end: it has no registers to save.
#[inline(never)]
extern "C" fn finish(slab: &'static Slab, node: &'static Node, start: u64, end: u64) {
    let span = end.wrapping_sub(start);
    // A clock that went back gives a span that no bucket is for.
    match node.histogram.get().and_then(|histogram| histogram.bucket(span)) {
        Some(bucket) if node.countdown.is_plain() => {
            close_plain(slab, node, span);
            slab.distribute(bucket);
        }
        _ => finish_rare(slab, node, start, end),
    }
}

#[cold]
#[inline(never)]
extern "C" fn finish_rare(slab: &'static Slab, node: &'static Node, start: u64, end: u64) {
    let closed = if node.countdown.next.get() == SPECIAL {
        tree::close_special(slab, node, start, clock::ticks())
    } else if clock::is_system() {
        postpone(slab, node)
    } else {
        Some(close_rare(slab, node, elapsed(slab, start.max(fork::born()), end)))
    };
    if let Some((span, weight)) = closed {
        node.note_first(slab);
        slab.distribute_call(node, span, weight);
    }
}

#[inline(always)]
fn close_plain(slab: &Slab, node: &Node, span: u64) {
    leave(slab, node, span);
    node.sums.record(span);
}

/// Closes a timed span that has more to it than to be added; gives what of it was no cold work of
/// probes, with the number of spans that it stands for.
#[cold]
#[inline(never)]
fn close_rare(slab: &Slab, node: &Node, span: u64) -> (u64, u64) {
    leave(slab, node, span);
    let own = node.without_cold(span);
    (own, node.countdown.record(slab, &node.sums, own))
}

/// Closes a span that was to be timed, but opened by a counter that is not the process's clock.
#[cold]
fn postpone(slab: &Slab, node: &Node) -> Option<(u64, u64)> {
    let held = node.held.get();
    node.without_cold(held);
    leave(slab, node, node.countdown.mean.get().wrapping_add(held));
    node.countdown.postpone();
    None
}

/// Closes a span that was not timed.
#[inline(always)]
fn close_untimed(slab: &Slab, node: &Node) {
    slab.cur.follow(&node.parent);
    // Where no expression is open there is nothing to tell.
    if slab.top.get() != 0
        && let Some(parent) = node.parent.get()
    {
        parent.inner.add(node.countdown.mean.get());
    }
}

/// Goes back to the caller, whose expressions do not count this span as their own.
#[inline(always)]
pub(crate) fn leave(slab: &Slab, node: &Node, span: u64) {
    slab.cur.follow(&node.parent);
    if slab.top.get() != 0
        && let Some(parent) = node.parent.get()
    {
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
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn site(function: &'static Function, index: u32) -> Token {
    let slab = slab::attached();
    let first = slab.rows.follow(function.site_id(index));
    open_span(slab, function, index, first, None, false)
}

/// Opens a timed span whose type is the receiver's: that of what this leads to, which is not looked at. A
/// pointer, as there are fields that no reference may be taken of.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn site_on<R: ?Sized>(function: &'static Function, index: u32, _: *const R) -> Token {
    let (slab, row) = row::find(slab::current(), function, index, Type::of_receiver::<R>());
    let first = slab.rows.follow(function.site_id(index));
    open_span(slab, function, index, first, row, true)
}

/// Opens a span that is counted, never timed.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn grow(function: &'static Function, index: u32) -> Token {
    let slab = slab::attached();
    let first = slab.rows.follow(function.site_id(index));
    open_counted(slab, function, index, first, false)
}

/// Opens a span that is counted, never timed, and whose type is the receiver's.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn grow_on<R: ?Sized>(function: &'static Function, index: u32, _: *const R) -> Token {
    let (slab, row) = row::find(slab::current(), function, index, Type::of_receiver::<R>());
    open_counted(slab, function, index, row, true)
}

/// The same of a message that is sent: where the channel has no bound, it waits there.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn send_on<R: ?Sized>(function: &'static Function, index: u32, _: *const R) -> Token {
    let (slab, row) = row::find(slab::current(), function, index, Type::of_receiver::<R>());
    if let Some(channel) = row.and_then(|row| row.channel.get()) {
        channel.send();
    }
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
    let (level, span) = span::push(slab, function.site_id(index));
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
    let (level, span) = span::push(slab, function.site_id(index));
    let is_skipped = first.is_some_and(|row| row.countdown.step() < row.countdown.next.get());
    let mode = if is_skipped { Mode::Skipped } else { Mode::Timed };
    if let (false, Some(span)) = (is_skipped, span) {
        span.start_clock(slab);
    }
    let not_send = PhantomData;
    Token { slab, span, function, first, row, index, level, has_type, mode, not_send }
}

/// Closes a span and hands the value on.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn exit<T>(token: Token, value: T) -> T {
    close(token, Type::of::<T>());
    value
}

/// Closes the span of a message that is sent; where the value says that it was not, it is taken back.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn sent<T>(token: Token, value: T) -> T {
    if let Some(channel) = token.row.and_then(|row| row.channel.get())
        && outcome::failed(&value)
    {
        channel.unsend();
    }
    exit(token, value)
}

/// Closes a span whose value is of this type. Generic code is built as the program is, this not
/// where the runtime has a profile of its own.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn close(token: Token, of: Type) {
    let Token { slab, span, function, first, row, index, level, has_type, mode, .. } = token;
    // First of all: nothing after it has the token to drop, so that it stays in registers.
    mem::forget(token);
    let end = if mode == Mode::Timed { clock::ticks() } else { 0 };
    let row = if has_type { row } else { row::check(function, index, first, of) };
    // Before it leaves the stack, where a signal handler's own could take its place.
    match (mode, span) {
        (Mode::Timed, Some(span)) => span::close_time(slab, span, row, first.or(row), end),
        (Mode::Skipped, _) => span::skip_time(slab, first),
        _ => {}
    }
    span::pop(slab, level, span, row);
}

/// Restarts the span on top: what its receiver took is not its own.
#[cfg_attr(not(debug_assertions), inline(always))]
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
        if let Some(channel) = row.and_then(|row| row.channel.get()) {
            // What was to be sent never came about.
            channel.unsend();
        }
        match (self.mode, self.span) {
            (Mode::Timed, Some(span)) => {
                span::close_time(slab, span, row, self.first.or(row), end);
            }
            (Mode::Skipped, _) => span::skip_time(slab, self.first),
            _ => {}
        }
        span::pop(slab, self.level, self.span, row);
    }
}

#[cfg(test)]
mod tests;
