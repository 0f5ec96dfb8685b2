//! `--auto` with `--locked`: the user's lock file is held against the manifests, with no more fetched than
//! a build wants.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use hotpath_tests::{Hotpath, binary};
use tempfile::TempDir;

/// A crate that the repository's lock file has for another platform only.
const FOREIGN: &str = "anstyle-wincon";

const MANIFEST: &str = r#"[package]
name = "settled"
version = "0.1.0"
edition = "2024"

[workspace]

[target.'cfg(windows)'.dependencies]
anstyle-wincon = "3"
"#;

const PROGRAM: &str = "fn main() {
    println!(\"{}\", sum(1_000));
}

fn sum(to: u64) -> u64 {
    (0..to).sum()
}
";

/// A program whose lock file fits, in a temporary directory.
fn settled() -> TempDir {
    let space = tempfile::tempdir().unwrap();
    fs::create_dir(space.path().join("src")).unwrap();
    fs::write(space.path().join("Cargo.toml"), MANIFEST).unwrap();
    fs::write(space.path().join("src/main.rs"), PROGRAM).unwrap();
    fs::copy(binary::repository().join("Cargo.lock"), space.path().join("Cargo.lock")).unwrap();
    let status = Command::new(binary::cargo())
        .args(["tree", "--offline", "--quiet"])
        .current_dir(&space)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    assert!(lock(&space).contains(FOREIGN), "{}", lock(&space));
    space
}

fn lock(space: &TempDir) -> String {
    fs::read_to_string(space.path().join("Cargo.lock")).unwrap()
}

fn auto(space: &TempDir, flag: &str) -> Hotpath {
    Hotpath::new(space.path(), &["run", "--auto", "--dev", "--runs", "1", "--format", "json"])
        .args([flag])
        // Its own: the tests don't wait for each other's builds.
        .env("CARGO_TARGET_DIR", space.path().join("target").to_str().unwrap())
}

/// A home of cargo as it is where nobody ever built for that platform.
fn home_without_foreign() -> TempDir {
    let (given, home) = (binary::cargo_home(), tempfile::tempdir().unwrap());
    link_all(&given, home.path(), &["registry"]);
    fs::create_dir(home.path().join("registry")).unwrap();
    link_all(&given.join("registry"), &home.path().join("registry"), &["cache", "src"]);
    for source in fs::read_dir(given.join("registry/cache")).unwrap() {
        let source = source.unwrap();
        let cache = home.path().join("registry/cache").join(source.file_name());
        fs::create_dir_all(&cache).unwrap();
        link_all(&source.path(), &cache, &[FOREIGN]);
    }
    home
}

/// Links to all in a directory whose name doesn't begin with one of these.
fn link_all(from: &Path, to: &Path, without: &[&str]) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if !without.iter().any(|start| name.to_string_lossy().starts_with(start)) {
            symlink(entry.path(), to.join(name)).unwrap();
        }
    }
}

#[test]
fn crates_of_other_platforms_need_not_have_been_fetched() {
    let (space, home) = (settled(), home_without_foreign());
    for flag in ["--locked", "--frozen"] {
        let run = auto(&space, flag).env("CARGO_HOME", home.path().to_str().unwrap());
        let report = run.run().expect_code(0).report();
        assert_eq!(report.function("sum")["calls"], 1);
    }
}

#[test]
fn a_lock_file_that_does_not_fit_is_refused_and_left_as_it_was() {
    let space = settled();
    fs::write(space.path().join("Cargo.toml"), MANIFEST.replace("0.1.0", "0.2.0")).unwrap();
    let before = lock(&space);
    let finished = auto(&space, "--locked").run().expect_code(2);
    assert!(finished.stderr.contains("--locked"), "{finished:?}");
    assert_eq!(lock(&space), before);
}
