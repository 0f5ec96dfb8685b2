//! What goes wrong, with the exit code and the next step of each.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use hotpath_tests::{Finished, Hotpath, Workspace};

fn run(args: &[&str]) -> Finished {
    hotpath(args).run()
}

fn hotpath(args: &[&str]) -> Hotpath {
    Hotpath::new(&Workspace::shared("shop").root, &["run"]).args(args)
}

/// Code and message of the error document, with its hint.
fn error(finished: &Finished) -> (String, String) {
    let document = finished.json();
    assert_eq!(document["schema_version"], 1);
    let error = &document["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (text("code"), format!("{} / {}", text("message"), text("hint")))
}

#[test]
fn several_binaries_and_no_choice_lists_them() {
    let finished = run(&["--format", "json", "-p", "allocators"]).expect_code(2);
    let (code, message) = error(&finished);
    assert_eq!(code, "selection");
    assert!(message.contains("`own`, `wrapped`"), "{message}");
}

#[test]
fn names_that_are_not_there_get_a_suggestion() {
    for (args, expected) in [
        (["--bin", "shp"], "did you mean `shop`?"),
        (["-p", "alocators"], "did you mean `allocators`?"),
        (["--example", "smal"], "did you mean `small`?"),
        (["--test", "zzzzzzzz"], "there are: `whole`"),
        (["-p", "engine"], "`--lib`"),
    ] {
        let finished = run(&args).expect_code(2);
        assert!(finished.stderr.contains(expected), "{args:?}: {}", finished.stderr);
        assert_eq!(finished.stdout, "");
    }
}

#[test]
fn a_package_without_the_dependency_is_told_how_to_add_it() {
    let command = hotpath(&["--format", "json", "-p", "bare"]).env("CARGO_HOTPATH_AUTO", "0");
    let (code, message) = error(&command.run().expect_code(2));
    assert_eq!(code, "missing-dependency");
    assert!(message.contains("cargo add hotpath-runtime -p bare"), "{message}");
}

#[test]
fn a_workload_that_reaches_no_site_is_exit_4() {
    let (code, message) = error(&run(&["--format", "json", "--", "idle"]).expect_code(4));
    assert_eq!(code, "nothing-hit");
    assert!(message.contains("none of its 3"), "{message}");
    let command = hotpath(&["--format", "json", "-p", "silent"]).env("CARGO_HOTPATH_AUTO", "0");
    let (_, message) = error(&command.run().expect_code(4));
    assert!(message.contains("no function is annotated"), "{message}");
}

#[test]
fn a_package_in_which_nothing_can_be_measured_is_exit_2() {
    for package in ["bare", "silent"] {
        let (code, message) = error(&run(&["--format", "json", "-p", package]).expect_code(2));
        assert_eq!(code, "selection");
        assert!(message.contains(&format!("nothing in package `{package}`")), "{message}");
    }
}

#[test]
fn a_failed_build_shows_cargos_own_words() {
    let finished = run(&["--bin", "broken", "-F", "broken"]).expect_code(101);
    assert!(finished.stderr.contains("mismatched types"), "{}", finished.stderr);
    assert!(finished.stderr.contains("could not compile `shop`"), "{}", finished.stderr);
}

#[test]
fn a_workspace_that_cargo_cannot_read_is_exit_2() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("Cargo.toml"), "[package\n").unwrap();
    let finished = Hotpath::new(dir.path(), &["run"]).run().expect_code(2);
    assert!(finished.stderr.contains("couldn't read the workspace"), "{}", finished.stderr);
}

#[test]
fn arguments_that_make_no_sense_are_exit_2() {
    for args in [
        &["--no-such-flag"][..],
        &["--runs", "0"],
        &["--timeout", "soon"],
        &["--min-impact", "200"],
        &["--save", "../x"],
        &["--bin", "a", "--lib"],
    ] {
        let finished = run(args).expect_code(2);
        assert!(finished.stderr.contains("error:"), "{args:?}");
        let json = hotpath(&["--format", "json"]).args(args).run().expect_code(2);
        assert_eq!(error(&json).0, "usage", "{args:?}");
    }
}

