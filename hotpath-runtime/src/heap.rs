//! Counting allocator operations on the node on top, and the process's live bytes.

use core::alloc::GlobalAlloc;

use crate::segment::layout::{Allocs, Cost, LIVE_SLACK, SIZE_CLASSES, Slab, held_back};
use crate::{clock, level, map, probe, retained, slab, span, throttle};

/// One allocator operation in [`Slab::gauge`].
const OPERATION: u64 = 1 << 53;
/// What the operations in it have reached when the next one is timed.
const DUE: u64 = 1 << 62;
/// Set in it where no operation may go the short way.
pub(crate) const NEVER_SHORT: u64 = 1 << 63;

// An operation is counted before the inner allocator does it. The short way is taken where the
// slab's gauge, which holds both the live bytes and the operations to go until one is timed, says
// that nothing else is due. Else the long way follows.

/// Counts an allocation; `false` where that takes the long way.
#[inline(always)]
pub(crate) fn count_alloc(size: usize) -> bool {
    let slab = slab::current();
    let is_short = step(slab, (size as u64).wrapping_add(OPERATION));
    if is_short {
        note_alloc(slab, size);
    }
    is_short
}

/// Counts a free; `false` where that takes the long way.
#[inline(always)]
pub(crate) fn count_free(size: usize) -> bool {
    let slab = slab::current();
    let is_short = step(slab, OPERATION.wrapping_sub(size as u64));
    if is_short {
        note_free(slab, size);
    }
    is_short
}

#[inline(always)]
fn step(slab: &Slab, change: u64) -> bool {
    let gauge = slab.gauge.get().wrapping_add(change);
    // What lies between holds live bytes beyond the slack, or below none.
    if gauge & (NEVER_SHORT | DUE | (OPERATION - 2 * LIVE_SLACK)) != 0 {
        return false;
    }
    if slab.metered.get() != slab.top.get() {
        span::settle(slab);
    }
    slab.gauge.set(gauge);
    true
}

/// The counters of the node on top, of a slab that is one.
#[inline(always)]
fn allocs_on_top(slab: &Slab) -> &'static Allocs {
    let node = slab.cur.get();
    // SAFETY: whoever counts has found that the slab is not the one of threads without: that one's
    // gauge is never short. Any other one leads to its root before a thread gets it, and from then
    // on to nodes of it: a call goes back to the node that it came from.
    unsafe { core::hint::assert_unchecked(node.is_some()) };
    &node.unwrap_or(slab::no_node()).allocs
}

#[inline(always)]
fn note_alloc(slab: &Slab, size: usize) {
    let allocs = allocs_on_top(slab);
    allocs.count.add(1);
    allocs.bytes.add(size as u64);
}

#[inline(always)]
fn note_free(slab: &Slab, size: usize) {
    let allocs = allocs_on_top(slab);
    allocs.frees.add(1);
    allocs.freed_bytes.add(size as u64);
}

/// Takes back what was counted the short way for an allocation that failed.
#[cold]
#[inline(never)]
pub(crate) extern "C" fn failed(size: usize) {
    let slab = slab::current();
    if slab.is_none() {
        return;
    }
    if size as u64 >= OPERATION {
        // No machine has it to give, and so it passed for operations.
        slab.gauge.set(slab.gauge.get().wrapping_sub(size as u64));
    } else {
        count_live(slab, (size as u64).wrapping_neg());
    }
    forget_alloc(slab, size);
}

fn forget_alloc(slab: &Slab, size: usize) {
    let allocs = allocs_on_top(slab);
    allocs.count.add(1_u64.wrapping_neg());
    allocs.bytes.add((size as u64).wrapping_neg());
}

/// An operation that goes the long way.
#[must_use]
#[derive(Debug)]
pub(crate) struct Operation {
    size: usize,
    /// 0: not timed.
    start: u64,
}

/// Counts an allocation the long way, and starts its clock if it is one of those that are timed.
pub(crate) fn open_alloc(inner: &dyn GlobalAlloc, size: usize) -> Operation {
    let slab = prepare(inner);
    if slab.is_none() {
        return Operation { size, start: 0 };
    }
    note_alloc(slab, size);
    Operation { size, start: count_operation(slab) }
}

/// Ends it with what it gave, null for failure.
pub(crate) fn close_alloc(operation: &Operation, block: *const u8) {
    let end = operation.end();
    let slab = slab::current();
    if slab.is_none() {
        return;
    }
    if block.is_null() {
        return forget_alloc(slab, operation.size);
    }
    count_live(slab, operation.size as u64);
    if let Some(costs) = slab.costs.get() {
        operation.record(slab, &costs.allocs[size_class(operation.size)], end);
    }
    retained::born(slab, block, operation.size);
}

/// Counts a free the long way, likewise.
pub(crate) fn open_free(inner: &dyn GlobalAlloc, block: *const u8, size: usize) -> Operation {
    retained::died(block);
    let slab = prepare(inner);
    if slab.is_none() {
        return Operation { size, start: 0 };
    }
    note_free(slab, size);
    count_live(slab, (size as u64).wrapping_neg());
    Operation { size, start: count_operation(slab) }
}

/// Ends it.
pub(crate) fn close_free(operation: &Operation) {
    let end = operation.end();
    let slab = slab::current();
    if let Some(costs) = slab.costs.get() {
        operation.record(slab, &costs.frees[size_class(operation.size)], end);
    }
}

