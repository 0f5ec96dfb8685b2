use super::*;
use crate::facts::{Facts, FunctionFacts};
use crate::report::human;
use crate::report::tests::{busy, many, report};
use crate::schema::{Exit, Retained, RetainedSite};

fn shown(report: &Report, facts: &Facts) -> String {
    let text = render(report, &facts.sources, &Limits::default());
    assert!(!text.contains("\n\n\n") && text.ends_with('\n'), "{text}");
    assert_eq!(text.matches("\n```").count() % 2, 0, "an open fence: {text}");
    text
}

fn plain(facts: &Facts) -> String {
    shown(&report(facts, |_, _| {}), facts)
}

/// Names and code full of what Markdown, HTML and GitHub read.
fn special() -> Facts {
    let mut facts = busy();
    let function = &mut facts.functions[0];
    function.path = "app::<impl Parse<'_> for *mut T>::a_b_c".to_owned();
    function.sites[0].label = "\"`|`\".clone()".to_owned();
    function.sites[1].label = "println!(\"<script>|{}\\|</script>\", x | y)".to_owned();
    facts.functions.push(FunctionFacts {
        path: "app::memo::[u8; 3]::__x".to_owned(),
        calls: 3,
        self_ns: 50_000_000,
        total_ns: 50_000_000,
        ..FunctionFacts::default()
    });
    let (file, odd) = ("src/main.rs", "src/a_b/*x*|<y>`z`.rs");
    let text = facts.sources.remove(file).unwrap_or_default();
    let text = text.replace("use std::io;", "//! ```").replace("{name}", "{name}```");
    facts.sources.insert(odd.to_owned(), text);
    facts.functions[0].file = odd.to_owned();
    facts
}

#[test]
fn no_findings_and_three_hundred_functions() {
    insta::assert_snapshot!(plain(&many(300)));
}

#[test]
fn findings() {
    insta::assert_snapshot!(plain(&busy()));
}

#[test]
fn nothing_measured() {
    insta::assert_snapshot!(plain(&Facts::default()));
}

#[test]
fn names_with_markdown_characters() {
    let facts = special();
    let report = report(&facts, |inputs, _| {
        inputs.workload.name = "a_b*c".to_owned();
        inputs.workload.exit = Exit { code: Some(3), signal: None };
    });
    insta::assert_snapshot!(shown(&report, &facts));
}

#[test]
fn every_row_of_a_table_has_the_cells_of_its_header() {
    let facts = special();
    let report = report(&facts, |_, _| {});
    let text = shown(&report, &facts);
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut width = 0;
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        // A header is a table's first line: it has no numbers.
        if !line.contains(|c: char| c.is_ascii_digit()) && !line.contains("---") {
            width = cells(line);
        }
        assert_eq!(cells(line), width, "{line}");
    }
    assert!(width > 0);
}

#[test]
fn it_says_what_the_report_for_people_says() {
    let facts = busy();
    let mut report = report(&facts, |_, _| {});
    report.retained = Some(Retained {
        bytes: 4096,
        error_bytes: 8,
        period_bytes: 512,
        sites: vec![RetainedSite {
            function: None,
            path: Some("app::keep".to_owned()),
            text: None,
            file: None,
            line: None,
            bytes: 4096,
            kind: None,
            column: None,
            sampled_blocks: 9,
            error_bytes: 8,
            born_bytes: [1024; 4],
        }],
        dropped_blocks: 0,
    });
    let options = human::Options { width: 4000, ..human::Options::default() };
    let human = human::render(&report, &facts.sources, &options);
    let markdown = render(&report, &facts.sources, &Limits::default());
    let plain = markdown.replace(['\\', '*'], "");
    for line in human.lines().filter(|line| line.contains(": ") || line.ends_with('.')) {
        let line = line.trim();
        let is_source = line.contains("println!(\"{name}\");") || line.contains("cargo hotpath");
        assert!(is_source || plain.contains(line) || line.contains("src/main.rs"), "{line}");
    }
}

#[test]
fn without_its_source_a_finding_is_a_position() {
    let mut facts = busy();
    facts.sources.clear();
    let text = plain(&facts);
    assert!(text.contains("\n`src/main.rs:5:23`\n") && !text.contains("```rust"), "{text}");
}

#[test]
fn the_floor_and_the_length_of_lists_are_the_users() {
    let facts = busy();
    let report = report(&facts, |_, _| {});
    let text = render(&report, &facts.sources, &Limits::new(Some(1), None));
    assert!(text.contains("### 1. ") && !text.contains("### 2. "), "{text}");
    assert!(text.contains("\nand 1 more, --top 2 lists all\n"), "{text}");
}
