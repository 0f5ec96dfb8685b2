//! The stack of open expression spans beside each slab: what makes rows exclusive of each other.

use crate::clock;
use crate::probe::elapsed;
use crate::segment::layout::{Node, Row, Slab, Span};

/// How far down a border looks for a span of its own node: cycles of functions are short.
const SEARCH: u64 = 64;

/// Opens a span; `None` past the depth that is remembered.
#[inline(always)]
pub(crate) fn push(slab: &Slab, timed: bool) -> Option<&'static Span> {
    let level = slab.top.get();
    slab.top.set(level + 1);
    let span = slab.spans.get(level)?;
    let node = slab.node();
    span.node.set(Some(node));
    span.border.set(0);
    span.allocs.set(node.allocs.get());
    if timed {
        span.start.set(clock::ticks());
        // After the clock: it hangs on the last span's end, and the clock would wait for it.
        span.outer.set(slab.acc.get());
        slab.acc.set(0);
    } else {
        span.start.set(0);
    }
    Some(span)
}

/// Closes the span at `level`, and gives `row` what was spent in it alone. `end` is the clock,
/// where the span was timed.
#[inline(always)]
pub(crate) fn pop(
    slab: &Slab,
    level: u64,
    span: Option<&Span>,
    row: Option<&'static Row>,
    end: Option<u64>,
) {
    slab.top.set(level);
    if let Some(row) = row {
        row.count.add(1);
    }
    let Some(span) = span else { return };
    if let Some(node) = span.node.get()
        && node.allocs.differs(&span.allocs)
    {
        charge(slab, level, span, node, row);
    }
    if let Some(end) = end {
        close_time(slab, span, row, end);
    }
}

/// Gives `row` what was allocated since the span opened.
#[inline(always)]
fn charge(slab: &Slab, level: u64, span: &Span, node: &Node, row: Option<&Row>) {
    let own = node.allocs.since(&span.allocs);
    if let Some(row) = row {
        row.allocs.add(own);
    }
    if level > 0 {
        take_from_outer(slab, level, node);
    }
}

#[inline(always)]
fn close_time(slab: &Slab, span: &Span, row: Option<&'static Row>, end: u64) {
    let whole = elapsed(slab, span.start.get(), end);
    let own = whole.saturating_sub(slab.acc.get());
    slab.acc.set(span.outer.get().wrapping_add(whole));
    let Some(row) = row else { return };
    row.timed.add(1);
    row.ticks.add(own);
    if own > row.max.get() {
        row.max.set(own);
    }
    if let Some(histogram) = row.histogram.get() {
        slab.distribute(histogram, whole);
    }
}

/// Restarts the span on top, where it is an expression of the node on top.
#[inline(always)]
pub(crate) fn restart(slab: &Slab) {
    let top = slab.top.get().checked_sub(1).and_then(|level| slab.spans.get(level));
    let Some(span) = top.filter(|span| span.border.get() == 0) else { return };
    span.allocs.set(slab.node().allocs.get());
    if span.start.get() != 0 {
        // Spans inside of the receiver are the business of what lies around.
        span.outer.add(slab.acc.get());
        slab.acc.set(0);
        span.start.set(clock::ticks());
    }
}

/// Spans around it, of the same call, must not count that again.
#[cold]
#[inline(never)]
fn take_from_outer(slab: &Slab, level: u64, node: &Node) {
    let Some(span) = slab.spans.get(level) else { return };
    let own = node.allocs.since(&span.allocs);
    for level in (0..level).rev() {
        match slab.spans.get(level) {
            Some(outer) if outer.node.is(node) && outer.border.get() == 0 => outer.allocs.add(own),
            _ => return,
        }
    }
}

/// Marks that a node is entered once more while spans are open, so that they do not count what the
/// inner call allocates.
pub(crate) fn push_border(slab: &Slab, node: &'static Node) {
    if slab.top.get() == 0 {
        return;
    }
    let level = slab.top.get();
    slab.top.set(level + 1);
    if let Some(span) = slab.spans.get(level) {
        span.node.set(Some(node));
        span.border.set(1);
        span.allocs.set(node.allocs.get());
    }
}

/// Undoes [`push_border`].
pub(crate) fn pop_border(slab: &Slab) {
    let Some(level) = slab.top.get().checked_sub(1) else { return };
    let Some(border) = slab.spans.get(level) else {
        slab.top.set(level);
        return;
    };
    if border.border.get() == 0 {
        return;
    }
    slab.top.set(level);
    let Some(node) = border.node.get() else { return };
    let inside = node.allocs.since(&border.allocs);
    let mut below = (level.saturating_sub(SEARCH)..level).rev().filter_map(|i| slab.spans.get(i));
    let Some(nearest) = below.by_ref().find(|span| span.node.is(node)) else { return };
    for span in core::iter::once(nearest).chain(below) {
        if !span.node.is(node) || span.border.get() == 1 {
            return;
        }
        span.allocs.add(inside);
    }
}
