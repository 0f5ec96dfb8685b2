//! Adding counters up.

use super::Allocs;

impl Allocs {
    /// Adds `other` to each counter; what doesn't fit stays at the largest value.
    pub fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.reallocs = self.reallocs.saturating_add(other.reallocs);
        self.moved_bytes = self.moved_bytes.saturating_add(other.moved_bytes);
        self.grown_bytes = self.grown_bytes.saturating_add(other.grown_bytes);
        self.realloc_ns = self.realloc_ns.saturating_add(other.realloc_ns);
        self.frees = self.frees.saturating_add(other.frees);
        self.freed_bytes = self.freed_bytes.saturating_add(other.freed_bytes);
    }
}
