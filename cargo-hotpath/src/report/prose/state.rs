//! *Current state*: where the time went.

use super::{Block, Section, costly, count_or_dash, failure, functions};
use crate::report::instructions;
use crate::schema::{Measurement, Report, Timeline, Where, WhereKind};
use crate::units;

/// Share of the time from which a dependency is named.
const LEAST_PART_PCT: f64 = 1.0;

/// Share of the wall time from which idleness of threads, together, is named.
const NAMED_IDLE: f64 = 0.1;

/// Share of the CPU time that went to probes, from which an estimate without a width is the most that one
/// says.
const MOSTLY_PROBES_PCT: f64 = 50.0;

/// Share of the functions' time that their threads ran, below which that is said.
const LEAST_RAN: f64 = 0.9;

/// Share of CPU in wall time above which one thread computes, below which it waits.
const BUSY: (f64, f64) = (0.9, 0.5);

/// Share of all threads' time in taking locks from which that is what bounds the workload.
const LOCK_BOUND_PCT: f64 = 25.0;

pub(super) fn section(report: &Report, top: usize) -> Section<'static> {
    let texts = [
        Some(went(report)),
        Some(workload(report)),
        Some(memory(report)),
        instructions::sentence(report),
        report.quality.timeline.as_ref().map(looks),
        probes(report),
    ];
    let observed = texts.into_iter().flatten().map(Block::Text).collect();
    let mut groups = vec![observed, functions::group(report, top)];
    groups.extend(costly::group(report));
    Section { title: "Current state", groups }
}

/// How much was in your code, in which dependency called from where, outside.
fn went(report: &Report) -> String {
    if report.breakdown.is_empty() {
        return "No time was measured.".to_owned();
    }
    let (large, small): (Vec<&Where>, Vec<&Where>) =
        report.breakdown.iter().partition(|part| is_named(part));
    let mut parts: Vec<String> = large.into_iter().map(part).collect();
    if !small.is_empty() {
        let sum = small.iter().map(|part| part.self_pct).sum();
        let others = units::counted(small.len() as u64, "other part");
        parts.push(format!("{} in {others}", units::percent(sum)));
    }
    let caveats = [idle(report), delayed(report)].into_iter().flatten();
    format!("{}.{}", parts.join(", "), caveats.collect::<String>())
}

/// What these shares leave out, where that is much.
fn idle(report: &Report) -> Option<String> {
    let idle_ns = report.totals.idle_ns? as f64;
    (idle_ns > NAMED_IDLE * report.totals.wall_ns as f64).then(|| {
        format!(
            " Left out are {} that threads were idle outside of measured functions.",
            units::time(idle_ns)
        )
    })
}

/// How much of the functions' time their threads did not run in, where that is much: else it would pass
/// for work.
fn delayed(report: &Report) -> Option<String> {
    let (ran, took) = (report.totals.busy_cpu_ns? as f64, self_ns(report));
    (took > 0.0 && ran < LEAST_RAN * took).then(|| {
        format!(
            " Of the {} in measured functions their threads ran {}: the rest they were blocked, or \
             waited for a processor.",
            units::time(took),
            units::time(ran)
        )
    })
}

fn self_ns(report: &Report) -> f64 {
    report.functions.iter().map(|function| function.self_ns as f64).sum()
}

/// Small dependencies are not; your code and what lies outside of it always are.
fn is_named(part: &Where) -> bool {
    let is_whose = matches!(part.kind, WhereKind::YourCode | WhereKind::Outside);
    is_whose || part.self_pct >= LEAST_PART_PCT
}

fn part(part: &Where) -> String {
    let pct = units::percent(part.self_pct);
    let from = part.called_from.as_deref().map(|from| format!(", mostly from {}", caller(from)));
    let from = from.unwrap_or_default();
    match part.kind {
        WhereKind::YourCode => format!("{pct} in your code"),
        WhereKind::Outside => format!("{pct} outside of measured functions"),
        WhereKind::Locks => format!("{pct} taking locks{from}"),
        WhereKind::Std => format!("{pct} in the standard library{from}"),
        WhereKind::Dependency => {
            format!("{pct} in {}{from}", part.name.as_deref().unwrap_or("a dependency"))
        }
    }
}

/// The path of `path (file:line)` as code.
fn caller(from: &str) -> String {
    match from.rsplit_once(" (") {
        Some((path, place)) => format!("`{path}` ({place}"),
        None => format!("`{from}`"),
    }
}

