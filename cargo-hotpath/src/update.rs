//! `check --update`: raises limits to what was measured.

mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hotpath_runtime_syntax::budget::{self as limits, Limit, Metric, Unit};

use crate::config::BudgetEntry;
use crate::judge;
use crate::schema::{Budget, BudgetOrigin, BudgetStatus};

pub use file::stage;

/// Room that a limit of bytes or time gets above what was measured.
const ROOM: f64 = 1.25;

/// A limit that is raised.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The file that it stands in.
    pub file: PathBuf,
    /// Its table, with dots.
    pub table: String,
    /// The key of the entry.
    pub key: String,
    /// The metric.
    pub metric: Metric,
    /// As it was.
    pub old: Limit,
    /// As it is now.
    pub new: Limit,
}

impl Change {
    /// ``hotpath.toml: `orders::parse` allocs_per_call 3 -> 4``.
    pub fn describe(&self, root: &Path) -> String {
        let unit = self.metric.unit();
        let file = self.file.strip_prefix(root).unwrap_or(&self.file);
        format!(
            "{}: `{}` {} {} -> {}",
            file.display(),
            self.key,
            self.metric,
            self.old.written(unit),
            self.new.written(unit)
        )
    }
}

/// What the configuration would have to say for this to pass: counts as they were in the repetition with
/// the most, bytes and times with some room. What is kept stays as it is: other workloads may need it.
/// Percentages stay, as the baseline moves.
///
/// `known` are the paths of all functions: patterns that share one keep the same limit.
pub fn changes(
    entries: &BTreeMap<String, BudgetEntry>,
    budgets: &[Budget],
    known: &BTreeSet<String>,
) -> Vec<Change> {
    let mut raised: Raised<'_> = BTreeMap::new();
    let mut paths: BTreeSet<&str> = known.iter().map(String::as_str).collect();
    for budget in budgets.iter().filter(|it| it.origin == BudgetOrigin::Configuration) {
        paths.insert(&budget.target);
        let Ok(metric) = budget.metric.parse::<Metric>() else { continue };
        let Some(entry) = judge::of_entry(entries, &budget.target, metric) else { continue };
        let Some(Limit::AtMost(old)) = entry.budget.get(metric) else { continue };
        if let Some(value) = needed(budget, metric.unit(), old) {
            let most = raised.entry((&entry.key, metric)).or_insert(value);
            *most = most.max(value);
        }
    }
    while level(entries, &paths, &mut raised) {}
    let change = |((key, metric), value): ((&str, Metric), f64)| {
        let entry = entries.get(key)?;
        let (old, new) = (entry.budget.get(metric)?, Limit::AtMost(value));
        (old != new).then(|| Change {
            file: entry.file.clone(),
            table: entry.table.clone(),
            key: key.to_owned(),
            metric,
            old,
            new,
        })
    };
    raised.into_iter().filter_map(change).collect()
}

/// Limits that rise, by the key of their entry.
type Raised<'e> = BTreeMap<(&'e str, Metric), f64>;

/// What a limit has to be; `None` where it needn't change. Counts say what the program does; bytes
/// depend on the length of paths and times on the machine, so that exact ones would not hold elsewhere.
fn needed(budget: &Budget, unit: Unit, old: f64) -> Option<f64> {
    // As far as quotients are rounded.
    let is_over = budget.actual_most > old + 1e-9 * old.abs().max(1.0);
    match unit {
        Unit::Count => is_over.then(|| tight(budget.actual_most)),
        Unit::Bytes => is_over.then(|| whole_units(budget.actual_most * ROOM)),
        Unit::Nanoseconds => {
            let is_broken = budget.status == BudgetStatus::Fail;
            is_broken.then(|| three_digits(budget.actual * ROOM))
        }
    }
}

/// Raises patterns to the limit of others that take the same function: with different ones they would
/// contradict each other. Whether any rose, which may lift others in turn.
fn level<'e>(
    entries: &'e BTreeMap<String, BudgetEntry>,
    paths: &BTreeSet<&str>,
    raised: &mut Raised<'e>,
) -> bool {
    let metrics: BTreeSet<Metric> = raised.keys().map(|(_, metric)| *metric).collect();
    let mut has_risen = false;
    for metric in metrics {
        for path in paths {
            let says = |it: &&BudgetEntry| it.budget.get(metric).is_some();
            if entries.get(*path).as_ref().is_some_and(says) {
                continue;
            }
            let takes = |it: &&BudgetEntry| says(it) && !it.is_of_workload() && it.takes(path);
            let sharing: Vec<&BudgetEntry> = entries.values().filter(takes).collect();
            let limits = sharing.iter().filter_map(|it| raised.get(&(it.key.as_str(), metric)));
            let Some(most) = limits.copied().reduce(f64::max) else { continue };
            for entry in sharing {
                let limit = raised.entry((&entry.key, metric)).or_insert(f64::NEG_INFINITY);
                has_risen |= *limit < most;
                *limit = limit.max(most);
            }
        }
    }
    has_risen
}

/// The entries as they are with these changes.
pub fn changed(
    entries: &BTreeMap<String, BudgetEntry>,
    changes: &[Change],
) -> BTreeMap<String, BudgetEntry> {
    let mut entries = entries.clone();
    for change in changes {
        let mut limit = limits::Budget::default();
        // The first of its metric.
        let _ = limit.add(change.metric, change.new);
        if let Some(entry) = entries.get_mut(&change.key) {
            entry.budget = std::mem::take(&mut entry.budget).refine(&limit);
        }
    }
    entries
}

