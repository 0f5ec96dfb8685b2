//! What a forked child starts from: its parent's functions and nodes with nothing counted, the calls
//! open that are open on its one thread.

use core::sync::atomic::Ordering::Relaxed;

use crate::segment::cell::Link;
use crate::segment::layout::{
    AllocatorCosts, Allocs, Countdown, Histogram, Holds, Node, Row, SPECIAL, Slab, Span, Sums,
    held_back,
};
use crate::throttle;
use crate::{channel, heap, map, process, processor, slab, span, sys};

/// Takes out of the counters what the parent counted, and gives the ticks at which the child
/// starts.
///
/// Called in the child, with the lock held and no other thread.
pub(crate) fn reset() -> u64 {
    let Some(header) = map::header() else { return 0 };
    process::describe_child(header);
    let now = header.fixed.start_ticks.get();
    let own = slab::current();
    for slab in slab::free() {
        slab.threads.set(0);
        slab.forget(now, Open::Nothing);
    }
    let mut next = header.slabs.first.get();
    let mut live = header.live.get();
    header.slabs.first.set(None);
    header.slabs.last.set(None);
    while let Some(slab) = next {
        next = slab.newer.get();
        slab.newer.set(None);
        live = live.wrapping_add(held_back(slab.gauge.get()));
        heap::set_gauge(slab);
        if core::ptr::eq(slab, own) {
            slab.tid.set(u64::from(sys::tid()));
            slab.threads.set(1);
            slab.forget(now, Open::AsItIs);
        } else if slab.attached.get() != 0 {
            // Its owner, which was in the middle of something when it was copied, is not here to
            // finish it: nobody may build on it, and no thread is in it.
            slab.attached.set(0);
            slab.tid.set(0);
            continue;
        }
        header.slabs.append(slab, |slab| &slab.newer);
    }
    channel::forget(header);
    // The blocks are there as they were in the parent.
    header.live.set(live);
    header.peak.set(live.cast_signed().max(0).cast_unsigned());
    now
}

/// What is open in a slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Nothing,
    AsItIs,
}

impl Slab {
    fn forget(&self, now: u64, open: Open) {
        self.pending.set(None);
        self.negative.set(0);
        self.lifetime.set(0);
        self.cold.set(0);
        if self.attached.get() != 0 {
            self.attached.set(now);
        }
        span::forget_blocks(self);
        if let Some(costs) = self.costs.get() {
            costs.forget();
        }
        processor::forget(self);
        members(self.nodes.first.get(), |node| &node.newer).for_each(Node::forget);
        members(self.all_rows.first.get(), |row| &row.newer).for_each(Row::forget);
        members(self.histograms.first.get(), |histogram| &histogram.newer)
            .for_each(Histogram::forget);
        if open == Open::AsItIs {
            let on_stack = members(self.cur.get(), |node| &node.parent);
            on_stack.filter(|node| node.function.get() != 0).for_each(|node| node.reopen(now));
            let spans = (0..self.top.get()).map_while(|level| self.spans.get(level));
            spans.for_each(|span| span.reopen(now));
        }
    }
}

/// What a chain of links leads to.
fn members<T: Sync + 'static>(
    first: Option<&'static T>,
    next: impl Fn(&'static T) -> &'static Link<T>,
) -> impl Iterator<Item = &'static T> {
    core::iter::successors(first, move |member| next(member).get())
}

impl Node {
    fn forget(&'static self) {
        if self.countdown.count.get() < self.countdown.next.get() {
            // Its newest call is not timed.
            self.opened.set(0);
        }
        self.countdown.forget();
        self.sums.forget();
        self.allocs.forget();
        let counts =
            [&self.inner, &self.nested, &self.wait, &self.cancelled, &self.resumed, &self.held];
        for count in counts {
            count.set(0);
        }
    }

    /// Counts a call that was open at the fork: it goes on in both processes.
    fn reopen(&self, now: u64) {
        // Of nodes that may be entered while they are open, it is one more than are open.
        self.countdown.count.set(self.depth.get().saturating_sub(1).max(1));
        if self.opened.get() != 0 {
            self.opened.set(now);
        }
    }
}

impl Row {
    fn forget(&'static self) {
        self.countdown.forget();
        self.sums.forget();
        self.allocs.forget();
        let counts = [
            &self.count,
            &self.repolls,
            &self.not_ready,
            &self.wait,
            &self.nested_wait,
            &self.cancelled,
        ];
        for count in counts {
            count.set(0);
        }
        if let Some(Holds { left, gap, count, timed, ticks, max, look, recent }) = self.holds.get()
        {
            for word in [left, gap, count, timed, ticks, max, look, recent] {
                word.set(0);
            }
        }
    }
}

impl Span {
    /// Starts an open span anew. Its node counts what is not its own from 0 on.
    fn reopen(&self, now: u64) {
        self.outer.set(0);
        if self.start.get() != 0 {
            self.start.set(now);
        }
    }
}

impl Allocs {
    fn forget(&self) {
        self.set_blocks([0; 4]);
        self.set_reallocs([0; 4]);
    }
}

impl AllocatorCosts {
    fn forget(&self) {
        for cost in self.allocs.iter().chain(&self.frees) {
            cost.timed.set(0);
            cost.ticks.set(0);
            cost.squares.set(0);
        }
    }
}

impl Histogram {
    fn forget(&'static self) {
        for bucket in self.buckets.iter().filter(|bucket| bucket.load(Relaxed) != 0) {
            bucket.store(0, Relaxed);
        }
    }
}

impl Countdown {
    /// Has the next span that is timed looked at: the first cold path of the child.
    fn forget(&self) {
        self.count.set(0);
        self.gap.set(0);
        self.mean.set(0);
        if self.next.get() != SPECIAL {
            self.next.set(throttle::always());
        }
    }
}

impl Sums {
    fn forget(&self) {
        let counts = [
            &self.ticks,
            &self.timed,
            &self.max,
            &self.max_before,
            &self.ticks_before,
            &self.timed_before,
            &self.skipped,
            &self.variance,
        ];
        for count in counts {
            count.set(0);
        }
    }
}
