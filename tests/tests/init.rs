//! `init` on little workspaces: the dependency, and nothing else, changes.

use std::fs;

use hotpath_tests::{Hotpath, binary};

const MANIFEST: &str = "[package] # ours\nname = \"plain\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n\
                        [dependencies] # none yet\n";

fn package(manifest: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("Cargo.toml"), manifest).expect("it is written");
    fs::create_dir(dir.path().join("src")).expect("it is made");
    fs::write(dir.path().join("src/main.rs"), "fn main() {}\n").expect("it is written");
    dir
}

fn manifest(dir: &tempfile::TempDir) -> String {
    fs::read_to_string(dir.path().join("Cargo.toml")).expect("it is there")
}

#[test]
fn the_registry_is_where_it_comes_from_and_a_second_time_changes_nothing() {
    let dir = package(MANIFEST);
    let _ = Hotpath::new(dir.path(), &["init"]).run().expect_code(0);
    let line = format!("hotpath-runtime = \"{}\"\n", env!("CARGO_PKG_VERSION"));
    let expected = format!("{MANIFEST}{line}");
    assert_eq!(manifest(&dir), expected);
    let again = Hotpath::new(dir.path(), &["init"]).run().expect_code(0);
    assert!(again.stderr.contains("already"), "{again:?}");
    assert_eq!(manifest(&dir), expected);
}

#[test]
fn a_dry_run_prints_the_diff_only() {
    let dir = package(MANIFEST);
    let shown = Hotpath::new(dir.path(), &["init", "--dry-run"]).run().expect_code(0);
    assert!(shown.stdout.contains("+++ b/Cargo.toml"), "{shown:?}");
    assert!(shown.stdout.contains("\n+hotpath-runtime = "), "{shown:?}");
    assert_eq!(manifest(&dir), MANIFEST);
}

#[test]
fn a_directory_has_to_be_the_runtimes() {
    let dir = package(MANIFEST);
    let other = dir.path().to_str().expect("UTF-8");
    let refused = Hotpath::new(dir.path(), &["init", "--path", other]).run().expect_code(2);
    assert!(refused.stderr.contains("is not the package `hotpath-runtime`"), "{refused:?}");
    let runtime = binary::repository().join("hotpath-runtime");
    let runtime = runtime.to_str().expect("UTF-8");
    let _ = Hotpath::new(dir.path(), &["init", "--path", runtime]).run().expect_code(0);
    assert!(manifest(&dir).contains("path = "), "{}", manifest(&dir));
}

#[test]
fn a_workspace_that_knows_it_is_asked() {
    let dir = package(
        "[package]\nname = \"plain\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n\
         [workspace.dependencies]\nhotpath-runtime = \"0.1\"\n",
    );
    let _ = Hotpath::new(dir.path(), &["init"]).run().expect_code(0);
    assert!(manifest(&dir).ends_with("[dependencies]\nhotpath-runtime = { workspace = true }\n"));
}

#[test]
fn which_package_of_several_has_to_be_said() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(
        dir.path().join("Cargo.toml"),
        "[workspace]\nresolver = \"2\"\nmembers = [\"a\", \"b\"]\n",
    )
    .expect("it is written");
    for name in ["a", "b"] {
        let member = dir.path().join(name);
        fs::create_dir_all(member.join("src")).expect("it is made");
        fs::write(member.join("src/lib.rs"), "").expect("it is written");
        let text = MANIFEST.replace("plain", name);
        fs::write(member.join("Cargo.toml"), text).expect("it is written");
    }
    let refused = Hotpath::new(dir.path(), &["init"]).run().expect_code(2);
    assert!(refused.stderr.contains("a, b"), "{refused:?}");
    let _ = Hotpath::new(dir.path(), &["init", "-p", "b"]).run().expect_code(0);
    let text = |name: &str| fs::read_to_string(dir.path().join(name).join("Cargo.toml"));
    assert!(text("b").is_ok_and(|text| text.contains("hotpath-runtime")));
    assert!(text("a").is_ok_and(|text| !text.contains("hotpath-runtime")));
}
