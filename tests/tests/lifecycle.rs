//! Programs of several processes, and with libraries that come and go, from the command line.

#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::process::Command;

use hotpath_tests::{Hotpath, Report, Workspace, binary, number};

fn report(program: &str, argument: &str) -> Report {
    let workspace = Workspace::shared("lifecycle");
    let flags = ["run", "--format", "json", "--runs", "1", "--bin", program, "--", argument];
    Hotpath::new(&workspace.root, &flags).run().expect_code(0).report()
}

#[test]
fn forked_children_are_processes_of_their_own() {
    let report = report("processes", "fork");
    assert_eq!(report.function("work")["calls"], 6_000);
    // Open at the forks: in the two children that counted something as well.
    assert_eq!(report.function("session")["calls"], 3);
    assert!(!report.warns_of("unclean-exit"), "{}", report["quality"]);
    // All of them count allocations, those too that made none.
    let mut warnings = report["quality"]["warnings"].as_array().into_iter().flatten();
    // The program sleeps, what probes cost a program of milliseconds hangs on what else runs, and not
    // every machine has a counter to read: that is all there is to say of it.
    let is_expected = |warning: &serde_json::Value| {
        let is_clock = |message: &str| message.contains(" took the system's clock");
        ["waited", "overhead"].iter().any(|id| warning["id"] == *id)
            || warning["message"].as_str().is_some_and(is_clock)
    };
    assert!(warnings.all(is_expected), "{}", report["quality"]);
    // The first child left long before the parent did: that waits for each in turn, and then sleeps.
    let (wall, session) =
        (number(&report["totals"]["wall_ns"]), number(&report.function("session")["total_ns"]));
    assert!(session < 2.0 * wall - 300e6, "{session} of {wall} ns");
}

#[test]
fn a_process_that_execs_ended_well() {
    let report = report("processes", "exec");
    assert_eq!(report.function("work")["calls"], 2_000);
    assert_eq!(report.function("session")["calls"], 2);
    assert!(!report.warns_of("unclean-exit"), "{}", report["quality"]);
    let (wall, session) =
        (number(&report["totals"]["wall_ns"]), number(&report.function("session")["total_ns"]));
    assert!(session <= wall, "{session} of {wall} ns");
}

/// The library, built with probes.
fn plugin() -> PathBuf {
    let workspace = Workspace::shared("lifecycle");
    let target = workspace.root.join("target/by-hand");
    let built = Command::new(binary::cargo())
        .args(["build", "--offline", "--release", "--package", "plugin"])
        .args(["--features", "hotpath-runtime/enabled", "--target-dir"])
        .arg(&target)
        .current_dir(&workspace.root)
        .output()
        .expect("cargo starts");
    assert!(built.status.success(), "{built:?}");
    target.join("release/libplugin.so")
}

#[test]
fn a_library_may_be_unloaded_while_its_threads_still_run() {
    let report = report("host", plugin().to_str().expect("the path is UTF-8"));
    // Open at the forks: each child still ends the expression in which it was born.
    assert_eq!(report.function("round")["calls"], 3 + 3);
    assert_eq!(report.function("in_plugin")["calls"], 1_200);
    assert!(!report.warns_of("unclean-exit"), "{}", report["quality"]);
}
