//! Counting in mapped memory: relaxed loads and stores by the one thread that owns the slab.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::segment::cell::Count;
use crate::segment::layout::Allocs;

impl Count {
    /// A counter outside of any mapping.
    pub(crate) const fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    /// Adds without a read-modify-write: only the owner may call it.
    #[inline(always)]
    pub(crate) fn add(&self, value: u64) {
        self.set(self.get().wrapping_add(value));
    }

    /// Adds from any thread: for the header, in cold paths.
    pub(crate) fn add_shared(&self, value: u64) -> u64 {
        self.0.fetch_add(value, Relaxed).wrapping_add(value)
    }
}

impl Allocs {
    pub(crate) const fn new() -> Self {
        Self {
            count: Count::new(0),
            bytes: Count::new(0),
            frees: Count::new(0),
            freed_bytes: Count::new(0),
            reallocs: Count::new(0),
            moved_bytes: Count::new(0),
            grown_bytes: Count::new(0),
            realloc_ticks: Count::new(0),
        }
    }

    #[inline(always)]
    fn fields(&self) -> [&Count; 8] {
        [
            &self.count,
            &self.bytes,
            &self.frees,
            &self.freed_bytes,
            &self.reallocs,
            &self.moved_bytes,
            &self.grown_bytes,
            &self.realloc_ticks,
        ]
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> [u64; 8] {
        self.fields().map(Count::get)
    }

    #[inline(always)]
    pub(crate) fn set(&self, values: [u64; 8]) {
        for (field, value) in self.fields().into_iter().zip(values) {
            field.set(value);
        }
    }

    #[inline(always)]
    pub(crate) fn add(&self, values: [u64; 8]) {
        for (field, value) in self.fields().into_iter().zip(values) {
            field.add(value);
        }
    }

    pub(crate) fn clear(&self) {
        self.set([0; 8]);
    }
}
