//! The stack of open expression spans beside each slab: what makes rows exclusive of each other.

use core::sync::atomic::{Ordering::SeqCst, compiler_fence};

use crate::probe::elapsed;
use crate::segment::layout::{Node, Row, Slab, Span};
use crate::{clock, map};

/// Puts the span at `level`, the top, on the stack: one of the site with this number. Its clock doesn't run.
#[inline(always)]
pub(crate) fn push(slab: &Slab, level: u64, span: &'static Span, site: u64) {
    span.node.follow(&slab.cur);
    span.site.set(site);
    // A signal handler that allocates must not find it half written.
    compiler_fence(SeqCst);
    slab.top.set(level + 1);
}

impl Span {
    /// Starts its clock.
    #[inline(always)]
    pub(crate) fn start_clock(&self, slab: &Slab) {
        self.outer.set(slab.node().inner.get());
        self.start.set(clock::ticks());
    }
}

/// Takes the span at `level` off the stack, and gives `row` what it counted.
#[inline(always)]
pub(crate) fn pop(slab: &Slab, level: u64, span: &'static Span, row: Option<&'static Row>) {
    slab.top.set(level);
    if let Some(row) = row {
        row.count.add(1);
    }
    if span.dirty.get() != 0 {
        charge(slab, level, span, row);
    }
}

/// The same of a level past the depth that is remembered.
pub(crate) fn pop_forgotten(slab: &Slab, level: u64, row: Option<&'static Row>) {
    slab.top.set(level);
    if let Some(row) = row {
        row.count.add(1);
    }
    unsettle(slab, level);
}

/// Gives `row` what was allocated in a span.
#[inline(never)]
extern "C" fn charge(slab: &Slab, level: u64, span: &Span, row: Option<&Row>) {
    let blocks = span.take_blocks(slab);
    unsettle(slab, level);
    if let Some(row) = row {
        row.allocs.add_blocks(blocks);
        if span.dirty.get() & REALLOCS != 0 {
            row.allocs.add_reallocs(span.allocs.reallocs());
        }
    }
    span.dirty.set(0);
}

/// Gives `row` the time that was spent in a span alone. The countdown is that of `first`, the row
/// that the site leads to.
#[inline]
pub(crate) fn close_time(
    slab: &Slab,
    span: &Span,
    row: Option<&'static Row>,
    first: Option<&'static Row>,
    end: u64,
) {
    let whole = elapsed(slab, span.start.get(), end);
    let node = slab.node();
    // The short way doesn't: `mark` would read the clock for the next one.
    span.start.set(0);
    let own = whole.wrapping_sub(node.inner.get().wrapping_sub(span.outer.get()));
    node.inner.set(span.outer.get().wrapping_add(whole));
    let (Some(row), Some(first)) = (row, first) else { return };
    let histogram = row.histogram.get();
    if first.countdown.is_plain() {
        row.sums.record(own);
        if let Some(histogram) = histogram {
            slab.distribute(histogram.bucket_of(whole));
        }
        return;
    }
    let inside = map::header().map_or(0, |header| header.fixed.expression_inside.get());
    let weight = first.countdown.record(slab, &row.sums, own, inside);
    if let Some(histogram) = histogram {
        histogram.count(whole, weight);
    }
}

/// Takes an execution at `level` that was not timed for one like the last that were: else its time
/// would be the own time of the expression around it. The countdown is that of `first`, the row that
/// the site leads to.
#[inline(always)]
pub(crate) fn skip_time(slab: &Slab, level: u64, first: &Row) {
    // Where no other expression is open there is nothing to tell.
    if level != 0 {
        slab.node().inner.add(first.countdown.mean.get());
    }
}

/// Restarts the span on top, where it is an expression of the node on top.
#[inline(always)]
pub(crate) fn restart(slab: &Slab) {
    let Some(level) = slab.top.get().checked_sub(1) else { return };
    let Some(span) = slab.spans.get(level).filter(|span| span.node.leads_where(&slab.cur)) else {
        return;
    };
    if span.dirty.get() != 0 {
        hand_out(slab, level, span);
    }
    if span.start.get() != 0 {
        span.start_clock(slab);
    }
}

/// What the receiver allocated is the business of the expression around it, if there is one.
#[cold]
#[inline(never)]
fn hand_out(slab: &Slab, level: u64, span: &Span) {
    let blocks = span.take_blocks(slab);
    unsettle(slab, level);
    let around = level.checked_sub(1).and_then(|level| slab.spans.get(level));
    if let Some(around) = around.filter(|around| around.node.leads_where(&span.node)) {
        around.collect(blocks);
        if span.dirty.get() & REALLOCS != 0 {
            around.collect_reallocs(span.allocs.reallocs());
        }
    }
    span.dirty.set(0);
}

/// Bits of [`Span::dirty`]: which of its counters hold anything.
const BLOCKS: u64 = 1;
const REALLOCS: u64 = 2;

