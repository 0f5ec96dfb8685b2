//! Each habit that a rule knows is found where it stands, and the same work without it is left alone.

use std::collections::BTreeSet;

use hotpath_tests::{Hotpath, Report, Workspace};

fn run(binary: &str, arguments: &[&str]) -> Report {
    let workspace = Workspace::shared("habits");
    let flags = ["run", "--format", "json", "--runs", "1", "--all", "--bin", binary, "--"];
    Hotpath::new(&workspace.root, &flags).args(arguments).run().expect_code(0).report()
}

/// Rule and function of each finding; no function for those about the build.
fn found(report: &Report) -> BTreeSet<(String, String)> {
    let functions = report.functions();
    let name = |id: &serde_json::Value| {
        let function = functions.iter().find(|function| function["id"] == *id);
        let path = function.and_then(|function| function["path"].as_str()).unwrap_or_default();
        path.rsplit("::").next().unwrap_or_default().to_owned()
    };
    let rule =
        |finding: &serde_json::Value| finding["rule"].as_str().unwrap_or_default().to_owned();
    report.findings().iter().map(|it| (rule(it), name(&it["function"]))).collect()
}

fn has(found: &BTreeSet<(String, String)>, rule: &str, function: &str) {
    assert!(
        found.contains(&(rule.to_owned(), function.to_owned())),
        "{rule} in {function}: {found:?}"
    );
}

#[test]
fn each_habit_is_found() {
    let report = run("slow", &[]);
    report.assert_shares_are_sane();
    let found = found(&report);
    for (rule, function) in [
        ("entry-key-alloc", "count"),
        ("owned-key-lookup", "look_up"),
        ("mutex-to-atomic", "add"),
        ("linear-search-loop", "search"),
        ("vec-front", "take_all"),
        ("alloc-in-loop-reuse", "render"),
        ("cmp-owned", "compare"),
        ("collect-then-iter", "collect"),
        ("lines-alloc", "read"),
        ("clone-last-use", "keep"),
    ] {
        has(&found, rule, function);
    }
    assert!(found.iter().any(|(rule, _)| rule == "default-hasher-hot"), "{found:?}");
    let searches = report.findings().iter().filter(|it| it["rule"] == "linear-search-loop").count();
    assert_eq!(searches, 2, "by `contains` and by `position`: {:#?}", report.findings());
}

#[test]
fn work_without_them_is_left_alone() {
    let report = run("fast", &[]);
    let found = found(&report);
    let rules: Vec<&str> = found.iter().map(|(rule, _)| rule.as_str()).collect();
    for rule in [
        "alloc-in-loop-reuse",
        "clone-last-use",
        "cmp-owned",
        "collect-then-iter",
        "default-hasher-hot",
        "entry-key-alloc",
        "linear-search-loop",
        "lines-alloc",
        "lock-contention",
        "mutex-to-atomic",
        "owned-key-lookup",
        "vec-front",
    ] {
        assert!(!rules.contains(&rule), "{rule}: {found:?}");
    }
}

#[test]
fn waiting_for_a_lock_is_found_and_takes_no_cpu_time() {
    let report = run("slow", &["contended"]);
    has(&found(&report), "lock-contention", "share");
    let finding = report.findings().iter().find(|it| it["rule"] == "lock-contention");
    assert!(finding.is_some_and(|it| it["impact"]["cpu_pct"].is_null()), "{finding:#?}");
}

#[test]
fn a_program_that_only_allocates_could_have_another_allocator() {
    let report = run("slow", &["allocating"]);
    has(&found(&report), "allocator-swap", "");
}
