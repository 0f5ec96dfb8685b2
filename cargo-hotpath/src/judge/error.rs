//! Why budgets can't be judged.

use std::path::PathBuf;

use hotpath_runtime_syntax::budget::{Metric, Unit};

/// What it takes to measure allocations.
const COUNTING: &str = "allocations need our counting allocator: where the program has its own, wrap it: \
                        `hotpath_runtime::Allocator::new(..)`";

/// Budgets that say nothing about what was measured, or contradict each other.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// An entry of the configuration that no function matches.
    #[error("{}: `[{table}]` has `{key}`, which matches no function", file.display())]
    Unmatched {
        /// As written.
        key: String,
        /// Where.
        file: PathBuf,
        /// The table in it.
        table: String,
        /// What may have been meant.
        hint: String,
    },
    /// Two patterns with different limits for one metric of one function.
    #[error(
        "{}: `{first}` and `{second}` give `{path}` different limits for `{metric}`",
        file.display()
    )]
    Conflict {
        /// The function.
        path: String,
        /// The metric.
        metric: Metric,
        /// One pattern.
        first: String,
        /// The other.
        second: String,
        /// Where the other is.
        file: PathBuf,
    },
    /// A figure that there is none of.
    #[error("{}", not_measured(target, *metric))]
    NotMeasured {
        /// The function, or `*`.
        target: String,
        /// The metric.
        metric: Metric,
    },
    /// Nothing to hold against a baseline's allocations: without an error the gate would be open.
    #[error("baseline `{name}` has allocations, and this run measured none to hold against it")]
    BaselineUnmet {
        /// The baseline.
        name: String,
    },
    /// A percentage, and nothing that it is of.
    #[error(
        "`{metric}` of `{target}` is limited against a baseline, and there is none of this workload"
    )]
    NoBaseline {
        /// The function, or `*`.
        target: String,
        /// The metric.
        metric: Metric,
    },
    /// A baseline of something else.
    #[error("baseline `{name}` is of {found}, and this is {wanted}")]
    OtherWorkload {
        /// The baseline.
        name: String,
        /// What it is of.
        found: String,
        /// What was run.
        wanted: String,
    },
    /// Several baselines could be meant.
    #[error("several baselines are of this workload: {}", names.join(", "))]
    ManyBaselines {
        /// Which.
        names: Vec<String>,
    },
    /// Nothing was said that could be checked.
    #[error(
        "there is nothing to check: no budget, no baseline of this workload and no denied rule"
    )]
    Nothing,
}

fn not_measured(target: &str, metric: Metric) -> String {
    match metric {
        _ if metric.is_of_async() => {
            format!(
                "`{metric}` of `{target}` can't be judged: it is measured of async functions only"
            )
        }
        _ => format!("`{metric}` of `{target}` was not measured, so its budget can't be judged"),
    }
}

impl JudgeError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Unmatched { hint, .. } => hint.clone(),
            Self::Conflict { path, metric, .. } => {
                format!("say it once, under `\"{path}\" = {{ {metric} = .. }}`, which goes first")
            }
            Self::NotMeasured { metric, .. } => match (metric, metric.unit()) {
                (Metric::PollsPerCall | Metric::FutureBytes, _) => {
                    "only async functions have polls and futures of their own: take it out of the \
                     budget, or limit the async function that waits for this one"
                        .to_owned()
                }
                (_, Unit::Nanoseconds) => "the run has no such time of it".to_owned(),
                _ => COUNTING.to_owned(),
            },
            Self::BaselineUnmet { .. } => COUNTING.to_owned(),
            Self::NoBaseline { .. } => {
                "keep one: `cargo hotpath baseline save`, or `cargo hotpath check --update`"
                    .to_owned()
            }
            Self::OtherWorkload { .. } => "name another with `--baseline NAME`".to_owned(),
            Self::ManyBaselines { .. } => "choose with `--baseline NAME`".to_owned(),
            Self::Nothing => {
                "write a `[budget]`, or keep a baseline: `cargo hotpath check --update`".to_owned()
            }
        }
    }
}
