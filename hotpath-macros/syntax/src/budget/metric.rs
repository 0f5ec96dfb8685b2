//! The metrics that a budget may limit.

use std::fmt;
use std::str::FromStr;

use super::BudgetError;

/// What a metric is counted in, and its limits are held in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number; fractions where it is a mean.
    Count,
    /// Bytes.
    Bytes,
    /// Nanoseconds.
    Nanoseconds,
}

/// What a metric says something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Function,
    Both,
    Workload,
}

macro_rules! metrics {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $unit:ident, $of:ident;)+) => {
        /// What a budget limits.
        ///
        /// Per call means inclusive total / calls over the run without the first call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Metric {
            $($(#[$doc])* $variant,)+
        }

        impl Metric {
            /// Every metric, in the order of declaration.
            pub const ALL: &'static [Metric] = &[$(Metric::$variant,)+];

            /// The key in attributes and in the configuration.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Metric::$variant => $name,)+
                }
            }

            /// What its limits are held in.
            pub const fn unit(self) -> Unit {
                match self {
                    $(Metric::$variant => Unit::$unit,)+
                }
            }

            const fn of(self) -> Of {
                match self {
                    $(Metric::$variant => Of::$of,)+
                }
            }
        }
    };
}

metrics! {
    /// Allocations of a call, with all that it calls; reallocations are not among them.
    AllocsPerCall = "allocs_per_call", Count, Function;
    /// Bytes that a call allocates.
    AllocBytesPerCall = "alloc_bytes_per_call", Bytes, Function;
    /// Reallocations of a call.
    ReallocsPerCall = "reallocs_per_call", Count, Function;
    /// Polls that a call of an async function takes.
    PollsPerCall = "polls_per_call", Count, Function;
    /// Size of an async function's future.
    FutureBytes = "future_bytes", Bytes, Function;
    /// The time that half of the calls take at most.
    P50 = "p50", Nanoseconds, Function;
    /// The time that 95 % of the calls take at most.
    P95 = "p95", Nanoseconds, Function;
    /// The time that 99 % of the calls take at most.
    P99 = "p99", Nanoseconds, Function;
    /// All allocations, of a function's calls or of the workload.
    Allocs = "allocs", Count, Both;
    /// All bytes allocated.
    AllocBytes = "alloc_bytes", Bytes, Both;
    /// Wall time of the workload.
    Wall = "wall", Nanoseconds, Workload;
    /// CPU time of the workload, all threads together.
    Cpu = "cpu", Nanoseconds, Workload;
    /// Most bytes live at once.
    PeakLiveBytes = "peak_live_bytes", Bytes, Workload;
}

impl Metric {
    /// Whether only async functions have it.
    pub const fn is_of_async(self) -> bool {
        matches!(self, Self::PollsPerCall | Self::FutureBytes)
    }

    /// Whether `#[hotpath(budget(..))]` may limit it.
    pub fn is_for_attribute(self) -> bool {
        self.of() == Of::Function
    }

    /// Whether a budget of a function, or of those that a glob names, may limit it.
    pub fn is_of_function(self) -> bool {
        self.of() != Of::Workload
    }

    /// Whether a budget of the whole workload may limit it.
    pub fn is_of_workload(self) -> bool {
        self.of() != Of::Function
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = BudgetError;

    fn from_str(name: &str) -> Result<Self, BudgetError> {
        let known = Self::ALL.iter().copied().find(|metric| metric.name() == name);
        known.ok_or_else(|| BudgetError::UnknownMetric { given: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for metric in Metric::ALL {
            assert_eq!(metric.name().parse(), Ok(*metric));
            assert!(metric.is_of_function() || metric.is_of_workload());
            assert_eq!(metric.is_for_attribute(), !metric.is_of_workload());
        }
    }
}
