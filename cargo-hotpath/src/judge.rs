//! Holds what was measured against budgets and the baseline.

mod causes;
mod entries;
mod error;
mod figure;
mod hold;
mod limits;
mod warnings;

use std::collections::BTreeMap;

use hotpath_runtime_syntax::budget::{Limit, Metric, Unit};

use crate::compare::noise::{self, Claim, Times};
use crate::config::BudgetEntry;
use crate::schema::{Budget, BudgetOrigin, BudgetStatus, Report, Warning};
use crate::snapshot::{Known, Snapshot};

pub use entries::{check_entries, check_matches, of_entry};
pub use error::JudgeError;

use figure::Figure;
use hold::{Held, Judged};

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
}

impl Inputs<'_> {
    /// Whether the workload had the arguments that the baseline is of: with others its totals say
    /// nothing.
    fn has_baselines_arguments(&self) -> bool {
        self.baseline.is_none_or(|(_, baseline)| baseline.workload.args == self.new.workload.args)
    }
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

    fn add(&mut self, inputs: &Inputs<'_>, set: &Set<'_>, new: &Figure, held: Held) {
        match held {
            Held::Judged(judged) => {
                self.warnings.extend(warnings::by_chance(set, new, judged));
                self.budgets.push(budget(set, new, judged));
            }
            Held::Unjudged(why) => self.warnings.push(warnings::not_judged(inputs, set, &why)),
            Held::Timed(_) => {}
        }
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
    let mut verdict = Verdict { warnings: warnings::of(inputs), ..Verdict::default() };
    let mut patterns: BTreeMap<(&str, Metric), Pattern> = BTreeMap::new();
    let mut of_times = Vec::new();
    for set in limits::all(inputs, &mut verdict.warnings)? {
        let of = of(&set, inputs.new);
        let lacks_it = of.is_none() && !is_of_allocations(set.metric);
        if let Some(key) = set.pattern {
            let pattern = patterns.entry((key, set.metric)).or_default();
            if lacks_it {
                pattern.lacking.push(set.target());
                continue;
            }
            pattern.has_any = true;
        }
        let Some(new) = of else {
            return Err(JudgeError::NotMeasured { target: set.target(), metric: set.metric });
        };
        match one(inputs, &set, &new)? {
            Held::Timed(times) => of_times.push((set, new, times)),
            held => verdict.add(inputs, &set, &new, held),
        }
    }
    for (set, new, held) in together(inputs, of_times) {
        verdict.add(inputs, &set, &new, held);
    }
    for ((key, metric), pattern) in patterns {
        if !pattern.has_any {
            return Err(JudgeError::NotMeasured { target: key.to_owned(), metric });
        }
        verdict.warnings.extend(warnings::lacking(key, metric, &pattern.lacking));
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

/// A metric of a pattern, over the functions that it takes.
#[derive(Default)]
struct Pattern {
    has_any: bool,
    lacking: Vec<String>,
}

/// A limit that somebody set.
struct Set<'a> {
    /// The function by its name; `None` for the workload.
    function: Option<(&'a str, &'a Known)>,
    metric: Metric,
    limit: Limit,
    origin: BudgetOrigin,
    /// The entry, where it is for more than this function.
    pattern: Option<&'a str>,
}

impl Set<'_> {
    fn target(&self) -> String {
        self.function.map_or_else(|| "*".to_owned(), |(_, known)| known.path.clone())
    }

    /// Whether it depends on how much the workload is given to do.
    fn is_of_total(&self) -> bool {
        self.function.is_none() || matches!(self.metric, Metric::Allocs | Metric::AllocBytes)
    }

    /// Whether calls of one side are counted without the first, and on the other there is no second.
    fn lacks_a_second_call(&self, new: &Snapshot, base: &Snapshot) -> bool {
        let is_without_first = matches!(
            self.metric,
            Metric::AllocsPerCall | Metric::AllocBytesPerCall | Metric::ReallocsPerCall
        );
        let Some((name, known)) = self.function.filter(|_| is_without_first) else { return false };
        let is_once = |of: &Snapshot| {
            of.function_like(name, known).is_some_and(|(_, figures)| figures.calls.most <= 1)
        };
        is_once(new) != is_once(base)
    }
}

