//! Repetitions to a snapshot.

use std::collections::{BTreeMap, BTreeSet};

use super::{Count, Each, Figures, Identity, Known, SiteFigures, Snapshot, Totals, names};
use crate::facts::{Facts, FunctionFacts, SiteFacts};
use crate::profile::Allocs;
use crate::report;
use crate::schema::{Environment, Function, Workload};

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
    is_async: bool,
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
    let (index, names) = index(all);
    let mut functions: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
    let mut sites: BTreeMap<&str, Vec<SiteRow>> = BTreeMap::new();
    for (at, repetition) in all.iter().enumerate() {
        let shown = report::functions::rows(repetition.facts);
        for (function, shown) in repetition.facts.functions.iter().zip(&shown) {
            let Some(name) = names.get(&key(function)) else { continue };
            let empty = || vec![Row::default(); all.len()];
            functions.entry(name).or_insert_with(empty)[at] = row(function, shown);
            for site in &function.sites {
                let Some(name) = index.get(name).and_then(|it| it.sites.get(&site.index)) else {
                    continue;
                };
                let entry = sites.entry(name);
                let sum = &mut entry.or_insert_with(|| vec![SiteRow::default(); all.len()])[at];
                sum.count += site.count;
                sum.allocs += site.allocs.count;
                sum.alloc_bytes += site.allocs.bytes;
            }
        }
    }
    let measured = all.iter().all(|repetition| repetition.facts.allocations_measured);
    let functions: BTreeMap<String, Figures> = functions
        .into_iter()
        .map(|(name, rows)| (name.to_owned(), figures(&rows, measured)))
        .filter(|(_, figures)| figures.calls.most > 0)
        .collect();
    let sites = sites
        .into_iter()
        .map(|(name, rows)| (name.to_owned(), site_figures(&rows)))
        .filter(|(_, figures)| figures.allocs.most > 0)
        .collect();
    Snapshot {
        workload: Identity::from(workload),
        environment: environment.into(),
        totals: totals(all, measured),
        functions,
        sites,
        index,
    }
}

/// What tells functions apart.
type Key<'f> = (&'f str, &'f str);

fn key(function: &FunctionFacts) -> Key<'_> {
    (function.path.as_str(), function.id.as_str())
}

/// Every function of any repetition, and the names of them. Names hang on what else there is: each
/// repetition by itself might call the same function differently.
fn index<'f>(all: &[Repeated<'f>]) -> (BTreeMap<String, Known>, BTreeMap<Key<'f>, String>) {
    let mut functions: BTreeMap<Key<'f>, (&FunctionFacts, BTreeSet<names::Place<'f>>)> =
        BTreeMap::new();
    for function in all.iter().flat_map(|repetition| &repetition.facts.functions) {
        let (_, places) =
            functions.entry(key(function)).or_insert_with(|| (function, BTreeSet::new()));
        let place = |site: &'f SiteFacts| (site.index, site.kind.name(), site.label.as_str());
        places.extend(function.sites.iter().map(place));
    }
    let keys: Vec<Key<'f>> = functions.keys().copied().collect();
    let mut index = BTreeMap::new();
    let mut by_key = BTreeMap::new();
    for ((key, (function, places)), name) in functions.into_iter().zip(names::functions(&keys)) {
        let places: Vec<names::Place<'_>> = places.into_iter().collect();
        let sites = names::sites(&name, &places);
        let known = Known {
            path: function.path.clone(),
            id: function.id.clone(),
            file: function.file.clone(),
            line: function.line,
            column: function.column,
            budget: function.budget.clone(),
            sites: places.iter().map(|(index, ..)| *index).zip(sites).collect(),
        };
        index.insert(name.clone(), known);
        by_key.insert(key, name);
    }
    (index, by_key)
}

fn row(function: &FunctionFacts, shown: &Function) -> Row {
    Row {
        each: Each {
            calls: function.calls,
            allocs: function.total_allocs.count,
            alloc_bytes: function.total_allocs.bytes,
            reallocs: function.total_allocs.reallocs,
            self_allocs: function.self_allocs.count,
            polls: function.polls.map_or(0, |polls| polls.polls),
            first: function.first,
        },
        is_async: function.polls.is_some(),
        future_bytes: function.polls.map(|polls| polls.future_bytes),
        self_ns: function.self_ns,
        p50_ns: shown.p50_ns,
        p95_ns: shown.p95_ns,
        p99_ns: shown.p99_ns,
    }
}

