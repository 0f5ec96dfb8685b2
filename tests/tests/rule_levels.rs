//! What is done with the findings of a rule: suppressed in the source, allowed, denied or limited by the
//! configuration.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use hotpath_tests::{Finished, Hotpath, Workspace};
use serde_json::Value;

/// The tests share one workspace, whose configuration each writes.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Copied once: another copy would take the configuration away.
fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| Workspace::shared("faults").root)
}

fn hotpath(args: &[&str]) -> Hotpath {
    Hotpath::new(root(), args)
}

fn configure(text: &str) {
    fs::write(root().join("hotpath.toml"), text).unwrap();
}

/// The report of a run that was made once, under this `hotpath.toml`.
fn configured(text: &str, args: &[&str]) -> Finished {
    static STORED: OnceLock<()> = OnceLock::new();
    STORED.get_or_init(|| {
        // Another test may have left one that is no good.
        configure("");
        let run = hotpath(&["run", "--runs", "1", "--save", "base"]).run();
        let _ = run.expect_code(0);
    });
    configure(text);
    hotpath(&["report", "base"]).args(args).run()
}

/// Rule and function of each finding.
fn found(report: &Value) -> BTreeSet<(String, String)> {
    let functions = report["functions"].as_array().unwrap();
    let path = |id: &Value| {
        let function = functions.iter().find(|function| function["id"] == *id);
        let path = function.map(|function| function["path"].as_str().unwrap());
        path.and_then(|path| path.rsplit("::").next()).unwrap_or_default().to_owned()
    };
    let findings = report["findings"].as_array().unwrap();
    let row = |finding: &Value| {
        (finding["rule"].as_str().unwrap().to_owned(), path(&finding["function"]))
    };
    findings.iter().map(row).collect()
}

/// What each rule finds where nothing is said.
const FAULTS: [(&str, &str); 8] = [
    ("clone-for-borrow", "borrowed"),
    ("clone-in-loop", "looped"),
    ("format-push", "pushed"),
    ("print-loop", "print"),
    ("regex-per-call", "pattern"),
    ("string-no-capacity", "string"),
    ("unbuffered-write", "write"),
    ("vec-no-capacity", "vec"),
];

fn faults() -> BTreeSet<(String, String)> {
    FAULTS.iter().map(|(rule, function)| ((*rule).to_owned(), (*function).to_owned())).collect()
}

