//! Which limits hold for which function: an attribute's, unless the configuration says another; the
//! baseline's where nobody says one.

use std::collections::{BTreeMap, BTreeSet};

use hotpath_runtime_syntax::Budget as Limits;
use hotpath_runtime_syntax::budget::{Limit, Metric};

use super::{Inputs, JudgeError, Set};
use crate::cargo::select::suggestion;
use crate::config::BudgetEntry;
use crate::schema::{BudgetOrigin, Function, Warning};
use crate::snapshot::{Count, Snapshot, names};

/// Refuses entries that match no function of these paths. `unmeasured` are paths of functions that
/// carry no attribute.
///
/// # Errors
///
/// [`JudgeError::Unmatched`] with the nearest path.
pub fn check_matches(
    entries: &BTreeMap<String, BudgetEntry>,
    known: &BTreeSet<String>,
    unmeasured: &dyn Fn() -> BTreeSet<String>,
) -> Result<(), JudgeError> {
    let is_lost = |entry: &&BudgetEntry| {
        !entry.is_of_workload() && !known.iter().any(|path| entry.takes(path))
    };
    let Some(entry) = entries.values().find(is_lost) else { return Ok(()) };
    let without = unmeasured();
    let hint = if without.iter().any(|path| entry.takes(path)) {
        "that is in the source, but not measured: write `#[hotpath]` above it, or check with `--auto`"
            .to_owned()
    } else {
        let known: Vec<String> = known.iter().cloned().collect();
        let (near, many) = (suggestion(&entry.key, &known), known.len());
        if near.starts_with("did you mean") || many <= 10 {
            near
        } else {
            format!("`cargo hotpath list` shows all {many} functions that are measured")
        }
    };
    let (key, file) = (entry.key.clone(), entry.file.clone());
    Err(JudgeError::Unmatched { key, file, table: entry.table.clone(), hint })
}

/// Refuses patterns that give one function different limits for one metric.
///
/// # Errors
///
/// [`JudgeError::Conflict`].
pub fn check_entries<'p>(
    entries: &BTreeMap<String, BudgetEntry>,
    paths: impl IntoIterator<Item = &'p str>,
) -> Result<(), JudgeError> {
    paths.into_iter().try_for_each(|path| of_entries(entries, path).map(drop))
}

/// What the configuration says of a function: its own entry first, metric by metric, then those of
/// patterns.
fn of_entries(
    entries: &BTreeMap<String, BudgetEntry>,
    path: &str,
) -> Result<BTreeMap<Metric, Limit>, JudgeError> {
    let mut limits: BTreeMap<Metric, (Limit, &BudgetEntry)> = BTreeMap::new();
    let own = entries.get(path).filter(|entry| entry.is_exact());
    for (metric, limit) in own.iter().flat_map(|entry| entry.budget.limits()) {
        limits.extend(own.map(|entry| (metric, (limit, entry))));
    }
    let is_pattern = |entry: &&BudgetEntry| !entry.is_exact() && !entry.is_of_workload();
    for entry in entries.values().filter(is_pattern).filter(|entry| entry.takes(path)) {
        for (metric, limit) in entry.budget.limits() {
            match limits.get(&metric) {
                None => {
                    limits.insert(metric, (limit, entry));
                }
                Some((other, first)) if !first.is_exact() && *other != limit => {
                    return Err(JudgeError::Conflict {
                        path: path.to_owned(),
                        metric,
                        first: first.key.clone(),
                        second: entry.key.clone(),
                        file: entry.file.clone(),
                    });
                }
                Some(_) => {}
            }
        }
    }
    Ok(limits.into_iter().map(|(metric, (limit, _))| (metric, limit)).collect())
}

/// The entry that gives a function or the workload (`*`) its limit for a metric.
pub fn of_entry<'e>(
    entries: &'e BTreeMap<String, BudgetEntry>,
    target: &str,
    metric: Metric,
) -> Option<&'e BudgetEntry> {
    let says = |entry: &&BudgetEntry| entry.budget.get(metric).is_some();
    let own = entries.get(target).filter(says);
    own.or_else(|| {
        let is_pattern = |entry: &&BudgetEntry| !entry.is_exact() && !entry.is_of_workload();
        entries.values().filter(is_pattern).find(|entry| says(entry) && entry.takes(target))
    })
}