fn totals(all: &[Repeated<'_>], measured: bool) -> Totals {
    // Sums of own allocations: each counts once.
    let count = |of: fn(&Allocs) -> u64| {
        let sum = |facts: &Facts| {
            let own = facts.functions.iter().map(|function| of(&function.self_allocs));
            own.fold(of(&facts.outside_allocs), |sum, allocs| sum + allocs)
        };
        measured.then(|| Count::of(all.iter().map(|it| sum(it.facts)))).flatten()
    };
    let peaks: Option<Vec<u64>> = all.iter().map(|it| it.facts.peak_live_bytes).collect();
    Totals {
        wall_ns: all.iter().map(|repetition| repetition.facts.wall_ns).collect(),
        cpu_ns: all.iter().filter_map(|repetition| repetition.facts.cpu_ns).collect(),
        allocs: count(|allocs| allocs.count),
        alloc_bytes: count(|allocs| allocs.bytes),
        reallocs: count(|allocs| allocs.reallocs),
        peak_live_bytes: peaks.filter(|_| measured).and_then(Count::of),
        instructions: None,
    }
}

fn figures(rows: &[Row], measured: bool) -> Figures {
    let each = rows.iter().map(|row| row.each).collect();
    Figures {
        future_bytes: Count::of(rows.iter().filter_map(|row| row.future_bytes)),
        self_ns: rows.iter().map(|row| row.self_ns).collect(),
        p50_ns: rows.iter().filter_map(|row| row.p50_ns).collect(),
        p95_ns: rows.iter().filter_map(|row| row.p95_ns).collect(),
        p99_ns: rows.iter().filter_map(|row| row.p99_ns).collect(),
        ..Figures::of_each(each, measured, rows.iter().any(|row| row.is_async))
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
    fn names_do_not_hang_on_what_a_repetition_reached() {
        let mut both = busy();
        let mut twin = both.functions[0].clone();
        twin.id = "another".to_owned();
        both.functions.push(twin);
        let only = busy();
        let of = |all: &[&Facts]| {
            let all: Vec<Repeated<'_>> = all.iter().map(|facts| Repeated { facts }).collect();
            gather(&workload(), &Environment::default(), &all)
        };
        let snapshot = of(&[&only, &both]);
        let names: Vec<&String> = snapshot.functions.keys().collect();
        assert_eq!(names.len(), 2, "{names:?}");
        assert!(names.iter().all(|name| name.ends_with(']')), "{names:?}");
        // The first of two sites that look alike was hit only in one of them.
        let mut second = busy();
        second.functions[0].sites[0].index = 7;
        let later = of(&[&second]).sites;
        second.functions[0].sites.push(busy().functions[0].sites[0].clone());
        let sites = of(&[&second, &only]).sites;
        assert_eq!((later.len(), sites.len()), (1, 2), "{sites:?}");
        let numbered = sites.iter().find(|(name, _)| name.ends_with("#2")).unwrap();
        assert_eq!(numbered.1.count.least, 0, "the later one, which one repetition lacks");
    }

    #[test]
    fn what_was_not_measured_is_not_0() {
        let facts = busy();
        assert!(facts.allocations_measured && facts.peak_live_bytes.is_none());
        let snapshot = gather(&workload(), &Environment::default(), &[Repeated { facts: &facts }]);
        assert_eq!(snapshot.totals.peak_live_bytes, None);
    }

    #[test]
    fn without_a_counting_allocator_there_are_no_allocations() {
        let facts = Facts { allocations_measured: false, ..busy() };
        let snapshot = gather(&workload(), &Environment::default(), &[Repeated { facts: &facts }]);
        assert_eq!(snapshot.totals.allocs, None);
        assert!(snapshot.functions.values().all(|figures| figures.allocs.is_none()));
    }
}
