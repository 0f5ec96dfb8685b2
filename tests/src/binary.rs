//! The `cargo-hotpath` binary under test, built once per test process.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// Root of this repository.
///
/// # Panics
/// Never: the tests lie in it.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the repository")
}

/// The cargo that runs the tests.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Where cargo keeps what it fetched.
///
/// # Panics
/// When this user has no home.
pub fn cargo_home() -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).expect("cargo has a home")
}

/// Builds the binary with the profile of the tests; its path is what cargo says it is.
///
/// # Panics
/// When it doesn't build.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(build)
}

fn build() -> PathBuf {
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let output = Command::new(cargo())
        .args([
            "build",
            "--package",
            "cargo-hotpath",
            "--bin",
            "cargo-hotpath",
            "--profile",
            profile,
        ])
        .args(["--message-format", "json", "--quiet"])
        .current_dir(repository())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "cargo-hotpath does not build");
    let text = String::from_utf8(output.stdout).expect("messages are UTF-8");
    let executable = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "cargo-hotpath")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    executable.expect("cargo names the executable")
}

/// The variable that names a runner for programs of this host.
///
/// # Panics
/// As [`host`] does.
pub fn runner_variable() -> String {
    format!("CARGO_TARGET_{}_RUNNER", host().to_uppercase().replace('-', "_"))
}

/// Triple of the platform that the tests run on.
///
/// # Panics
/// When rustc doesn't say which host it is for.
pub fn host() -> String {
    let output = Command::new("rustc").args(["--version", "--verbose"]).output();
    let text = String::from_utf8(output.expect("rustc starts").stdout).expect("rustc prints UTF-8");
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("a host").to_owned()
}