#[test]
fn a_workload_that_fails_is_exit_3_with_its_report() {
    for (mode, ending) in [
        (&["exit", "7"][..], "exited with code 7"),
        (&["panic"], "exited with code 101"),
        #[cfg(unix)]
        (&["abort"], "was ended by signal 6"),
    ] {
        let finished = hotpath(&["--format", "json", "--"]).args(mode).run().expect_code(3);
        let report = finished.json();
        assert_eq!(report["runs"].as_array().unwrap().len(), 1, "a failure isn't repeated");
        let calls = report["functions"].as_array().unwrap().iter().map(|f| &f["calls"]);
        assert!(calls.into_iter().any(|calls| *calls == 1000), "the profile is there");
        let warnings = report["quality"]["warnings"].to_string();
        assert!(warnings.contains(ending), "{warnings}");
        assert!(finished.stderr.contains(ending), "{}", finished.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_workload_that_dies_before_the_first_site_is_exit_3() {
    let (code, message) = error(&run(&["--format", "json", "--", "crash-early"]).expect_code(3));
    assert_eq!(code, "workload-failed");
    assert!(message.contains("signal 6"), "{message}");
}

#[cfg(unix)]
#[test]
fn a_workload_that_hangs_is_stopped_and_reported() {
    let report = run(&["--format", "json", "--timeout", "2s", "--", "hang"]).expect_code(3).json();
    assert_eq!(report["workload"]["exit"]["signal"], 15);
    assert_eq!(report["quality"]["truncated"], true);
    assert!(report["quality"]["warnings"].to_string().contains("--timeout"));
}

#[cfg(unix)]
#[test]
fn an_interrupt_is_passed_on_and_the_report_still_comes() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let dir = tempfile::tempdir().unwrap();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let file = dir.path().join(signal.as_str());
        let mut child = hotpath(&["--format", "json", "--", "wait"]).args([&file]).spawn();
        let workload = wait_for(&file, &mut child);
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        let finished = Finished::from(child.wait_with_output().unwrap()).expect_code(130);
        let report = finished.json();
        assert_eq!(report["workload"]["exit"]["signal"], signal as i32);
        assert!(report["quality"]["warnings"].to_string().contains("interrupted"));
        assert!(kill(Pid::from_raw(workload), None).is_err(), "the workload is gone");
    }
}

#[cfg(unix)]
#[test]
fn a_second_interrupt_ends_a_workload_that_ignores_the_first() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let (runner, file) = (dir.path().join("runner.sh"), dir.path().join("pid"));
    fs::write(&runner, "#!/bin/sh\ntrap '' INT\nexec \"$@\"\n").unwrap();
    fs::set_permissions(&runner, fs::Permissions::from_mode(0o755)).unwrap();
    // To a file: nobody reads what it prints until it has ended.
    let output = dir.path().join("report.json");
    let mut child = hotpath(&["--format", "json", "-o"])
        .args([&output])
        .args(["--", "wait"])
        .args([&file])
        .env(&hotpath_tests::binary::runner_variable(), runner.to_str().unwrap())
        .spawn();
    wait_for(&file, &mut child);
    let tool = Pid::from_raw(i32::try_from(child.id()).unwrap());
    // Two that come before the first is taken are one.
    while child.try_wait().unwrap().is_none() {
        kill(tool, Signal::SIGINT).unwrap();
        std::thread::sleep(Duration::from_millis(300));
    }
    let _ = Finished::from(child.wait_with_output().unwrap()).expect_code(130);
    let report: serde_json::Value = serde_json::from_slice(&fs::read(output).unwrap()).unwrap();
    assert_eq!(report["workload"]["exit"]["signal"], Signal::SIGKILL as i32);
}

/// The process id that the workload writes once it has done its work, when signals reach it as they are.
#[cfg(unix)]
fn wait_for(file: &Path, tool: &mut Child) -> i32 {
    loop {
        if let Ok(pid) = fs::read_to_string(file).unwrap_or_default().parse()
            && !is_spawning(tool.id())
        {
            return pid;
        }
        assert_eq!(tool.try_wait().unwrap(), None, "it ended before the workload was there");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a thread of the tool lets signals through to a child that it starts: one that comes then is
/// passed on as SIGTERM, as nobody is told which it was.
#[cfg(target_os = "linux")]
fn is_spawning(tool: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{tool}/task")).into_iter().flatten().flatten();
    let lets_through = |status: &str| {
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
        let blocked = blocked.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        blocked.is_some_and(|mask| mask & (1 << (nix::sys::signal::Signal::SIGINT as i32 - 1)) == 0)
    };
    threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("status")).ok())
        .any(|status| lets_through(&status))
}

#[cfg(all(unix, not(target_os = "linux")))]
fn is_spawning(_: u32) -> bool {
    false
}

#[test]
fn a_report_that_cannot_be_written_is_known_before_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("no/such/place.json");
    let finished = hotpath(&["-o"]).args([&nowhere]).run().expect_code(74);
    assert!(!finished.stderr.contains("Running"), "{}", finished.stderr);
    assert!(finished.stderr.contains("no/such/place.json"), "{}", finished.stderr);
}

#[test]
fn a_target_directory_that_cannot_be_made_is_exit_74() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let finished = hotpath(&["--target-dir"]).args([file.join("target")]).run().expect_code(74);
    assert!(finished.stderr.contains("can't write"), "{}", finished.stderr);
}

#[test]
fn nobody_reading_standard_output_is_no_failure() {
    let mut child = hotpath(&["--runs", "1", "--", "long"]).spawn();
    drop(child.stdout.take());
    let finished = Finished::from(child.wait_with_output().unwrap()).expect_code(0);
    assert!(!finished.stderr.contains("error:"), "{}", finished.stderr);
}
