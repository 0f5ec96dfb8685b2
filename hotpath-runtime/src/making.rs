//! The making of a future by a function that is not `async`: time and allocations of that
//! function, but neither a call nor a poll of it.

use core::marker::PhantomData;

use crate::probe;
use crate::segment::layout::{Node, SPECIAL};
use crate::site::Function;
use crate::tree;
use crate::{clock, fork, slab};

/// Guard over the body of a function that returns a future.
#[must_use]
#[derive(Debug)]
pub struct Making {
    node: &'static Node,
    start: u64,
    /// Whether it opened the way of nodes with more to do than counting.
    is_special: bool,
    /// The thread's cold work before.
    cold: u64,
    not_send: PhantomData<*const ()>,
}

/// Opens the span in which a function makes its future. The calls and polls are those of the
/// [`Frame`](super::future::Frame) around that.
#[inline]
pub fn making(function: &'static Function) -> Making {
    let (slab, node) = tree::enter(function);
    let is_special = node.countdown.next.get() == SPECIAL;
    let start = if is_special {
        tree::open_special(slab, node);
        slab.start.get()
    } else {
        slab.cur.set(Some(node));
        let start = clock::ticks();
        node.opened.set(start);
        start
    };
    Making { node, start, is_special, cold: slab.cold.get(), not_send: PhantomData }
}

impl Drop for Making {
    #[inline]
    fn drop(&mut self) {
        let (slab, node) = (slab::current(), self.node);
        let (start, end) = (self.start.max(fork::born()), clock::ticks());
        if self.is_special {
            return tree::close_uncounted(slab, node, start, end);
        }
        // What it holds itself is in `held` only where a timed call of the node is open.
        node.without_cold(0);
        let cold = slab.cold.get().wrapping_sub(self.cold);
        let span = probe::elapsed(slab, start, end);
        probe::leave(slab, node, span);
        node.sums.ticks.add(span.saturating_sub(cold));
        node.forget_open();
    }
}

#[cfg(test)]
mod tests;
