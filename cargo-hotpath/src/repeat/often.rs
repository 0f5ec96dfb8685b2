//! How many repetitions a report takes, and how many a verdict.

/// How often a workload runs.
#[derive(Clone, Copy, Debug)]
pub struct Often {
    /// As asked for.
    pub runs: Option<u32>,
    /// Where nothing is asked for and the first repetition is short.
    pub(super) short: u32,
    /// Where it isn't.
    pub(super) long: u32,
    /// From this length on it isn't.
    pub(super) long_ns: u64,
}

impl Often {
    /// Enough for a report.
    pub fn for_report(runs: Option<u32>) -> Self {
        Self { runs, short: 3, long: 1, long_ns: 5_000_000_000 }
    }

    /// Enough for a verdict: the fewer repetitions agree, the more likely is it that they do by chance.
    pub fn for_verdict(runs: Option<u32>) -> Self {
        Self { runs, short: 5, long: LEAST_FOR_VERDICT, long_ns: 1_000_000_000 }
    }
}

/// Fewer repetitions than these don't tell what a program does each time from what it does by chance.
pub const LEAST_FOR_VERDICT: u32 = 3;

/// A verdict in doubt takes up to so many times the repetitions.
pub(super) const AT_MOST_TIMES: u32 = 3;
