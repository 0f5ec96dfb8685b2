//! The table of functions, with what its marks mean.

use super::{Block, Table, count_or_dash, more};
use crate::schema::{Function, Report};
use crate::units;

/// Width of the bounds of a self time, as a share of it, from which it is marked.
const BLURRED: f64 = 1.0;

/// Share of a function's own time, as seen from outside, from which it rather waited than worked.
const MOSTLY: f64 = 0.5;

/// Looks from which what was seen of a function says so, of those that tell of the whole workload.
const LEAST_LOOKS: f64 = 50.0;

/// Share of the wall time that looks have to stand for, and of the function's own time that they met.
const LEAST_COVERED_PCT: f64 = 90.0;
const LEAST_SEEN: f64 = 0.5;

/// Functions that a note names at most.
const MOST_NAMED: usize = 4;

pub(super) fn group(report: &Report, top: usize) -> Vec<Block<'static>> {
    if report.functions.is_empty() {
        let text = "No measured function ran. Put `#[hotpath]` on those that should be.";
        return vec![Block::Text(text.to_owned())];
    }
    let shown = || report.functions.iter().take(top);
    let table = Table {
        header: &["self %", "self", "total", "calls", "allocs", "function"],
        rows: shown().map(row).collect(),
    };
    let sampled = shown().any(|function| function.sampled.is_some());
    let asynchronous = shown().any(|function| function.asynchronous.is_some());
    let notes = [
        sampled.then(|| "~ scaled from a sample of its calls".to_owned()),
        resolution(shown()),
        blocked(report, shown()),
        asynchronous.then(|| "async: total is time inside poll, without waiting".to_owned()),
    ];
    let more = more(report.functions.len(), top);
    let notes = notes.into_iter().flatten().map(Block::Text);
    [Block::Table(table)].into_iter().chain(more).chain(notes).collect()
}

fn row(function: &Function) -> Vec<String> {
    let about = if function.sampled.is_some() { "~" } else { "" };
    let (blurred, below) = (mark(is_blurred(function)), mark(function.below_resolution));
    let asynchronous = if function.asynchronous.is_some() { " (async)" } else { "" };
    vec![
        units::percent_number(function.self_pct),
        format!("{about}{}{blurred}", units::time(function.self_ns as f64)),
        format!("{about}{}{below}", units::time(function.total_ns as f64)),
        units::count(function.calls),
        count_or_dash(function.self_allocs),
        format!("{}{asynchronous}", function.path),
    ]
}

/// The last part of its path; with the one before where that says nothing by itself.
fn name(function: &Function) -> &str {
    let path = function.path.as_str();
    let from = |end: &str| end.rfind("::").map_or(0, |at| at + 2);
    let last = from(path);
    let is_block = path[last..].starts_with('{');
    &path[if is_block { from(&path[..last.saturating_sub(2)]) } else { last }..]
}

fn mark(is_set: bool) -> &'static str {
    if is_set { "?" } else { "" }
}

/// Explains the `?` at times, with the bounds of those that matter most.
fn resolution<'r>(shown: impl Iterator<Item = &'r Function>) -> Option<String> {
    let ranges: Vec<String> = shown
        .filter(|function| is_blurred(function))
        .filter_map(|function| {
            let bounds = function.self_range_ns?;
            let name = name(function);
            let (low, high) = (units::time(bounds.low as f64), units::time(bounds.high as f64));
            Some(format!("{name} {low} to {high}"))
        })
        .take(MOST_NAMED)
        .collect();
    let why = "? too short to tell from what is around it; self time between:";
    (!ranges.is_empty()).then(|| format!("{why} {}", ranges.join(", ")))
}

/// Names those that waited: else it would pass for work.
fn blocked<'r>(report: &Report, shown: impl Iterator<Item = &'r Function>) -> Option<String> {
    let blocked: Vec<String> = shown
        .filter_map(|function| {
            let share = blocked_share(report, function).filter(|share| *share >= MOSTLY)?;
            Some(format!("{} {}", name(function), units::percent(100.0 * share)))
        })
        .take(MOST_NAMED)
        .collect();
    let what = "blocked (for other threads, a lock or the system) in much of their self time:";
    (!blocked.is_empty()).then(|| format!("{what} {}", blocked.join(", ")))
}

/// The part of its own time that it was blocked in; `None` where the looks don't tell: too few met it, or
/// they missed processes that came and went.
pub(super) fn blocked_share(report: &Report, function: &Function) -> Option<f64> {
    let (timeline, seen) = (report.quality.timeline.as_ref()?, function.timeline.as_ref()?);
    let (running, blocked) = (seen.running_ns? as f64, seen.blocked_ns? as f64);
    let all = running + blocked;
    let looks = timeline.effective_samples * all / (report.totals.wall_ns as f64).max(1.0);
    let tells = timeline.covered_pct >= LEAST_COVERED_PCT
        && looks >= LEAST_LOOKS
        && all >= LEAST_SEEN * function.self_ns as f64;
    tells.then(|| blocked / all)
}

/// Whether what can't be told from other functions' time is much of its own.
fn is_blurred(function: &Function) -> bool {
    function.self_range_ns.is_some_and(|bounds| {
        let width = bounds.high.saturating_sub(bounds.low) as f64;
        function.below_resolution || width >= BLURRED * function.self_ns.max(1) as f64
    })
}
