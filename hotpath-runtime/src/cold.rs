//! Cold work of the probes themselves (first touch of pages, new nodes, registration): timed, and
//! kept out of every span around it.
//!
//! Each call that is open and timed notes what of its span was cold, and leaves that out when it
//! closes, before the span may stand for others. So sums never hold cold work, and a reader has
//! nothing to subtract, but from calls that were still open. One exception: of a recursion through
//! several functions, the totals of those between a back edge and the function it leads to keep
//! the cold work below that edge. Own times are right there, too.

use crate::clock;
use crate::segment::layout::{Node, Slab};
use crate::throttle::ALWAYS;

/// Runs cold work inside of whatever is open on this thread.
pub(crate) fn within<T>(slab: &Slab, work: impl FnOnce() -> T) -> T {
    let (result, ticks) = timed(work);
    slab.leave_out(ticks);
    result
}

/// Runs cold work after the clock of the expression on top was read for the last time: none of its
/// span, but of those around it.
pub(crate) fn after_span<T>(slab: &Slab, work: impl FnOnce() -> T) -> T {
    let (result, ticks) = timed(work);
    slab.leave_out(ticks);
    if let Some(span) = slab.top.get().checked_sub(1).and_then(|level| slab.spans.get(level)) {
        span.outer.add(ticks);
    }
    result
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let start = clock::ticks();
    let result = work();
    let span = clock::ticks().wrapping_sub(start);
    // The clock may go back where the thread changed the processor.
    (result, if span.cast_signed() < 0 { 0 } else { span })
}

impl Slab {
    /// Leaves `ticks` of cold work out of all that is open.
    fn leave_out(&self, ticks: u64) {
        self.cold.add(ticks);
        let Some(top) = self.cur.get() else { return };
        top.inner.add(ticks);
        for node in core::iter::successors(Some(top), |node| node.parent.get()) {
            if node.is_timed() {
                node.hold(ticks);
            } else if let Some(parent) = node.parent.get() {
                // Its call closes as one that is like the others, which held none of this.
                parent.inner.add(ticks);
            }
        }
    }
}

impl Node {
    /// Whether its open call is one that is timed. `opened` stays behind when a call closes.
    fn is_timed(&self) -> bool {
        self.countdown.count.get() >= self.countdown.next.get() && self.opened.get() != 0
    }

    /// Notes cold work in the call that is open.
    fn hold(&self, ticks: u64) {
        self.held.add(ticks);
        if self.countdown.next.get() == ALWAYS {
            // No plain one any more: it is looked at when it closes, and whether such calls are
            // short is found out anew.
            self.countdown.gap.set(0);
        }
    }

    /// A timed span of this node that closes, without the cold work in it.
    pub(crate) fn without_cold(&self, span: u64) -> u64 {
        let held = self.held.get();
        self.held.set(0);
        span.saturating_sub(held)
    }
}

#[cfg(test)]
mod tests;
