//! Why a budget is broken: the places below its function that allocate.

use std::collections::{BTreeMap, BTreeSet};

use hotpath_runtime_syntax::budget::{Metric, Unit};

use super::Inputs;
use crate::schema::{Budget, Cause, Function, Site};
use crate::snapshot::Known;

/// Places named at most.
const MOST: usize = 5;

/// What a place did, and did more than in the baseline.
struct Place {
    cause: Cause,
    more_bytes: Option<i64>,
}

/// Where it allocates, what rose most first; nothing for a budget of time.
pub(super) fn of(inputs: &Inputs<'_>, budget: &Budget) -> Vec<Cause> {
    let metric: Option<Metric> = budget.metric.parse().ok();
    let by_bytes = match metric.map(Metric::unit) {
        Some(Unit::Bytes) => true,
        Some(Unit::Count) if budget.metric.contains("alloc") => false,
        _ => return Vec::new(),
    };
    let below = below(inputs, budget.function.as_deref());
    let index: BTreeMap<&str, (&str, &Known)> = (inputs.new.index.iter())
        .map(|(name, known)| (known.id.as_str(), (name.as_str(), known)))
        .collect();
    let functions = inputs.report.functions.iter();
    let functions = functions.filter(|function| below.contains(function.id.as_str()));
    let functions =
        functions.filter_map(|function| Some((function, *index.get(function.id.as_str())?)));
    let mut places: Vec<Place> =
        functions.flat_map(|(function, known)| places(inputs, function, known)).collect();
    places.retain(|place| place.cause.allocs > 0);
    let rise = |place: &Place| {
        if by_bytes { place.more_bytes } else { place.cause.more_allocs }
    };
    let has_risen = places.iter().any(|place| rise(place).is_some_and(|more| more > 0));
    if has_risen {
        places.retain(|place| rise(place).is_none_or(|more| more > 0));
    }
    places.sort_by_key(|place| {
        let size = if by_bytes { place.cause.alloc_bytes } else { place.cause.allocs };
        std::cmp::Reverse((rise(place).filter(|_| has_risen).unwrap_or(0), size))
    });
    places.into_iter().take(MOST).map(|place| place.cause).collect()
}

/// Ids of the function and of all that it calls; of every function without one.
fn below<'a>(inputs: &Inputs<'a>, function: Option<&str>) -> BTreeSet<&'a str> {
    let report = inputs.report;
    let Some(function) = function else {
        return report.functions.iter().map(|function| function.id.as_str()).collect();
    };
    let mut calls: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in &report.edges {
        if let Some(caller) = &edge.caller {
            calls.entry(caller).or_default().push(&edge.callee);
        }
    }
    let first = report.functions.iter().map(|it| it.id.as_str()).filter(|id| *id == function);
    let mut queue: Vec<&str> = first.collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = queue.pop() {
        if seen.insert(id) {
            queue.extend(calls.get(id).into_iter().flatten());
        }
    }
    seen
}

/// The sites of a function, and the rest of it.
fn places(inputs: &Inputs<'_>, function: &Function, (name, known): (&str, &Known)) -> Vec<Place> {
    let rows = inputs.report.sites.iter().filter(|site| site.function == function.id);
    let index = |site: &Site| site.id.rsplit(':').next().and_then(|it| it.parse().ok());
    let rows = rows.filter_map(|site| Some((site, known.sites.get(&index(site)?)?)));
    // The function as it was, and what its sites are called there.
    let base = inputs.baseline.and_then(|(_, baseline)| {
        let (old_name, figures) = baseline.function_like(name, known)?;
        Some((&baseline.sites, old_name, figures))
    });
    let mut by_site: BTreeMap<&str, Place> = BTreeMap::new();
    for (site, key) in rows {
        let place = by_site.entry(key).or_insert_with(|| Place {
            cause: Cause {
                site: Some(site.id.clone()),
                function: function.path.clone(),
                file: site.file.clone(),
                line: site.line,
                column: site.column,
                text: site.text.clone(),
                count: 0,
                allocs: 0,
                alloc_bytes: 0,
                more_allocs: None,
            },
            more_bytes: None,
        });
        place.cause.count += site.count;
        place.cause.allocs += site.allocs.unwrap_or_default();
        place.cause.alloc_bytes += site.alloc_bytes.unwrap_or_default();
    }
    let (mut allocs, mut bytes) = (0, 0);
    for (key, place) in &mut by_site {
        allocs += place.cause.allocs;
        bytes += place.cause.alloc_bytes;
        // What a function that it knows doesn't hold, wasn't there or didn't allocate.
        let Some((sites, old_name, _)) = base else { continue };
        let key = format!("{old_name}{}", key.strip_prefix(name).unwrap_or_default());
        let base = sites.get(&key).cloned().unwrap_or_default();
        place.cause.more_allocs = Some(less(place.cause.allocs, base.allocs.most));
        place.more_bytes = Some(less(place.cause.alloc_bytes, base.alloc_bytes.most));
    }
    let own = function.self_allocs.unwrap_or_default().saturating_sub(allocs);
    let of_base = base.and_then(|(sites, old_name, base)| {
        let prefix = format!("{old_name} ");
        let sites = sites.range(prefix.clone()..);
        let sites = sites.take_while(|(key, _)| key.starts_with(&prefix));
        let of_sites: u64 = sites.map(|(_, site)| site.allocs.most).sum();
        Some(base.self_allocs?.most.saturating_sub(of_sites))
    });
    let rest = Cause {
        site: None,
        function: function.path.clone(),
        file: function.file.clone(),
        line: function.line,
        column: function.column,
        text: "outside of measured expressions".to_owned(),
        count: function.calls,
        allocs: own,
        alloc_bytes: function.self_alloc_bytes.unwrap_or_default().saturating_sub(bytes),
        more_allocs: of_base.map(|base| less(own, base)),
    };
    by_site.into_values().chain([Place { cause: rest, more_bytes: None }]).collect()
}

fn less(new: u64, base: u64) -> i64 {
    i64::try_from(i128::from(new) - i128::from(base)).unwrap_or(i64::MAX)
}
