//! The counting allocator: forwards to another and counts on the node on top.

use core::alloc::{GlobalAlloc, Layout};
use core::ops::Deref;

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

/// What the inner allocator offers beside allocating stays within reach: limits, statistics.
impl<A> Deref for Allocator<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.inner
    }
}

/// Marks what is there only in builds that measure.
macro_rules! measured {
    ($($code:tt)*) => {
        #[cfg(all(any(test, feature = "enabled"), unix, target_pointer_width = "64"))]
        { $($code)* }
    };
}

#[cfg(all(any(test, feature = "enabled"), unix, target_pointer_width = "64"))]
impl<A: GlobalAlloc> Allocator<A> {
    /// An allocation by `allocate` that takes more than counting.
    #[cold]
    #[inline(never)]
    fn alloc_long(&self, layout: Layout, allocate: impl FnOnce(&A) -> *mut u8) -> *mut u8 {
        let operation = heap::open_alloc(&self.inner, layout.size());
        let block = allocate(&self.inner);
        heap::close_alloc(&operation, block);
        block
    }

    /// A free that takes more than counting.
    ///
    /// # Safety
    ///
    /// As for [`GlobalAlloc::dealloc`].
    #[cold]
    #[inline(never)]
    unsafe fn dealloc_long(&self, block: *mut u8, layout: Layout) {
        let operation = heap::open_free(&self.inner, block, layout.size());
        // SAFETY: the caller's promises are those of the inner allocator.
        unsafe { self.inner.dealloc(block, layout) };
        heap::close_free(&operation);
    }
}

// SAFETY: every method hands its arguments to the inner allocator as they are and its answer back
// as it is, so that the inner allocator's promises hold; what is counted around that neither
// allocates through the global allocator nor unwinds.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Allocator<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        measured! {
            if !heap::count_alloc(layout.size()) {
                // SAFETY: the caller's promises are those of the inner allocator.
                return self.alloc_long(layout, |inner| unsafe { inner.alloc(layout) });
            }
        }
        // SAFETY: the caller's promises are those of the inner allocator.
        let block = unsafe { self.inner.alloc(layout) };
        measured! {
            if block.is_null() {
                heap::failed(layout.size());
            }
        }
        block
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        measured! {
            if !heap::count_alloc(layout.size()) {
                // SAFETY: the caller's promises are those of the inner allocator.
                return self.alloc_long(layout, |inner| unsafe { inner.alloc_zeroed(layout) });
            }
        }
        // SAFETY: the caller's promises are those of the inner allocator.
        let block = unsafe { self.inner.alloc_zeroed(layout) };
        measured! {
            if block.is_null() {
                heap::failed(layout.size());
            }
        }
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        measured! {
            if !heap::count_free(layout.size()) {
                // SAFETY: the caller's promises are those of the inner allocator.
                return unsafe { self.dealloc_long(block, layout) };
            }
        }
        // SAFETY: the caller's promises are those of the inner allocator.
        unsafe { self.inner.dealloc(block, layout) };
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        #[cfg(all(any(test, feature = "enabled"), unix, target_pointer_width = "64"))]
        let timer = heap::timer(&self.inner, block, layout.size());
        // SAFETY: the caller's promises are those of the inner allocator.
        let moved = unsafe { self.inner.realloc(block, layout, size) };
        measured! {
            heap::reallocated(&timer, (block, moved), (layout.size(), size));
        }
        moved
    }
}
