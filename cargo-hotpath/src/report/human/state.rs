//! *Current state*: where the time went.

use super::table::Table;
use super::{Page, count_or_dash, failure};
use crate::schema::{Function, Measurement, Report, Site, Timeline, Where, WhereKind};
use crate::units;

/// Share of the sites' time that the named sites make up.
const MOST_PCT: f64 = 80.0;

/// Sites named at most.
const MOST_SITES: usize = 8;

/// Width of the bounds of a self time, as a share of it, from which it is marked.
const BLURRED: f64 = 1.0;

/// Functions whose bounds are given at most.
const MOST_RANGES: usize = 4;

/// Share of the time from which a dependency is named.
const LEAST_PART_PCT: f64 = 1.0;

/// Share of CPU in wall time above which one thread computes, below which it waits.
const BUSY: (f64, f64) = (0.9, 0.5);

pub(super) fn section(page: &mut Page, report: &Report, top: usize) {
    page.heading("Current state");
    page.item("  ", &went(report));
    page.item("  ", &workload(report));
    page.item("  ", &memory(report));
    if let Some(timeline) = &report.quality.timeline {
        page.item("  ", &looks(timeline));
    }
    if let Some(probes) = probes(report) {
        page.item("  ", &probes);
    }
    functions(page, report, top);
    costly_sites(page, report);
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
    format!("{}.", parts.join(", "))
}

/// Small dependencies are not; your code and what lies outside of it always are.
fn is_named(part: &Where) -> bool {
    let is_whose = matches!(part.kind, WhereKind::YourCode | WhereKind::Outside);
    is_whose || part.self_pct >= LEAST_PART_PCT
}

fn part(part: &Where) -> String {
    let pct = units::percent(part.self_pct);
    let from = part.called_from.as_deref().map(|from| format!(", mostly from {from}"));
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

fn workload(report: &Report) -> String {
    let workload = &report.workload;
    let wall = units::time(report.totals.wall_ns as f64);
    let cpu = match report.totals.cpu_ns {
        Some(cpu) => format!(
            " with {} of CPU time{}",
            units::time(cpu as f64),
            character(cpu as f64, report.totals.wall_ns as f64)
        ),
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

fn character(cpu: f64, wall: f64) -> &'static str {
    match cpu / wall.max(1.0) {
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
    Some(format!(
        "Probes took {} to {} of the CPU time, without what they kept from being inlined.",
        units::percent_number(overhead.low),
        units::percent(overhead.high)
    ))
}

fn functions(page: &mut Page, report: &Report, top: usize) {
    page.blank();
    if report.functions.is_empty() {
        page.item("  ", "No measured function ran. Put #[hotpath] on those that should be.");
        return;
    }
    let mut table = Table::new(&["self %", "self", "total", "calls", "allocs", "function"]);
    let shown = report.functions.iter().take(top);
    for function in shown.clone() {
        table.row(row(function));
    }
    for line in table.lines(page.width) {
        page.raw(&line);
    }
    let more = report.functions.len().saturating_sub(top);
    if more > 0 {
        let all = report.functions.len();
        page.item("  ", &format!("and {} more, --top {all} lists all", units::count(more as u64)));
    }
    if shown.clone().any(|function| function.sampled.is_some()) {
        page.item("  ", "~ scaled from a sample of its calls");
    }
    resolution(page, shown.clone());
    if shown.clone().any(|function| function.asynchronous.is_some()) {
        page.item("  ", "async: total is time inside poll, without waiting");
    }
}

/// Explains the `?` at times, with the bounds of those that matter most.
fn resolution<'r>(page: &mut Page, shown: impl Iterator<Item = &'r Function>) {
    let ranges: Vec<String> = shown
        .filter(|function| is_blurred(function))
        .filter_map(|function| {
            let bounds = function.self_range_ns?;
            let name = function.path.rsplit("::").next().unwrap_or(&function.path);
            let (low, high) = (units::time(bounds.low as f64), units::time(bounds.high as f64));
            Some(format!("{name} {low} to {high}"))
        })
        .take(MOST_RANGES)
        .collect();
    if !ranges.is_empty() {
        let why = "? too short to tell from what is around it; self time between:";
        page.item("  ", &format!("{why} {}", ranges.join(", ")));
    }
}

/// Whether what can't be told from other functions' time is much of its own.
fn is_blurred(function: &Function) -> bool {
    function.self_range_ns.is_some_and(|bounds| {
        let width = bounds.high.saturating_sub(bounds.low) as f64;
        function.below_resolution || width >= BLURRED * function.self_ns.max(1) as f64
    })
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

fn mark(is_set: bool) -> &'static str {
    if is_set { "?" } else { "" }
}

/// The smallest set of sites that makes most of the sites' time.
fn costly_sites(page: &mut Page, report: &Report) {
    let all: u64 = report.sites.iter().filter_map(|site| site.self_ns).sum();
    if all == 0 {
        return;
    }
    let mut set: Vec<&Site> = Vec::new();
    let mut sum = 0;
    // Sorted by time, so the first that reach the share are the fewest that do.
    for site in &report.sites {
        if 100.0 * sum as f64 >= MOST_PCT * all as f64 {
            break;
        }
        sum += site.self_ns.unwrap_or(0);
        set.push(site);
    }
    page.blank();
    page.item(
        "  ",
        &format!(
            "{} of {} measured {} {} of the time in sites ({}):",
            units::counted(set.len() as u64, "site"),
            units::count(report.sites.len() as u64),
            if set.len() == 1 { "makes" } else { "make" },
            units::percent(100.0 * sum as f64 / all as f64),
            units::time(all as f64)
        ),
    );
    let mut table = Table::new(&["self", "count", "allocs", "site"]);
    for site in set.iter().take(MOST_SITES) {
        let about = if site.sampled.is_some() { "~" } else { "" };
        table.row(vec![
            format!("{about}{}", units::time(site.self_ns.unwrap_or(0) as f64)),
            units::count(site.count),
            count_or_dash(site.allocs),
            format!("{}:{}: {}", site.file, site.line, site.text),
        ]);
    }
    for line in table.lines(page.width) {
        page.raw(&line);
    }
    if set.iter().take(MOST_SITES).any(|site| site.sampled.is_some()) {
        page.item("  ", "~ scaled from a sample of its executions");
    }
    if set.len() > MOST_SITES {
        let more = set.len() - MOST_SITES;
        page.item("  ", &format!("and {more} more, --format json lists all"));
    }
}