/// Every limit that holds for what was measured.
pub(super) fn all<'a>(
    inputs: &Inputs<'a>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Set<'a>>, JudgeError> {
    let mut sets = Vec::new();
    let functions = &inputs.report.functions;
    let pairs: Vec<(&str, &str)> =
        functions.iter().map(|it| (it.path.as_str(), it.id.as_str())).collect();
    let mut judged: BTreeSet<&str> = BTreeSet::new();
    for (function, name) in functions.iter().zip(names::functions(&pairs)) {
        if !inputs.new.functions.contains_key(&name) {
            continue;
        }
        let configured = of_entries(inputs.entries, &function.path)?;
        let attribute = inputs.attributes.get(&function.id).cloned().unwrap_or_default();
        judged.insert(&function.path);
        sets.extend(of_function(inputs, function, &name, &configured, &attribute));
    }
    for entry in inputs.entries.values().filter(|entry| !entry.is_of_workload()) {
        if !judged.iter().any(|path| entry.takes(path)) {
            let message =
                format!("`{}` was not judged: this workload calls no such function", entry.key);
            warnings.push(Warning { id: "budget-not-reached".to_owned(), message });
        }
    }
    let workload = inputs.entries.values().find(|entry| entry.is_of_workload());
    let configured: BTreeMap<Metric, Limit> =
        workload.into_iter().flat_map(|entry| entry.budget.limits()).collect();
    let of_workload = |metric, limit, origin| Set { function: None, metric, limit, origin };
    if let (Some(limit), false) = (
        inputs.baseline.and_then(|(_, baseline)| unless_unmeasured(inputs.new, baseline)),
        configured.contains_key(&Metric::Allocs),
    ) {
        sets.push(of_workload(Metric::Allocs, limit, BudgetOrigin::Baseline));
    }
    let configured = configured.into_iter();
    sets.extend(configured.map(|(it, limit)| of_workload(it, limit, BudgetOrigin::Configuration)));
    Ok(sets)
}

fn unless_unmeasured(new: &Snapshot, baseline: &Snapshot) -> Option<Limit> {
    let most = baseline.totals.allocs.map(|allocs| allocs.most as f64);
    new.totals.allocs.and(most).map(Limit::AtMost)
}

fn of_function<'a>(
    inputs: &Inputs<'a>,
    function: &'a Function,
    name: &str,
    configured: &BTreeMap<Metric, Limit>,
    attribute: &Limits,
) -> Vec<Set<'a>> {
    let set = |metric, limit, origin| Set {
        function: Some((function, name.to_owned())),
        metric,
        limit,
        origin,
    };
    let mut sets: Vec<Set<'a>> = configured
        .iter()
        .map(|(metric, limit)| set(*metric, *limit, BudgetOrigin::Configuration))
        .collect();
    let own = attribute.limits().filter(|(metric, _)| !configured.contains_key(metric));
    sets.extend(own.map(|(metric, limit)| set(metric, limit, BudgetOrigin::Attribute)));
    let is_limited = |metric| sets.iter().any(|set: &Set<'_>| set.metric == metric);
    if is_limited(Metric::AllocsPerCall) || is_limited(Metric::Allocs) {
        return sets;
    }
    if let Some((metric, limit)) = of_baseline(inputs, name) {
        sets.push(set(metric, limit, BudgetOrigin::Baseline));
    }
    sets
}

/// What the baseline allows a function to allocate: as much where it is called as often, else as much
/// per call.
fn of_baseline(inputs: &Inputs<'_>, name: &str) -> Option<(Metric, Limit)> {
    let (_, baseline) = inputs.baseline?;
    let (base, new) = (baseline.functions.get(name)?, inputs.new.functions.get(name)?);
    new.allocs?;
    let Count { most, .. } = base.allocs?;
    if base.calls == new.calls && base.calls.is_exact() {
        return Some((Metric::Allocs, Limit::AtMost(most as f64)));
    }
    let per_call = super::figure::of_function(Metric::AllocsPerCall, base)?;
    Some((Metric::AllocsPerCall, Limit::AtMost(per_call.most())))
}
