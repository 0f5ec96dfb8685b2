//! The functions that every peer instruments, and how they are measured: what a peer's program is
//! made of, so that no two differ in anything but their probes.
#![allow(clippy::inline_always, reason = "the limit must cost the same in every profile")]

mod count;
mod functions;
pub mod limit;
mod median;
mod memory;
mod pair;
mod processor;
mod time;

use std::process::ExitCode;

pub use crate::functions::poll_once;
pub use crate::median::median;
pub use crate::pair::PAIR;

/// What the peer wants around a batch of calls: a root span, a frame, a measured caller.
pub type Around = fn(&mut dyn FnMut());

/// One way to call measured functions, in three forms that differ in their probes only.
#[derive(Clone, Copy)]
pub struct Shape {
    /// What the driver calls it.
    pub name: &'static str,
    /// Probes in one run of the work.
    pub probes: u32,
    /// Without probes.
    pub plain: fn(u64) -> u64,
    /// With the least that a probe with a clock can do; none where no clock is needed.
    pub limit: Option<fn(u64) -> u64>,
    /// With the peer's probes.
    pub probed: fn(u64) -> u64,
}

/// A peer's shapes and what it wants around them.
#[derive(Clone, Copy)]
pub struct Peer {
    pub shapes: &'static [Shape],
    pub around: Around,
}

impl Peer {
    fn shape(&self, name: &str) -> Option<&'static Shape> {
        self.shapes.iter().find(|shape| shape.name == name)
    }

    /// `calls` of one form of a shape, in what the peer wants around them.
    fn run(&self, shape: &Shape, work: fn(u64) -> u64, calls: u32) {
        let mut left = calls;
        while left > 0 {
            let batch = left.min(BATCH / shape.probes);
            (self.around)(&mut || repeat(work, batch));
            left -= batch;
        }
    }
}

/// Probes in one root span or frame of the peers that want one.
const BATCH: u32 = 1_000;

/// Calls `work` so that no call can be left out, moved or put together with another.
fn repeat(work: fn(u64) -> u64, calls: u32) {
    let work = std::hint::black_box(work);
    let mut value = 0;
    for _ in 0..calls {
        value = std::hint::black_box(work(std::hint::black_box(value)));
    }
}

/// A peer's `main`: measures what the arguments say and prints one line for each figure.
pub fn main(peer: &Peer) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["time", warm_up] => warm_up.parse().ok().map(|warm_up| time::print(peer, warm_up)),
        ["memory", shape, calls] => peer
            .shape(shape)
            .zip(calls.parse().ok())
            .map(|(shape, calls)| memory::print(peer, shape, calls)),
        ["count", shape, plain, probed] => peer
            .shape(shape)
            .zip(plain.parse().ok().zip(probed.parse().ok()))
            .map(|(shape, (plain, probed))| count::run(peer, shape, plain, probed)),
        _ => None,
    };
    if done.is_none() {
        eprintln!("usage: time WARM_UP | memory SHAPE CALLS | count SHAPE PLAIN PROBED");
        return ExitCode::from(2);
    }
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests;
