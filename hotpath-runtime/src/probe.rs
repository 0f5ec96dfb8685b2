//! The probes of calls.
//!
//! What the expansion names is inlined, but not where nothing is optimised: there every copy would
//! keep stack of its own in the function around it, several times what that takes itself.

use core::marker::PhantomData;

use crate::segment::layout::{Node, SPECIAL, Slab};
use crate::site::Function;
use crate::tree::NOT_TIMED;
use crate::{clock, fork, slab, tree};

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
    (own, node.countdown.record(slab, &node.sums, own, slab.inside.get()))
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

#[cfg(test)]
mod tests;
