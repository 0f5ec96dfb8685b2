//! The stack of open expression spans beside each slab: what makes rows exclusive of each other.

use crate::clock;
use crate::probe::elapsed;
use crate::segment::layout::{Node, Row, Slab, Span};

/// Opens a span, and gives its level; `None` past the depth that is remembered.
#[inline(always)]
pub(crate) fn push(slab: &Slab) -> (u64, Option<&'static Span>) {
    let level = slab.top.get();
    slab.top.set(level + 1);
    let span = slab.spans.get(level);
    if let Some(span) = span {
        span.node.follow(&slab.cur);
        span.start.set(0);
    }
    (level, span)
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
pub(crate) fn pop(
    slab: &Slab,
    level: u64,
    span: Option<&'static Span>,
    row: Option<&'static Row>,
) {
    slab.top.set(level);
    if let Some(row) = row {
        row.count.add(1);
    }
    if let Some(span) = span
        && span.dirty.get() != 0
    {
        charge(span, row);
    }
}

/// Gives `row` what was allocated in a span.
#[inline(never)]
fn charge(span: &Span, row: Option<&Row>) {
    if let Some(row) = row {
        row.allocs.add(span.allocs.get());
    }
    span.clear();
}

/// Gives `row` the time that was spent in a span alone. The countdown is that of `first`, the row
/// that the site leads to.
#[inline(never)]
pub(crate) fn close_time(
    slab: &Slab,
    span: &Span,
    row: Option<&'static Row>,
    first: Option<&'static Row>,
    end: u64,
) {
    let whole = elapsed(slab, span.start.get(), end);
    let node = slab.node();
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
    let weight = first.countdown.record(slab, &row.sums, own);
    if let Some(histogram) = histogram {
        histogram.count(whole, weight);
    }
}

/// Takes an execution that was not timed for one like the last that were: else its time would be
/// the own time of the expression around it.
#[inline(always)]
pub(crate) fn skip_time(slab: &Slab, first: Option<&'static Row>) {
    if let Some(first) = first {
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
    let around = level.checked_sub(1).and_then(|level| slab.spans.get(level));
    if let Some(around) = around.filter(|around| around.node.leads_where(&span.node)) {
        around.allocs.add(span.allocs.get());
        around.dirty.set(1);
    }
    span.clear();
}

impl Span {
    fn clear(&self) {
        self.dirty.set(0);
        self.allocs.clear();
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
        return;
    };
    if border.node.get().is_some() {
        return;
    }
    slab.top.set(level);
    if let Some(entered) = border.entered.get() {
        entered.inner.set(border.outer.get());
    }
}
