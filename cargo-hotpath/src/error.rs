//! What can go wrong, with the exit code, stable name and next step of each.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::baseline::BaselineError;
use crate::collect::CollectError;
use crate::config::ConfigError;
use crate::judge::JudgeError;
use crate::overlay::OverlayError;
use crate::profile::ProfileError;
use crate::schema::{ErrorBody, ErrorDocument, SCHEMA_VERSION};

/// Exit codes; a contract with scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It ran; findings are advice.
    Success = 0,
    /// A gate failed.
    Gate = 1,
    /// Usage, configuration, unreadable or newer data.
    Usage = 2,
    /// The workload failed, timed out or got a signal that wasn't ours.
    Workload = 3,
    /// It ran, but no site was hit.
    NothingHit = 4,
    /// A fault of this program.
    Internal = 70,
    /// Output can't be written.
    Output = 74,
    /// Cargo's build failed.
    Build = 101,
    /// Ctrl-C, after the report.
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Any reason for which a command ends without having done its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Flags or names that don't fit together.
    #[error("{message}")]
    Usage {
        /// What was wrong.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The configuration can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Cargo couldn't read the workspace.
    #[error("cargo couldn't read the workspace: {0}")]
    Metadata(String),
    /// The program can't be told which target to run.
    #[error("{message}")]
    Selection {
        /// What was wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// Neither the package nor a workspace member that it uses depends on the runtime.
    #[error(
        "package `{package}` does not depend on `hotpath-runtime`, so nothing in it can be measured"
    )]
    MissingDependency {
        /// The workload's package.
        package: String,
    },
    /// The compiler is too old for the runtime.
    #[error(
        "this workspace's toolchain is Rust {found}: instrumented code needs {needed} or newer"
    )]
    Toolchain {
        /// Its version.
        found: String,
        /// The oldest that does.
        needed: String,
    },
    /// The copy of the workspace can't be made.
    #[error(transparent)]
    Overlay(#[from] OverlayError),
    /// Cargo's build failed; its own output says why.
    #[error("cargo couldn't build the workload")]
    Build,
    /// Cargo can't be started.
    #[error("can't start `{program}`: {source}")]
    Spawn {
        /// What was to be started.
        program: String,
        /// Why it didn't.
        source: io::Error,
    },
    /// The build ended well but named no executable.
    #[error("cargo built no executable for {0}")]
    NoExecutable(String),
    /// The workload can't be started.
    #[error("can't start the workload `{program}`: {source}")]
    Start {
        /// Its path.
        program: String,
        /// Why it didn't.
        source: io::Error,
    },
    /// The workload failed before it reached a site.
    #[error("the workload {ending} before it reached a `#[hotpath]` function")]
    Workload {
        /// How it ended.
        ending: String,
    },
    /// The workload ran, but what it counted is lost.
    #[error(
        "the workload {}, but its counters could not be stored: {reason}",
        failed.as_deref().unwrap_or("ran")
    )]
    NotStored {
        /// Why not, in the words of the reader.
        reason: String,
        /// How the workload ended, unless it ended well.
        failed: Option<String>,
    },
    /// No site was hit.
    #[error("{message}")]
    NothingHit {
        /// What was seen.
        message: String,
        /// What to do.
        hint: String,
    },
    /// Ctrl-C before there was anything to report.
    #[error("interrupted")]
    Interrupted,
    /// A run that isn't there.
    #[error("{message}")]
    NoRun {
        /// Which.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A stored file that can't be used.
    #[error("can't use {}: {reason}", path.display())]
    Data {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A stored profile that can't be used, or written.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Baselines that can't be used or written.
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    /// Budgets that can't be judged.
    #[error(transparent)]
    Budget(#[from] JudgeError),
    /// The counters can't be read.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// Something can't be written.
    #[error("can't write {what}: {source}")]
    Output {
        /// Path or stream.
        what: String,
        /// Why not.
        source: io::Error,
    },
    /// Standard output was closed: whoever read it has what they wanted.
    #[error("standard output is closed")]
    Closed,
    /// A fault of this program.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// A usage error with a next step.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// A failure to write `what`; a closed standard output is no failure.
    pub fn output(what: impl fmt::Display, source: io::Error) -> Self {
        Self::Output { what: what.to_string(), source }
    }

    /// The process's exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Profile(ProfileError::Write { .. })
            | Self::Baseline(BaselineError::Write { .. })
            | Self::Output { .. }
            | Self::Overlay(OverlayError::Write { .. }) => Exit::Output,
            Self::Usage { .. }
            | Self::Config(_)
            | Self::Metadata(_)
            | Self::Selection { .. }
            | Self::MissingDependency { .. }
            | Self::Toolchain { .. }
            | Self::Overlay(_)
            | Self::NoRun { .. }
            | Self::Data { .. }
            | Self::Profile(_)
            | Self::Baseline(_)
            | Self::Budget(_)
            | Self::Collect(_) => Exit::Usage,
            Self::Build => Exit::Build,
            Self::Start { .. }
            | Self::Workload { .. }
            | Self::NotStored { failed: Some(_), .. } => Exit::Workload,
            Self::NothingHit { .. } | Self::NotStored { failed: None, .. } => Exit::NothingHit,
            Self::Interrupted => Exit::Interrupted,
            Self::Closed => Exit::Success,
            Self::Spawn { .. } | Self::NoExecutable(_) | Self::Internal(_) => Exit::Internal,
        }
    }

    /// The stable name, for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Usage { .. } => "usage",
            Self::Config(_) => "configuration",
            Self::Metadata(_) => "metadata",
            Self::Selection { .. } => "selection",
            Self::MissingDependency { .. } => "missing-dependency",
            Self::Toolchain { .. } => "toolchain-too-old",
            Self::Build => "build-failed",
            Self::Spawn { .. } => "spawn-failed",
            Self::NoExecutable(_) => "no-executable",
            Self::Start { .. } => "workload-not-started",
            Self::Workload { .. } => "workload-failed",
            Self::NotStored { .. } => "counters-not-stored",
            Self::NothingHit { .. } => "nothing-hit",
            Self::Interrupted => "interrupted",
            Self::NoRun { .. } => "no-run",
            Self::Profile(ProfileError::Write { .. })
            | Self::Baseline(BaselineError::Write { .. })
            | Self::Output { .. }
            | Self::Overlay(OverlayError::Write { .. }) => "output-failed",
            Self::Baseline(_) => "unusable-baseline",
            Self::Budget(_) => "unusable-budget",
            Self::Overlay(_) => "unusable-workspace",
            Self::Data { .. } | Self::Profile(_) => "unusable-data",
            Self::Collect(_) => "collect-failed",
            Self::Closed => "output-closed",
            Self::Internal(_) => "internal",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => Some(error.hint()),
            Self::Budget(error) => Some(error.hint()),
            Self::Baseline(error) => error.hint().or_else(|| {
                Some("free some space, or make the workspace's directory writable".to_owned())
            }),
            Self::Usage { hint, .. } => hint.clone(),
            Self::Selection { hint, .. }
            | Self::NothingHit { hint, .. }
            | Self::NoRun { hint, .. } => Some(hint.clone()),
            Self::MissingDependency { package } => Some(format!(
                "drop `CARGO_HOTPATH_AUTO`, or run `cargo add hotpath-runtime -p {package}` and write `#[hotpath_runtime::hotpath]` above the functions to measure"
            )),
            Self::Toolchain { .. } => Some(
                "run it with a newer one, `cargo +stable hotpath run`, or raise the one that `rust-toolchain.toml`, `rustup override` or `RUSTUP_TOOLCHAIN` names".to_owned(),
            ),
            Self::Metadata(text) if text.contains("toolchain") && text.contains("not installed") => {
                Some("install it with `rustup toolchain install`, or run with another: `cargo +stable hotpath run`".to_owned())
            }
            Self::Build => Some("the errors above are cargo's own; `cargo build` shows whether they come from the measured build".to_owned()),
            Self::Spawn { .. } => Some("`CARGO` may name the cargo to use".to_owned()),
            Self::Start { .. } => {
                Some("for another platform's executable, configure a cargo `runner`".to_owned())
            }
            Self::Workload { .. } => {
                Some("run it without `hotpath` to see whether it fails there too".to_owned())
            }
            Self::NotStored { .. } => Some(
                "let it write files (`ulimit -f unlimited`), free some space in /dev/shm and below the target directory, and run it again".to_owned(),
            ),
            Self::Data { .. } => Some("`cargo hotpath run` makes a new run".to_owned()),
            Self::Output { .. }
            | Self::Overlay(OverlayError::Write { .. })
            | Self::Profile(ProfileError::Write { .. }) => {
                Some("free some space, or choose a writable place with `--target-dir` or `-o`".to_owned())
            }
            Self::Metadata(_)
            | Self::NoExecutable(_)
            | Self::Interrupted
            // These say themselves what to do.
            | Self::Profile(_)
            | Self::Overlay(_)
            | Self::Collect(_)
            | Self::Closed => None,
            Self::Internal(_) => {
                Some(format!("please report it: {}/issues", env!("CARGO_PKG_REPOSITORY")))
            }
        }
    }

    /// The document that machine formats print in place of a report.
    pub fn document(&self) -> ErrorDocument {
        ErrorDocument {
            schema_version: SCHEMA_VERSION,
            error: ErrorBody {
                code: self.code().to_owned(),
                message: self.to_string(),
                hint: self.hint(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_those_of_the_contract() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(Error::usage("a", "b").exit() as u8, 2);
        assert_eq!(Error::Workload { ending: String::new() }.exit() as u8, 3);
        assert_eq!(Error::output("report.json", full).exit() as u8, 74);
        assert_eq!(Error::Build.exit() as u8, 101);
        assert_eq!(Error::Interrupted.exit() as u8, 130);
        assert_eq!(Error::Internal(String::new()).exit() as u8, 70);
        assert_eq!(Error::Closed.exit() as u8, 0);
    }

    #[test]
    fn the_document_has_code_message_and_hint() {
        let document = Error::MissingDependency { package: "shop".to_owned() }.document();
        let value = serde_json::to_value(document).unwrap();
        assert_eq!(value["schema_version"], 1);
        assert_eq!(value["error"]["code"], "missing-dependency");
        assert!(value["error"]["message"].as_str().unwrap().contains("`shop`"));
        assert!(
            value["error"]["hint"].as_str().unwrap().contains("cargo add hotpath-runtime -p shop")
        );
    }
}
