//! The list of measured functions, with percentiles from their histograms.

use crate::facts::{Facts, FunctionFacts};
use crate::impact::round_pct;
use crate::profile::{self, Bucket};
use crate::report::share_of_threads;
use crate::resolution::{self, Resolution};
use crate::schema::{AsyncFigures, Bounds, Function, Sampled, Seen};

/// Measured functions, most self time first.
pub(super) fn functions(facts: &Facts) -> Vec<Function> {
    let mut functions = rows(facts);
    functions.sort_by(|a, b| b.self_ns.cmp(&a.self_ns).then_with(|| a.path.cmp(&b.path)));
    functions
}

/// The same in the order of the facts.
pub(crate) fn rows(facts: &Facts) -> Vec<Function> {
    let resolutions = resolution::of(facts);
    let of = facts.functions.iter().enumerate();
    of.map(|(index, function)| row(facts, function, resolutions.get(index))).collect()
}

fn row(facts: &Facts, function: &FunctionFacts, resolution: Option<&Resolution>) -> Function {
    let allocated = |figure: u64| facts.allocations_measured.then_some(figure);
    let longest = longest(function).map(|ns| ns.min(facts.wall_ns.max(function.max_ns)));
    // The middle of the last bucket may lie past the longest call.
    let at = |quantile: f64| {
        let ns = quantile_ns(&function.histogram, quantile)?;
        Some(longest.map_or(ns, |longest| ns.min(longest)))
    };
    Function {
        id: function.id.clone(),
        path: function.path.clone(),
        package: function.package.clone(),
        file: function.file.clone(),
        line: function.line,
        column: function.column,
        from_macro: function.from_macro,
        calls: function.calls,
        total_ns: function.total_ns,
        self_ns: function.self_ns,
        self_pct: share_of_threads(facts, function.self_ns as f64),
        wall_pct: wall_ns(facts, function)
            .map(|ns| round_pct((100.0 * ns / facts.wall_ns as f64).min(100.0))),
        p50_ns: at(0.50),
        p95_ns: at(0.95),
        p99_ns: at(0.99),
        max_ns: longest,
        allocs: allocated(function.total_allocs.count),
        alloc_bytes: allocated(function.total_allocs.bytes),
        self_allocs: allocated(function.self_allocs.count),
        self_alloc_bytes: allocated(function.self_allocs.bytes),
        reallocs: allocated(function.total_allocs.reallocs),
        sampled: sampled(function),
        asynchronous: asynchronous(function),
        timeline: function.timeline.as_ref().map(seen),
        below_resolution: resolution.is_some_and(|resolution| resolution.is_below),
        total_range_ns: resolution.map(|resolution| bounds(resolution.total_ns)),
        self_range_ns: resolution.map(|resolution| bounds(resolution.self_ns)),
    }
}

/// Its part of the wall time: on one thread all of its own time, on several by the timeline.
fn wall_ns(facts: &Facts, function: &FunctionFacts) -> Option<f64> {
    match (facts.wall_ns, facts.threads) {
        (0, _) => None,
        (_, 0 | 1) => Some(function.self_ns as f64),
        _ => facts.wall_ns_of(function),
    }
}

fn seen(seen: &profile::Seen) -> Seen {
    Seen {
        self_ns: seen.self_ns,
        running_ns: seen.states.map(|states| states.running_ns),
        blocked_ns: seen.states.map(|states| states.blocked_ns),
        alone_ns: seen.states.map(|states| states.alone_ns),
        wall_ns: seen.states.map(|states| states.wall_ns),
    }
}

fn bounds((low, high): (f64, f64)) -> Bounds {
    Bounds { low: low.round() as u64, high: high.round() as u64 }
}

/// Longest call. An async function's longest span is a poll, so there the histogram of elapsed
/// times answers.
fn longest(function: &FunctionFacts) -> Option<u64> {
    match function.polls {
        Some(_) => function.histogram.last().map(|bucket| bucket.high_ns),
        None => (function.max_ns > 0).then_some(function.max_ns),
    }
}

fn asynchronous(function: &FunctionFacts) -> Option<AsyncFigures> {
    function.polls.map(|polls| AsyncFigures {
        polls: polls.polls,
        busy_ns: function.total_ns,
        wait_ns: polls.wait_ns,
        cancelled: polls.cancelled,
        max_poll_ns: function.max_ns,
        future_bytes: polls.future_bytes,
    })
}

