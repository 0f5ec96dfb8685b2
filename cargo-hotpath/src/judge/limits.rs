//! Which limits hold for what was measured: the configuration's, else the attribute's; beside them the
//! baseline's.

use std::collections::{BTreeMap, BTreeSet};

use hotpath_runtime_syntax::budget::{Limit, Metric};

use super::{Inputs, JudgeError, Set, entries};
use crate::schema::{BudgetOrigin, Warning};
use crate::snapshot::{Count, Known};

/// What the baseline allows of itself: as much as it has.
const AS_BEFORE: Limit = Limit::OverBaseline { pct: 0.0 };

/// Every limit that holds for what was measured in any repetition.
pub(super) fn all<'a>(
    inputs: &Inputs<'a>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Set<'a>>, JudgeError> {
    let mut sets = Vec::new();
    let mut judged: BTreeSet<&str> = BTreeSet::new();
    for (name, known) in &inputs.new.index {
        if inputs.new.functions.contains_key(name) {
            judged.insert(&known.path);
            of_function(inputs, name, known, &mut sets)?;
        }
    }
    for entry in inputs.entries.values().filter(|entry| !entry.is_of_workload()) {
        if !judged.iter().any(|path| entry.takes(path)) {
            let message =
                format!("`{}` was not judged: this workload calls no such function", entry.key);
            warnings.push(Warning { id: "budget-not-reached".to_owned(), message });
        }
    }
    let workload = inputs.entries.values().find(|entry| entry.is_of_workload());
    let limits: Vec<(Metric, Limit)> =
        workload.into_iter().flat_map(|entry| entry.budget.limits()).collect();
    let set = |metric, limit, origin| Set { function: None, metric, limit, origin, pattern: None };
    if inputs.baseline.is_some_and(|(_, baseline)| baseline.measures_allocations())
        && inputs.has_baselines_arguments()
        && !allows_more(&limits)
    {
        sets.push(set(Metric::Allocs, AS_BEFORE, BudgetOrigin::Baseline));
    }
    let limits = limits.into_iter();
    sets.extend(limits.map(|(metric, limit)| set(metric, limit, BudgetOrigin::Configuration)));
    Ok(sets)
}

fn of_function<'a>(
    inputs: &Inputs<'a>,
    name: &'a str,
    known: &'a Known,
    sets: &mut Vec<Set<'a>>,
) -> Result<(), JudgeError> {
    let configured = entries::of_function(inputs.entries, &known.path)?;
    let own = known.budget.limits().filter(|(metric, _)| !configured.contains_key(metric));
    let own: BTreeMap<Metric, Limit> = own.collect();
    let mut limits: Vec<(Metric, Limit)> = own.iter().map(|(it, limit)| (*it, *limit)).collect();
    limits.extend(configured.iter().map(|(it, (limit, _))| (*it, *limit)));
    let function = Some((name, known));
    let mut add = |metric, limit, origin, pattern| {
        sets.push(Set { function, metric, limit, origin, pattern });
    };
    for (metric, (limit, entry)) in configured {
        let pattern = (entry.key != known.path).then_some(entry.key.as_str());
        add(metric, limit, BudgetOrigin::Configuration, pattern);
    }
    for (metric, limit) in own {
        add(metric, limit, BudgetOrigin::Attribute, None);
    }
    if let Some(metric) = of_baseline(inputs, name, known).filter(|_| !allows_more(&limits)) {
        add(metric, AS_BEFORE, BudgetOrigin::Baseline, None);
    }
    Ok(())
}

/// Whether one of these says how far allocations may exceed the baseline: that stands in place of what
/// the baseline says by itself. A limit that is no percentage doesn't.
fn allows_more(limits: &[(Metric, Limit)]) -> bool {
    limits.iter().any(|(metric, limit)| {
        matches!(metric, Metric::Allocs | Metric::AllocsPerCall)
            && matches!(limit, Limit::OverBaseline { .. })
    })
}

/// What the baseline limits of a function: its allocations where it is called as often, else those of
/// a call. With other arguments a single call says no more than the workload does.
///
/// What is called less often, and allocates no more in all, is better, whatever a call of it costs: a
/// buffer that grows costs fewer calls more of each. Nor do calls say anything where one side has but
/// one, which can't do without what the first call warms up.
fn of_baseline(inputs: &Inputs<'_>, name: &str, known: &Known) -> Option<Metric> {
    let (_, baseline) = inputs.baseline?;
    let ((_, base), new) = (baseline.function_like(name, known)?, inputs.new.functions.get(name)?);
    let has_risen = new.allocs?.least > base.allocs?.most;
    let does_less = !has_risen && is_called_less(base.calls, new.calls);
    let is_called_as_often = base.calls == new.calls && base.calls.is_exact();
    match inputs.has_baselines_arguments() {
        true if is_called_as_often || does_less => Some(Metric::Allocs),
        _ if does_less || base.calls.most.min(new.calls.most) <= 1 => None,
        _ => Some(Metric::AllocsPerCall),
    }
}

/// Whether there are fewer calls, and not by chance: where their number differs from repetition to
/// repetition, the same program must get the same verdict.
fn is_called_less(base: Count, new: Count) -> bool {
    if base.is_exact() {
        return new.least < base.least;
    }
    let spread = (base.most - base.least).max(new.most - new.least);
    new.most.saturating_add(spread) < base.least
}