#[test]
fn comments_and_attributes_suppress_every_rule_where_they_stand() {
    let _alone = alone();
    // A write may be as fast as the buffer of a filesystem in memory.
    let text = "[rules]\nunbuffered-write = { min_write_ns = 1 }\n";
    let report = configured(text, &["--all", "--format", "json"]).expect_code(0).json();
    let mut found = found(&report);
    // Those about the build have no place where they could be suppressed.
    found.retain(|(_, function)| !function.is_empty());
    assert_eq!(found, faults());
    let warnings = report["quality"]["warnings"].as_array().unwrap();
    let unknown: Vec<&str> = warnings
        .iter()
        .filter(|warning| warning["id"] == "unknown-rule")
        .map(|warning| warning["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        unknown,
        [
            "src/main.rs:9: no rule is called `print-lop`, so allowing it does nothing; did you mean \
          `print-loop`?"
        ]
    );
}

#[test]
fn they_do_so_in_a_copy_with_every_function_instrumented_too() {
    let _alone = alone();
    configure("[rules]\nunbuffered-write = { min_write_ns = 1 }\n");
    let args = ["run", "--auto", "--runs", "1", "--all", "--format", "json"];
    let report = hotpath(&args).run().expect_code(0).json();
    let own: BTreeSet<_> = faults();
    let found = found(&report);
    assert!(found.is_superset(&own), "{found:?}");
    let suppressed: Vec<_> = found.iter().filter(|(_, name)| name.contains("_by_")).collect();
    assert!(suppressed.is_empty(), "{suppressed:?}");
}

#[test]
fn an_allowed_rule_is_left_out_and_said_once() {
    let _alone = alone();
    let text = "[rules]\n\"print-loop\" = \"allow\"\n";
    let report = configured(text, &["--all", "--format", "json"]).expect_code(0).json();
    assert!(found(&report).iter().all(|(rule, _)| rule != "print-loop"));
    assert_eq!(report["quality"]["allowed_rules"], serde_json::json!(["print-loop"]));
    let human = configured(text, &[]).expect_code(0).stdout;
    assert!(human.contains("  Allowed by the configuration: `print-loop`.\n"), "{human}");
}

#[test]
fn a_denied_finding_is_reported_and_fails() {
    let _alone = alone();
    let text = "[rules]\nprint-loop = { level = \"deny\", min_impact_pct = 0 }\n";
    let failed = configured(text, &[]).expect_code(1);
    assert!(failed.stdout.contains("denied by the configuration"), "{}", failed.stdout);
    let line = "error: `print-loop` is denied: 1 000 prints one by one (src/output.rs:24:9, likely";
    assert_eq!(failed.stderr.matches(line).count(), 1, "{}", failed.stderr);
    let report = configured(text, &["--format", "json"]).expect_code(1).json();
    let denied = |report: &Value| {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().filter(|finding| finding["denied"] == true).count()
    };
    assert_eq!(denied(&report), 1);
    let high = "[rules]\nprint-loop = { level = \"deny\", min_impact_pct = 100 }\n";
    let report = configured(high, &["--all", "--format", "json"]).expect_code(0).json();
    assert_eq!(denied(&report), 0);
    assert!(found(&report).iter().any(|(rule, _)| rule == "print-loop"), "`--all` shows it");
}

#[test]
fn a_run_fails_by_it_unless_the_workload_failed() {
    let _alone = alone();
    configure("[rules]\nprint-loop = { level = \"deny\", min_impact_pct = 0 }\n");
    let run = |args: &[&str]| hotpath(&["run", "--runs", "1"]).args(args).run();
    let finished = run(&[]).expect_code(1);
    assert!(finished.stdout.contains("Recommendations"), "{}", finished.stdout);
    let finished = run(&["--", "fail"]).expect_code(3);
    assert!(finished.stderr.contains("`print-loop` is denied"), "{}", finished.stderr);
}

#[test]
fn mistakes_are_exit_2_before_anything_is_built() {
    let _alone = alone();
    configure("[rules]\nprint-lop = \"deny\"\n");
    let run = hotpath(&["run", "--format", "json"]).run().expect_code(2);
    assert!(!run.stderr.contains("Compiling"), "{}", run.stderr);
    let error = &run.json()["error"];
    assert_eq!(error["code"], "configuration");
    let message = error["message"].as_str().unwrap();
    assert!(message.ends_with("hotpath.toml: there is no rule `print-lop`"), "{message}");
    assert_eq!(error["hint"], "did you mean `print-loop`?");
    let budget = configured("[budgets]\n", &[]).expect_code(2);
    assert!(budget.stderr.contains("unknown key `budgets`"), "{}", budget.stderr);
}

#[test]
fn manifests_configure_too_but_not_beside_the_file() {
    let _alone = alone();
    let _ = configured("[rules]\n", &[]);
    let manifest = root().join("Cargo.toml");
    let plain = fs::read_to_string(&manifest).unwrap();
    let with = |text: &str| {
        fs::write(&manifest, format!("{plain}\n{text}\n")).unwrap();
        hotpath(&["report", "base", "--format", "json"]).run()
    };
    let both = with("[package.metadata.hotpath.rules]\nprint-loop = \"deny\"").expect_code(2);
    assert!(both.stderr.contains("both configure cargo-hotpath"), "{}", both.stderr);
    fs::remove_file(root().join("hotpath.toml")).unwrap();
    let denied = "print-loop = { level = \"deny\", min_impact_pct = 0 }";
    let workspace = format!("[workspace.metadata.hotpath.rules]\n{denied}");
    let _ = with(&workspace).expect_code(1);
    let package = "[package.metadata.hotpath.rules]\nprint-loop = \"warn\"";
    let _ = with(&format!("{workspace}\n{package}")).expect_code(0);
    let typo = with("[package.metadata.hotpath.rule]\n").expect_code(2);
    assert!(typo.stderr.contains("unknown key `rule` in `[package.metadata.hotpath]`"));
    fs::write(&manifest, plain).unwrap();
}

#[test]
fn markdown_has_the_sections_in_a_file_or_on_standard_output() {
    let _alone = alone();
    let finished = configured("", &["--all", "--format", "markdown"]).expect_code(0);
    let sections = ["# cargo hotpath: bin `faults`", "## Current state", "## Recommendations"];
    for section in sections.into_iter().chain(["## Verification steps"]) {
        assert!(finished.stdout.contains(&format!("{section}\n")), "{section}");
    }
    assert!(finished.stdout.contains("\\] copy of a `String` that is only borrowed\n"));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.md");
    let written = configured("", &["--all", "--format", "markdown", "-o", file.to_str().unwrap()]);
    assert_eq!(written.expect_code(0).stdout, "");
    assert_eq!(fs::read_to_string(&file).unwrap(), finished.stdout);
    let nothing = configured("", &["--min-impact", "100", "--format", "markdown"]).expect_code(0);
    assert!(nothing.stdout.contains("\nNothing worth fixing above 100 % of the wall time.\n"));
    let args = ["run", "--runs", "1", "--format", "markdown"];
    let run = hotpath(&args).run().expect_code(0);
    assert!(run.stdout.starts_with("# cargo hotpath: bin `faults`\n"), "{}", run.stdout);
    assert!(run.stderr.contains("at work"), "the workload's own output is kept");
    let list = hotpath(&["list", "--format", "markdown"]).run().expect_code(0);
    assert!(list.stdout.contains("- `faults::texts::pushed` (`src/texts.rs:"), "{}", list.stdout);
    assert!(list.stderr.contains("no rule is called `print-lop`"), "{}", list.stderr);
}
