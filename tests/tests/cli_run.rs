//! `cargo hotpath run` on a real workspace: what is selected, built, run and reported.

use hotpath_tests::{Finished, Hotpath, Workspace, binary};
use serde_json::Value;

fn run(args: &[&str]) -> Finished {
    hotpath(args).run()
}

fn hotpath(args: &[&str]) -> Hotpath {
    Hotpath::new(&Workspace::shared("shop").root, &["run"]).args(args)
}

/// A report as data, of one repetition.
fn report(args: &[&str]) -> Value {
    hotpath(&["--format", "json", "--runs", "1"]).args(args).run().expect_code(0).json()
}

fn function<'a>(report: &'a Value, path: &str) -> &'a Value {
    let functions = report["functions"].as_array().unwrap();
    functions.iter().find(|function| function["path"] == path).unwrap_or_else(|| {
        panic!("{path} is not among {:?}", functions.iter().map(|f| &f["path"]).collect::<Vec<_>>())
    })
}

#[test]
fn the_default_binary_is_reported_to_people_on_standard_output() {
    let finished = run(&[]).expect_code(0);
    assert_eq!(finished.stdout.matches("total 508390").count(), 3, "three repetitions");
    assert!(finished.stdout.contains("Current state"), "{}", finished.stdout);
    assert!(finished.stdout.contains("labelled"), "{}", finished.stdout);
    assert!(finished.stderr.contains("Running"), "{}", finished.stderr);
    assert!(!finished.stdout.contains("Running"), "{}", finished.stdout);
}

#[test]
fn counts_are_exact_and_standard_output_is_one_document() {
    let finished = run(&["--format", "json", "--runs", "1", "--bin", "shop"]).expect_code(0);
    let report = finished.json();
    assert_eq!(function(&report, "shop::labelled")["calls"], 1000);
    assert_eq!(function(&report, "shop::total")["calls"], 1);
    assert_eq!(report["workload"]["kind"], "bin");
    assert_eq!(report["workload"]["exit"]["code"], 0);
    assert_eq!(report["runs"].as_array().unwrap().len(), 1);
    assert_eq!(report["quality"]["allocations"], "measured");
    assert_eq!(report["environment"]["profile"], "release");
    assert!(finished.stderr.contains("total 508390"), "the workload's own output is kept");
}

