//! However the workload ends, and whatever it finds no room for: it runs on, and the report says what it saw.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use hotpath_tests::{Report, Run, Workspace};

fn endings(flags: &[&str], ending: &str) -> Run {
    let mut arguments = vec!["--bin", "endings", "--runs", "1"];
    arguments.extend(flags);
    arguments.extend(["--", ending]);
    Workspace::in_place("truth").run(&arguments)
}

fn assert_complete(report: &Report) {
    assert_eq!(report.function("work")["calls"], 1_000);
    assert_eq!(report.function("session")["calls"], 1);
    let work = report.function("work")["total_ns"].as_u64().unwrap();
    let session = report.function("session")["total_ns"].as_u64().unwrap();
    assert!(session >= work, "session {session} ns holds work {work} ns");
    report.assert_shares_are_sane();
}

#[test]
fn normal_return_is_no_failure() {
    let run = endings(&[], "return");
    assert_eq!(run.code(), 0);
    assert_complete(&run.report());
}

#[test]
fn process_exit_keeps_the_profile_and_its_code() {
    let run = endings(&[], "exit");
    assert_eq!(run.code(), 3);
    let report = run.report();
    assert_complete(&report);
    assert_eq!(report["workload"]["exit"]["code"], 7);
}

#[test]
fn panic_in_main_keeps_the_profile() {
    let run = endings(&[], "panic");
    assert_eq!(run.code(), 3);
    let report = run.report();
    assert_complete(&report);
    assert_eq!(report["workload"]["exit"]["code"], 101);
}

#[test]
fn abort_keeps_the_profile_and_says_so() {
    let run = endings(&[], "abort");
    assert_eq!(run.code(), 3);
    let report = run.report();
    assert_complete(&report);
    assert_eq!(report["workload"]["exit"]["signal"], nix::libc::SIGABRT);
    assert!(report.warns_of("workload-signal"), "{}", report["quality"]);
}

#[test]
fn timeout_ends_a_hanging_workload() {
    let run = endings(&["--timeout", "3s"], "hang");
    assert_eq!(run.code(), 3);
    let report = run.report();
    assert_complete(&report);
    assert_eq!(report["quality"]["truncated"], true);
}

/// A runner script stands between cargo-hotpath and the program, as for `cargo run`.
fn with_runner(script: &str, ending: &str) -> (Run, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let runner = directory.path().join("runner.sh");
    fs::write(&runner, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&runner, fs::Permissions::from_mode(0o755)).unwrap();
    let run = Workspace::in_place("truth")
        .env(&runner_variable(), runner.to_str().unwrap())
        .run(&["--bin", "endings", "--runs", "1", "--", ending]);
    (run, directory)
}

fn runner_variable() -> String {
    let output = Command::new("rustc").args(["--version", "--verbose"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    format!("CARGO_TARGET_{}_RUNNER", host.to_uppercase().replace('-', "_"))
}

#[test]
fn sigkill_keeps_the_profile_up_to_that_point() {
    let script = r#""$@" & pid=$!
sleep 3
kill -KILL $pid
wait $pid 2>/dev/null
kill -KILL $$"#;
    let (run, _directory) = with_runner(script, "hang");
    assert_eq!(run.code(), 3);
    let report = run.report();
    assert_complete(&report);
    assert_eq!(report["workload"]["exit"]["signal"], nix::libc::SIGKILL);
}

#[test]
fn file_size_limit_of_zero_does_not_hurt_the_workload() {
    let (run, _directory) = with_runner("ulimit -f 0\nexec \"$@\"", "return");
    assert!(run.workload_stdout().contains("worked"), "{run:?}");
    assert!(run.stderr().contains("counters"), "{run:?}");
}

/// Runs the instrumented program by hand with its counters in `directory`.
fn run_with_counters_in(directory: &Path) -> std::process::Output {
    let program = program();
    Command::new(program)
        .arg("return")
        .env("CARGO_HOTPATH_DIR", directory)
        .output()
        .expect("the program starts")
}

/// The instrumented `endings`, built once more by the tool itself.
fn program() -> PathBuf {
    let run = endings(&[], "return");
    assert_eq!(run.code(), 0);
    Workspace::in_place("truth").instrumented_binary("endings")
}

/// A file system of one page, or `None` where this user may not mount one.
struct TinyDisk(PathBuf, #[allow(dead_code)] tempfile::TempDir);

impl TinyDisk {
    fn mount(size: &str) -> Option<TinyDisk> {
        let directory = tempfile::tempdir().unwrap();
        let point = directory.path().join("disk");
        fs::create_dir(&point).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(&point)
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then(|| TinyDisk(point, directory))
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

#[test]
fn full_disk_does_not_hurt_the_workload() {
    let Some(disk) = TinyDisk::mount("16k") else {
        eprintln!("skipped: mounting a file system is not allowed here");
        return;
    };
    fs::write(disk.0.join("filler"), vec![0; 16 * 1024]).ok();
    let output = run_with_counters_in(&disk.0);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "worked\n");
}

#[test]
fn missing_directory_does_not_hurt_the_workload() {
    let output = run_with_counters_in(Path::new("/nonexistent/counters"));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "worked\n");
}