/// With as few decimals as say it: a limit lets nothing through that a few calls more would do.
fn tight(value: f64) -> f64 {
    const MOST: i32 = 9;
    let scaled = |digits: i32| (value * 10_f64.powi(digits), 10_f64.powi(digits));
    let is_near = |digits: &i32| {
        let (value, scale) = scaled(*digits);
        (value - value.round()).abs() / scale <= 1e-10
    };
    let (value, scale) = match (0..=MOST).find(is_near).map(scaled) {
        Some((value, scale)) => (value.round(), scale),
        None => (scaled(MOST).0.ceil(), scaled(MOST).1),
    };
    value / scale
}

/// Rounded up to whole KiB or MiB, ten of them at least.
fn whole_units(bytes: f64) -> f64 {
    let fits = |unit: &f64| bytes >= 10.0 * unit;
    let unit = [1_048_576.0, 1024.0].into_iter().find(fits).unwrap_or(1.0);
    (bytes / unit).ceil() * unit
}

/// Rounded up to three digits.
fn three_digits(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let scale = 10_f64.powf(value.log10().floor() - 2.0).max(1.0);
    (value / scale).ceil() * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(text: &str) -> BTreeMap<String, BudgetEntry> {
        crate::config::tests::budgets(&format!("[budget]\n{text}\n"))
    }

    /// A verdict of the configuration's.
    fn judged(target: &str, metric: Metric, limit: f64, (least, most): (f64, f64)) -> Budget {
        let status = if least > limit { BudgetStatus::Fail } else { BudgetStatus::Pass };
        Budget {
            target: target.to_owned(),
            metric: metric.name().to_owned(),
            limit,
            actual: least,
            actual_most: most,
            unsteady: least < most,
            status,
            origin: BudgetOrigin::Configuration,
            function: None,
            file: None,
            line: None,
            column: None,
            causes: Vec::new(),
        }
    }

    fn said(
        entries: &BTreeMap<String, BudgetEntry>,
        budgets: &[Budget],
        known: &[&str],
    ) -> Vec<String> {
        let known = known.iter().map(|path| (*path).to_owned()).collect();
        let changes = changes(entries, budgets, &known);
        let raised = changed(entries, &changes);
        judge::check_entries(&raised, known.iter().map(String::as_str)).unwrap();
        let unit = |it: &Change| it.metric.unit();
        changes
            .iter()
            .map(|it| format!("{} {} {}", it.key, it.metric, it.new.written(unit(it))))
            .collect()
    }

    #[test]
    fn what_is_kept_stays_and_bytes_get_room() {
        let entries = entries(
            "\"*\" = { peak_live_bytes = \"64 MiB\", alloc_bytes = \"2 MiB\" }\n\
             \"a::b\" = { allocs_per_call = 3, alloc_bytes_per_call = 100, p99 = \"50 us\" }",
        );
        let bytes = 1_048_576.0;
        let kept = [
            judged("*", Metric::PeakLiveBytes, 64.0 * bytes, (1_234_567.0, 1_234_567.0)),
            judged("*", Metric::AllocBytes, 2.0 * bytes, (99.0, 99.0)),
            judged("a::b", Metric::AllocsPerCall, 3.0, (2.0, 2.0)),
            judged("a::b", Metric::P99, 5e4, (1e4, 9e4)),
        ];
        assert!(said(&entries, &kept, &["a::b"]).is_empty());
        let broken = [
            judged("*", Metric::AllocBytes, 2.0 * bytes, (4e6, 4e6)),
            judged("a::b", Metric::AllocsPerCall, 3.0, (3.0, 4.0)),
            judged("a::b", Metric::AllocBytesPerCall, 100.0, (101.0, 101.0)),
            judged("a::b", Metric::P99, 5e4, (1e5, 1e5)),
        ];
        assert_eq!(
            said(&entries, &broken, &["a::b"]),
            [
                "* alloc_bytes 4883 KiB",
                "a::b allocs_per_call 4",
                "a::b alloc_bytes_per_call 127 B",
                "a::b p99 125 us",
            ]
        );
    }

    #[test]
    fn patterns_that_share_a_function_rise_together() {
        let entries = entries(
            "\"**::parse\" = { allocs_per_call = 3 }\n\"a::**\" = { allocs_per_call = 3 }\n\
             \"*::last\" = { allocs_per_call = 3 }\n\"a::own\" = { allocs_per_call = 1 }\n\
             \"*::own\" = { allocs_per_call = 2 }",
        );
        let one =
            |target: &str, actual| judged(target, Metric::AllocsPerCall, 3.0, (actual, actual));
        let known = ["a::parse", "a::other", "a::last", "a::own", "b::own", "b::parse"];
        // `a::last` isn't called here, and is shared by a pattern that only another function lifts.
        assert_eq!(
            said(&entries, &[one("a::parse", 4.0), one("a::other", 2.0)], &known),
            ["**::parse allocs_per_call 4", "*::last allocs_per_call 4", "a::** allocs_per_call 4"]
        );
    }

    #[test]
    fn counts_get_no_room() {
        for (actual, limit) in
            [(4.0, "4"), (3.1, "3.1"), (0.0, "0"), (1.0 / 3.0, "0.333333334"), (2.0005, "2.0005")]
        {
            assert_eq!(tight(actual).to_string(), limit);
            assert!(tight(actual) >= actual);
        }
    }

    #[test]
    fn limits_of_time_are_rounded_up() {
        assert_eq!(three_digits(123_456.0).to_string(), "124000");
        assert_eq!(three_digits(0.0).to_string(), "0");
        assert_eq!(three_digits(7.2).to_string(), "8");
    }
}
