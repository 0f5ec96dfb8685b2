//! Published crates with every function instrumented: their own tests, plain and instrumented.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{fs, io};

use serde_json::Value;

use crate::binary;

/// A crate of the registry.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// Its name.
    pub name: &'static str,
    /// The very version.
    pub version: &'static str,
    /// Features on top of the default ones.
    pub features: &'static [&'static str],
    /// Tests that measure what instrumentation is bound to change, each with the reason.
    pub measures_itself: &'static [(&'static str, &'static str)],
}

/// In place of a version: the one of this workspace's lock file, which is there without a network.
pub const LOCKED: &str = "locked";

/// How a crate's tests went, by name.
pub type Outcomes = BTreeMap<String, String>;

/// One build and run of a crate's tests.
#[derive(Debug)]
pub struct Tested {
    /// How each test went; of a build that failed nothing.
    pub outcomes: Outcomes,
    /// Errors of the compiler, as it prints them.
    pub errors: Vec<String>,
    /// What else was said: for a run that ended before its time.
    pub stderr: String,
}

impl Tested {
    /// How many tests passed.
    pub fn passed(&self) -> usize {
        self.outcomes.values().filter(|outcome| *outcome == "ok").count()
    }
}

impl Published {
    /// Where cargo keeps the unpacked crate; fetches it if need be and allowed.
    ///
    /// # Errors
    ///
    /// What cargo says.
    pub fn source(&self, scratch: &Path) -> io::Result<PathBuf> {
        if self.version == LOCKED {
            let metadata = self.metadata(binary::repository(), false)?;
            return self.found(&metadata);
        }
        let root = scratch.join("fetch").join(self.name);
        fs::create_dir_all(root.join("src"))?;
        fs::write(root.join("src/lib.rs"), "")?;
        let manifest = format!(
            "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n\
             [dependencies]\n{} = \"={}\"\n",
            self.name, self.version
        );
        fs::write(root.join("Cargo.toml"), manifest)?;
        let metadata = self.metadata(&root, false)?;
        self.found(&metadata)
    }

    fn found(&self, metadata: &Value) -> io::Result<PathBuf> {
        let packages = metadata["packages"].as_array().map_or(&[][..], Vec::as_slice);
        let package = packages.iter().find(|package| {
            package["name"] == self.name
                && (package["version"] == self.version || self.version == LOCKED)
        });
        let manifest = package.and_then(|package| package["manifest_path"].as_str());
        let manifest = manifest.ok_or_else(|| io::Error::other("cargo doesn't name the crate"))?;
        Ok(Path::new(manifest).parent().unwrap_or(Path::new("/")).to_owned())
    }

    /// What `cargo metadata` says of the package in a directory.
    ///
    /// # Errors
    ///
    /// What cargo says.
    pub fn metadata(&self, directory: &Path, alone: bool) -> io::Result<Value> {
        let mut command = Command::new(binary::cargo());
        command.args(["metadata", "--format-version=1", "--quiet"]).current_dir(directory);
        if alone {
            command.arg("--no-deps");
        }
        if self.version == LOCKED {
            command.arg("--offline");
        }
        let output = command.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        serde_json::from_slice(&output.stdout).map_err(io::Error::other)
    }

    /// Builds and runs the unit tests of a copy.
    ///
    /// # Errors
    ///
    /// Cargo can't be started.
    pub fn test(&self, copy: &Path, target: &Path) -> io::Result<Tested> {
        let build = self.cargo(copy, target, &["--no-run", "--message-format=json"]).output()?;
        let errors = errors(&build);
        if !build.status.success() {
            let stderr = String::from_utf8_lossy(&build.stderr).into_owned();
            return Ok(Tested { outcomes: Outcomes::new(), errors, stderr });
        }
        let run = self.cargo(copy, target, &["--no-fail-fast"]).output()?;
        let stderr = String::from_utf8_lossy(&run.stderr).into_owned();
        Ok(Tested { outcomes: outcomes(&run), errors, stderr })
    }

    fn cargo(&self, copy: &Path, target: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary::cargo());
        command.args(["test", "--lib", "--quiet"]).args(arguments);
        if !self.features.is_empty() {
            command.arg("--features").arg(self.features.join(","));
        }
        if !arguments.contains(&"--no-run") {
            // Else libtest prints dots.
            command.args(["--", "--format=pretty"]);
        }
        if self.version == LOCKED {
            command.env("CARGO_NET_OFFLINE", "true");
        }
        command
            .current_dir(copy)
            .env("CARGO_TARGET_DIR", target)
            .env("CARGO_HOTPATH_SUMMARY", "0")
            // Lints are those of the compiler that the crate was written for.
            .env("RUSTFLAGS", "--cap-lints=allow")
            .env("INSTA_UPDATE", "no")
            .stdin(Stdio::null());
        command
    }
}

/// `test path::name ... ok`, whatever the test itself printed on the line.
fn outcomes(run: &Output) -> Outcomes {
    let text = String::from_utf8_lossy(&run.stdout);
    let mut outcomes = Outcomes::new();
    for line in text.lines() {
        let Some((name, outcome)) =
            line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
        else {
            continue;
        };
        let name = name.trim_end_matches(" - should panic");
        let outcome = outcome.rsplit(' ').next().unwrap_or(outcome);
        let outcome = if outcome.contains("ignored") { "ignored" } else { outcome };
        outcomes.insert(name.to_owned(), outcome.to_owned());
    }
    outcomes
}

fn errors(build: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&build.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let errors = messages.filter(|message| message["message"]["level"] == "error");
    errors.filter_map(|it| it["message"]["rendered"].as_str().map(str::to_owned)).collect()
}