/// Whether it takes a counting allocator.
fn is_of_allocations(metric: Metric) -> bool {
    match metric {
        Metric::AllocsPerCall
        | Metric::AllocBytesPerCall
        | Metric::ReallocsPerCall
        | Metric::Allocs
        | Metric::AllocBytes
        | Metric::PeakLiveBytes => true,
        Metric::PollsPerCall
        | Metric::FutureBytes
        | Metric::P50
        | Metric::P95
        | Metric::P99
        | Metric::Wall
        | Metric::Cpu => false,
    }
}

/// The figure that a limit is for.
fn of(set: &Set<'_>, snapshot: &Snapshot) -> Option<Figure> {
    match set.function {
        Some((name, known)) => {
            let (_, figures) = snapshot.function_like(name, known)?;
            figure::of_function(set.metric, figures)
        }
        None => figure::of_workload(set.metric, &snapshot.totals),
    }
}

/// Holds one figure against its limit, or says why this baseline can't.
fn one(inputs: &Inputs<'_>, set: &Set<'_>, new: &Figure) -> Result<Held, JudgeError> {
    let base = inputs.baseline.and_then(|(_, baseline)| of(set, baseline));
    if let Limit::OverBaseline { .. } = set.limit {
        let Some((_, baseline)) = inputs.baseline else {
            return Err(JudgeError::NoBaseline { target: set.target(), metric: set.metric });
        };
        let why = |why: &str| Ok(Held::Unjudged(why.to_owned()));
        if set.metric.unit() == Unit::Nanoseconds && baseline.environment != inputs.new.environment
        {
            return why("it is of another machine, toolchain or profile");
        }
        if set.is_of_total() && !inputs.has_baselines_arguments() {
            return why("it ran with other arguments");
        }
        if set.lacks_a_second_call(inputs.new, baseline) {
            return why(
                "on one side it is called but once, so that its first call is all there is",
            );
        }
    }
    let held = hold::against(set.limit, set.metric, base.as_ref(), new);
    Ok(held.unwrap_or_else(|| Held::Unjudged("it has no such figure".to_owned())))
}

/// The verdicts on times: of many some seem to be longer by chance, so that all are judged at once.
fn together<'a>(
    inputs: &Inputs<'_>,
    mut timed: Vec<(Set<'a>, Figure, Times)>,
) -> Vec<(Set<'a>, Figure, Held)> {
    let (claims, among): (Vec<Claim>, usize) =
        (timed.iter().map(|(.., times)| times.claim).collect(), timed.len());
    for (.., times) in &mut timed {
        // Only longer times are asked for: that others are surely shorter makes no longer one surer.
        if times.new_ns <= times.base_ns {
            times.p = 1.0;
        }
    }
    noise::withdraw(timed.iter_mut().map(|(.., times)| times));
    let verdict = |((set, new, times), could): ((Set<'a>, Figure, Times), Claim)| {
        let base = inputs.baseline.and_then(|(_, baseline)| of(&set, baseline));
        let held = hold::claimed(&times, could, (base.as_ref().unwrap_or(&new), &new), among);
        (set, new, held)
    };
    timed.into_iter().zip(claims).map(verdict).collect()
}

fn budget(set: &Set<'_>, new: &Figure, judged: Judged) -> Budget {
    let function = set.function.map(|(_, known)| known);
    Budget {
        target: set.target(),
        metric: set.metric.name().to_owned(),
        limit: judged.limit,
        actual: judged.actual,
        actual_most: new.most().max(judged.actual),
        unsteady: judged.is_unsteady,
        status: if judged.is_broken { BudgetStatus::Fail } else { BudgetStatus::Pass },
        origin: set.origin,
        function: function.map(|function| function.id.clone()),
        file: function.map(|function| function.file.clone()),
        line: function.map(|function| function.line),
        column: function.map(|function| function.column),
        causes: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
