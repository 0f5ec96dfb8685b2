//! What to know of verdicts, and what none was given on.

use std::collections::BTreeSet;

use hotpath_runtime_syntax::budget::{Limit, Metric};

use super::figure::Figure;
use super::hold::Judged;
use super::{Inputs, Set};
use crate::repeat::LEAST_FOR_VERDICT;
use crate::schema::Warning;
use crate::snapshot::Figures;
use crate::units;

/// Functions named at most in one sentence.
const NAMED: usize = 5;

/// Of the run and the baseline as a whole.
pub(super) fn of(inputs: &Inputs<'_>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut warn = |id: &str, message: String| {
        warnings.push(Warning { id: id.to_owned(), message });
    };
    if let Some((name, baseline)) = inputs.baseline {
        let differences = baseline.environment.differences(&inputs.new.environment);
        if !differences.is_empty() {
            warn(
                "other-environment",
                format!(
                    "baseline `{name}` is of another environment ({}): times are not held against \
                     it, and allocations may differ by that alone",
                    differences.join(", ")
                ),
            );
        }
        if !inputs.has_baselines_arguments() {
            warn(
                "other-arguments",
                format!(
                    "baseline `{name}` ran with other arguments (`{}`, now `{}`): only what calls cost \
                     is held against it, of functions that are called more than once, and as often or \
                     with more allocations in all",
                    baseline.workload.args.join(" "),
                    inputs.new.workload.args.join(" ")
                ),
            );
        }
    }
    if let Some(few) = few(inputs) {
        warn("few-repetitions", few);
    }
    let unsteady = unsteady(inputs);
    if !unsteady.is_empty() {
        warn(
            "unsteady",
            format!(
                "the program doesn't do the same each time in {} (seeds of hash maps, the order of \
                 threads): of such counts the repetition with the least is judged, and a baseline \
                 leaves room for as much as they differ",
                listed(unsteady.iter().copied())
            ),
        );
    }
    warnings
}

/// Where there are too few repetitions to see what differs between them.
fn few(inputs: &Inputs<'_>) -> Option<String> {
    let (name, baseline) = inputs.baseline?;
    let (base, new) = (baseline.repetitions(), inputs.new.repetitions());
    let least = LEAST_FOR_VERDICT as usize;
    let (whose, count) = match () {
        () if base < least => (format!("baseline `{name}`"), base),
        () if new < least => ("this run".to_owned(), new),
        () => return None,
    };
    Some(format!(
        "{whose} is of {}, which doesn't tell what the program does each time from what it does by \
         chance: `check` and `check --update` make {LEAST_FOR_VERDICT} or more",
        units::counted(count as u64, "repetition")
    ))
}

/// Paths of functions whose counts differ between repetitions, now or in the baseline.
fn unsteady<'a>(inputs: &Inputs<'a>) -> BTreeSet<&'a str> {
    let base = |name, known| Some(inputs.baseline?.1.function_like(name, known)?.1);
    let is_unsteady = |figures: &Figures| !figures.is_steady();
    let all = inputs.new.index.iter().filter(|(name, known)| {
        inputs.new.functions.get(*name).is_some_and(is_unsteady)
            || base(name.as_str(), known).is_some_and(is_unsteady)
    });
    all.map(|(_, known)| known.path.as_str()).collect()
}

/// A limit that this baseline can't judge.
pub(super) fn not_judged(inputs: &Inputs<'_>, set: &Set<'_>, why: &str) -> Warning {
    let name = inputs.baseline.map_or("", |(name, _)| name);
    let message = format!(
        "`{}` of `{}` was not held against baseline `{name}`: {why}",
        set.metric,
        set.target()
    );
    Warning { id: "budget-not-judged".to_owned(), message }
}

/// A number that the counts of some repetitions exceed, and those of others don't.
pub(super) fn by_chance(set: &Set<'_>, new: &Figure, judged: Judged) -> Option<Warning> {
    let is_number = matches!(set.limit, Limit::AtMost(_));
    let is_between = !judged.is_broken && judged.is_unsteady && new.most() > judged.limit;
    (is_number && is_between).then(|| Warning {
        id: "budget-by-chance".to_owned(),
        message: format!(
            "`{}` of `{}` is kept by chance: some repetitions exceed its limit; `--update` sets it to \
             the most that was seen",
            set.metric,
            set.target()
        ),
    })
}

/// Functions that a pattern takes and that have no such figure.
pub(super) fn lacking(key: &str, metric: Metric, lacking: &[String]) -> Option<Warning> {
    (!lacking.is_empty()).then(|| Warning {
        id: "budget-not-judged".to_owned(),
        message: format!(
            "`{metric}` of `{key}` was not judged where there is none: {}",
            listed(lacking.iter().map(String::as_str))
        ),
    })
}

/// `` `a`, `b` and 3 more ``.
fn listed<'a>(all: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = all.len().saturating_sub(NAMED);
    let shown: Vec<String> = all.take(NAMED).map(|name| format!("`{name}`")).collect();
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
