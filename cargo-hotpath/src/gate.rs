//! What the configuration doesn't let pass.

use crate::error::Exit;
use crate::schema::{Finding, Report};
use crate::term::Term;
use crate::units;

/// Names each finding that is denied; the exit code that this takes.
pub fn judge(report: &Report, term: &Term) -> Exit {
    let mut exit = Exit::Success;
    for finding in report.findings.iter().filter(|finding| finding.denied) {
        term.failure(sentence(finding));
        exit = Exit::Gate;
    }
    exit
}

/// `print-loop is denied: 500 000 prints one by one (src/main.rs:6:9, likely 18.5 % of the wall time)`.
fn sentence(finding: &Finding) -> String {
    let position = finding.line.zip(finding.column);
    let position = position.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
    let place = finding.file.as_ref().map(|file| format!("{file}{position}"));
    let share = finding.impact.wall_pct;
    let share =
        share.map(|share| format!("likely {} of the wall time", units::percent(share.best)));
    let details: Vec<String> = place.into_iter().chain(share).collect();
    let details =
        if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    format!("`{}` is denied: {}{details}", finding.rule, finding.title)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rank::{self, Options};
    use crate::report::tests::{busy, report};
    use crate::rules::{self, Level, Setting, Settings};

    fn with_print_loop(level: Level) -> Report {
        let facts = busy();
        let mut rules = Settings::default();
        let rule = rules::find("print-loop").expect("a rule").meta();
        rules.set(rule, Setting { level, ..Setting::default() });
        let options = Options { rules, ..Options::default() };
        report(&facts, |inputs, _| inputs.ranked = rank::findings(&facts, &options))
    }

    #[test]
    fn only_what_is_denied_fails() {
        let term = Term::default();
        assert_eq!(judge(&with_print_loop(Level::Warn), &term), Exit::Success);
        assert_eq!(judge(&with_print_loop(Level::Allow), &term), Exit::Success);
        let report = with_print_loop(Level::Deny);
        assert_eq!(judge(&report, &term), Exit::Gate);
        let denied: Vec<String> =
            report.findings.iter().filter(|finding| finding.denied).map(sentence).collect();
        assert_eq!(
            denied,
            [
                "`print-loop` is denied: 500 000 prints one by one (src/main.rs:6:9, likely 18.5 % of \
              the wall time)"
            ]
        );
    }
}
