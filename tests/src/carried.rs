//! The runtime that the command line carries, written out, and programs that are built against it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{fs, io};

use serde_json::Value;

use crate::binary;

/// One annotated function that is called three times, and allocates.
const PROGRAM: &str = "\
#[hotpath_runtime::hotpath]
fn weigh(text: &str) -> usize {
    text.to_owned().len()
}

fn main() {
    let sum: usize = [\"a\", \"bc\", \"def\"].into_iter().map(weigh).sum();
    assert_eq!(sum, 6);
}
";

/// A program that depends on a runtime by path.
#[derive(Debug)]
pub struct Program {
    root: PathBuf,
}

impl Program {
    /// Makes `root` a package that depends on the package in `runtime`, with all features that a
    /// program can have, and the repository's lock file.
    ///
    /// # Errors
    ///
    /// The files can't be written.
    pub fn new(root: &Path, runtime: &Path) -> io::Result<Self> {
        fs::create_dir_all(root.join("src"))?;
        let manifest = format!(
            "[package]\nname = \"weighed\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
             [dependencies]\nhotpath-runtime = {{ path = '{}', features = [\"enabled\", \"global-allocator\"] }}\n",
            runtime.display()
        );
        fs::write(root.join("Cargo.toml"), manifest)?;
        fs::write(root.join("src/main.rs"), PROGRAM)?;
        fs::copy(binary::repository().join("Cargo.lock"), root.join("Cargo.lock"))?;
        Ok(Self { root: root.to_owned() })
    }

    /// Builds and runs it, with warnings denied in all that is no crate of the registry; the
    /// segments go to `segments`.
    ///
    /// # Errors
    ///
    /// Cargo can't be started.
    pub fn run(&self, segments: &Path) -> io::Result<Output> {
        fs::create_dir_all(segments)?;
        cargo(&self.root)
            .args(["run", "--offline"])
            .env("RUSTFLAGS", "--deny warnings")
            .env("CARGO_HOTPATH_DIR", segments)
            .env("CARGO_HOTPATH_SUMMARY", "0")
            .output()
    }
}

/// Cargo in a directory, with nothing of what was set for this workspace; it keeps what it builds
/// there.
pub fn cargo(directory: &Path) -> Command {
    let mut command = Command::new(binary::cargo());
    command.current_dir(directory).stdin(Stdio::null()).env("CARGO_TERM_COLOR", "never");
    for name in [
        "CARGO_BUILD_TARGET",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_HOTPATH_DIR",
        "CARGO_MANIFEST_DIR",
        "CARGO_TARGET_DIR",
        "RUSTFLAGS",
    ] {
        command.env_remove(name);
    }
    command
}

/// What cargo says of a workspace's own packages.
///
/// # Panics
///
/// When it fails.
pub fn metadata(workspace: &Path) -> Value {
    let output = cargo(workspace)
        .args(["metadata", "--offline", "--no-deps", "--format-version=1"])
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}
