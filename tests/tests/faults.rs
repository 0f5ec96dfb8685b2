//! However the workload ends, and whatever it finds no room for: it runs on, and the report says what it saw.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use hotpath_tests::binary::runner_variable;
use hotpath_tests::{Finished, Hotpath, Report, Workspace, number};

fn command(flags: &[&str], ending: &str) -> Hotpath {
    let workspace = Workspace::shared("truth");
    Hotpath::new(&workspace.root, &["run", "--format", "json", "--runs", "1", "--bin", "endings"])
        .args(flags)
        .args(["--", ending])
}

fn endings(flags: &[&str], ending: &str) -> Finished {
    command(flags, ending).run()
}

fn assert_complete(report: &Report) {
    assert_eq!(report.function("work")["calls"], 1_000);
    assert_eq!(report.function("session")["calls"], 1);
    let work = number(&report.function("work")["total_ns"]);
    let session = number(&report.function("session")["total_ns"]);
    assert!(session >= work, "session {session} ns holds work {work} ns");
    report.assert_shares_are_sane();
}

#[test]
fn normal_return_is_no_failure() {
    assert_complete(&endings(&[], "return").expect_code(0).report());
}

#[test]
fn process_exit_keeps_the_profile_and_its_code() {
    let report = endings(&[], "exit").expect_code(3).report();
    assert_complete(&report);
    assert_eq!(report["workload"]["exit"]["code"], 7);
}

#[test]
fn panic_in_main_keeps_the_profile() {
    let report = endings(&[], "panic").expect_code(3).report();
    assert_complete(&report);
    assert_eq!(report["workload"]["exit"]["code"], 101);
}

#[test]
fn abort_keeps_the_profile_and_says_so() {
    let report = endings(&[], "abort").expect_code(3).report();
    assert_complete(&report);
    assert_eq!(report["workload"]["exit"]["signal"], nix::libc::SIGABRT);
    assert!(report.warns_of("workload-failed"), "{}", report["quality"]);
}

#[test]
fn timeout_ends_a_hanging_workload() {
    let report = endings(&["--timeout", "3s"], "hang").expect_code(3).report();
    assert_complete(&report);
    assert_eq!(report["quality"]["truncated"], true);
}

/// A runner script stands between cargo-hotpath and the program, as for `cargo run`.
fn with_runner(script: &str, ending: &str) -> Finished {
    let directory = tempfile::tempdir().unwrap();
    let runner = directory.path().join("runner.sh");
    fs::write(&runner, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&runner, fs::Permissions::from_mode(0o755)).unwrap();
    command(&[], ending).env(&runner_variable(), runner.to_str().unwrap()).run()
}

#[test]
fn sigkill_keeps_the_profile_up_to_that_point() {
    let script = r#""$@" & pid=$!
sleep 3
kill -KILL $pid
wait $pid 2>/dev/null
kill -KILL $$"#;
    let report = with_runner(script, "hang").expect_code(3).report();
    assert_complete(&report);
    assert_eq!(report["workload"]["exit"]["signal"], nix::libc::SIGKILL);
}

#[test]
fn file_size_limit_of_zero_does_not_hurt_the_workload() {
    let finished = with_runner("ulimit -f 0\nexec \"$@\"", "return");
    assert!(finished.stderr.contains("worked"), "{finished:?}");
    let error = &finished.expect_code(4).json()["error"];
    assert_eq!(error["code"], "counters-not-stored");
    assert!(error["message"].as_str().unwrap().contains("File too large"), "{error}");
}

/// Runs the instrumented program by hand with its counters in `directory`.
fn run_with_counters_in(directory: &Path) -> std::process::Output {
    Command::new(program())
        .arg("return")
        .env("CARGO_HOTPATH_DIR", directory)
        .output()
        .expect("the program starts")
}

/// The instrumented `endings`, built by cargo as the README says it for runs without the tool.
fn program() -> PathBuf {
    let workspace = Workspace::shared("truth");
    let target = workspace.root.join("target/by-hand");
    let built = Command::new("cargo")
        .args(["build", "--offline", "--release", "--bin", "endings"])
        .args(["--features", "hotpath-runtime/enabled", "--target-dir"])
        .arg(&target)
        .current_dir(&workspace.root)
        .output()
        .expect("cargo starts");
    assert!(built.status.success(), "{built:?}");
    target.join("release/endings")
}

/// A file system of some pages, or `None` where this user may not mount one.
struct TinyDisk(PathBuf);

impl TinyDisk {
    fn mount(size: &str, point: PathBuf) -> Option<TinyDisk> {
        fs::create_dir_all(&point).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(&point)
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then(|| TinyDisk(point))
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

/// Free space where a directory lies.
fn free_mib(directory: &str) -> Option<u64> {
    let output = Command::new("df").args(["-Pm", directory]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

#[test]
fn full_disk_does_not_hurt_the_workload() {
    let directory = tempfile::tempdir().unwrap();
    let Some(disk) = TinyDisk::mount("16k", directory.path().join("disk")) else {
        eprintln!("skipped: mounting a file system is not allowed here");
        return;
    };
    fs::write(disk.0.join("filler"), vec![0; 16 * 1024]).ok();
    let output = run_with_counters_in(&disk.0);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "worked\n");
}

#[test]
fn run_that_cannot_be_stored_is_reported_all_the_same() {
    let target = Workspace::shared("truth").root.join("target/tiny");
    let Some(disk) = TinyDisk::mount("24k", target.join("hotpath/runs")) else {
        eprintln!("skipped: mounting a file system is not allowed here");
        return;
    };
    if free_mib("/dev/shm").is_none_or(|free| free < 512) {
        eprintln!("skipped: the counters themselves would lie on that disk");
        return;
    }
    // One page is left: too little for profile and record.
    fs::write(disk.0.join("filler"), vec![0; 20 * 1024]).unwrap();
    let target = target.to_str().expect("the path is UTF-8");
    let report = endings(&["--target-dir", target], "return").expect_code(0).report();
    assert_complete(&report);
    assert!(report.warns_of("not-stored"), "{}", report["quality"]);
}

#[test]
fn missing_directory_does_not_hurt_the_workload() {
    let output = run_with_counters_in(Path::new("/nonexistent/counters"));
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "worked\n");
}
