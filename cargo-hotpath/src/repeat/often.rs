//! How many repetitions a report takes, and how many a verdict.

use crate::compare::statistics::LEAST_REPETITIONS;

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
        Self { runs, short: 5, long: LEAST_FOR_TIMES, long_ns: 1_000_000_000 }
    }
}

/// Fewer repetitions than these don't tell what a program does each time from what it does by chance.
pub const LEAST_FOR_VERDICT: u32 = 3;

/// From so many on each side on a percentage of a time can be judged: what `check` makes by itself is to
/// be enough for each limit that can be written.
const LEAST_FOR_TIMES: u32 = LEAST_REPETITIONS as u32;

/// A verdict in doubt takes up to so many times the repetitions.
pub(super) const AT_MOST_TIMES: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_check_makes_by_itself_is_enough_to_judge_times() {
        let often = Often::for_verdict(None);
        assert!(often.short.min(often.long) as usize >= LEAST_REPETITIONS);
        assert!(often.short.min(often.long) >= LEAST_FOR_VERDICT);
    }
}
