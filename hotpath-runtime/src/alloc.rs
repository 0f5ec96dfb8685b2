//! The counting allocator: forwards to another and counts on the node on top.

use core::alloc::{GlobalAlloc, Layout};

#[cfg(all(any(test, feature = "enabled"), unix, target_pointer_width = "64"))]
use crate::heap;

/// A global allocator that counts what goes through it and leaves the work to `A`.
///
/// Without the feature `enabled` it only forwards.
///
/// ```
/// use std::alloc::System;
///
/// # #[cfg(not(feature = "global-allocator"))]
/// #[global_allocator]
/// static ALLOCATOR: hotpath_runtime::Allocator<System> = hotpath_runtime::Allocator::new(System);
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Allocator<A> {
    inner: A,
}

impl<A> Allocator<A> {
    /// Counts what `inner` does.
    pub const fn new(inner: A) -> Self {
        Self { inner }
    }
}

// SAFETY: every method hands its arguments to the inner allocator as they are and its answer back
// as it is, so that the inner allocator's promises hold; what is counted in between neither
// allocates through the global allocator nor unwinds.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Allocator<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those of the inner allocator.
        let block = unsafe { self.inner.alloc(layout) };
        #[cfg(all(any(test, feature = "enabled"), unix, target_pointer_width = "64"))]
        heap::allocated(&self.inner, block, layout.size());
        block
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those of the inner allocator.
        let block = unsafe { self.inner.alloc_zeroed(layout) };
        #[cfg(all(any(test, feature = "enabled"), unix, target_pointer_width = "64"))]
        heap::allocated(&self.inner, block, layout.size());
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are those of the inner allocator.
        unsafe { self.inner.dealloc(block, layout) };
        #[cfg(all(any(test, feature = "enabled"), unix, target_pointer_width = "64"))]
        heap::freed(&self.inner, layout.size());
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        #[cfg(all(any(test, feature = "enabled"), unix, target_pointer_width = "64"))]
        let timer = heap::timer(&self.inner, layout.size());
        // SAFETY: the caller's promises are those of the inner allocator.
        let moved = unsafe { self.inner.realloc(block, layout, size) };
        #[cfg(all(any(test, feature = "enabled"), unix, target_pointer_width = "64"))]
        heap::reallocated(&timer, block.addr(), moved, layout.size(), size);
        moved
    }
}
