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

    /// Adds to what is an `f64`; likewise.
    pub(crate) fn add_float(&self, value: f64) {
        self.set((f64::from_bits(self.get()) + value).to_bits());
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

    /// Allocations and frees: count, bytes, frees, freed bytes.
    #[inline(always)]
    pub(crate) fn blocks(&self) -> [u64; 4] {
        [self.count.get(), self.bytes.get(), self.frees.get(), self.freed_bytes.get()]
    }

    #[inline(always)]
    pub(crate) fn set_blocks(&self, [count, bytes, frees, freed_bytes]: [u64; 4]) {
        self.count.set(count);
        self.bytes.set(bytes);
        self.frees.set(frees);
        self.freed_bytes.set(freed_bytes);
    }

    #[inline(always)]
    pub(crate) fn add_blocks(&self, [count, bytes, frees, freed_bytes]: [u64; 4]) {
        self.count.add(count);
        self.bytes.add(bytes);
        self.frees.add(frees);
        self.freed_bytes.add(freed_bytes);
    }

    /// Reallocations: number, moved bytes, grown bytes, ticks.
    #[inline(always)]
    pub(crate) fn reallocs(&self) -> [u64; 4] {
        let moved_bytes = self.moved_bytes.get();
        [self.reallocs.get(), moved_bytes, self.grown_bytes.get(), self.realloc_ticks.get()]
    }

    #[inline(always)]
    pub(crate) fn set_reallocs(&self, [reallocs, moved_bytes, grown_bytes, ticks]: [u64; 4]) {
        self.reallocs.set(reallocs);
        self.moved_bytes.set(moved_bytes);
        self.grown_bytes.set(grown_bytes);
        self.realloc_ticks.set(ticks);
    }

    #[inline(always)]
    pub(crate) fn add_reallocs(&self, [reallocs, moved_bytes, grown_bytes, ticks]: [u64; 4]) {
        self.reallocs.add(reallocs);
        self.moved_bytes.add(moved_bytes);
        self.grown_bytes.add(grown_bytes);
        self.realloc_ticks.add(ticks);
    }
}
