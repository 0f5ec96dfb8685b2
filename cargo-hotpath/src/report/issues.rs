//! What CI systems are told of a report: broken budgets and findings, each as one issue with a place.

use crate::fnv::fnv1a;
use crate::schema::{Budget, BudgetStatus, Finding, Report, Severity};
use crate::units;

use super::budgets;

/// How much an issue matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// It fails the check.
    Error,
    /// Worth a look.
    Warning,
    /// For information.
    Note,
}

/// One thing to tell.
#[derive(Clone, Debug)]
pub(super) struct Issue {
    pub(super) level: Level,
    /// `budget`, or the rule.
    pub(super) rule: String,
    pub(super) title: String,
    pub(super) message: String,
    pub(super) place: Option<Place>,
    /// Stays the same while the code does, wherever its lines move.
    pub(super) fingerprint: String,
}

/// Where it is; lines and columns from 1 on.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) column: Option<u32>,
    pub(super) end: Option<(u32, u32)>,
}

/// The rule of budgets, among those of findings.
pub(super) const BUDGET: &str = "budget";

/// What fails first, then by rank.
pub(super) fn issues(report: &Report) -> Vec<Issue> {
    let broken = report.budgets.iter().filter(|budget| budget.status == BudgetStatus::Fail);
    let mut issues: Vec<Issue> = broken.map(of_budget).collect();
    issues.extend(report.findings.iter().map(of_finding));
    issues.sort_by_key(|issue| issue.level);
    issues
}

fn of_budget(budget: &Budget) -> Issue {
    let at_cause =
        budget.causes.first().filter(|cause| cause.more_allocs.is_none_or(|more| more > 0));
    let place = match (at_cause, &budget.file, budget.line) {
        (Some(cause), ..) => Some(Place {
            file: cause.file.clone(),
            line: cause.line,
            column: Some(cause.column),
            end: None,
        }),
        (None, Some(file), Some(line)) => {
            Some(Place { file: file.clone(), line, column: budget.column, end: None })
        }
        _ => None,
    };
    let causes = budget.causes.iter().map(budgets::cause_sentence);
    let message: Vec<String> = [budgets::sentence(budget)].into_iter().chain(causes).collect();
    Issue {
        level: Level::Error,
        rule: BUDGET.to_owned(),
        title: format!("budget broken: {} of {}", budget.metric, budget.target),
        message: message.join("\n"),
        place,
        fingerprint: format!("{:016x}", fnv1a(&format!("{}\0{}", budget.target, budget.metric))),
    }
}

fn of_finding(finding: &Finding) -> Issue {
    let level = match finding.severity {
        _ if finding.denied => Level::Error,
        Severity::High | Severity::Medium => Level::Warning,
        Severity::Low | Severity::Info => Level::Note,
    };
    let place = finding.file.clone().zip(finding.line).map(|(file, line)| Place {
        file,
        line,
        column: finding.column,
        end: finding.end_line.zip(finding.end_column),
    });
    let gain = finding.impact.wall_pct.map(|wall| {
        format!(
            "Expected: {} to {} of the wall time.",
            units::percent(wall.low),
            units::percent(wall.high)
        )
    });
    let message: Vec<String> =
        [finding.problem.clone(), finding.solution.clone()].into_iter().chain(gain).collect();
    Issue {
        level,
        rule: finding.rule.clone(),
        title: finding.title.clone(),
        message: message.join("\n"),
        place,
        fingerprint: finding.id.clone(),
    }
}
