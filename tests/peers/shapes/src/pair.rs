//! An allocation and its release: through the global allocator, and with what lies under it.

use std::alloc::{self, GlobalAlloc, Layout, System};
use std::hint::black_box;

use crate::Shape;

/// The global allocator against a direct call of [`System`].
pub const PAIR: Shape =
    Shape { name: "pair", probes: 1, plain: system, limit: None, probed: global };

const LAYOUT: Layout = Layout::new::<[u64; 4]>();

#[inline(never)]
fn system(value: u64) -> u64 {
    // SAFETY: the layout has a size; the block is released once, with the layout it was made with.
    unsafe { System.dealloc(black_box(System.alloc(LAYOUT)), LAYOUT) };
    value ^ 1
}

#[inline(never)]
fn global(value: u64) -> u64 {
    // SAFETY: as above.
    unsafe { alloc::dealloc(black_box(alloc::alloc(LAYOUT)), LAYOUT) };
    value ^ 1
}
