//! Adding counters up.

use super::{Allocs, Seen, SeenStates};

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

impl Seen {
    /// Adds `other`; what one of them doesn't know, the sum doesn't.
    pub fn add(&mut self, other: &Self) {
        self.self_ns = self.self_ns.saturating_add(other.self_ns);
        self.states = self.states.zip(other.states).map(|(own, other)| SeenStates {
            running_ns: own.running_ns.saturating_add(other.running_ns),
            blocked_ns: own.blocked_ns.saturating_add(other.blocked_ns),
            alone_ns: own.alone_ns.saturating_add(other.alone_ns),
            wall_ns: own.wall_ns.saturating_add(other.wall_ns),
        });
    }
}