fn workload(report: &Report) -> String {
    let workload = &report.workload;
    let wall = units::time(report.totals.wall_ns as f64);
    let cpu = match report.totals.cpu_ns {
        Some(cpu) => {
            format!(" with {} of CPU time{}", units::time(cpu as f64), character(report, cpu))
        }
        None => "; CPU time was not measured".to_owned(),
    };
    let median = match report.runs.len() {
        0 | 1 => String::new(),
        runs => format!("; median of {runs} runs"),
    };
    let noise =
        report.quality.noise_pct.map(|pct| format!(", which differ by {}", units::percent(pct)));
    let failure = failure(&workload.exit).map(|how| format!("; ended with {how}"));
    format!(
        "{} {} ran for {wall}{cpu}{median}{}{}.",
        workload.kind,
        workload.name,
        noise.unwrap_or_default(),
        failure.unwrap_or_default()
    )
}

/// What bounds the workload.
fn character(report: &Report, cpu_ns: u64) -> &'static str {
    let locks = report.breakdown.iter().filter(|part| part.kind == WhereKind::Locks);
    if locks.map(|part| part.self_pct).sum::<f64>() >= LOCK_BOUND_PCT {
        return ": lock-bound";
    }
    match cpu_ns as f64 / (report.totals.wall_ns.max(1) as f64) {
        share if share > 1.1 => ": more than one core busy",
        share if share >= BUSY.0 => ": CPU-bound",
        share if share < BUSY.1 => ": mostly waiting",
        _ => "",
    }
}

fn memory(report: &Report) -> String {
    let totals = &report.totals;
    if report.quality.allocations == Measurement::NotMeasured {
        return "Allocations: not measured.".to_owned();
    }
    let bytes = |bytes: Option<u64>| bytes.map_or_else(|| "not measured".to_owned(), units::bytes);
    format!(
        "Allocations: {} ({}), reallocations: {}, most live at once: {}.",
        count_or_dash(totals.allocs),
        bytes(totals.alloc_bytes),
        count_or_dash(totals.reallocs),
        bytes(totals.peak_live_bytes)
    )
}

/// How often the threads were looked at, and at what price.
fn looks(timeline: &Timeline) -> String {
    let cost = timeline
        .sampler_cpu_pct
        .map(|pct| format!(", for {} of a core beside the workload", units::percent(pct)));
    let parallelism = timeline
        .parallelism
        .map(|threads| format!("; {threads:.1} threads ran at once, where any did"));
    format!(
        "Threads looked at: {} times, every {}{}{}.",
        units::count(timeline.samples),
        units::time(timeline.interval_ns as f64),
        cost.unwrap_or_default(),
        parallelism.unwrap_or_default()
    )
}

/// What measuring itself took.
fn probes(report: &Report) -> Option<String> {
    let overhead = report.quality.overhead_range_pct.filter(|overhead| overhead.best > 0.0)?;
    if overhead.low >= MOSTLY_PROBES_PCT && overhead.low >= overhead.high {
        // As much as an estimate says at most: of a run of milliseconds nobody knows.
        return Some(format!(
            "Probes took {} of the CPU time or more: the run is too short to tell.",
            units::percent(overhead.low)
        ));
    }
    Some(format!(
        "Probes took {} to {} of the CPU time, without what they kept from being inlined.",
        units::percent_number(overhead.low),
        units::percent(overhead.high)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::CpuTime;
    use crate::report::tests::{busy, report};

    #[test]
    fn idle_threads_are_left_out_and_said() {
        let mut facts = busy();
        (facts.outside_ns, facts.cpu_ns) = (20_000_000_000, Some(1_000_000_000));
        let text = went(&report(&facts, |_, _| {}));
        assert!(text.contains(", 10.0 % outside of measured functions"), "{text}");
        assert!(
            text.ends_with(
                ". Left out are 19.9 s that threads were idle outside of measured functions."
            ),
            "{text}"
        );
        facts.cpu_ns = None;
        assert!(!went(&report(&facts, |_, _| {})).contains("Left out"));
    }

    #[test]
    fn functions_that_wait_for_a_processor_are_said() {
        let mut facts = busy();
        let took: u64 = facts.functions.iter().map(|function| function.self_ns).sum();
        let mut text = |inside_ns| {
            facts.processor = Some(CpuTime { inside_ns, ..CpuTime::default() });
            went(&report(&facts, |_, _| {}))
        };
        let half = text(took / 2);
        assert!(
            half.contains(" their threads ran 450 ms: the rest they were blocked, or"),
            "{half}"
        );
        assert!(!text(took).contains("their threads"));
    }
}
