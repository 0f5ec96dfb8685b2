//! Annotations as GitHub's workflow commands.

use std::fmt::Write as _;

use super::issues::{Issue, Level, issues};
use crate::schema::{ErrorBody, Report};

/// GitHub shows so many of a kind in a step.
const MOST: usize = 10;

/// One line for each of the ten that matter most. `prefix` is the workspace's path in the checkout, with
/// `/` at its end.
pub fn render(report: &Report, prefix: &str) -> String {
    let issues = issues(report, prefix);
    let mut text = String::new();
    for issue in issues.iter().take(MOST) {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{}", command(issue));
    }
    if let Some(more) = issues.len().checked_sub(MOST).filter(|more| *more > 0) {
        let _ = writeln!(text, "{more} more are in the full report");
    }
    text
}

/// What is said where there is no report.
pub fn failure(error: &ErrorBody) -> String {
    let title = property(&format!("cargo hotpath: {}", error.code));
    let hint = error.hint.iter().map(|hint| format!("\nhelp: {hint}"));
    let message: String = [error.message.clone()].into_iter().chain(hint).collect();
    format!("::error title={title}::{}\n", data(&message))
}

/// `::error file=src/main.rs,line=5,col=9,title=..::..`.
fn command(issue: &Issue) -> String {
    let name = match issue.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let mut properties = Vec::new();
    let place = &issue.place;
    properties.push(format!("file={}", property(&place.file)));
    properties.push(format!("line={}", place.line));
    // Columns are of one line only.
    let is_one_line = place.end.is_none_or(|(line, _)| line == place.line);
    if let (Some(column), true) = (place.column, is_one_line) {
        properties.push(format!("col={column}"));
    }
    if let Some((line, column)) = place.end {
        properties.push(format!("endLine={line}"));
        if is_one_line {
            properties.push(format!("endColumn={}", column.saturating_sub(1).max(1)));
        }
    }
    properties.push(format!("title={}", property(&issue.title)));
    format!("::{name} {}::{}", properties.join(","), data(&issue.message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::budgets;
    use crate::report::tests::{busy, report};

    #[test]
    fn findings_are_annotations_at_their_lines() {
        let report = report(&busy(), |_, _| {});
        let text = render(&report, "");
        let line = text.lines().find(|line| line.contains("line=5,")).expect("the clone");
        assert!(line.starts_with("::warning file=src/main.rs,line=5,col=23,"), "{line}");
        assert!(line.contains(" %25 of the wall time"), "{line}");
        assert_eq!(text.lines().count(), report.findings.len());
    }

    #[test]
    fn no_more_than_ten_are_shown() {
        let mut report = report(&busy(), |_, _| {});
        let one = report.findings[0].clone();
        report.findings = vec![one; 14];
        let text = render(&report, "");
        assert_eq!(text.lines().filter(|line| line.starts_with("::")).count(), 10);
        assert!(text.ends_with("4 more are in the full report\n"), "{text}");
    }

    #[test]
    fn separators_are_escaped() {
        assert_eq!(property("a::b, 5 %\n"), "a%3A%3Ab%2C 5 %25%0A");
    }

    #[test]
    fn nothing_in_the_report_is_a_command_of_its_own() {
        let hostile = "x,line=1::\n::error file=a::b\r\n::set-output name=c::d\r::add-mask::e %0A";
        let mut report = report(&busy(), |_, _| {});
        let mut broken = budgets::tests::broken();
        hostile.clone_into(&mut broken.target);
        hostile.clone_into(&mut broken.causes[0].file);
        hostile.clone_into(&mut broken.causes[0].text);
        report.budgets = vec![broken];
        let finding = &mut report.findings[0];
        hostile.clone_into(&mut finding.title);
        hostile.clone_into(&mut finding.problem);
        finding.file = Some(hostile.to_owned());
        let error = ErrorBody {
            code: "usage".to_owned(),
            message: hostile.to_owned(),
            hint: Some(hostile.to_owned()),
        };
        for (text, lines) in
            [(render(&report, hostile), 1 + report.findings.len()), (failure(&error), 1)]
        {
            assert_eq!(text.lines().count(), lines, "{text}");
            assert!(!text.contains('\r'), "{text}");
            for line in text.lines() {
                let (properties, message) = line[2..].split_once("::").expect("a command");
                let (name, properties) = properties.split_once(' ').expect("properties");
                assert!(["error", "warning", "notice"].contains(&name), "{line}");
                let names = properties.split(',').map(|it| it.split_once('=').expect("a value").0);
                let known = ["file", "line", "col", "endLine", "endColumn", "title"];
                let names: Vec<&str> = names.collect();
                assert!(names.iter().all(|name| known.contains(name)), "{line}");
                assert!(names.iter().filter(|name| **name == "line").count() <= 1, "{line}");
                assert!(!message.is_empty(), "{line}");
            }
        }
        assert!(failure(&error).contains("%250A"), "what looks escaped isn't taken for it");
    }
}
