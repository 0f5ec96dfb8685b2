//! The making of a future by a function that is not `async`: time and allocations of that
//! function, but neither a call nor a poll of it.

use core::marker::PhantomData;

use crate::probe;
use crate::segment::layout::Node;
use crate::site::Function;
use crate::tree::{self, SPECIAL};
use crate::{clock, slab};

/// Guard over the body of a function that returns a future.
#[must_use]
#[derive(Debug)]
pub struct Making {
    node: &'static Node,
    start: u64,
    not_send: PhantomData<*const ()>,
}

/// Opens the span in which a function makes its future. The calls and polls are those of the
/// [`Frame`](super::future::Frame) around that.
#[inline]
pub fn making(function: &'static Function) -> Making {
    let (slab, node) = tree::enter(function);
    let start = if node.countdown.next.get() == SPECIAL {
        tree::open_special(slab, node);
        slab.start.get()
    } else {
        slab.cur.set(Some(node));
        clock::ticks()
    };
    Making { node, start, not_send: PhantomData }
}

impl Drop for Making {
    #[inline]
    fn drop(&mut self) {
        let slab = slab::current();
        let end = clock::ticks();
        if self.node.countdown.next.get() == SPECIAL {
            tree::close_special(slab, self.node, self.start, end);
        } else {
            let span = probe::elapsed(slab, self.start, end);
            probe::leave(slab, self.node, span);
            self.node.sums.ticks.add(self.node.without_cold(span));
        }
    }
}