/// This thread's slab, made if need be, with its span settled.
fn prepare(inner: &dyn GlobalAlloc) -> &'static Slab {
    let slab = slab::current();
    let slab = if slab.is_none() { slab::attach(Some(inner)) } else { slab };
    if !slab.is_none() && slab.metered.get() != slab.top.get() {
        span::settle(slab);
    }
    slab
}

/// Of allocations and frees one in so many is timed, on average.
const SAMPLED: u64 = 256;
/// Operations that a gauge counts until it is [`DUE`].
const COUNTED: u64 = DUE / OPERATION;
/// What an operation may take beyond [`throttle::longest`], ticks a byte: what the system needs to
/// map, zero and unmap pages (about half a tick a byte each at 2.5 GHz). Longer ones were held up.
const TICKS_PER_BYTE: u64 = 2;

/// The class of a size.
pub(crate) fn size_class(size: usize) -> usize {
    let bits = usize::BITS - size.saturating_sub(1).leading_zeros();
    (bits.saturating_sub(3) as usize).min(SIZE_CLASSES - 1)
}

/// Moves the gauge by an operation; gives the start of one that is timed, else 0.
fn count_operation(slab: &Slab) -> u64 {
    let gauge = slab.gauge.get();
    if (gauge / OPERATION) % COUNTED < COUNTED - 1 {
        slab.gauge.set(gauge + OPERATION);
        return 0;
    }
    let gap = slab.draw_gap(SAMPLED);
    slab.gauge.set(gauge - (gap - 1) * OPERATION);
    clock::ticks()
}

/// The gauge of a new slab.
pub(crate) fn set_gauge(slab: &Slab) {
    let gap = slab.draw_gap(SAMPLED);
    let always = if retained::is_on() { NEVER_SHORT } else { 0 };
    slab.gauge.set(always + (COUNTED - gap) * OPERATION + LIVE_SLACK);
    retained::start(slab);
}

/// Moves the live bytes of the gauge, whose operations stay as they are.
fn count_live(slab: &Slab, change: u64) {
    let gauge = slab.gauge.get();
    let live = held_back(gauge).wrapping_add(change);
    let operations = gauge & !(2 * LIVE_SLACK - 1);
    if live.wrapping_add(LIVE_SLACK) < 2 * LIVE_SLACK {
        slab.gauge.set(operations + live.wrapping_add(LIVE_SLACK));
    } else {
        level::settle(slab, live);
    }
}

impl Operation {
    #[inline(always)]
    fn end(&self) -> u64 {
        if self.start == 0 { 0 } else { clock::ticks() }
    }

    /// Adds it to what such operations cost, if it was timed.
    fn record(&self, slab: &Slab, cost: &Cost, end: u64) {
        if self.start == 0 {
            return;
        }
        let longest = throttle::longest().saturating_add(TICKS_PER_BYTE * self.size as u64);
        let ticks = probe::elapsed(slab, self.start, end).min(longest);
        cost.timed.add(1);
        cost.ticks.add(ticks);
        let squares = f64::from_bits(cost.squares.get()) + (ticks as f64).powi(2);
        cost.squares.set(squares.to_bits());
    }
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
    /// The block, where it is one of the sampled ones.
    lifted: Option<retained::Block>,
}

/// Starts the clock of a reallocation, if it is one of those that are timed.
#[inline(always)]
pub(crate) fn timer(inner: &dyn GlobalAlloc, block: *const u8, size: usize) -> Timer {
    let lifted = if retained::is_on() { retained::lift(block) } else { None };
    let slab = slab::current();
    if slab.is_none() || slab.metered.get() != slab.top.get() {
        prepare(inner);
    }
    let slab = slab::current();
    let left = slab.reallocs_left.get();
    if size < LARGE && left > 0 {
        slab.reallocs_left.set(left - 1);
        return Timer { start: 0, weight: 0, lifted };
    }
    let weight = if size < LARGE { next_timed(slab) } else { 1 };
    Timer { start: clock::ticks(), weight, lifted }
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

/// Counts a reallocation of `from` that gave `moved`, null for failure.
#[inline(always)]
pub(crate) fn reallocated(
    timer: &Timer,
    (from, moved): (*const u8, *const u8),
    (old, new): (usize, usize),
) {
    let end = if timer.weight == 0 { 0 } else { clock::ticks() };
    if retained::is_on() {
        if moved.is_null() {
            retained::put_back(timer.lifted, from, (old, old));
        } else {
            retained::put_back(timer.lifted, moved, (old, new));
        }
    }
    let slab = slab::current();
    if slab.is_none() || moved.is_null() {
        return;
    }
    let ticks = match timer.weight {
        0 => 0,
        weight => {
            let span = probe::elapsed(slab, timer.start, end);
            stands_for(span, weight, slab.short.get())
        }
    };
    let moved_bytes = if moved == from { 0 } else { old as u64 };
    let values = [1, moved_bytes, new.saturating_sub(old) as u64, ticks];
    slab.node().allocs.add_reallocs(values);
    span::note_realloc(slab, values);
    count_live(slab, (new as u64).wrapping_sub(old as u64));
}

/// Tells the process what this thread held back.
pub(crate) fn hand_over(held_back: u64) {
    let Some(header) = map::header() else { return };
    let live = header.live.add_shared(held_back);
    if live.cast_signed() > 0 {
        header.peak.0.fetch_max(live, core::sync::atomic::Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
