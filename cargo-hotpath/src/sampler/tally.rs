//! What looks add up to: time by node, and totals.

use std::collections::HashMap;

/// Time that threads were seen in one node, in nanoseconds: each look counts for half of the time
/// since the one before and half of that to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// In it at all.
    pub self_ns: u64,
    /// Running, or ready to.
    pub running_ns: u64,
    /// Blocked: asleep, waiting for a lock, a device or another thread.
    pub blocked_ns: u64,
    /// Running with no other thread of the workload running.
    pub alone_ns: u64,
    /// Its share of wall time: each look counts by one over the number of threads that run; where
    /// none runs, over those that are blocked within a measured function.
    pub wall_ns: u64,
}

impl Tally {
    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        self.self_ns += other.self_ns;
        self.running_ns += other.running_ns;
        self.blocked_ns += other.blocked_ns;
        self.alone_ns += other.alone_ns;
        self.wall_ns += other.wall_ns;
    }
}

/// What was seen over one run of the workload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Looks at which there was a process to look at.
    pub looks: u64,
    /// Time that they stand for.
    pub covered_ns: u64,
    /// As many looks at equal distances would tell as much.
    pub effective_looks: f64,
    /// From the start of the sampler to its stop.
    pub elapsed_ns: u64,
    /// CPU time that looking took; `None` where the system doesn't tell.
    pub cpu_ns: Option<u64>,
    /// Sum over threads of the time that they were running.
    pub running_ns: u64,
    /// Time with at least one thread running.
    pub busy_ns: u64,
    /// Whether the system told which threads ran.
    pub states_known: bool,
    /// By process (id, start in ticks), by offset of the node.
    pub processes: HashMap<(u32, u64), HashMap<u64, Tally>>,
}

impl Samples {
    /// What was seen of a process, by [`hotpath_runtime::segment::reader::Node::offset`].
    pub fn of(&self, pid: u32, start_ticks: u64) -> Option<&HashMap<u64, Tally>> {
        self.processes.get(&(pid, start_ticks))
    }

    /// Adds what was seen of a process that is looked at no longer.
    pub fn add(&mut self, process: (u32, u64), nodes: impl IntoIterator<Item = (u64, Tally)>) {
        let known = self.processes.entry(process).or_default();
        for (node, tally) in nodes {
            known.entry(node).or_default().add(&tally);
        }
    }
}