/// The value that this share of the distribution doesn't exceed, to a bucket's width.
fn quantile_ns(histogram: &[Bucket], quantile: f64) -> Option<u64> {
    let all: u64 = histogram.iter().map(|bucket| bucket.count).sum();
    let wanted = (quantile * all as f64).ceil().max(1.0) as u64;
    let mut seen = 0;
    histogram
        .iter()
        .find(|bucket| {
            seen += bucket.count;
            seen >= wanted
        })
        .map(|bucket| bucket.low_ns.midpoint(bucket.high_ns))
}

/// How thinned out the timing was; calls that were still open are no sample.
fn sampled(function: &FunctionFacts) -> Option<Sampled> {
    let spans = function.polls.map_or(function.calls, |polls| polls.polls);
    if function.timed == 0 || spans < function.timed.saturating_mul(2) {
        return None;
    }
    Some(Sampled {
        period: spans as f64 / function.timed as f64,
        relative_error: relative(function.error_ns, function.total_ns),
    })
}

/// A standard error as a share of what it is the error of.
pub(super) fn relative(error_ns: f64, ns: u64) -> f64 {
    if error_ns <= 0.0 { 0.0 } else { (error_ns / ns as f64).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(low_ns: u64, high_ns: u64, count: u64) -> Bucket {
        Bucket { low_ns, high_ns, count }
    }

    #[test]
    fn quantiles_are_the_buckets_they_fall_into() {
        let histogram = [bucket(10, 10, 50), bucket(100, 102, 45), bucket(1000, 1030, 5)];
        assert_eq!(quantile_ns(&histogram, 0.50), Some(10));
        assert_eq!(quantile_ns(&histogram, 0.51), Some(101));
        assert_eq!(quantile_ns(&histogram, 0.99), Some(1015));
        assert_eq!(quantile_ns(&[bucket(7, 7, 1)], 0.5), Some(7));
        assert_eq!(quantile_ns(&[], 0.5), None);
    }

    #[test]
    fn calls_that_were_not_timed_make_a_sample() {
        let function = |calls| FunctionFacts {
            calls,
            timed: 100,
            total_ns: 4_000,
            error_ns: 80.0,
            ..FunctionFacts::default()
        };
        assert!(sampled(&function(100)).is_none());
        let sampled = sampled(&function(1_000)).expect("one in ten");
        assert!((sampled.period - 10.0).abs() < 1e-9);
        assert!((sampled.relative_error - 0.02).abs() < 1e-9);
    }

    #[test]
    fn shares_of_wall_time_come_from_the_timeline_on_several_threads() {
        let wall_ns = |wall_ns| profile::SeenStates { wall_ns, ..Default::default() };
        let function = FunctionFacts {
            self_ns: 900,
            timeline: Some(profile::Seen { self_ns: 880, states: Some(wall_ns(300)) }),
            ..FunctionFacts::default()
        };
        let timeline = profile::Timeline {
            effective_samples: 1e4,
            covered_ns: 1_000,
            ..profile::Timeline::default()
        };
        let facts =
            |threads, timeline| Facts { wall_ns: 1_000, threads, timeline, ..Facts::default() };
        let pct = |facts: &Facts| row(facts, &function, None).wall_pct;
        assert_eq!(pct(&facts(2, Some(timeline.clone()))), Some(30.0));
        assert_eq!(pct(&facts(2, None)), None);
        assert_eq!(pct(&facts(1, Some(timeline.clone()))), Some(90.0), "one thread's is exact");
        let row = row(&facts(2, Some(timeline)), &function, None).timeline.expect("it was seen");
        assert_eq!((row.self_ns, row.wall_ns, row.blocked_ns), (880, Some(300), Some(0)));
    }

    #[test]
    fn what_was_not_measured_is_null() {
        let facts = Facts { threads: 2, wall_ns: 5, ..Facts::default() };
        let row = row(&facts, &FunctionFacts::default(), None);
        assert_eq!((row.allocs, row.wall_pct, row.p50_ns, row.max_ns), (None, None, None, None));
        assert!(row.asynchronous.is_none() && row.sampled.is_none());
    }
}
