//! The suites of the runtime and its macros with the probes switched on: a plain
//! `cargo test --workspace` leaves that feature off.

use std::path::Path;
use std::process::Command;

use hotpath_tests::binary;

/// Sum of the passed tests that the harnesses of one cargo run tell of.
fn passed(output: &str) -> u64 {
    let results = output.lines().filter_map(|line| line.trim().strip_prefix("test result: ok. "));
    results.filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok()).sum()
}

#[test]
fn the_suites_of_the_enabled_half_pass() {
    // A target directory of its own: cargo holds that of this test run locked.
    let output = Command::new(binary::cargo())
        .args(["test", "--package", "hotpath-runtime", "--package", "hotpath-runtime-macros"])
        .args(["--features", "hotpath-runtime/global-allocator,hotpath-runtime/reader"])
        .args(["--features", "hotpath-runtime-macros/enabled", "--no-fail-fast"])
        .arg("--target-dir")
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("enabled"))
        .current_dir(binary::repository())
        .env_remove("CARGO_HOTPATH_DIR")
        .env_remove("CARGO_HOTPATH_SUMMARY")
        .env("CARGO_TERM_COLOR", "never")
        .output()
        .expect("cargo starts");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let told = stdout.to_string() + &String::from_utf8_lossy(&output.stderr);
    let shown =
        format!("--- stdout\n{stdout}\n--- stderr\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{shown}", output.status);
    for suite in ["probe::tests::", "expand::tests::", "tests/faults.rs"] {
        assert!(told.contains(suite), "no test of {suite} ran\n{shown}");
    }
    assert!(passed(&stdout) > 0, "no test ran\n{shown}");
}
