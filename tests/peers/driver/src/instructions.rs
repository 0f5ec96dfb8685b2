//! Instructions that a probe adds to a call, counted by callgrind on the thread that calls.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::error::Error;
use crate::peer::Peer;
use crate::workspace::{self, Profile};

/// Whether there is anything to count with.
pub(crate) fn can_count() -> bool {
    command::output(Command::new("valgrind").arg("--version")).is_ok()
}

/// Instructions for each call of the shape, over those of the same work without probes. `out` is a
/// file that nobody else writes.
///
/// Two runs, of which one has so many calls more with probes and as many less without: the
/// difference is all that isn't the same in both.
pub(crate) fn count(peer: &Peer, profile: Profile, shape: &str, out: &Path) -> Result<f64, Error> {
    let calls = peer.counted;
    let few = total(peer, profile, shape, [2 * calls, peer.warm_up + calls], out)?;
    let many = total(peer, profile, shape, [calls, peer.warm_up + 2 * calls], out)?;
    Ok((many - few) / f64::from(calls))
}

/// Instructions of the main thread of a run with so many calls without and with probes.
fn total(
    peer: &Peer,
    profile: Profile,
    shape: &str,
    calls: [u32; 2],
    out: &Path,
) -> Result<f64, Error> {
    let mut command = Command::new("valgrind");
    command.envs(peer.variables.iter().copied());
    command.args(["--quiet", "--tool=callgrind", "--separate-threads=yes"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(workspace::program(peer, profile)).args(["count", shape]);
    command::output(command.args(calls.map(|calls| calls.to_string())))?;
    // Where threads are kept apart, the first one's file is this.
    let main = PathBuf::from(format!("{}-01", out.display()));
    let text =
        fs::read_to_string(&main).map_err(|error| Error::File { path: main.clone(), error })?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals:")?.trim().parse().ok());
    total.ok_or_else(|| Error::Figure {
        program: format!("callgrind of {}", peer.package),
        line: "no line `totals:`".to_owned(),
    })
}
