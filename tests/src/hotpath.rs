//! One invocation of `cargo-hotpath`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::{Report, binary};

/// A command line that is being put together.
#[derive(Debug)]
pub struct Hotpath(Command);

impl Hotpath {
    /// `cargo hotpath ARGS` in a directory, offline, with no settings from outside.
    pub fn new(directory: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(binary::path());
        command.arg("hotpath").args(args).current_dir(directory);
        for (name, _) in std::env::vars_os() {
            let own = name.to_string_lossy().starts_with("CARGO_HOTPATH_");
            let cargos =
                ["CARGO_TERM_COLOR", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "RUSTFLAGS"];
            let githubs = ["GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY"];
            let terminals = ["CLICOLOR_FORCE", "CLICOLOR", "NO_COLOR", "COLUMNS"];
            if own || [&cargos[..], &githubs, &terminals].concat().iter().any(|it| name == *it) {
                command.env_remove(name);
            }
        }
        command.env("CARGO_NET_OFFLINE", "true").env("CARGO", binary::cargo());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command)
    }

    /// More arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.0.args(args);
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// Takes a variable away.
    #[must_use]
    pub fn without_env(mut self, name: &str) -> Self {
        self.0.env_remove(name);
        self
    }

    /// Runs it to its end with standard output going to a file.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn run_writing_to(mut self, file: File) -> Finished {
        let child = self.0.stdout(file).spawn().expect("cargo-hotpath starts");
        child.wait_with_output().expect("cargo-hotpath ends").into()
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn run(mut self) -> Finished {
        self.0.output().expect("cargo-hotpath starts").into()
    }

    /// Runs it with this standard input, through a pipe.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn run_with_input(mut self, input: &str) -> Finished {
        let mut child = self.0.stdin(Stdio::piped()).spawn().expect("cargo-hotpath starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("the input is taken");
        drop(stdin);
        child.wait_with_output().expect("cargo-hotpath ends").into()
    }

    /// Starts it, to be dealt with while it runs.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn spawn(mut self) -> Child {
        self.0.spawn().expect("cargo-hotpath starts")
    }
}

#[cfg(unix)]
impl Hotpath {
    /// Starts it as the leader of a process group of its own, as a shell does; what it says goes
    /// nowhere.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn spawn_as_group(mut self) -> Child {
        use std::os::unix::process::CommandExt;

        self.0.process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        self.0.spawn().expect("cargo-hotpath starts")
    }
}

/// What an invocation left.
#[derive(Debug)]
pub struct Finished {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Finished {
    /// Asserts the exit code, showing all output where it differs.
    ///
    /// # Panics
    /// When it differs.
    #[must_use]
    pub fn expect_code(self, code: i32) -> Self {
        let Self { code: actual, stdout, stderr } = &self;
        assert_eq!(*actual, code, "--- stdout\n{stdout}\n--- stderr\n{stderr}");
        self
    }

    /// Standard output as one JSON document.
    ///
    /// # Panics
    /// When it isn't one.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("no document: {error}\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr)
        })
    }

    /// Standard output as a report.
    ///
    /// # Panics
    /// When it isn't JSON.
    pub fn report(&self) -> Report {
        Report(self.json())
    }
}
