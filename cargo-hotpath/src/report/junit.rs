//! XML as that of `JUnit`: each budget and each finding is a test case, what fails the check a failure.

use std::fmt::Write as _;

use super::budgets;
use crate::schema::{BudgetStatus, ErrorBody, Report};

/// One test case.
struct Case {
    class: String,
    name: String,
    failure: Option<(String, String)>,
    output: Option<String>,
}

/// The report as test suites.
pub fn render(report: &Report) -> String {
    let suites = [("budgets", of_budgets(report)), ("findings", of_findings(report))];
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let all = suites.iter().flat_map(|(_, cases)| cases);
    let failed = |cases: &[Case]| cases.iter().filter(|case| case.failure.is_some()).count();
    let total: usize = suites.iter().map(|(_, cases)| failed(cases)).sum();
    // Writing to a string can't fail.
    let _ = writeln!(
        text,
        "<testsuites name=\"cargo-hotpath\" tests=\"{}\" failures=\"{total}\">",
        all.count()
    );
    for (name, cases) in suites.iter().filter(|(_, cases)| !cases.is_empty()) {
        let _ = writeln!(
            text,
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\">",
            cases.len(),
            failed(cases)
        );
        for it in cases {
            case(&mut text, it);
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

/// One test case that could not be carried out.
pub fn failure(error: &ErrorBody) -> String {
    let ErrorBody { code, message, hint } = error;
    let (code, message) = (xml(code), xml(message));
    let hint = xml(hint.as_deref().unwrap_or_default());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"cargo-hotpath\" tests=\"1\" failures=\"0\" errors=\"1\">\n  \
         <testsuite name=\"cargo-hotpath\" tests=\"1\" failures=\"0\" errors=\"1\">\n    \
         <testcase classname=\"cargo-hotpath\" name=\"{code}\">\n      \
         <error message=\"{message}\">{hint}</error>\n    </testcase>\n  </testsuite>\n</testsuites>\n"
    )
}

fn of_budgets(report: &Report) -> Vec<Case> {
    let case = |budget: &crate::schema::Budget| {
        let causes: Vec<String> = budget.causes.iter().map(budgets::cause_sentence).collect();
        let failure = (budget.status == BudgetStatus::Fail)
            .then(|| (budgets::sentence(budget), causes.join("\n")));
        let (class, name) = (budget.target.clone(), budget.metric.clone());
        Case { class, name, failure, output: None }
    };
    report.budgets.iter().map(case).collect()
}

fn of_findings(report: &Report) -> Vec<Case> {
    let case = |finding: &crate::schema::Finding| {
        let file = finding.file.clone().unwrap_or_default();
        let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        let about = format!("{}\n{}", finding.problem, finding.solution);
        Case {
            class: finding.rule.clone(),
            name: format!("{} ({file}{line})", finding.title),
            failure: finding
                .denied
                .then(|| (format!("`{}` is denied", finding.rule), about.clone())),
            output: (!finding.denied).then_some(about),
        }
    };
    report.findings.iter().map(case).collect()
}

fn case(text: &mut String, case: &Case) {
    let Case { class, name, failure, output } = case;
    // Writing to a string can't fail.
    let _ = write!(text, "    <testcase classname=\"{}\" name=\"{}\"", xml(class), xml(name));
    if let Some((message, details)) = failure {
        let _ = writeln!(
            text,
            ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
            xml(message),
            xml(details)
        );
    } else if let Some(output) = output {
        let _ =
            writeln!(text, ">\n      <system-out>{}</system-out>\n    </testcase>", xml(output));
    } else {
        text.push_str("/>\n");
    }
}

/// Text for an element or attribute; what XML 1.0 can't hold is left out.
fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            '\t' => escaped.push(' '),
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{busy, report};

    #[test]
    fn findings_pass_unless_they_are_denied() {
        let mut report = report(&busy(), |_, _| {});
        let all = report.findings.len();
        assert!(render(&report).contains(&format!("tests=\"{all}\" failures=\"0\"")));
        report.findings[0].denied = true;
        let text = render(&report);
        assert!(text.contains(&format!("tests=\"{all}\" failures=\"1\"")), "{text}");
        assert_eq!(text.matches("<failure ").count(), 1, "{text}");
        assert_eq!(text.matches("<testcase ").count(), all);
    }

    #[test]
    fn whatever_stands_in_the_report_it_is_one_document() {
        let hostile = "</failure><a b='c'>]]> & \"\u{0}\u{1b}[31m\u{fffe}\u{85}\r\n\té";
        let mut report = report(&busy(), |_, _| {});
        let mut broken = budgets::tests::broken();
        hostile.clone_into(&mut broken.target);
        hostile.clone_into(&mut broken.causes[0].text);
        report.budgets = vec![broken];
        let finding = &mut report.findings[0];
        finding.denied = true;
        for text in [&mut finding.title, &mut finding.problem, &mut finding.rule] {
            hostile.clone_into(text);
        }
        let error = ErrorBody {
            code: "usage".to_owned(),
            message: hostile.to_owned(),
            hint: Some(hostile.to_owned()),
        };
        for (text, name, count) in [(render(&report), "failure", 2), (failure(&error), "error", 1)]
        {
            let document = roxmltree::Document::parse(&text).expect("well-formed");
            let all = document.descendants().filter(|it| it.has_tag_name(name));
            let said: Vec<&str> = all.filter_map(|it| it.attribute("message")).collect();
            assert_eq!(said.len(), count, "{text}");
            assert!(said[0].contains("</failure><a b='c'>]]> & \"[31m"), "{text}");
            assert!(!document.descendants().any(|it| it.has_tag_name("a")), "{text}");
        }
    }

    #[test]
    fn text_is_escaped() {
        assert_eq!(xml("Vec<u8> & \"x\"\n\u{1b}"), "Vec&lt;u8&gt; &amp; &quot;x&quot;&#10;");
    }
}
