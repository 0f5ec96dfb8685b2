//! The figure that a metric speaks of, over all repetitions.

use hotpath_runtime_syntax::budget::Metric;

use crate::profile::FirstCall;
use crate::snapshot::{Count, Each, Figures, Totals};

/// A figure of each repetition, at least one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure(Vec<f64>);

impl Figure {
    fn new(values: Vec<f64>) -> Option<Self> {
        (!values.is_empty()).then_some(Self(values))
    }

    pub(super) fn of_times(times: &[u64]) -> Option<Self> {
        Self::new(times.iter().map(|ns| *ns as f64).collect())
    }

    fn of_count(count: Option<Count>) -> Option<Self> {
        count.map(|count| Self(vec![count.least as f64, count.most as f64]))
    }

    /// Of the repetition that had the least.
    pub(super) fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Of the one that had the most.
    pub(super) fn most(&self) -> f64 {
        self.0.iter().copied().fold(0.0, f64::max)
    }

    /// Whether all repetitions agree.
    pub(super) fn is_exact(&self) -> bool {
        self.least() >= self.most()
    }

    /// How far they lie apart.
    pub(super) fn spread(&self) -> f64 {
        self.most() - self.least()
    }

    /// Of counts the least and the most, of times that of each repetition.
    pub(super) fn values(&self) -> &[f64] {
        &self.0
    }

    /// As whole numbers.
    pub(super) fn rounded(&self) -> Vec<u64> {
        self.0.iter().map(|value| value.round() as u64).collect()
    }
}

/// Of a function; `None` where it was not measured.
pub(super) fn of_function(metric: Metric, figures: &Figures) -> Option<Figure> {
    match metric {
        Metric::AllocsPerCall => {
            figures.allocs.and_then(|_| per_call(figures, |it| it.allocs, |first| first.allocs))
        }
        Metric::AllocBytesPerCall => figures
            .alloc_bytes
            .and_then(|_| per_call(figures, |it| it.alloc_bytes, |first| first.alloc_bytes)),
        Metric::ReallocsPerCall => figures
            .reallocs
            .and_then(|_| per_call(figures, |it| it.reallocs, |first| first.reallocs)),
        // Of async functions no first call is known.
        Metric::PollsPerCall => figures.polls.and_then(|_| per_call(figures, |it| it.polls, |_| 0)),
        Metric::FutureBytes => Figure::of_count(figures.future_bytes),
        Metric::P50 => Figure::of_times(&figures.p50_ns),
        Metric::P95 => Figure::of_times(&figures.p95_ns),
        Metric::P99 => Figure::of_times(&figures.p99_ns),
        Metric::Allocs => Figure::of_count(figures.allocs),
        Metric::AllocBytes => Figure::of_count(figures.alloc_bytes),
        Metric::Wall | Metric::Cpu | Metric::PeakLiveBytes => None,
    }
}

/// Of the whole workload.
pub(super) fn of_workload(metric: Metric, totals: &Totals) -> Option<Figure> {
    match metric {
        Metric::Allocs => Figure::of_count(totals.allocs),
        Metric::AllocBytes => Figure::of_count(totals.alloc_bytes),
        Metric::PeakLiveBytes => Figure::of_count(totals.peak_live_bytes),
        Metric::Wall => Figure::of_times(&totals.wall_ns),
        Metric::Cpu => Figure::of_times(&totals.cpu_ns),
        _ => None,
    }
}

/// Total by calls of each repetition, the first call left out where it is known and there are others.
fn per_call(
    figures: &Figures,
    total: fn(&Each) -> u64,
    first: fn(&FirstCall) -> u64,
) -> Option<Figure> {
    let mean = |each: &Each| match each.first {
        Some(known) if each.calls > 1 => {
            total(each).saturating_sub(first(&known)) as f64 / (each.calls - 1) as f64
        }
        _ => total(each) as f64 / each.calls as f64,
    };
    Figure::new(figures.each.iter().filter(|it| it.calls > 0).map(mean).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Snapshot;

    fn each(calls: u64, allocs: u64, first: Option<u64>) -> Each {
        let first = first.map(|allocs| FirstCall { allocs, ..FirstCall::default() });
        Each { calls, allocs, first, ..Each::default() }
    }

    fn figures(each: Vec<Each>) -> Figures {
        Figures::of_each(each, true, false)
    }

    fn range(figures: &Figures) -> (f64, f64) {
        let figure = of_function(Metric::AllocsPerCall, figures).unwrap();
        (figure.least(), figure.most())
    }

    #[test]
    fn the_first_call_is_left_out_where_it_is_known() {
        assert_eq!(range(&figures(vec![each(4, 109, Some(100))])), (3.0, 3.0));
        assert_eq!(range(&figures(vec![each(4, 12, None)])), (3.0, 3.0));
        assert_eq!(range(&figures(vec![each(1, 100, Some(100))])), (100.0, 100.0), "it is all");
    }

    #[test]
    fn each_repetition_is_divided_by_its_own_calls() {
        let differing = figures(vec![each(4, 8, None), each(4, 12, None)]);
        assert_eq!(range(&differing), (2.0, 3.0));
        let as_many = figures(vec![each(100, 300, None), each(1000, 3000, None)]);
        assert_eq!(range(&as_many), (3.0, 3.0), "not 3000 by 100");
        let text = serde_json::to_string(&kept(as_many)).unwrap();
        let read: Snapshot = serde_json::from_str(&text).unwrap();
        assert_eq!(range(&read.functions["f"]), (3.0, 3.0), "nor in what a file keeps of it");
        assert_eq!(of_function(Metric::PollsPerCall, &differing), None, "not async");
    }

    fn kept(figures: Figures) -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.functions.insert("f".to_owned(), figures);
        snapshot
    }
}
