//! SARIF 2.1.0 (OASIS), for code scanning.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::issues::{BUDGET, Issue, Level, issues};
use crate::rules;
use crate::schema::{ErrorBody, Report};

/// The report's broken budgets and findings as a SARIF log. `prefix` is the workspace's path in the
/// checkout, with `/` at its end.
pub fn render(report: &Report, prefix: &str) -> String {
    let issues = issues(report, prefix);
    let used: BTreeSet<&str> = issues.iter().map(|issue| issue.rule.as_str()).collect();
    let used: Vec<&str> = used.into_iter().collect();
    log(&json!({
        "tool": {"driver": {
            "name": report.tool.name,
            "semanticVersion": report.tool.version,
            "informationUri": env!("CARGO_PKG_REPOSITORY"),
            "rules": used.iter().map(|id| rule(id)).collect::<Vec<_>>(),
        }},
        "columnKind": "unicodeCodePoints",
        "results": issues.iter().map(|issue| result(issue, &used)).collect::<Vec<_>>(),
    }))
}

/// The log of an invocation that came to no report. It has no results, which is not the same as none
/// found: nothing that was found before counts as mended by it.
pub fn failure(error: &ErrorBody) -> String {
    let hint = error.hint.iter().map(|hint| format!("\nhelp: {hint}"));
    let text: String = [error.message.clone()].into_iter().chain(hint).collect();
    log(&json!({
        "tool": {"driver": {
            "name": env!("CARGO_PKG_NAME"),
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "informationUri": env!("CARGO_PKG_REPOSITORY"),
        }},
        "invocations": [{
            "executionSuccessful": false,
            "toolExecutionNotifications": [{
                "level": "error",
                "descriptor": {"id": error.code},
                "message": {"text": text},
            }],
        }],
    }))
}

fn log(run: &Value) -> String {
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    });
    format!("{log:#}\n")
}

fn rule(id: &str) -> Value {
    let text = match rules::find(id) {
        Ok(rule) => rule.meta().summary.to_owned(),
        Err(_) if id == BUDGET => "a budget is broken".to_owned(),
        Err(_) => id.to_owned(),
    };
    json!({"id": id, "shortDescription": {"text": text}})
}

fn result(issue: &Issue, rules: &[&str]) -> Value {
    let level = match issue.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    let mut result = json!({
        "ruleId": issue.rule,
        "ruleIndex": rules.iter().position(|id| *id == issue.rule),
        "level": level,
        "message": {"text": format!("{}\n{}", issue.title, issue.message)},
        "partialFingerprints": {"cargoHotpath/v1": issue.fingerprint},
    });
    let place = &issue.place;
    let mut region = json!({"startLine": place.line});
    if let Some(column) = place.column {
        region["startColumn"] = column.into();
    }
    if let Some((line, column)) = place.end {
        region["endLine"] = line.into();
        region["endColumn"] = column.into();
    }
    let mut artifact = json!({"uri": uri(&place.file)});
    if !place.file.starts_with('/') {
        artifact["uriBaseId"] = "%SRCROOT%".into();
    }
    result["locations"] = json!([{
        "physicalLocation": {"artifactLocation": artifact, "region": region},
    }]);
    result
}

/// A path as a URI reference (RFC 3986).
fn uri(file: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let mut uri = String::with_capacity(file.len());
    for byte in file.bytes() {
        if is_plain(byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    if file.starts_with('/') { format!("file://{uri}") } else { uri }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{busy, report};

    #[test]
    fn fingerprints_stay_when_lines_move() {
        let prints = |text: &str| -> Vec<Value> {
            let log: Value = serde_json::from_str(text).unwrap();
            let results = log["runs"][0]["results"].as_array().unwrap();
            results.iter().map(|result| result["partialFingerprints"].clone()).collect()
        };
        let before = render(&report(&busy(), |_, _| {}), "");
        let mut moved = busy();
        for site in &mut moved.functions[0].sites {
            site.line += 40;
            let source = site.source.as_mut().expect("it has one");
            (source.span.line, source.span.end_line) =
                (source.span.line + 40, source.span.end_line + 40);
        }
        moved.functions[0].line += 40;
        let after = render(&report(&moved, |_, _| {}), "");
        assert_ne!(before, after);
        assert_eq!(prints(&before), prints(&after));
        assert!(!prints(&before).is_empty());
    }

    #[test]
    fn paths_are_uris() {
        assert_eq!(uri("a b/é.rs"), "a%20b/%C3%A9.rs");
        assert_eq!(uri("/x/a.rs"), "file:///x/a.rs");
    }
}
