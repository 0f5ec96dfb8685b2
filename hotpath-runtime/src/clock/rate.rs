//! Whether a clock went on at the rate that it had.

use crate::segment::reader::Anchor;

/// Between anchors that are closer nothing is compared: reading one takes up to 2 µs, which is 200
/// parts per million of this.
pub(crate) const SHORTEST_NS: u64 = 10_000_000;
/// Rates that differ by no more are taken for the same, in parts per million: while the system sets
/// its clock right, that one runs up to 500 too slow or too fast.
const TOLERANCE_PPM: u64 = 1_000;
/// The largest difference that is told: of a counter that went back or stood still, or ran twice
/// as fast or faster.
const LARGEST_PPM: u64 = 1_000_000;

/// What passed between two anchors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) ticks: u64,
    pub(crate) ns: u64,
}

impl Interval {
    /// `None` where the anchors are too close, or the system's clock went back.
    pub(crate) fn between(start: Anchor, end: Anchor) -> Option<Self> {
        let ns = end.monotonic_ns.checked_sub(start.monotonic_ns)?;
        let ticks = end.ticks.saturating_sub(start.ticks);
        (ns >= SHORTEST_NS).then_some(Self { ticks, ns })
    }

    /// By how many parts per million the rate in `later` differs from the rate in this one; `None`
    /// where it is the same.
    pub(crate) fn disagreement(self, later: Self) -> Option<u64> {
        if self.ticks == 0 {
            return Some(LARGEST_PPM);
        }
        let (now, then) = (
            u128::from(later.ticks) * u128::from(self.ns),
            u128::from(self.ticks) * u128::from(later.ns),
        );
        let ppm = now.abs_diff(then) / (then / u128::from(LARGEST_PPM)).max(1);
        let ppm = u64::try_from(ppm).unwrap_or(u64::MAX).min(LARGEST_PPM);
        Some(ppm).filter(|ppm| *ppm > TOLERANCE_PPM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(ticks: u64, ns: u64) -> Interval {
        Interval { ticks, ns }
    }

    #[test]
    fn what_a_system_does_while_it_sets_its_clock_is_no_disagreement() {
        let first = interval(25_000_000, 10_000_000);
        assert_eq!(first.disagreement(interval(2_500_000_000, 1_000_000_000)), None);
        assert_eq!(first.disagreement(interval(2_501_250_000, 1_000_000_000)), None);
        assert_eq!(first.disagreement(interval(2_498_750_000, 1_000_000_000)), None);
    }

    #[test]
    fn another_rate_is_told_in_parts_per_million() {
        let first = interval(25_000_000, 10_000_000);
        assert_eq!(first.disagreement(interval(2_750_000_000, 1_000_000_000)), Some(100_000));
        assert_eq!(first.disagreement(interval(2_400_000_000, 1_000_000_000)), Some(40_000));
        assert_eq!(first.disagreement(interval(0, 1_000_000_000)), Some(LARGEST_PPM));
        assert_eq!(first.disagreement(interval(u64::MAX, 1_000_000_000)), Some(LARGEST_PPM));
        assert_eq!(interval(0, 10_000_000).disagreement(first), Some(LARGEST_PPM));
        let all = interval(u64::MAX, u64::MAX);
        assert_eq!(all.disagreement(all), None);
    }

    #[test]
    fn close_anchors_are_not_compared_and_a_counter_that_went_back_stood_still() {
        let anchor = |ticks, monotonic_ns| Anchor { ticks, monotonic_ns };
        assert_eq!(Interval::between(anchor(5, 0), anchor(9, SHORTEST_NS - 1)), None);
        assert_eq!(Interval::between(anchor(5, 9), anchor(9, 5)), None);
        assert_eq!(
            Interval::between(anchor(9, 0), anchor(5, SHORTEST_NS)),
            Some(interval(0, SHORTEST_NS))
        );
    }
}
