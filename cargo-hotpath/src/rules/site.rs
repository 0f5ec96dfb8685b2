//! A site with its rows taken together: what one place in the source cost in the run.

use hotpath_runtime_syntax::Kind;

use crate::allocator::Costs;
use crate::facts::{Facts, FunctionFacts, SiteFacts, SiteSource, Span};
use crate::impact::{Claim, Measure, Saved, Workload, hold_ns, most_ns, span_ns, sure_ns};
use crate::profile::{Allocs, Awaits, Bucket, ProbeCosts};
use crate::rules::{Anchor, Threshold, Thresholds, types};
use crate::units;

/// Executions below which a site must be a large share of the run to be spoken of.
pub(super) const MIN_EXECUTIONS: Threshold = Threshold::new(
    "min_executions",
    100.0,
    "sites that ran less often are spoken of only above min_share_pct",
);

/// Share of wall time that makes up for few executions.
pub(super) const MIN_SHARE_PCT: Threshold =
    Threshold::new("min_share_pct", 1.0, "share of wall time from which few executions are enough");

/// A site that the run reached, outside of tests.
#[derive(Clone)]
pub(super) struct Site<'a> {
    facts: &'a Facts,
    thresholds: &'a Thresholds,
    /// Of the workload without probes: to take them out goes over all sites.
    wall_ns: f64,
    pub(super) function: usize,
    pub(super) of: &'a FunctionFacts,
    rows: Vec<&'a SiteFacts>,
}

/// How long the guards of a lock lived.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    /// Guards, at least one.
    pub(super) count: u64,
    /// Nanoseconds, all together.
    pub(super) ns: f64,
    /// Nanoseconds of the longest.
    pub(super) max_ns: f64,
}

/// Sites of these kinds whose rows pass `keep`, in the order of functions and enumeration.
pub(super) fn sites<'a>(
    facts: &'a Facts,
    thresholds: &'a Thresholds,
    kinds: &[Kind],
    keep: impl Fn(&SiteFacts) -> bool,
) -> Vec<Site<'a>> {
    let mut found: Vec<Site<'a>> = Vec::new();
    let wall_ns = Workload::new(facts).wall_ns();
    for (function, of) in facts.functions.iter().enumerate() {
        let mut rows: Vec<&SiteFacts> = of
            .sites
            .iter()
            .filter(|row| row.count > 0 && kinds.contains(&row.kind) && keep(row))
            .filter(|row| row.source.as_ref().is_none_or(|source| !source.in_test))
            .collect();
        rows.sort_by_key(|row| row.index);
        for rows in rows.chunk_by(|a, b| a.index == b.index) {
            found.push(Site { facts, thresholds, wall_ns, function, of, rows: rows.to_vec() });
        }
    }
    found
}

