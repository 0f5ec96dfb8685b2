//! Whether the counter goes on at the rate that it had: a virtual machine that moves to another
//! host, or a machine that was suspended, may change it under a running process.

use core::sync::atomic::{AtomicBool, Ordering};

use super::rate::Interval;
use crate::segment::cell::Count;
use crate::segment::reader::Anchor;

/// Compares the rate in every interval with that in the first.
#[derive(Debug)]
pub(crate) struct Watch {
    is_busy: AtomicBool,
    /// The first interval; its length is 0 before there is one.
    first_ticks: Count,
    first_ns: Count,
    /// Where the last interval ended; 0 before there is one.
    last_ticks: Count,
    last_ns: Count,
}

impl Watch {
    pub(crate) const fn new() -> Self {
        Self {
            is_busy: AtomicBool::new(false),
            first_ticks: Count::new(0),
            first_ns: Count::new(0),
            last_ticks: Count::new(0),
            last_ns: Count::new(0),
        }
    }

    /// By how many parts per million the rate since the last interval differs from the first one;
    /// `None` where it doesn't, or where it's too early to tell. `start` is the process's first
    /// anchor. Never waits: of two threads that come at once one is turned away.
    pub(crate) fn disagreement(&self, start: Anchor, now: Anchor) -> Option<u64> {
        if self.is_busy.swap(true, Ordering::Acquire) {
            return None;
        }
        let result = self.compare(start, now);
        self.is_busy.store(false, Ordering::Release);
        result
    }

    fn compare(&self, start: Anchor, now: Anchor) -> Option<u64> {
        let last = match self.last_ns.get() {
            0 => start,
            monotonic_ns => Anchor { ticks: self.last_ticks.get(), monotonic_ns },
        };
        let interval = Interval::between(last, now)?;
        self.last_ticks.set(now.ticks);
        self.last_ns.set(now.monotonic_ns);
        if self.first_ns.get() == 0 {
            self.first_ticks.set(interval.ticks);
            self.first_ns.set(interval.ns);
        }
        let first = Interval { ticks: self.first_ticks.get(), ns: self.first_ns.get() };
        first.disagreement(interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn at(ticks: u64, ms: u64) -> Anchor {
        Anchor { ticks, monotonic_ns: ms * MS }
    }

    #[test]
    fn one_rate_is_never_a_disagreement() {
        let watch = Watch::new();
        for ms in (1_000..9_000).step_by(7) {
            assert_eq!(watch.disagreement(at(5_000, 1_000), at(5 * ms, ms)), None);
        }
    }

    #[test]
    fn a_rate_that_changes_in_the_middle_is_seen_where_it_changes() {
        let (watch, start) = (Watch::new(), at(1_000, 1));
        assert_eq!(watch.disagreement(start, at(20_000, 20)), None);
        assert_eq!(watch.disagreement(start, at(100_000, 100)), None);
        assert_eq!(watch.disagreement(start, at(100_500, 101)), None, "too early");
        assert_eq!(watch.disagreement(start, at(210_000, 200)), Some(100_000));
        // Long after, where the mean from the start would show little of it.
        assert_eq!(watch.disagreement(start, at(10_210_000, 10_200)), None);
        assert_eq!(watch.disagreement(start, at(10_220_000, 10_211)), Some(90_909));
    }

    #[test]
    fn a_counter_that_starts_anew_or_jumps_is_seen() {
        let (watch, start) = (Watch::new(), at(9_000_000, 1));
        assert_eq!(watch.disagreement(start, at(9_020_000, 21)), None);
        assert_eq!(watch.disagreement(start, at(100, 41)), Some(1_000_000));
        assert_eq!(watch.disagreement(start, at(20_100, 61)), None);
        assert_eq!(watch.disagreement(start, at(u64::MAX, 81)), Some(1_000_000));
    }

    #[test]
    fn who_comes_while_another_compares_is_turned_away() {
        let watch = Watch::new();
        watch.is_busy.store(true, Ordering::Relaxed);
        assert_eq!(watch.disagreement(at(0, 0), at(0, 1_000)), None);
        assert_eq!(watch.first_ns.get(), 0);
    }
}
