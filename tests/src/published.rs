//! Published crates with every function instrumented: their own tests, plain and instrumented.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use serde_json::Value;

use crate::binary;

/// A crate of the registry.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// Its name.
    pub name: &'static str,
    /// The very version.
    pub version: &'static str,
    /// Features, `*` for all: on top of the default ones, unless it says otherwise.
    pub features: &'static [&'static str],
    /// Without the default features: those need what isn't a matter of Rust code.
    pub no_default_features: bool,
    /// Its integration tests too: where most of its tests are.
    pub integration: bool,
    /// Pieces of its manifest that neither copy has: what stands for something of its repository, and
    /// doesn't compile.
    pub cut: &'static [&'static str],
    /// Tests that measure what instrumentation is bound to change, each with the reason. A name
    /// that ends in `*` stands for all that start so.
    pub measures_itself: &'static [(&'static str, &'static str)],
}

/// In place of a version: the one of this workspace's lock file, which is there without a network.
pub const LOCKED: &str = "locked";

/// How long one test program may take. Far more than any does: it is for those that hang.
const LIMIT: Duration = Duration::from_secs(900);

/// Stack of a test's thread: debug builds need more of it when they are instrumented.
const STACK_BYTES: &str = "16777216";

/// How a crate's tests went, by target and name.
pub type Outcomes = BTreeMap<String, String>;

/// One build and run of a crate's tests.
#[derive(Debug, Default)]
pub struct Tested {
    /// How each test went; of a target that doesn't compile nothing.
    pub outcomes: Outcomes,
    /// Targets that compiled.
    pub targets: BTreeSet<String>,
    /// Errors of the compiler, as it prints them.
    pub errors: Vec<String>,
    /// What else was said: for a run that ended before its time.
    pub stderr: String,
    /// How long the build took, with dependencies that were not built yet.
    pub build: Duration,
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
        match manifest.and_then(|manifest| Path::new(manifest).parent()) {
            Some(directory) => Ok(directory.to_owned()),
            None => self.unpacked(),
        }
    }

    /// Of a package without a library, which cargo fetches but doesn't name.
    fn unpacked(&self) -> io::Result<PathBuf> {
        for registry in fs::read_dir(binary::cargo_home().join("registry/src"))? {
            let directory = registry?.path().join(format!("{}-{}", self.name, self.version));
            if directory.is_dir() {
                return Ok(directory);
            }
        }
        Err(io::Error::other("cargo doesn't name the crate"))
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
            // For other platforms nothing may ever have been fetched.
            command.args(["--offline", "--filter-platform", &binary::host()]);
        }
        let output = command.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        serde_json::from_slice(&output.stdout).map_err(io::Error::other)
    }

    /// Builds and runs the tests of a copy, those of `targets` if they are given.
    ///
    /// # Errors
    ///
    /// Cargo can't be started.
    pub fn test(
        &self,
        copy: &Path,
        target: &Path,
        targets: Option<&BTreeSet<String>>,
    ) -> io::Result<Tested> {
        let started = Instant::now();
        let build = self.build(copy, target).output()?;
        let mut tested = Tested { build: started.elapsed(), ..Tested::default() };
        let wanted = |name: &String| targets.is_none_or(|targets| targets.contains(name));
        tested.errors = errors(&build, &wanted);
        tested.stderr = String::from_utf8_lossy(&build.stderr).into_owned();
        for (name, program) in programs(&build) {
            if !wanted(&name) {
                continue;
            }
            let (stdout, stderr) = self.run(copy, target, &program)?;
            for (test, outcome) in outcomes(&stdout) {
                tested.outcomes.insert(format!("{name}: {test}"), outcome);
            }
            tested.stderr = stderr;
            tested.targets.insert(name);
        }
        Ok(tested)
    }

    /// Runs a test program as cargo does; gives what it printed.
    fn run(&self, copy: &Path, target: &Path, program: &Path) -> io::Result<(String, String)> {
        // Files, as nobody reads while it runs.
        let (stdout, stderr) = (target.join("stdout"), target.join("stderr"));
        let mut child = Command::new(program)
            .args(["--format=pretty", "--color=never"])
            .current_dir(copy)
            .env("CARGO", binary::cargo())
            .env("CARGO_MANIFEST_DIR", copy)
            .env("CARGO_PKG_NAME", self.name)
            .env("CARGO_HOTPATH_SUMMARY", "0")
            .env("RUST_MIN_STACK", STACK_BYTES)
            .env("INSTA_UPDATE", "no")
            // Of random inputs fewer than usual, as nothing is optimised.
            .env("QUICKCHECK_TESTS", "20")
            .env("PROPTEST_CASES", "20")
            .stdin(Stdio::null())
            .stdout(File::create(&stdout)?)
            .stderr(File::create(&stderr)?)
            .spawn()?;
        let started = Instant::now();
        while child.try_wait()?.is_none() {
            if started.elapsed() > LIMIT {
                child.kill()?;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let read =
            |file| Ok::<_, io::Error>(String::from_utf8_lossy(&fs::read(file)?).into_owned());
        Ok((read(&stdout)?, read(&stderr)?))
    }

    fn build(&self, copy: &Path, target: &Path) -> Command {
        let mut command = Command::new(binary::cargo());
        if self.integration {
            // A target that doesn't compile must not decide by its turn which others are built.
            command.args(["build", "--tests", "--keep-going"]);
        } else {
            command.args(["test", "--lib", "--no-run"]);
        }
        command.args(["--quiet", "--message-format=json"]);
        if self.no_default_features {
            command.arg("--no-default-features");
        }
        let (all, features): (Vec<&str>, Vec<&str>) =
            self.features.iter().partition(|feature| **feature == "*");
        if !all.is_empty() {
            command.arg("--all-features");
        }
        if !features.is_empty() {
            command.arg("--features").arg(features.join(","));
        }
        if self.version == LOCKED {
            command.env("CARGO_NET_OFFLINE", "true");
        }
        command
            .current_dir(copy)
            .env("CARGO_TARGET_DIR", target)
            // Built once: what isn't needed for that takes most of the time.
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .args(["--config", "profile.dev.package.hotpath-runtime.opt-level=3"])
            // Lints are those of the compiler that the crate was written for.
            .env("RUSTFLAGS", "--cap-lints=allow")
            .stdin(Stdio::null());
        command
    }
}

/// Name and path of each test program that was built.
fn programs(build: &Output) -> Vec<(String, PathBuf)> {
    let artifacts = messages(build).filter(|it| it["profile"]["test"] == true);
    let named = artifacts.filter_map(|it| {
        let name = it["target"]["name"].as_str()?.to_owned();
        Some((name, PathBuf::from(it["executable"].as_str()?)))
    });
    named.collect()
}

/// `test path::name ... ok`, whatever the test itself printed on the line.
fn outcomes(text: &str) -> Outcomes {
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

/// What the compiler says against the library and the targets that are asked for.
fn errors(build: &Output, wanted: &dyn Fn(&String) -> bool) -> Vec<String> {
    let errors = messages(build).filter(|message| {
        let target = &message["target"];
        let is_test = target["kind"].as_array().is_some_and(|it| it.iter().any(|it| it == "test"));
        let name = target["name"].as_str().unwrap_or_default().to_owned();
        message["message"]["level"] == "error" && (!is_test || wanted(&name))
    });
    errors.filter_map(|it| it["message"]["rendered"].as_str().map(str::to_owned)).collect()
}

fn messages(build: &Output) -> impl Iterator<Item = Value> {
    let text = String::from_utf8_lossy(&build.stdout).into_owned();
    let lines: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    lines.into_iter()
}
