//! What a report says of a program whose fault is known.

use serde_json::Value;

use crate::accuracy::{ANYWHERE, Case, Culprit, Kind, Metric};
use crate::{Report, number};

/// How well a report names what is wrong.
#[derive(Debug)]
pub struct Verdict {
    /// Place of the culprit among the findings, from 1; none when it isn't among them.
    pub rank: Option<usize>,
    /// What fixing it would gain.
    pub range: Option<Range>,
    /// Findings of at least medium severity that nobody expects, as `rule in function`.
    pub unexpected: Vec<String>,
    /// Findings at places that run once and rank above the culprit.
    pub cold_above: Vec<String>,
}

/// A predicted gain, in percent.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// What is sure.
    pub low: f64,
    /// What is likely.
    pub best: f64,
    /// All that it can be.
    pub high: f64,
}

impl Range {
    /// Whether it was right.
    pub fn holds(&self, achieved: f64) -> bool {
        (self.low..=self.high).contains(&achieved)
    }
}

impl Verdict {
    /// Judges the report on a case's slow variant.
    pub fn new(case: &Case, report: &Report) -> Self {
        let findings = report.findings();
        let at = case.culprit().and_then(|culprit| {
            findings.iter().position(|finding| is_culprit(case, culprit, report, finding))
        });
        let metric = case.culprit().map_or(Metric::Wall, |culprit| culprit.metric);
        let named = |finding: &Value| {
            let rule = finding["rule"].as_str().unwrap_or_default();
            let function = function(report, finding);
            if function.is_empty() { rule.to_owned() } else { format!("{rule} in {function}") }
        };
        let is_heavy =
            |finding: &Value| finding["severity"] == "high" || finding["severity"] == "medium";
        let is_expected = |finding: &Value| {
            let rule = finding["rule"].as_str().unwrap_or_default();
            let is_same = case.culprit().is_some_and(|it| is_culprit(case, it, report, finding));
            is_same || case.also.contains(&rule) || ANYWHERE.contains(&rule)
        };
        let unexpected = findings.iter().filter(|it| is_heavy(it) && !is_expected(it));
        let cold = case.marked("cold");
        let is_cold = |finding: &&Value| {
            matches!(case.kind, Kind::Cold(_))
                && finding["file"] == case.file()
                && cold.iter().any(|line| stands_at(finding, *line))
        };
        let above = findings.iter().take(at.unwrap_or(findings.len()));
        Self {
            rank: at.map(|at| at + 1),
            range: at.and_then(|at| range(&findings[at], metric)),
            unexpected: unexpected.map(named).collect(),
            cold_above: above.filter(is_cold).map(named).collect(),
        }
    }
}

fn is_culprit(case: &Case, culprit: &Culprit, report: &Report, finding: &Value) -> bool {
    if finding["rule"] != culprit.rule {
        return false;
    }
    if culprit.function.is_empty() {
        return finding["function"].is_null();
    }
    finding["file"] == case.file()
        && function(report, finding) == culprit.function
        && case.marked("culprit").iter().any(|line| stands_at(finding, *line))
}

/// Whether the place that a finding marks begins on this line, or goes over it.
fn stands_at(finding: &Value, line: u64) -> bool {
    let bound = |name: &str| finding[name].as_u64();
    bound("line").is_some_and(|first| {
        (first..=bound("end_line").unwrap_or(first).max(first)).contains(&line)
    })
}

/// The last segment of the function's path; empty for findings on the build.
fn function<'r>(report: &'r Report, finding: &Value) -> &'r str {
    let row = report.functions().iter().find(|row| row["id"] == finding["function"]);
    let path = row.and_then(|row| row["path"].as_str()).unwrap_or_default();
    path.rsplit("::").find(|segment| !segment.starts_with('{')).unwrap_or_default()
}

fn range(finding: &Value, metric: Metric) -> Option<Range> {
    let share = match metric {
        Metric::Wall => &finding["impact"]["wall_pct"],
        Metric::PeakMemory => &finding["impact"]["peak_memory_pct"],
    };
    let bound = |name: &str| number(&share[name]);
    share.is_object().then(|| Range { low: bound("low"), best: bound("best"), high: bound("high") })
}
