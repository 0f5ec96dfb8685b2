//! This workspace: cargo in it, and the programs that it builds.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::error::Error;
use crate::peer::Peer;

/// A cargo profile of the comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile(&'static str);

impl fmt::Display for Profile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0)
    }
}

/// Cargo's default release profile, and the worst case.
pub(crate) const PROFILES: [Profile; 2] = [Profile("release"), Profile("worst")];

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the driver lies in its workspace")
}

/// Where the tables are shown.
pub(crate) fn readme() -> PathBuf {
    root().join("../../README.md")
}

/// Cargo in this workspace, bound to its lock file.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments).arg("--locked");
    command
}

/// Builds one package by itself: of several at once cargo would unite the features.
pub(crate) fn build(package: &str, profile: Profile) -> Result<(), Error> {
    let mut command = cargo(&["build", "--quiet", "--package", package, "--profile", profile.0]);
    command::output(command.arg("--target-dir").arg(root().join("target"))).map(drop)
}

/// Where the peer's program is once it is built.
pub(crate) fn program(peer: &Peer, profile: Profile) -> PathBuf {
    root()
        .join("target")
        .join(profile.0)
        .join(peer.package)
        .with_extension(env::consts::EXE_EXTENSION)
}
