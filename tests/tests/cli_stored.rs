//! `report`, `list`, `explain` and `clean`: what is done without running anything.

use std::fs;
use std::path::PathBuf;

use hotpath_tests::{Hotpath, Workspace};
use serde_json::Value;

fn hotpath(args: &[&str]) -> Hotpath {
    Hotpath::new(&Workspace::shared("shop").root, args)
}

/// A run kept under a name; gives the directory of its files.
fn saved(name: &str) -> PathBuf {
    let workspace = Workspace::shared("shop");
    let run = hotpath(&["run", "--runs", "1", "--save", name]).run();
    let _ = run.expect_code(0);
    let data = workspace.join("target/hotpath");
    let id = fs::read_to_string(data.join("names").join(name)).unwrap();
    data.join("runs").join(id)
}

#[test]
fn a_stored_run_gives_the_same_report_again() {
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("first.json");
    let run = hotpath(&["run", "--runs", "1", "--save", "again", "--format", "json", "-o"]);
    let finished = run.args([&first]).run().expect_code(0);
    assert!(finished.stdout.contains("total 508390"), "the workload keeps standard output");
    let again = hotpath(&["report", "again", "--format", "json"]).run().expect_code(0).json();
    let first: Value = serde_json::from_str(&fs::read_to_string(first).unwrap()).unwrap();
    assert_eq!(first, again);
    let human = hotpath(&["report", "again"]).run().expect_code(0);
    assert!(human.stdout.contains("Current state"), "{}", human.stdout);
}

#[test]
fn the_newest_run_is_last_and_a_directory_names_a_run() {
    let path = saved("by-path");
    let by_path =
        hotpath(&["report", "--format", "json"]).args([&path]).run().expect_code(0).json();
    assert_eq!(by_path["workload"]["name"], "shop");
    let _ = hotpath(&["report"]).run().expect_code(0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_exit_74() {
    let _ = saved("full");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let finished = hotpath(&["report", "full"]).run_writing_to(full).expect_code(74);
    assert!(finished.stderr.contains("standard output"), "{}", finished.stderr);
}

#[test]
fn runs_that_are_not_there_are_exit_2() {
    let finished = hotpath(&["report", "nothing-like-it"]).run().expect_code(2);
    assert!(finished.stderr.contains("`nothing-like-it`"), "{}", finished.stderr);
}

#[test]
fn damaged_newer_and_foreign_data_is_refused_by_file_name() {
    // A copy: others ask for the newest run meanwhile.
    let dir = tempfile::tempdir().unwrap();
    for file in fs::read_dir(saved("spoilt")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), dir.path().join(file.file_name())).unwrap();
    }
    let report = || hotpath(&["report"]).args([dir.path()]).run();
    for (file, text, expected) in [
        ("profile-1.json", "{\"version\": 1", "damaged"),
        ("profile-1.json", "{\"version\": 999}", "999"),
        ("profile-1.json", "PK\u{3}\u{4}", "damaged"),
        ("run.json", "{\"version\": 999}", "newer version 999"),
        ("run.json", "[]", "no record"),
    ] {
        let path = dir.path().join(file);
        let good = fs::read_to_string(&path).unwrap();
        fs::write(&path, text).unwrap();
        let finished = report().expect_code(2);
        assert!(finished.stderr.contains(file), "{}", finished.stderr);
        assert!(finished.stderr.contains(expected), "{}", finished.stderr);
        fs::write(&path, good).unwrap();
    }
    let _ = report().expect_code(0);
}

#[test]
fn list_shows_functions_and_their_sites_without_building() {
    let text = hotpath(&["list"]).run().expect_code(0).stdout;
    assert!(text.contains("shop::labelled  (src/lib.rs:"), "{text}");
    assert!(text.contains("format!"), "{text}");
    let one = hotpath(&["list", "-p", "engine"]).run().expect_code(0).stdout;
    assert!(one.lines().any(|line| line.starts_with("1 function, ")), "{one}");
    let list = hotpath(&["list", "-p", "engine", "--format", "json"]).run().expect_code(0).json();
    let functions = list["functions"].as_array().unwrap();
    assert_eq!(functions.len(), 1);
    assert_eq!(functions[0]["path"], "engine::turn");
    let kinds: Vec<_> =
        functions[0]["sites"].as_array().unwrap().iter().map(|s| &s["kind"]).collect();
    assert!(kinds.iter().any(|kind| **kind == "to_string"), "{kinds:?}");
}

#[test]
fn explain_knows_every_rule_and_the_nearest_of_an_unknown_one() {
    let all = hotpath(&["explain"]).run().expect_code(0).stdout;
    assert!(all.lines().any(|line| line.starts_with("clone-in-loop ")), "{all}");
    let one = hotpath(&["explain", "clone-in-loop"]).run().expect_code(0).stdout;
    assert!(one.contains("When not to do it"), "{one}");
    let unknown = hotpath(&["explain", "clone-in-lop"]).run().expect_code(2);
    assert!(unknown.stderr.contains("`clone-in-loop`"), "{}", unknown.stderr);
}

#[test]
fn clean_removes_only_what_is_ours() {
    let dir = tempfile::tempdir().unwrap();
    let ours = dir.path().join("hotpath/runs/x");
    fs::create_dir_all(&ours).unwrap();
    fs::write(ours.join("run.json"), [b' '; 2048]).unwrap();
    fs::write(dir.path().join("users"), "").unwrap();
    let clean = |args: &[&str]| hotpath(&["clean", "--target-dir"]).args([dir.path()]).args(args);
    let dry = clean(&["--dry-run"]).run().expect_code(0);
    assert!(dry.stderr.contains("2.00 KiB") && ours.exists(), "{}", dry.stderr);
    let _ = clean(&[]).run().expect_code(0);
    assert!(!dir.path().join("hotpath").exists());
    assert!(dir.path().join("users").exists());
}

#[test]
fn both_ways_to_call_it_are_the_same() {
    let with = hotpath(&["explain"]).run().expect_code(0).stdout;
    let direct = std::process::Command::new(hotpath_tests::binary::path()).arg("explain").output();
    assert_eq!(String::from_utf8(direct.unwrap().stdout).unwrap(), with);
    let help = hotpath(&["run", "--help"]).run().expect_code(0).stdout;
    for heading in ["Package selection", "Target selection", "Feature selection", "Report options"]
    {
        assert!(help.contains(heading), "{help}");
    }
}
