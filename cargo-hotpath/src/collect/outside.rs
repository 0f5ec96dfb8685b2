//! Time with no measured function on a thread's stack.

use hotpath_runtime::segment::reader::{Segment, Slab};

use super::clock::Rate;
use super::tree::LIKELY_ERRORS;
use super::{Outcome, first_process};

/// Sums it over threads and processes.
pub(super) struct Outside {
    ns: u64,
}

impl Outside {
    /// Starts with what no segment can know of the first process's main thread: from the spawn
    /// until it mapped its counters, and from its last reading of the clock to its exit.
    pub(super) fn new(segments: &[Segment], outcome: &Outcome) -> Self {
        let Some(first) = first_process(segments) else {
            // Nothing was measured in the one thread that is known to have run.
            return Self { ns: outcome.wall_ns };
        };
        let clock = segments[first].clock;
        let before = outcome
            .spawned_monotonic_ns
            .map_or(0, |spawned| clock.start.monotonic_ns.saturating_sub(spawned));
        let after = outcome
            .exited
            .map_or(0, |exited| exited.monotonic_ns.saturating_sub(clock.end.monotonic_ns));
        // The clock of another machine, or of before a suspend, must not drown what was measured.
        Self { ns: before.saturating_add(after).min(outcome.wall_ns) }
    }

    /// Adds a slab whose measured functions took `inside` ticks. The probes' cold work is neither in
    /// those nor outside of them.
    pub(super) fn add(&mut self, slab: &Slab, inside: u64, rate: Rate, notes: &mut Vec<String>) {
        // One tick of rounding for each span of the outermost functions, and what the estimates of
        // those that were not timed are likely off by.
        let outermost = || slab.nodes.iter().filter(|node| node.parent == Some(0));
        let rounding = outermost().fold(1_u64, |sum, node| sum.saturating_add(node.timed));
        let variance: f64 = outermost().map(|node| node.variance).sum();
        let likely = rounding.saturating_add((LIKELY_ERRORS * variance.sqrt()) as u64);
        if inside > slab.lifetime.saturating_add(likely) {
            notes.push(format!(
                "thread {}: its functions took {} ns longer than it lived: the time outside of them \
                 is taken as 0",
                slab.tid,
                rate.ns(inside - slab.lifetime)
            ));
        }
        let outside = slab.lifetime.saturating_sub(inside).saturating_sub(slab.cold);
        self.ns = self.ns.saturating_add(rate.ns(outside));
    }

    /// Nanoseconds over all threads.
    pub(super) fn ns(&self) -> u64 {
        self.ns
    }
}
