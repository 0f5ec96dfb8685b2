//! A library without `std` can be annotated, and builds where there is none.

use std::path::Path;
use std::process::{Command, Output};

use hotpath_tests::{Workspace, binary};

/// A target without `std`, and one whose `std` can do next to nothing.
const TARGETS: [&str; 2] = ["thumbv7em-none-eabi", "wasm32-unknown-unknown"];

fn check(workspace: &Workspace, flags: &[&str]) -> Output {
    Command::new(binary::cargo())
        .args(["check", "--quiet", "--offline"])
        .args(flags)
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", workspace.join("target"))
        .env("RUSTFLAGS", "--deny warnings")
        .env_remove("CARGO_BUILD_TARGET")
        .output()
        .expect("cargo starts")
}

/// Whether a toolchain for `target` is there to build with.
fn is_installed(target: &str) -> bool {
    let output =
        Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    let libraries = output.expect("rustc starts").stdout;
    Path::new(String::from_utf8_lossy(&libraries).trim()).is_dir()
}

#[test]
fn annotated_code_without_std_compiles_off_and_on() {
    let workspace = Workspace::shared("bare");
    let installed = TARGETS.into_iter().filter(|target| is_installed(target));
    let targets: Vec<Vec<&str>> =
        std::iter::once(vec![]).chain(installed.map(|target| vec!["--target", target])).collect();
    println!("checked for the host and {:?}", &targets[1..]);
    for target in &targets {
        for feature in [&[][..], &["--features", "enabled"]] {
            let flags = [target, feature].concat();
            let output = check(&workspace, &flags);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{flags:?}:\n{said}");
        }
    }
}
