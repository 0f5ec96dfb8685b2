//! Budgets: what a function or a workload may cost at most, said in `#[hotpath(budget(..))]` or in
//! the configuration, and judged by `cargo hotpath check`.
//!
//! Both places share the metrics and the way limits are written; only the configuration knows the
//! metrics of a whole workload and limits against a baseline.

mod error;
mod limit;
mod metric;

use std::fmt;
use std::str::FromStr;

pub use error::BudgetError;
pub use limit::Limit;
pub use metric::{Metric, Unit};

/// The limits of one function, glob or workload: at most one per metric, in the order of
/// [`Metric::ALL`].
///
/// Written out and read again it is the same: `allocs_per_call = 3, p99 = 50 us`. That is how site
/// tables and profiles carry it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budget {
    limits: Vec<(Metric, Limit)>,
}

impl Budget {
    /// Adds a limit.
    ///
    /// # Errors
    ///
    /// There is one for this metric already.
    pub fn add(&mut self, metric: Metric, limit: Limit) -> Result<(), BudgetError> {
        match self.limits.binary_search_by_key(&metric, |(metric, _)| *metric) {
            Ok(_) => Err(BudgetError::Repeated { metric }),
            Err(place) => {
                self.limits.insert(place, (metric, limit));
                Ok(())
            }
        }
    }

    /// The limit of a metric, if there is one.
    pub fn get(&self, metric: Metric) -> Option<Limit> {
        self.limits.iter().find(|(known, _)| *known == metric).map(|(_, limit)| *limit)
    }

    /// These limits without those of some metrics.
    #[must_use]
    pub fn without(mut self, metrics: &[Metric]) -> Self {
        self.limits.retain(|(metric, _)| !metrics.contains(metric));
        self
    }

    /// Every limit, in the order of [`Metric::ALL`].
    pub fn limits(&self) -> impl Iterator<Item = (Metric, Limit)> {
        self.limits.iter().copied()
    }

    /// Whether it limits nothing.
    pub fn is_empty(&self) -> bool {
        self.limits.is_empty()
    }

    /// These limits, those of `inner` in place of the same metric's.
    #[must_use]
    pub fn refine(self, inner: &Self) -> Self {
        let kept = self.limits.into_iter().filter(|(metric, _)| inner.get(*metric).is_none());
        let mut limits: Vec<_> = kept.chain(inner.limits.iter().copied()).collect();
        limits.sort_by_key(|(metric, _)| *metric);
        Self { limits }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (metric, limit)) in self.limits().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{metric} = {}", limit.written(metric.unit()))?;
        }
        Ok(())
    }
}

impl FromStr for Budget {
    type Err = BudgetError;

    /// Reads what [`Budget`]'s `Display` wrote.
    fn from_str(text: &str) -> Result<Self, BudgetError> {
        let mut budget = Self::default();
        for entry in text.split(',').filter(|entry| !entry.trim().is_empty()) {
            let (name, limit) = entry.split_once('=').unwrap_or((entry, ""));
            let metric: Metric = name.trim().parse()?;
            budget.add(metric, Limit::from_text(metric, limit)?)?;
        }
        Ok(budget)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_out_and_read_again_it_is_the_same() {
        let text =
            "allocs_per_call = 2.5, alloc_bytes_per_call = 1 KiB, p99 = 50 us, allocs = +0 %";
        let budget: Budget = text.parse().unwrap();
        assert_eq!(budget.to_string(), text);
        assert_eq!(budget.get(Metric::AllocBytesPerCall), Some(Limit::AtMost(1024.0)));
        assert_eq!(budget.get(Metric::P50), None);
        assert_eq!("".parse(), Ok(Budget::default()));
    }

    #[test]
    fn limits_stand_in_one_order() {
        let budget: Budget = "p99 = 1 ms, allocs_per_call = 0".parse().unwrap();
        assert_eq!(budget.to_string(), "allocs_per_call = 0, p99 = 1 ms");
    }

    #[test]
    fn two_limits_for_one_metric_are_refused() {
        let error = "p99 = 1 ms, p99 = 2 ms".parse::<Budget>().unwrap_err();
        assert_eq!(error, BudgetError::Repeated { metric: Metric::P99 });
        assert!("p99".parse::<Budget>().is_err());
    }

    #[test]
    fn an_inner_budget_goes_first_metric_by_metric() {
        let outer: Budget = "allocs_per_call = 1, p99 = 1 ms".parse().unwrap();
        let inner: Budget = "p50 = 1 us, p99 = 2 ms".parse().unwrap();
        assert_eq!(outer.refine(&inner).to_string(), "allocs_per_call = 1, p50 = 1 us, p99 = 2 ms");
    }
}
