//! Which entries of the configuration are for which function.

use std::collections::{BTreeMap, BTreeSet};

use hotpath_runtime_syntax::budget::{Limit, Metric};

use super::JudgeError;
use crate::cargo::select::suggestion;
use crate::config::BudgetEntry;

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
            format!("`cargo hotpath report --top {many}` shows all functions that were measured")
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
    paths.into_iter().try_for_each(|path| of_function(entries, path).map(drop))
}

/// What the configuration says of a function: its own entry first, metric by metric, then those of
/// patterns.
pub(super) fn of_function<'e>(
    entries: &'e BTreeMap<String, BudgetEntry>,
    path: &str,
) -> Result<BTreeMap<Metric, (Limit, &'e BudgetEntry)>, JudgeError> {
    let mut limits: BTreeMap<Metric, (Limit, &BudgetEntry)> = BTreeMap::new();
    let own = own(entries, path);
    for (metric, limit) in own.iter().flat_map(|entry| entry.budget.limits()) {
        limits.extend(own.map(|entry| (metric, (limit, entry))));
    }
    for entry in patterns(entries, path) {
        for (metric, limit) in entry.budget.limits() {
            match limits.get(&metric) {
                None => {
                    limits.insert(metric, (limit, entry));
                }
                Some((other, first)) if first.key != path && *other != limit => {
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
    Ok(limits)
}

/// The entry for the function of this path alone, whatever it would be as a pattern.
fn own<'e>(entries: &'e BTreeMap<String, BudgetEntry>, path: &str) -> Option<&'e BudgetEntry> {
    entries.get(path).filter(|entry| !entry.is_of_workload())
}

/// Those for it and others.
fn patterns<'e>(
    entries: &'e BTreeMap<String, BudgetEntry>,
    path: &str,
) -> impl Iterator<Item = &'e BudgetEntry> {
    let takes = move |entry: &&BudgetEntry| entry.key != path && entry.takes(path);
    entries.values().filter(|entry| !entry.is_of_workload()).filter(takes)
}

/// The entry that gives a function or the workload (`*`) its limit for a metric.
pub fn of_entry<'e>(
    entries: &'e BTreeMap<String, BudgetEntry>,
    target: &str,
    metric: Metric,
) -> Option<&'e BudgetEntry> {
    let says = |entry: &&BudgetEntry| entry.budget.get(metric).is_some();
    let own = entries.get(target).filter(says);
    own.or_else(|| patterns(entries, target).find(says))
}
