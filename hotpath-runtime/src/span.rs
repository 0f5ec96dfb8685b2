//! The stack of open expression spans beside each slab: what makes rows exclusive of each other.

use crate::segment::layout::{Node, Row, Slab, Span};

/// How far down a border looks for a span of its own node: cycles of functions are short.
const SEARCH: u64 = 64;

/// Opens a span; `None` past the depth that is remembered.
#[inline(always)]
pub(crate) fn push(slab: &Slab) -> Option<&'static Span> {
    let level = slab.top.get();
    slab.top.set(level + 1);
    let span = slab.spans.get(level)?;
    let node = slab.node();
    span.node.set(Some(node));
    span.border.set(0);
    span.allocs.set(node.allocs.get());
    Some(span)
}

/// Closes the span at `level`, and gives `row` what was allocated in it alone.
#[inline(always)]
pub(crate) fn pop(slab: &Slab, level: u64, span: &Span, row: Option<&Row>) {
    slab.top.set(level);
    let Some(node) = span.node.get() else { return };
    let own = node.allocs.since(&span.allocs);
    if own == [0; 8] {
        return;
    }
    if let Some(row) = row {
        row.allocs.add(own);
    }
    if level > 0 {
        take_from_outer(slab, level, node, own);
    }
}

/// Spans around it, of the same call, must not count that again.
fn take_from_outer(slab: &Slab, level: u64, node: &Node, own: [u64; 8]) {
    for level in (0..level).rev() {
        match slab.spans.get(level) {
            Some(outer) if outer.node.is(node) && outer.border.get() == 0 => outer.allocs.add(own),
            _ => return,
        }
    }
}

/// The span on top, where it is an expression of the node on top.
pub(crate) fn top(slab: &Slab) -> Option<&'static Span> {
    slab.spans.get(slab.top.get().checked_sub(1)?).filter(|span| span.border.get() == 0)
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
