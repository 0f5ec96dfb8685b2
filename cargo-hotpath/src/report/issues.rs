//! What CI systems are told of a report: broken budgets and findings, each as one issue with a place.

use std::path::Path;

use crate::fnv::fnv1a;
use crate::schema::{Budget, BudgetOrigin, BudgetStatus, Finding, Report, Severity, Workload};
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
    pub(super) place: Place,
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

/// Where is said what is of no file: GitHub refuses all of a log in which one result has no place.
const MANIFEST: &str = "Cargo.toml";

impl Place {
    fn top_of(file: &str) -> Self {
        Self { file: file.to_owned(), line: 1, column: None, end: None }
    }
}

/// The rule of budgets, among those of findings.
pub(super) const BUDGET: &str = "budget";

/// What fails first, then by rank. `prefix` goes before the path of each file of the workspace.
pub(super) fn issues(report: &Report, prefix: &str) -> Vec<Issue> {
    let broken = report.budgets.iter().filter(|budget| budget.status == BudgetStatus::Fail);
    let mut issues: Vec<Issue> = broken.map(|budget| of_budget(budget, &report.workload)).collect();
    issues.extend(report.findings.iter().map(of_finding));
    issues.sort_by_key(|issue| issue.level);
    for place in issues.iter_mut().map(|issue| &mut issue.place) {
        if Path::new(&place.file).is_relative() {
            place.file.insert_str(0, prefix);
        }
    }
    issues
}

/// Of several workloads, functions of one path and limits of one metric, each has its own.
fn fingerprint(budget: &Budget, workload: &Workload) -> String {
    let function = budget.function.as_deref().unwrap_or_default();
    let origin = match budget.origin {
        BudgetOrigin::Configuration => "configuration",
        BudgetOrigin::Attribute => "attribute",
        BudgetOrigin::Baseline => "baseline",
    };
    let Workload { kind, package, name, .. } = workload;
    let words = [kind, package, name, &budget.target, function, &budget.metric, origin];
    format!("{:016x}", fnv1a(&words.join("\0")))
}

fn of_budget(budget: &Budget, workload: &Workload) -> Issue {
    let first = budget.causes.first().map(|cause| Place {
        file: cause.file.clone(),
        line: cause.line,
        column: Some(cause.column),
        end: None,
    });
    let is_more = |budget: &Budget| {
        budget.causes.first().is_some_and(|cause| cause.more_allocs.is_none_or(|more| more > 0))
    };
    let place = match (first, &budget.file, budget.line) {
        (Some(first), ..) if is_more(budget) => first,
        (_, Some(file), Some(line)) => {
            Place { file: file.clone(), line, column: budget.column, end: None }
        }
        (first, ..) => first.unwrap_or_else(|| Place::top_of(MANIFEST)),
    };
    let causes = budget.causes.iter().map(budgets::cause_sentence);
    let message: Vec<String> = [budgets::sentence(budget)].into_iter().chain(causes).collect();
    Issue {
        level: Level::Error,
        rule: BUDGET.to_owned(),
        title: format!("budget broken: {} of {}", budget.metric, budget.target),
        message: message.join("\n"),
        place,
        fingerprint: fingerprint(budget, workload),
    }
}

fn of_finding(finding: &Finding) -> Issue {
    let level = match finding.severity {
        _ if finding.denied => Level::Error,
        Severity::High | Severity::Medium => Level::Warning,
        Severity::Low | Severity::Info => Level::Note,
    };
    // Of how it was built, the manifest tells.
    let place = match (&finding.file, finding.line) {
        (Some(file), Some(line)) => Place {
            file: file.clone(),
            line,
            column: finding.column,
            end: finding.end_line.zip(finding.end_column),
        },
        (file, _) => Place::top_of(file.as_deref().unwrap_or(MANIFEST)),
    };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::budgets;
    use crate::report::tests::{busy, report};
    use crate::schema::Cause;

    #[test]
    fn broken_budgets_have_fingerprints_of_their_own() {
        let mut report = report(&busy(), |_, _| {});
        (report.budgets, report.findings) = (vec![budgets::tests::broken()], Vec::new());
        let print = |report: &Report| issues(report, "")[0].fingerprint.clone();
        let first = print(&report);
        let mut moved = report.clone();
        (moved.budgets[0].line, moved.budgets[0].causes[0].line) = (Some(90), 92);
        assert_eq!(print(&moved), first);
        let changed = |change: &dyn Fn(&mut Report)| {
            let mut other = report.clone();
            change(&mut other);
            print(&other)
        };
        let all = [
            changed(&|it| it.workload.name = "other".to_owned()),
            // Two functions of one `macro_rules` body have one path.
            changed(&|it| it.budgets[0].function = Some("f2".to_owned())),
            changed(&|it| it.budgets[0].metric = "allocs".to_owned()),
            changed(&|it| it.budgets[0].origin = BudgetOrigin::Baseline),
            first,
        ];
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn whatever_is_said_has_a_place() {
        let place = |report: &Report| {
            let Place { file, line, .. } = issues(report, "")[0].place.clone();
            (file, line)
        };
        let mut report = report(&busy(), |_, _| {});
        let (build, of) = (report.findings[0].clone(), budgets::tests::broken());
        report.findings =
            vec![Finding { line: None, file: Some("a/Cargo.toml".to_owned()), ..build }];
        assert_eq!(place(&report), ("a/Cargo.toml".to_owned(), 1));
        report.findings.clear();
        let cause = of.causes[0].clone();
        let whole = Budget { file: None, line: None, column: None, ..of };
        let fewer = Cause { more_allocs: Some(-1), ..cause };
        report.budgets = vec![Budget { causes: vec![fewer.clone()], ..whole.clone() }];
        assert_eq!(place(&report), (fewer.file, fewer.line));
        report.budgets = vec![Budget { causes: Vec::new(), ..whole }];
        assert_eq!(place(&report), ("Cargo.toml".to_owned(), 1));
    }

    #[test]
    fn files_are_named_from_the_root_of_the_checkout() {
        let report = report(&busy(), |_, _| {});
        let files = |prefix: &str| -> Vec<String> {
            issues(&report, prefix).into_iter().map(|it| it.place.file).collect()
        };
        assert!(files("").iter().all(|file| file == "src/main.rs"));
        assert!(files("back end/").iter().all(|file| file == "back end/src/main.rs"));
        assert!(!files("").is_empty());
    }
}
