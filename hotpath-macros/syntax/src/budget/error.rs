//! What can be wrong with a budget, and what to write instead.

use std::error::Error;
use std::fmt;

use super::{Metric, Unit};
use crate::nearest::nearest;

/// A budget that can't be used. [`BudgetError::hint`] says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BudgetError {
    /// A key that is no metric.
    UnknownMetric {
        /// As written.
        given: String,
    },
    /// Two limits for one metric.
    Repeated {
        /// Which.
        metric: Metric,
    },
    /// A limit that is no number.
    Malformed {
        /// Of which metric.
        metric: Metric,
        /// As written.
        given: String,
    },
    /// A time without its unit.
    NoUnit {
        /// Of which metric.
        metric: Metric,
        /// As written.
        given: String,
    },
    /// A unit that is none, or one of something else.
    UnknownUnit {
        /// Of which metric.
        metric: Metric,
        /// The unit as written.
        given: String,
    },
    /// A percentage that may be of the baseline or on top of it.
    NoSign {
        /// Of which metric.
        metric: Metric,
        /// As written.
        given: String,
    },
    /// A number below 0, or too large to be counted.
    OutOfRange {
        /// Of which metric.
        metric: Metric,
        /// As written.
        given: String,
    },
}

impl BudgetError {
    /// What to do next; for an unknown name the nearest of those that may stand anywhere.
    pub fn hint(&self) -> String {
        self.hint_among(Metric::ALL.iter().copied())
    }

    /// The same where only these metrics may stand.
    pub fn hint_among(&self, metrics: impl Iterator<Item = Metric>) -> String {
        match self {
            Self::UnknownMetric { given } => {
                let names: Vec<&str> = metrics.map(Metric::name).collect();
                choice(given, &names)
            }
            Self::Repeated { .. } => "keep one of the two".to_owned(),
            Self::Malformed { metric, .. } | Self::OutOfRange { metric, .. } => {
                format!("write `{metric} = {}`", metric.unit().example())
            }
            Self::NoUnit { metric, given } => {
                format!("write `{metric} = \"{given} us\"` or another of `ns`, `us`, `ms`, `s`")
            }
            Self::UnknownUnit { metric, given } => match metric.unit() {
                Unit::Count => format!("leave it out: `{metric} = 3`"),
                Unit::Bytes => choice(given, &["B", "KiB", "MiB", "GiB", "kB", "MB", "GB"]),
                Unit::Nanoseconds => choice(given, &["ns", "us", "ms", "s"]),
            },
            Self::NoSign { metric, given } => format!("write `{metric} = \"+{given}\"`"),
        }
    }
}

impl fmt::Display for BudgetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownMetric { given } => write!(f, "unknown metric `{given}` in a budget"),
            Self::Repeated { metric } => write!(f, "`{metric}` is limited twice"),
            Self::Malformed { metric, given } => {
                write!(f, "`{given}` is no limit for `{metric}`")
            }
            Self::NoUnit { metric, given } => {
                write!(f, "`{metric}` is a time, and `{given}` has no unit")
            }
            Self::UnknownUnit { metric, given } => match metric.unit() {
                Unit::Count => write!(f, "`{metric}` is a count, which has no unit `{given}`"),
                Unit::Bytes | Unit::Nanoseconds => {
                    write!(f, "`{given}` is no unit of `{metric}`")
                }
            },
            Self::NoSign { metric, given } => {
                write!(
                    f,
                    "`{given}` for `{metric}` has no sign: percentages are what may be added to the baseline"
                )
            }
            Self::OutOfRange { metric, given } => {
                write!(f, "`{given}` is out of range for `{metric}`")
            }
        }
    }
}

impl Error for BudgetError {}

fn choice(given: &str, known: &[&str]) -> String {
    let in_other_case = known.iter().copied().find(|name| name.eq_ignore_ascii_case(given));
    if let Some(near) = in_other_case.or_else(|| nearest(given, known)) {
        return format!("did you mean `{near}`?");
    }
    let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("known are {}", known.join(", "))
}