impl<'a> Site<'a> {
    /// The row with the most time, for what all rows of a site agree in.
    fn main_row(&self) -> &'a SiteFacts {
        let mut main = self.rows[0];
        for row in &self.rows[1..] {
            if row.self_ns > main.self_ns {
                main = row;
            }
        }
        main
    }

    pub(super) fn source(&self) -> Option<&'a SiteSource> {
        self.main_row().source.as_ref()
    }

    pub(super) fn kind(&self) -> Kind {
        self.rows[0].kind
    }

    pub(super) fn label(&self) -> &'a str {
        &self.main_row().label
    }

    /// The whole expression as it stands in the source.
    pub(super) fn text(&self) -> Option<&'a str> {
        let span = self.source()?.span;
        self.facts.sources.get(&self.of.file)?.get(span.byte_start..span.byte_end)
    }

    /// Whether it stands behind `&mut`, as far as the source can be read.
    pub(super) fn is_mutably_borrowed(&self) -> bool {
        let before = self.source().and_then(|source| {
            self.facts.sources.get(&self.of.file)?.get(..source.span.byte_start)
        });
        before.is_some_and(|before| before.trim_end_matches([' ', '(', '\n']).ends_with("&mut"))
    }

    pub(super) fn type_name(&self) -> Option<&'a str> {
        self.main_row().type_name.as_deref()
    }

    /// The types of all its rows.
    pub(super) fn type_names(&self) -> impl Iterator<Item = Option<&'a str>> + '_ {
        self.rows.iter().map(|row| row.type_name.as_deref())
    }

    /// `String`, or `value` where the type is unknown.
    pub(super) fn short_type(&self) -> String {
        self.type_name()
            .map_or_else(|| "value".to_owned(), |name| format!("`{}`", types::short(name)))
    }

    /// Whether a `?` stands behind it.
    pub(super) fn is_tried(&self) -> bool {
        let behind = self
            .source()
            .and_then(|source| self.facts.sources.get(&self.of.file)?.get(source.span.byte_end..));
        behind.is_some_and(|behind| behind.trim_start().starts_with('?'))
    }

    /// Type of the receiver that a lookup or search is made on, seen through references and guards.
    pub(super) fn receiver_type(&self) -> Option<&'a str> {
        self.type_name().map(types::pointee)
    }

    /// Name of the method that the site calls.
    pub(super) fn method(&self) -> Option<&'a str> {
        self.source()?.method.as_deref()
    }

    /// The call that takes the value as receiver or argument, if it is a site that was reached.
    pub(super) fn taker(&self) -> Option<Site<'a>> {
        self.other(self.source()?.taken_by?)
    }

    /// Another site of the same function, if it was reached.
    pub(super) fn other(&self, index: usize) -> Option<Site<'a>> {
        let rows: Vec<&SiteFacts> =
            self.of.sites.iter().filter(|row| row.index == index && row.count > 0).collect();
        (!rows.is_empty()).then_some(Site { rows, ..*self })
    }

    /// Executions per call of the function, where it runs in a loop of it; 1 elsewhere.
    pub(super) fn per_call(&self) -> f64 {
        self.count() as f64 / self.of.calls.max(1) as f64
    }

    /// Whether it ran so often at all.
    pub(super) fn ran(&self, least: &Threshold) -> bool {
        self.count() as f64 >= self.threshold(least)
    }

    /// What a time is of the workload's wall time, in percent.
    pub(super) fn pct(&self, ns: f64) -> f64 {
        if self.wall_ns > 0.0 { 100.0 * ns / self.wall_ns } else { 0.0 }
    }

    pub(super) fn index(&self) -> usize {
        self.rows[0].index
    }

    /// Distribution of its spans, where one is kept.
    pub(super) fn histogram(&self) -> &'a [Bucket] {
        &self.rows[0].histogram
    }

    pub(super) fn count(&self) -> u64 {
        self.rows.iter().map(|row| row.count).sum()
    }

    pub(super) fn allocs(&self) -> Allocs {
        self.rows.iter().fold(Allocs::default(), |sum, row| Allocs {
            count: sum.count + row.allocs.count,
            bytes: sum.bytes + row.allocs.bytes,
            reallocs: sum.reallocs + row.allocs.reallocs,
            moved_bytes: sum.moved_bytes + row.allocs.moved_bytes,
            grown_bytes: sum.grown_bytes + row.allocs.grown_bytes,
            realloc_ns: sum.realloc_ns + row.allocs.realloc_ns,
            frees: sum.frees + row.allocs.frees,
            freed_bytes: sum.freed_bytes + row.allocs.freed_bytes,
        })
    }

    pub(super) fn probes(&self) -> &'a ProbeCosts {
        &self.facts.probes
    }

    /// What its executions likely took, the probe's part taken out; `None` when none was timed.
    pub(super) fn ns(&self) -> Option<f64> {
        let timed = self.rows.iter().filter_map(|row| span_ns(row, self.probes()));
        timed.reduce(|sum, ns| sum + ns)
    }

    /// What was read of them, which what is sure and the most are reckoned from; `None` likewise.
    pub(super) fn read_ns(&self) -> Option<f64> {
        let timed = self.rows.iter().filter_map(|row| row.read_ns(self.probes()));
        timed.reduce(|sum, ns| sum + ns)
    }

    /// How long its guards lived, the probe's part taken out; `None` where that was not measured.
    pub(super) fn hold(&self) -> Option<Held> {
        let held = |row: &&SiteFacts| Some((row.hold?, hold_ns(row, self.probes())?));
        self.rows.iter().filter_map(held).fold(None, |sum: Option<Held>, (hold, ns)| {
            let sum = sum.unwrap_or_default();
            Some(Held {
                count: sum.count + hold.count,
                ns: sum.ns + ns,
                max_ns: sum.max_ns.max(hold.max_ns as f64),
            })
        })
    }

    /// The most messages of its channels that waited at once, where that was counted.
    pub(super) fn waiting(&self) -> Option<u64> {
        self.rows.iter().filter_map(|row| row.waiting).max()
    }

    /// How many of them were not received by the end.
    pub(super) fn unreceived(&self) -> Option<u64> {
        self.rows.iter().filter_map(|row| row.unreceived).max()
    }

    pub(super) fn line(&self) -> u32 {
        self.rows[0].line
    }

    /// What is sure of that time.
    pub(super) fn sure_ns(&self) -> f64 {
        let read = self.read_ns().unwrap_or_default();
        sure_ns(read, self.count(), self.allocs_ns(), self.probes())
    }

    /// The most that its executions took.
    pub(super) fn most_ns(&self) -> f64 {
        most_ns(self.read_ns().unwrap_or_default(), self.count(), self.probes())
    }

    /// The most that those frees take: of blocks that are no longer in a cache, and with what drifted out of
    /// the frees that were timed.
    pub(super) fn most_frees_ns(&self) -> f64 {
        most_ns(2.0 * self.frees_ns(), self.allocs().count, self.probes())
    }

    /// Frees that follow from its allocations and happen after its span ends.
    pub(super) fn frees_ns(&self) -> f64 {
        self.allocs().count as f64 * self.allocator().free_ns()
    }

    /// What its allocations take, reallocations aside.
    pub(super) fn allocs_ns(&self) -> f64 {
        self.allocs().count as f64 * self.allocator().alloc_ns()
    }

    /// What an allocation and a free of its blocks cost.
    pub(super) fn allocator(&self) -> Costs<'a> {
        self.allocator_for(&self.allocs())
    }

    /// The same for blocks that are allocated elsewhere.
    pub(super) fn allocator_for(&self, allocs: &Allocs) -> Costs<'a> {
        Costs::of(self.facts, allocs)
    }

    /// What holds for a limit of the rule that looks at it.
    pub(super) fn threshold(&self, threshold: &Threshold) -> f64 {
        self.thresholds.of(threshold)
    }

    /// Whether it ran often enough, or cost enough, to be spoken of.
    pub(super) fn is_exercised(&self) -> bool {
        let share = 100.0 * self.ns().unwrap_or_default() / (self.facts.wall_ns.max(1) as f64);
        self.count() as f64 >= self.threshold(&MIN_EXECUTIONS)
            || share >= self.threshold(&MIN_SHARE_PCT)
    }

    pub(super) fn claim(&self, saved: Saved) -> Claim {
        self.claim_of(saved, Measure::Threads)
    }

    /// A claim on another measure than the time of threads.
    pub(super) fn claim_of(&self, saved: Saved, of: Measure) -> Claim {
        Claim { function: self.function, site: self.index(), saved, of }
    }

    /// Polls and waits, where it is an await.
    pub(super) fn awaits(&self) -> Awaits {
        let all = self.rows.iter().filter_map(|row| row.awaits);
        all.fold(Awaits::default(), |sum, row| Awaits {
            polls: sum.polls + row.polls,
            ready: sum.ready + row.ready,
            wait_ns: sum.wait_ns + row.wait_ns,
            nested_wait_ns: sum.nested_wait_ns + row.nested_wait_ns,
            cancelled: sum.cancelled + row.cancelled,
        })
    }

    /// Allocations that go with the site; `None` when they were not measured.
    pub(super) fn gone_allocs(&self) -> (Option<u64>, Option<u64>) {
        let allocs = self.allocs();
        let measured = self.facts.allocations_measured;
        (measured.then_some(allocs.count), measured.then_some(allocs.bytes))
    }

    pub(super) fn anchor(&self) -> Anchor {
        let row = self.main_row();
        Anchor {
            function: self.function,
            site: row.index,
            kind: row.kind.name(),
            span: self.source().map_or_else(|| point(row), |source| source.span),
            allowed: row.allowed.clone(),
        }
    }

    /// What it cost in words: how often it ran, for how long, with how many allocations.
    pub(super) fn measured(&self) -> String {
        let times = units::counted(self.count(), "time");
        format!(
            "`{}` in `{}` ran {times}{}{}",
            self.label(),
            self.of.path,
            self.measured_time().unwrap_or_default(),
            self.measured_allocs()
        )
    }

    fn measured_time(&self) -> Option<String> {
        let ns = self.ns()?;
        let share = self.pct(ns).min(100.0);
        Some(format!(
            " and took {} ({} each, {} of wall)",
            units::time(ns),
            units::time(ns / self.count().max(1) as f64),
            units::percent(share)
        ))
    }

    fn measured_allocs(&self) -> String {
        match self.gone_allocs() {
            (Some(0), _) => ", without allocating".to_owned(),
            (Some(allocs), Some(bytes)) => {
                format!(", with {} ({})", units::counted(allocs, "allocation"), units::bytes(bytes))
            }
            _ => "; allocations were not measured".to_owned(),
        }
    }
}

fn point(row: &SiteFacts) -> Span {
    Span {
        line: row.line,
        column: row.column,
        end_line: row.line,
        end_column: row.column,
        ..Span::default()
    }
}
