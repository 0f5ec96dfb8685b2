//! Counting allocator operations on the node on top, and the process's live bytes.

use core::alloc::GlobalAlloc;

use crate::segment::layout::{Allocs, LIVE_SLACK, Slab};
use crate::{clock, map, probe, slab, span};

#[inline(always)]
pub(crate) fn allocated(inner: &dyn GlobalAlloc, block: *const u8, size: usize) {
    let slab = slab::current();
    if slab.is_none() {
        return attach_for(inner, |slab| count_alloc(slab, size), block.is_null());
    }
    if !block.is_null() {
        count_alloc(slab, size);
    }
}

#[inline(always)]
pub(crate) fn freed(inner: &dyn GlobalAlloc, size: usize) {
    let slab = slab::current();
    if slab.is_none() {
        return attach_for(inner, |slab| count_free(slab, size), false);
    }
    count_free(slab, size);
}

/// Blocks from this size on are timed at each reallocation: what they take differs most, and the
/// clock is little beside it.
const LARGE: usize = 4096;
/// Of smaller ones one in so many is timed, on average.
const PERIOD: u64 = 8;

/// A reallocation under way.
pub(crate) struct Timer {
    start: u64,
    /// Reallocations that it stands for; 0: this one is not timed.
    weight: u64,
}

/// Starts the clock of a reallocation, if it is one of those that are timed.
#[inline(always)]
pub(crate) fn timer(inner: &dyn GlobalAlloc, size: usize) -> Timer {
    if slab::current().is_none() {
        attach_for(inner, |_| {}, false);
    }
    let slab = slab::current();
    let left = slab.reallocs_left.get();
    if size < LARGE && left > 0 {
        slab.reallocs_left.set(left - 1);
        return Timer { start: 0, weight: 0 };
    }
    let weight = if size < LARGE { next_timed(slab) } else { 1 };
    Timer { start: clock::ticks(), weight }
}

/// Draws which small reallocation is timed after this one, and says for how many this one stands.
#[cold]
#[inline(never)]
fn next_timed(slab: &Slab) -> u64 {
    let weight = slab.reallocs_gap.get().max(1);
    if slab.short.get() == 0 {
        return weight;
    }
    let gap = slab.draw_gap(PERIOD);
    slab.reallocs_gap.set(gap);
    slab.reallocs_left.set(gap - 1);
    weight
}

/// Ticks of `weight` reallocations, of which one took `span`. What made that one longer than a
/// small one takes (the thread was held up) did not happen to the others.
#[inline(always)]
fn stands_for(span: u64, weight: u64, short: u64) -> u64 {
    span.wrapping_add(span.min(short).wrapping_mul(weight - 1))
}

/// Counts a reallocation that gave `moved`, null for failure.
#[inline(always)]
pub(crate) fn reallocated(timer: &Timer, from: usize, moved: *const u8, old: usize, new: usize) {
    let slab = slab::current();
    if slab.is_none() || moved.is_null() {
        return;
    }
    let ticks = match timer.weight {
        0 => 0,
        weight => {
            let span = probe::elapsed(slab, timer.start, clock::ticks());
            stands_for(span, weight, slab.short.get())
        }
    };
    charge(slab, |allocs| {
        allocs.reallocs.add(1);
        if moved.addr() != from {
            allocs.moved_bytes.add(old as u64);
        }
        allocs.grown_bytes.add(new.saturating_sub(old) as u64);
        allocs.realloc_ticks.add(ticks);
    });
    count_live(slab, (new as u64).wrapping_sub(old as u64));
}

#[cold]
#[inline(never)]
fn attach_for(inner: &dyn GlobalAlloc, count: impl FnOnce(&Slab), failed: bool) {
    let slab = slab::attach(Some(inner));
    if !slab.is_none() && !failed {
        count(slab);
    }
}

#[inline(always)]
fn count_alloc(slab: &Slab, size: usize) {
    charge(slab, |allocs| {
        allocs.count.add(1);
        allocs.bytes.add(size as u64);
    });
    count_live(slab, size as u64);
}

#[inline(always)]
fn count_free(slab: &Slab, size: usize) {
    charge(slab, |allocs| {
        allocs.frees.add(1);
        allocs.freed_bytes.add(size as u64);
    });
    count_live(slab, (size as u64).wrapping_neg());
}

/// Counts an operation on the node on top, and on the expression of it that is open.
#[inline(always)]
fn charge(slab: &Slab, count: impl Fn(&Allocs)) {
    count(&slab.node().allocs);
    if slab.top.get() != 0
        && let Some(span) = span::on_top(slab)
    {
        span.dirty.set(1);
        count(&span.allocs);
    }
}

#[inline(always)]
fn count_live(slab: &Slab, change: u64) {
    let live = slab.live.get().wrapping_add(change);
    slab.live.set(live);
    if live.wrapping_add(LIVE_SLACK) > 2 * LIVE_SLACK {
        hand_over(slab, live);
    }
}

/// Tells the process what this thread held back.
#[cold]
#[inline(never)]
fn hand_over(slab: &Slab, held_back: u64) {
    let Some(header) = map::header() else { return };
    slab.live.set(0);
    let live = header.live.add_shared(held_back);
    if live.cast_signed() > 0 {
        header.peak.0.fetch_max(live, core::sync::atomic::Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