/// [`Slab::metered`] where nothing is settled. No stack is as high.
const UNSETTLED: u64 = u64::MAX;

// Allocations and frees are counted once, on the node on top. What an expression of it allocated is
// the difference that the node's counters make while its span is on top. They are looked at when
// an operation comes that finds `top` other than it was settled for: a span that holds no operation
// costs nothing, nor does any operation in a span but the first.

/// Settles that the span on top gets what its node counts from now on.
///
/// The node may have been left for another one: it can't have counted anything since the span came
/// to the top, or that would have settled it.
#[cold]
#[inline(never)]
pub(crate) extern "C" fn settle(slab: &Slab) {
    if let Some(span) = slab.metering.get() {
        let blocks = span.take_blocks(slab);
        span.collect(blocks);
    }
    let level = slab.top.get();
    slab.metered.set(level);
    let span = level.checked_sub(1).and_then(|level| slab.spans.get(level));
    if let Some(span) = span
        && let Some(node) = span.node.get()
    {
        span.collect(node.allocs.blocks().map(u64::wrapping_neg));
        slab.metering.set(Some(span));
    }
}

/// Counts a reallocation on the span on top as well, where it is an expression of the node on top.
#[inline(always)]
pub(crate) fn note_realloc(slab: &Slab, values: [u64; 4]) {
    if let Some(span) = slab.metering.get()
        && span.node.leads_where(&slab.cur)
    {
        span.collect_reallocs(values);
    }
}

/// Has the next operation settle anew, where that was done for a span that has left the stack.
fn unsettle(slab: &Slab, level: u64) {
    if slab.metered.get() > level {
        slab.metered.set(if level == 0 { 0 } else { UNSETTLED });
    }
}

/// Has the open spans start over with what is allocated in them, as their nodes do.
pub(crate) fn forget_blocks(slab: &Slab) {
    let spans = slab.spans.entries().unwrap_or(&[]);
    for span in spans.iter().take(slab.top.get() as usize) {
        span.dirty.set(0);
    }
    slab.metering.set(None);
    slab.metered.set(if slab.top.get() == 0 { 0 } else { UNSETTLED });
}

/// Takes every span off the stack of a thread that ended.
pub(crate) fn close_all(slab: &Slab) {
    forget_blocks(slab);
    slab.top.set(0);
    slab.metered.set(0);
}

impl Span {
    /// What was allocated in it so far; its node's counters count for it no longer.
    #[inline(always)]
    fn take_blocks(&self, slab: &Slab) -> [u64; 4] {
        let dirty = self.dirty.get();
        self.dirty.set(dirty & !BLOCKS);
        let own = if dirty & BLOCKS == 0 { [0; 4] } else { self.allocs.blocks() };
        match self.node.get() {
            Some(node) if slab.metering.is(self) => {
                slab.metering.set(None);
                let node = node.allocs.blocks();
                [0, 1, 2, 3].map(|i| own[i].wrapping_add(node[i]))
            }
            _ => own,
        }
    }

    #[inline(always)]
    fn collect(&self, blocks: [u64; 4]) {
        let dirty = self.dirty.get();
        self.dirty.set(dirty | BLOCKS);
        if dirty & BLOCKS == 0 {
            self.allocs.set_blocks(blocks);
        } else {
            self.allocs.add_blocks(blocks);
        }
    }

    #[inline(always)]
    fn collect_reallocs(&self, values: [u64; 4]) {
        let dirty = self.dirty.get();
        self.dirty.set(dirty | REALLOCS);
        if dirty & REALLOCS == 0 {
            self.allocs.set_reallocs(values);
        } else {
            self.allocs.add_reallocs(values);
        }
    }
}

/// The span on top, where it is an expression of the node on top: what is allocated now is its own.
#[inline(always)]
pub(crate) fn on_top(slab: &Slab) -> Option<&'static Span> {
    let span = slab.spans.get(slab.top.get().checked_sub(1)?)?;
    span.node.leads_where(&slab.cur).then_some(span)
}

/// Marks that a node is entered once more while spans are open: what it does then is none of
/// theirs.
pub(crate) fn push_border(slab: &Slab, node: &'static Node) {
    let level = slab.top.get();
    if level == 0 {
        return;
    }
    slab.top.set(level + 1);
    if let Some(span) = slab.spans.get(level) {
        span.node.set(None);
        span.entered.set(Some(node));
        span.outer.set(node.inner.get());
    }
}

/// Undoes [`push_border`].
pub(crate) fn pop_border(slab: &Slab) {
    let Some(level) = slab.top.get().checked_sub(1) else { return };
    let Some(border) = slab.spans.get(level) else {
        slab.top.set(level);
        unsettle(slab, level);
        return;
    };
    if border.node.get().is_some() {
        return;
    }
    slab.top.set(level);
    unsettle(slab, level);
    if let Some(entered) = border.entered.get() {
        entered.inner.set(border.outer.get());
    }
}
