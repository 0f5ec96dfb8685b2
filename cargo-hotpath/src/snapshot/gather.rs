//! Repetitions to a snapshot.

use std::collections::BTreeMap;

use super::{Count, Each, Figures, Identity, SiteFigures, Snapshot, Totals, names};
use crate::facts::Facts;
use crate::report;
use crate::schema::{Environment, Workload};

/// One repetition.
#[derive(Clone, Copy, Debug)]
pub struct Repeated<'a> {
    /// What it measured.
    pub facts: &'a Facts,
}

/// Figures of one function in one repetition.
#[derive(Clone, Default)]
struct Row {
    each: Each,
    self_allocs: u64,
    polls: Option<u64>,
    future_bytes: Option<u64>,
    self_ns: u64,
    p50_ns: Option<u64>,
    p95_ns: Option<u64>,
    p99_ns: Option<u64>,
}

#[derive(Clone, Copy, Default)]
struct SiteRow {
    count: u64,
    allocs: u64,
    alloc_bytes: u64,
}

/// All repetitions of a run together. What a repetition didn't reach counts as 0 there.
pub fn gather(workload: &Workload, environment: &Environment, all: &[Repeated<'_>]) -> Snapshot {
    let mut functions: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    let mut sites: BTreeMap<String, Vec<SiteRow>> = BTreeMap::new();
    for (index, repetition) in all.iter().enumerate() {
        let empty = || vec![Row::default(); all.len()];
        for (name, row, of_sites) in rows(repetition.facts) {
            functions.entry(name).or_insert_with(empty)[index] = row;
            for (name, row) in of_sites {
                let entry = sites.entry(name);
                let sum = &mut entry.or_insert_with(|| vec![SiteRow::default(); all.len()])[index];
                sum.count += row.count;
                sum.allocs += row.allocs;
                sum.alloc_bytes += row.alloc_bytes;
            }
        }
    }
    let measured = all.iter().all(|repetition| repetition.facts.allocations_measured);
    Snapshot {
        workload: Identity::from(workload),
        environment: environment.into(),
        totals: totals(all, measured),
        functions: functions
            .into_iter()
            .map(|(name, rows)| (name, figures(&rows, measured)))
            .filter(|(_, figures)| figures.calls.most > 0)
            .collect(),
        sites: sites
            .into_iter()
            .map(|(name, rows)| (name, site_figures(&rows)))
            .filter(|(_, figures)| figures.allocs.most > 0)
            .collect(),
    }
}

/// Rows of a function's sites, by name.
type SiteRows = Vec<(String, SiteRow)>;

fn rows(facts: &Facts) -> Vec<(String, Row, SiteRows)> {
    let all: Vec<(&str, &str)> =
        facts.functions.iter().map(|it| (it.path.as_str(), it.id.as_str())).collect();
    let names = names::functions(&all);
    let described: Vec<_> = report::functions::rows(facts);
    let of = facts.functions.iter().zip(described).zip(names);
    of.map(|((function, shown), name)| {
        let row = Row {
            each: Each {
                calls: function.calls,
                allocs: function.total_allocs.count,
                alloc_bytes: function.total_allocs.bytes,
                reallocs: function.total_allocs.reallocs,
                polls: function.polls.map_or(0, |polls| polls.polls),
                first: function.first,
            },
            self_allocs: function.self_allocs.count,
            polls: function.polls.map(|polls| polls.polls),
            future_bytes: function.polls.map(|polls| polls.future_bytes),
            self_ns: function.self_ns,
            p50_ns: shown.p50_ns,
            p95_ns: shown.p95_ns,
            p99_ns: shown.p99_ns,
        };
        let places: Vec<names::Place<'_>> = function
            .sites
            .iter()
            .map(|site| (site.index, site.kind.name(), site.label.as_str()))
            .collect();
        let sites = names::sites(&name, &places).into_iter().zip(&function.sites);
        let sites = sites.map(|(name, site)| {
            let (allocs, alloc_bytes) = (site.allocs.count, site.allocs.bytes);
            (name, SiteRow { count: site.count, allocs, alloc_bytes })
        });
        (name, row, sites.collect())
    })
    .collect()
}

fn totals(all: &[Repeated<'_>], measured: bool) -> Totals {
    let count = |of: fn(&Facts) -> u64| {
        let counts = all.iter().map(|repetition| of(repetition.facts));
        measured.then(|| Count::of(counts)).flatten()
    };
    let sum = |facts: &Facts, outside: u64, of: fn(&crate::profile::Allocs) -> u64| {
        facts.functions.iter().fold(outside, |sum, function| sum + of(&function.self_allocs))
    };
    // Sums of own allocations: each counts once.
    let each = |of: fn(&crate::profile::Allocs) -> u64| {
        let counts = all.iter().map(|it| sum(it.facts, of(&it.facts.outside_allocs), of));
        measured.then(|| Count::of(counts)).flatten()
    };
    Totals {
        wall_ns: all.iter().map(|repetition| repetition.facts.wall_ns).collect(),
        cpu_ns: all.iter().filter_map(|repetition| repetition.facts.cpu_ns).collect(),
        allocs: each(|allocs| allocs.count),
        alloc_bytes: each(|allocs| allocs.bytes),
        reallocs: each(|allocs| allocs.reallocs),
        peak_live_bytes: count(|facts| facts.peak_live_bytes.unwrap_or_default()),
        instructions: None,
    }
}

fn figures(rows: &[Row], measured: bool) -> Figures {
    let count =
        |of: fn(&Each) -> u64| Count::of(rows.iter().map(|row| of(&row.each))).unwrap_or_default();
    Figures {
        calls: count(|each| each.calls),
        allocs: measured.then(|| count(|each| each.allocs)),
        alloc_bytes: measured.then(|| count(|each| each.alloc_bytes)),
        reallocs: measured.then(|| count(|each| each.reallocs)),
        self_allocs: measured
            .then(|| Count::of(rows.iter().map(|row| row.self_allocs)).unwrap_or_default()),
        // Of one call it is all.
        first: rows.iter().filter(|row| row.each.calls > 1).filter_map(|row| row.each.first).min(),
        each: rows.iter().map(|row| row.each).collect(),
        polls: Count::of(rows.iter().filter_map(|row| row.polls)),
        future_bytes: Count::of(rows.iter().filter_map(|row| row.future_bytes)),
        self_ns: rows.iter().map(|row| row.self_ns).collect(),
        p50_ns: rows.iter().filter_map(|row| row.p50_ns).collect(),
        p95_ns: rows.iter().filter_map(|row| row.p95_ns).collect(),
        p99_ns: rows.iter().filter_map(|row| row.p99_ns).collect(),
    }
}

fn site_figures(rows: &[SiteRow]) -> SiteFigures {
    let count = |of: fn(&SiteRow) -> u64| Count::of(rows.iter().map(of)).unwrap_or_default();
    SiteFigures {
        count: count(|row| row.count),
        allocs: count(|row| row.allocs),
        alloc_bytes: count(|row| row.alloc_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::busy;
    use crate::schema::Exit;

    fn workload() -> Workload {
        Workload {
            kind: "bin".to_owned(),
            package: "app".to_owned(),
            name: "app".to_owned(),
            args: Vec::new(),
            exit: Exit::default(),
        }
    }

    #[test]
    fn repetitions_that_differ_leave_a_range() {
        let first = busy();
        let mut second = busy();
        second.functions[0].total_allocs.count += 5;
        second.functions[0].self_ns = 1;
        second.functions[0].sites[0].allocs.count += 2;
        let all = [Repeated { facts: &first }, Repeated { facts: &second }];
        let snapshot = gather(&workload(), &Environment::default(), &all);
        assert_eq!(snapshot.repetitions(), 2);
        let (name, figures) = snapshot.functions.first_key_value().unwrap();
        let allocs = figures.allocs.unwrap();
        assert_eq!(allocs.most - allocs.least, 5);
        assert!(figures.calls.is_exact());
        assert_eq!(figures.self_ns, [first.functions[0].self_ns, 1]);
        let site = &snapshot.sites[&format!("{name} clone `name.clone()`")];
        assert_eq!(site.allocs.most - site.allocs.least, 2);
        assert_eq!(snapshot.sites.len(), 1, "the print allocates nothing");
    }

    #[test]
    fn without_a_counting_allocator_there_are_no_allocations() {
        let facts = Facts { allocations_measured: false, ..busy() };
        let snapshot = gather(&workload(), &Environment::default(), &[Repeated { facts: &facts }]);
        assert_eq!(snapshot.totals.allocs, None);
        assert!(snapshot.functions.values().all(|figures| figures.allocs.is_none()));
    }
}
