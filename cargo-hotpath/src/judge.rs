//! Holds what was measured against budgets and the baseline.

mod causes;
mod error;
mod figure;
mod limits;

use std::collections::BTreeMap;

use hotpath_runtime_syntax::Budget as Limits;
use hotpath_runtime_syntax::budget::{Limit, Metric, Unit};

use crate::compare::noise::Times;
use crate::config::BudgetEntry;
use crate::schema::{Budget, BudgetOrigin, BudgetStatus, Function, Report, Warning};
use crate::snapshot::{Snapshot, names};

pub use error::JudgeError;
pub use limits::{check_entries, check_matches, of_entry};

use figure::Figure;

/// All that a verdict is made of.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// What was measured, all repetitions.
    pub new: &'a Snapshot,
    /// The report of one of them: where functions and sites are.
    pub report: &'a Report,
    /// What it was before, by name.
    pub baseline: Option<(&'a str, &'a Snapshot)>,
    /// Limits of the configuration.
    pub entries: &'a BTreeMap<String, BudgetEntry>,
    /// Limits of attributes, by the function's id.
    pub attributes: &'a BTreeMap<String, Limits>,
}

/// Verdicts.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Every budget, broken ones first.
    pub budgets: Vec<Budget>,
    /// What could not be judged, and what to know of the rest.
    pub warnings: Vec<Warning>,
}

impl Verdict {
    /// Whether a budget is broken.
    pub fn is_broken(&self) -> bool {
        self.budgets.iter().any(|budget| budget.status == BudgetStatus::Fail)
    }
}

/// Judges every budget.
///
/// # Errors
///
/// Budgets that contradict each other, and figures that were not measured.
pub fn judge(inputs: &Inputs<'_>) -> Result<Verdict, JudgeError> {
    if let Some((name, baseline)) = inputs.baseline
        && baseline.measures_allocations()
        && !inputs.new.measures_allocations()
    {
        return Err(JudgeError::BaselineUnmet { name: name.to_owned() });
    }
    let mut verdict = Verdict { warnings: warnings(inputs), ..Verdict::default() };
    for set in limits::all(inputs, &mut verdict.warnings)? {
        if let Some(budget) = one(inputs, &set, &mut verdict.warnings)? {
            verdict.budgets.push(budget);
        }
    }
    for budget in verdict.budgets.iter_mut().filter(|it| it.status == BudgetStatus::Fail) {
        budget.causes = causes::of(inputs, budget);
    }
    let key = |it: &Budget| {
        (it.status == BudgetStatus::Pass, it.origin == BudgetOrigin::Baseline, it.target.clone())
    };
    verdict.budgets.sort_by_key(key);
    Ok(verdict)
}

/// A limit that somebody set.
struct Set<'a> {
    /// The function; `None` for the workload.
    function: Option<(&'a Function, String)>,
    metric: Metric,
    limit: Limit,
    origin: BudgetOrigin,
}

impl Set<'_> {
    fn target(&self) -> String {
        self.function.as_ref().map_or_else(|| "*".to_owned(), |(function, _)| function.path.clone())
    }
}

/// Judges one; `None` for what this baseline or machine can't say, which is warned of.
fn one(
    inputs: &Inputs<'_>,
    set: &Set<'_>,
    warnings: &mut Vec<Warning>,
) -> Result<Option<Budget>, JudgeError> {
    let of = |snapshot: &Snapshot| match &set.function {
        Some((_, name)) => {
            snapshot.functions.get(name).and_then(|it| figure::of_function(set.metric, it))
        }
        None => figure::of_workload(set.metric, &snapshot.totals),
    };
    let Some(new) = of(inputs.new) else {
        return Err(JudgeError::NotMeasured { target: set.target(), metric: set.metric });
    };
    let (limit, actual, is_broken) = match set.limit {
        Limit::AtMost(limit) => (limit, new.least(), exceeds(new.least(), limit)),
        Limit::OverBaseline { pct } => {
            let Some((name, baseline)) = inputs.baseline else {
                return Err(JudgeError::NoBaseline { target: set.target(), metric: set.metric });
            };
            let is_time = set.metric.unit() == Unit::Nanoseconds;
            let is_alike = baseline.environment == inputs.new.environment;
            let why = match of(baseline) {
                None => "it has no such figure",
                Some(_) if is_time && !is_alike => "it is of another machine, toolchain or profile",
                Some(base) => {
                    let judged = if is_time {
                        against_times(&base, &new, pct)
                    } else {
                        let limit = base.most() * (1.0 + pct / 100.0);
                        (limit, new.least(), exceeds(new.least(), limit))
                    };
                    return Ok(Some(budget(set, &new, judged)));
                }
            };
            let message = format!(
                "`{}` of `{}` was not held against baseline `{name}`: {why}",
                set.metric,
                set.target()
            );
            warnings.push(Warning { id: "budget-not-judged".to_owned(), message });
            return Ok(None);
        }
    };
    Ok(Some(budget(set, &new, (limit, actual, is_broken))))
}

/// Median against median; broken where the interval of their ratio lies above the limit.
fn against_times(base: &Figure, new: &Figure, pct: f64) -> (f64, f64, bool) {
    let factor = 1.0 + pct / 100.0;
    match Times::of(&base.rounded(), &new.rounded()) {
        Some(times) => (times.base_ns * factor, times.new_ns, times.ratio_low > factor),
        None => (base.most() * factor, new.least(), false),
    }
}

/// More than what rounding does to quotients.
fn exceeds(actual: f64, limit: f64) -> bool {
    actual > limit + 1e-9 * limit.abs().max(1.0)
}

fn budget(set: &Set<'_>, new: &Figure, (limit, actual, is_broken): (f64, f64, bool)) -> Budget {
    let function = set.function.as_ref().map(|(function, _)| *function);
    Budget {
        target: set.target(),
        metric: set.metric.name().to_owned(),
        limit,
        actual,
        actual_most: new.most().max(actual),
        status: if is_broken { BudgetStatus::Fail } else { BudgetStatus::Pass },
        origin: set.origin,
        function: function.map(|function| function.id.clone()),
        file: function.map(|function| function.file.clone()),
        line: function.map(|function| function.line),
        column: function.map(|function| function.column),
        causes: Vec::new(),
    }
}

fn warnings(inputs: &Inputs<'_>) -> Vec<Warning> {
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
        if baseline.workload.args != inputs.new.workload.args {
            warn(
                "other-arguments",
                format!(
                    "baseline `{name}` ran with other arguments: `{}`, now `{}`",
                    baseline.workload.args.join(" "),
                    inputs.new.workload.args.join(" ")
                ),
            );
        }
    }
    let differing: Vec<&str> = inputs
        .new
        .functions
        .iter()
        .filter(|(_, it)| it.allocs.is_some_and(|allocs| !allocs.is_exact()))
        .map(|(name, _)| names::path_of(name))
        .collect();
    if let Some(first) = differing.first() {
        let more = match differing.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        warn(
            "differing-allocations",
            format!(
                "the program doesn't allocate the same each time (`{first}`{more}): it is judged by \
                 the repetition with the fewest"
            ),
        );
    }
    warnings
}

#[cfg(test)]
mod tests;