#[test]
fn what_to_change_is_named_with_its_place_and_gain() {
    let report = report(&["--all", "--", "shout"]);
    let findings = report["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["rule"] == "format-push").unwrap();
    assert_eq!(finding["file"], "src/lib.rs");
    assert_eq!(finding["impact"]["allocs"], 200_000);
    assert!(finding["impact"]["wall_pct"]["best"].as_f64().unwrap() > 0.0, "{finding}");
}

#[test]
fn the_floor_and_the_length_of_lists_are_the_users() {
    let finished = run(&["--runs", "1", "--min-impact", "100", "--top", "1", "--", "shout"]);
    let text = finished.expect_code(0).stdout;
    assert!(text.contains("Nothing worth fixing above 100"), "{text}");
    // Which is first is usually `shout`, but the processor may be taken from any.
    let names = ["shop::shout", "shop::total", "shop::labelled"];
    assert_eq!(names.iter().filter(|name| text.contains(**name)).count(), 1, "{text}");
}

#[test]
fn every_kind_of_target_runs_as_cargo_runs_it() {
    for (flags, kind, name) in [
        (&["--example", "small"][..], "example", "small"),
        (&["--test", "whole"], "test", "whole"),
        (&["--bench", "checkout"], "bench", "checkout"),
        (&["--lib"], "lib", "shop"),
    ] {
        let report = report(flags);
        assert_eq!(report["workload"]["kind"], kind);
        assert_eq!(report["workload"]["name"], name);
        assert_eq!(function(&report, "shop::labelled")["calls"], 1000, "{kind}");
    }
}

#[test]
fn the_workload_sees_what_cargo_run_would_give_it() {
    let workspace = Workspace::shared("shop");
    let here = workspace.join("members");
    let manifest = workspace.join("Cargo.toml");
    let finished = Hotpath::new(&here, &["run", "--runs", "1", "-F", "extra", "--manifest-path"])
        .args([&manifest])
        .args(["--", "env"])
        .run()
        .expect_code(0);
    let root = workspace.root.to_str().unwrap();
    for line in [
        format!("cwd {}", here.display()),
        format!("CARGO_MANIFEST_DIR {root}"),
        "CARGO_PKG_VERSION 1.2.3".to_owned(),
        "SHOP_BUILD built".to_owned(),
        "SHOP_CONFIG configured".to_owned(),
        "feature extra true".to_owned(),
    ] {
        assert!(finished.stdout.lines().any(|l| l == line), "{line} in {}", finished.stdout);
    }
}

#[cfg(unix)]
#[test]
fn a_configured_runner_starts_the_workload() {
    let report = report(&["--bin", "shop"]);
    let triple = report["environment"]["target"].as_str().unwrap();
    let name = format!("CARGO_TARGET_{}_RUNNER", triple.to_uppercase().replace('-', "_"));
    let finished = hotpath(&["--runs", "1", "--", "env"])
        .env(&name, "env SHOP_CONFIG=runner")
        .run()
        .expect_code(0);
    assert!(finished.stdout.contains("SHOP_CONFIG runner"), "{}", finished.stdout);
}

#[test]
fn a_dependency_of_the_workload_is_switched_on_with_features_as_they_were() {
    let finished = run(&["-p", "user", "--runs", "1"]).expect_code(0);
    assert!(finished.stdout.contains("turned 9 loud false turbo true"), "{}", finished.stdout);
    let report = report(&["-p", "user"]);
    assert_eq!(function(&report, "engine::turn")["calls"], 1);
    let finished = run(&["-p", "user", "--runs", "1", "--no-default-features"]).expect_code(0);
    assert!(finished.stdout.contains("loud false turbo false"), "{}", finished.stdout);
}

#[test]
fn a_renamed_dependency_is_switched_on_by_its_name() {
    assert_eq!(function(&report(&["-p", "renamed"]), "renamed::work")["calls"], 1);
}

#[test]
fn a_global_allocator_of_the_programs_own_is_left_alone() {
    let own = report(&["-p", "allocators", "--bin", "own"]);
    assert_eq!(own["quality"]["allocations"], "not-measured");
    assert_eq!(own["totals"]["allocs"], Value::Null);
    let warnings = own["quality"]["warnings"].to_string();
    assert!(warnings.contains("hotpath_runtime::Allocator::new"), "{warnings}");
    let wrapped = report(&["-p", "allocators", "--bin", "wrapped"]);
    assert_eq!(wrapped["quality"]["allocations"], "measured");
    assert!(wrapped["totals"]["allocs"].as_u64().unwrap() >= 100);
}

#[test]
fn standard_input_is_the_same_for_every_repetition() {
    let finished = hotpath(&["--runs", "3", "--", "stdin"]).run_with_input("12345").expect_code(0);
    assert_eq!(finished.stdout.matches("read 5 bytes").count(), 3, "{}", finished.stdout);
}

#[test]
fn counts_that_differ_between_repetitions_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("times");
    let report = hotpath(&["--format", "json", "--runs", "2", "--", "vary"])
        .args([&file])
        .run()
        .expect_code(0)
        .json();
    let warnings = report["quality"]["warnings"].as_array().unwrap();
    let differ = warnings.iter().find(|warning| warning["id"] == "counts-differ").unwrap();
    assert!(differ["message"].as_str().unwrap().contains("shop::labelled"), "{differ}");
    assert_eq!(report["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn two_runs_at_once_keep_apart() {
    let args = ["--format", "json", "--runs", "1", "--bin", "shop"];
    let both = [hotpath(&args).spawn(), hotpath(&args).spawn()];
    for child in both {
        let finished = Finished::from(child.wait_with_output().unwrap()).expect_code(0);
        assert_eq!(function(&finished.json(), "shop::labelled")["calls"], 1000);
    }
}

#[test]
fn no_home_directory_is_needed() {
    let home = binary::cargo_home();
    let run = hotpath(&["--runs", "1"]).without_env("HOME");
    let _ = run.env("CARGO_HOME", home.to_str().unwrap()).run().expect_code(0);
}
