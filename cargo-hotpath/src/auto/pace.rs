//! The second pass: without the probes that cost most for what they tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::profile::ProbeCosts;
use crate::schema::{Function, Report, Site, Warning};
use crate::units;

/// Share of the program's own time that probes may cost: above it another pass is worth its build
/// and run, which then does with as few as cost that.
const BUDGET: f64 = 0.15;
/// Of the CPU time at least this part is taken for the program's own, whatever the probes cost.
const LEAST_OWN: f64 = 0.1;
/// What tells of so much time for each unit that it costs stays, even so.
const WORTH: f64 = 5.0;
/// A call costs so many probes: it is no longer inlined, and its node is often in no cache. Of the
/// published programs in `tests/README.md` 1.1 (percent-encoding) to 2.5 (regex-syntax).
const OF_CALL: f64 = 2.5;
/// An expression likewise: its function is larger.
const OF_EXPRESSION: f64 = 1.5;
/// What runs less often costs nothing that a run would notice.
const CALLS: u64 = 10_000;
/// Functions that the report names.
const NAMED: usize = 5;

/// File as in data, line and column of a function's name.
type Place = (String, u32, u32);

/// What a second pass does without.
#[derive(Debug, Default)]
pub struct LeftOut {
    functions: BTreeSet<Place>,
    /// Functions without the probes of their expressions.
    expressions: BTreeSet<Place>,
    /// Calls in the first pass, and path of the functions: most calls first.
    calls: Vec<(u64, String)>,
}

/// What can be left out: the probe of a function, or those of its expressions.
struct Part<'a> {
    function: &'a Function,
    is_expressions: bool,
    /// How often it ran.
    count: u64,
    cost_ns: f64,
}

impl Part<'_> {
    /// Time that is told of for each nanosecond that it costs.
    fn worth(&self) -> f64 {
        self.function.self_ns as f64 / self.cost_ns
    }

    fn place(&self) -> Place {
        (self.function.file.clone(), self.function.line, self.function.column)
    }
}

impl LeftOut {
    /// Chooses by the report of the first pass; nothing where its probes cost little enough.
    pub fn choose(report: &Report, costs: &ProbeCosts) -> Self {
        let time = report.totals.cpu_ns.unwrap_or(report.totals.wall_ns) as f64;
        let needed = report.findings.iter().filter_map(|finding| finding.function.as_deref());
        Self::of(parts(&report.functions, &report.sites, costs), time, &needed.collect())
    }

    fn of(mut parts: Vec<Part<'_>>, time: f64, needed: &BTreeSet<&str>) -> Self {
        let mut cost: f64 = parts.iter().map(|part| part.cost_ns).sum();
        let budget = BUDGET * (time - cost).max(LEAST_OWN * time);
        let of_expressions = parts.iter().filter(|part| part.is_expressions);
        let mut inside: BTreeMap<Place, f64> =
            of_expressions.map(|part| (part.place(), part.cost_ns)).collect();
        parts.retain(|part| can_go(part, needed));
        parts.sort_by(|a, b| a.worth().total_cmp(&b.worth()));
        let mut left_out = Self::default();
        for part in &parts {
            if cost <= budget || part.worth() >= WORTH {
                break;
            }
            // With a function go those of its expressions.
            let expressions = inside.remove(&part.place());
            if part.is_expressions {
                let Some(own) = expressions else { continue };
                cost -= own;
                left_out.expressions.insert(part.place());
            } else {
                cost -= part.cost_ns + expressions.unwrap_or_default();
                left_out.calls.push((part.function.calls, part.function.path.clone()));
                left_out.functions.insert(part.place());
            }
        }
        left_out.calls.sort_by(|a, b| b.cmp(a));
        left_out
    }

    /// Whether there is no need for a second pass.
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty() && self.expressions.is_empty()
    }

    /// Whether this function is among them.
    pub(super) fn holds(&self, file: &str, line: u32, column: u32) -> bool {
        holds(&self.functions, file, line, column)
    }

    /// Whether its expressions are.
    pub(super) fn holds_expressions(&self, file: &str, line: u32, column: u32) -> bool {
        holds(&self.expressions, file, line, column)
    }

    /// What it is without: `3 functions and the expressions of 1 function`.
    pub fn describe(&self) -> String {
        let count = |number: usize| units::counted(number as u64, "function");
        match (self.functions.len(), self.expressions.difference(&self.functions).count()) {
            (functions, 0) => count(functions),
            (0, expressions) => format!("the expressions of {}", count(expressions)),
            (functions, expressions) => {
                format!("{} and the expressions of {}", count(functions), count(expressions))
            }
        }
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
        let calls = if named.is_empty() {
            String::new()
        } else {
            let named = named.join(", ");
            format!(" in the first: {named}{more}; their time counts as their callers'")
        };
        Warning {
            id: "second-pass".to_owned(),
            message: format!(
                "all figures are of a second pass without {}, whose probes cost more than they told{calls}",
                self.describe(),
            ),
        }
    }
}

fn holds(places: &BTreeSet<Place>, file: &str, line: u32, column: u32) -> bool {
    !places.is_empty() && places.contains(&(file.to_owned(), line, column))
}

/// All that has a cost, with it.
fn parts<'a>(functions: &'a [Function], sites: &[Site], costs: &ProbeCosts) -> Vec<Part<'a>> {
    let mut expressions: BTreeMap<&str, (u64, f64)> = BTreeMap::new();
    for site in sites {
        let (count, cost) = expressions.entry(&site.function).or_default();
        *count = count.saturating_add(site.count);
        *cost += OF_EXPRESSION * site.count as f64 * each(site, costs);
    }
    let of = |function: &'a Function| {
        let (executions, inside) =
            expressions.get(function.id.as_str()).copied().unwrap_or_default();
        let calls = OF_CALL * function.calls as f64 * costs.function_ns;
        [
            Part { function, is_expressions: false, count: function.calls, cost_ns: calls },
            Part { function, is_expressions: true, count: executions, cost_ns: inside },
        ]
    };
    functions.iter().flat_map(of).filter(|part| part.cost_ns > 0.0).collect()
}

/// What one execution of a site costs.
fn each(site: &Site, costs: &ProbeCosts) -> f64 {
    match (site.self_ns, &site.sampled) {
        (None, _) => costs.counted_ns,
        (_, Some(_)) => costs.expression_untimed_ns,
        (Some(_), None) => costs.expression_ns,
    }
}

/// Whether nothing is lost that is needed, and something won.
fn can_go(part: &Part<'_>, needed: &BTreeSet<&str>) -> bool {
    let function = part.function;
    let is_fixed = function.from_macro
        || function.asynchronous.is_some()
        || needed.contains(function.id.as_str());
    !is_fixed && part.count >= CALLS
}

#[cfg(test)]
mod tests;
