//! The second pass: without the functions whose probes cost more than they told.

use std::collections::BTreeSet;

use crate::profile::ProbeCosts;
use crate::schema::{Report, Warning};
use crate::units;

/// From this share of the CPU time on, what their probes may cost is worth another build and run.
/// Tiny functions pay for a whole probe: what theirs does not take itself goes to calls that are no
/// longer inlined.
const OVERHEAD: f64 = 0.1;
/// What is called less often costs nothing that a run would notice.
const CALLS: u64 = 10_000;
/// Self time per call, in costs of its probe, below which that disturbs more than it tells.
const PROBES: f64 = 4.0;
/// Functions that the report names.
const NAMED: usize = 5;

/// What a second pass does without.
#[derive(Debug, Default)]
pub struct LeftOut {
    /// File as in data, line and column of the name.
    places: BTreeSet<(String, u32, u32)>,
    /// Calls in the first pass, and path: most calls first.
    calls: Vec<(u64, String)>,
}

impl LeftOut {
    /// Chooses by the report of the first pass; nothing where its probes cost little enough.
    pub fn choose(report: &Report, costs: &ProbeCosts) -> Self {
        let mut left_out = Self::default();
        let needed: BTreeSet<&str> =
            report.findings.iter().filter_map(|finding| finding.function.as_deref()).collect();
        for function in &report.functions {
            if function.from_macro
                || function.asynchronous.is_some()
                || needed.contains(function.id.as_str())
                || !disturbs((function.calls, function.self_ns, function.p50_ns), costs.function_ns)
            {
                continue;
            }
            left_out.calls.push((function.calls, function.path.clone()));
            left_out.places.insert((function.file.clone(), function.line, function.column));
        }
        let calls: u64 = left_out.calls.iter().map(|(calls, _)| calls).sum();
        let time = report.totals.cpu_ns.unwrap_or(report.totals.wall_ns) as f64;
        if calls as f64 * costs.function_ns < OVERHEAD * time {
            return Self::default();
        }
        left_out.calls.sort_by(|a, b| b.cmp(a));
        left_out
    }

    /// Whether there is no need for a second pass.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many functions.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether this function is among them.
    pub(super) fn holds(&self, file: &str, line: u32, column: u32) -> bool {
        !self.places.is_empty() && self.places.contains(&(file.to_owned(), line, column))
    }

    /// For the report: which pass the figures are from, and what the first one told.
    pub(super) fn warning(&self) -> Warning {
        let named: Vec<String> = self
            .calls
            .iter()
            .take(NAMED)
            .map(|(calls, path)| format!("`{path}` ({})", units::counted(*calls, "call")))
            .collect();
        let more = match self.calls.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Warning {
            id: "second-pass".to_owned(),
            message: format!(
                "all figures are of a second pass without {}, whose probes cost more than they told \
                 in the first: {}{more}; their time counts as their callers'",
                units::counted(self.calls.len() as u64, "function"),
                named.join(", "),
            ),
        }
    }
}

/// Whether a function's probes cost more than they tell: its calls are many and short. On a busy
/// machine the mean has waits for a processor in it, the median of whole calls has not.
fn disturbs((calls, self_ns, median): (u64, u64, Option<u64>), probe_ns: f64) -> bool {
    let short = PROBES * probe_ns;
    let mean = self_ns as f64 / calls.max(1) as f64;
    calls >= CALLS && (mean < short || median.is_some_and(|median| (median as f64) < short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_short_calls_disturb() {
        let disturbs = |calls, self_ns, median| disturbs((calls, self_ns, median), 20.0);
        assert!(disturbs(1_000_000, 5_000_000, None));
        assert!(!disturbs(1_000, 5_000, Some(5)), "few calls");
        assert!(!disturbs(1_000_000, 900_000_000, Some(900)), "long calls");
        assert!(disturbs(1_000_000, 900_000_000, Some(50)), "most of them short");
    }

    #[test]
    fn the_warning_names_the_worst_and_counts_the_rest() {
        let calls = (0..7).map(|number| (10_000 - number, format!("a::f{number}"))).collect();
        let message = LeftOut { calls, ..LeftOut::default() }.warning().message;
        assert!(message.contains("without 7 functions"), "{message}");
        assert!(message.contains("`a::f0` (10"), "{message}");
        assert!(message.contains("`a::f4`") && !message.contains("`a::f5`"), "{message}");
        assert!(message.contains(" and 2 more"), "{message}");
    }
}
