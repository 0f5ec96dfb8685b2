//! Memory that a process holds more, at most, the more calls it makes.

use std::fs;

use crate::{Peer, Shape};

const WARM_UP: u32 = 50_000;

/// Prints `memory BYTES`: by how much the most that was resident lies above what was resident
/// before, for each call; `-` where the system doesn't say.
pub(crate) fn print(peer: &Peer, shape: &Shape, calls: u32) {
    peer.run(shape, shape.probed, WARM_UP);
    let before = resident("VmRSS:");
    peer.run(shape, shape.probed, calls);
    let most = resident("VmHWM:");
    match before.zip(most) {
        Some((before, most)) => {
            println!("memory {}", most.saturating_sub(before) as f64 / f64::from(calls));
        }
        None => println!("memory -"),
    }
}

/// A value of the process's status, in bytes.
fn resident(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
