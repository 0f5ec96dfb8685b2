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

    fn of_times(times: &[u64]) -> Option<Self> {
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

    /// As whole numbers.
    pub(super) fn rounded(&self) -> Vec<u64> {
        self.0.iter().map(|value| value.round() as u64).collect()
    }
}

/// Of a function; `None` where it was not measured.
pub(super) fn of_function(metric: Metric, figures: &Figures) -> Option<Figure> {
    match metric {
        Metric::AllocsPerCall => {
            figures.allocs?;
            per_call(figures, figures.allocs, |it| it.allocs, |it| it.allocs)
        }
        Metric::AllocBytesPerCall => {
            figures.alloc_bytes?;
            per_call(figures, figures.alloc_bytes, |it| it.alloc_bytes, |it| it.alloc_bytes)
        }
        Metric::ReallocsPerCall => {
            figures.reallocs?;
            per_call(figures, figures.reallocs, |it| it.reallocs, |it| it.reallocs)
        }
        Metric::PollsPerCall => {
            figures.polls?;
            // Polls of the first call are not told apart.
            quotients(figures, figures.polls, |it| it.polls)
        }
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

/// Total by calls, the first call left out where it is known and there are others.
fn per_call(
    figures: &Figures,
    total: Option<Count>,
    each: fn(&Each) -> u64,
    first: fn(&FirstCall) -> u64,
) -> Option<Figure> {
    let mean = |total: u64, calls: u64, known: Option<FirstCall>| match known {
        Some(known) if calls > 1 => total.saturating_sub(first(&known)) as f64 / (calls - 1) as f64,
        _ => total as f64 / calls as f64,
    };
    if figures.each.is_empty() {
        let Count { least, most } = total?;
        let calls = figures.calls;
        let bounds = [(least, calls.most), (most, calls.least)];
        let bounds = bounds.into_iter().filter(|(_, calls)| *calls > 0);
        return Figure::new(
            bounds.map(|(total, calls)| mean(total, calls, figures.first)).collect(),
        );
    }
    let all = figures.each.iter().filter(|it| it.calls > 0);
    Figure::new(all.map(|it| mean(each(it), it.calls, it.first)).collect())
}

fn quotients(figures: &Figures, total: Option<Count>, each: fn(&Each) -> u64) -> Option<Figure> {
    let figures = Figures {
        first: None,
        each: figures.each.iter().map(|it| Each { first: None, ..*it }).collect(),
        ..figures.clone()
    };
    per_call(&figures, total, each, |_| 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(calls: u64, allocs: u64, first: Option<u64>) -> Each {
        let first = first.map(|allocs| FirstCall { allocs, ..FirstCall::default() });
        Each { calls, allocs, first, ..Each::default() }
    }

    fn figures(each: Vec<Each>) -> Figures {
        Figures {
            calls: Count::of(each.iter().map(|it| it.calls)).unwrap(),
            allocs: Count::of(each.iter().map(|it| it.allocs)),
            first: each.iter().filter_map(|it| it.first).min(),
            each,
            ..Figures::default()
        }
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
    fn repetitions_give_a_range_and_a_file_its_bounds() {
        let mut both = figures(vec![each(4, 8, None), each(4, 12, None)]);
        assert_eq!(range(&both), (2.0, 3.0));
        both.each.clear();
        assert_eq!(range(&both), (2.0, 3.0));
        assert_eq!(of_function(Metric::PollsPerCall, &both), None, "not async");
    }
}
