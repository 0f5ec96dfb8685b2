//! Nanoseconds and CPU time that probes add to a call.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use crate::{Peer, Shape, median, processor};

/// Batches of each form; odd, so that there is a median.
const ROUNDS: usize = 401;
/// Probes in a batch; fewer where they take longer, so that most batches end before the scheduler
/// takes the core away.
const PROBES: RangeInclusive<u32> = 50..=2_000;
const BATCH: Duration = Duration::from_micros(100);

/// Prints, for every shape, `NAME ADDED RATIO`: what the peer adds to a call, in nanoseconds, and as
/// a multiple of the limit, or `-`; then, as `threads`, the CPU time that it adds to a leaf call on
/// each of two threads, and as a multiple of that on one.
pub(crate) fn print(peer: &Peer, warm_up: u32) {
    for shape in peer.shapes {
        peer.run(shape, shape.probed, warm_up);
        let (added, ratio) = added(peer, shape);
        match ratio {
            Some(ratio) => println!("{} {added} {ratio}", shape.name),
            None => println!("{} {added} -", shape.name),
        }
    }
    if let Some(leaf) = peer.shape("leaf") {
        let (added, ratio) = processor::on_two_threads(peer, leaf, warm_up);
        println!("threads {added} {ratio}");
    }
}

/// What the peer adds to a call, and how many times what the limit adds. The three forms take
/// turns, and each batch is held against the one of the limit just before: what the machine does
/// beside it rarely changes in between.
fn added(peer: &Peer, shape: &Shape) -> (f64, Option<f64>) {
    let calls = (fitting(peer, shape, BATCH, PROBES) / shape.probes).max(1);
    let measure = |work| {
        let start = Instant::now();
        peer.run(shape, work, calls);
        start.elapsed().as_nanos() as f64 / f64::from(calls * shape.probes)
    };
    let (mut added, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let plain = measure(shape.plain);
        let limit = shape.limit.map(|limit| measure(limit) - plain);
        let probed = measure(shape.probed) - plain;
        ratios.extend(limit.map(|limit| probed / limit));
        added.push(probed);
    }
    (median(added).unwrap_or(f64::NAN), median(ratios))
}

/// As many probes as take the time.
pub(crate) fn fitting(
    peer: &Peer,
    shape: &Shape,
    time: Duration,
    probes: RangeInclusive<u32>,
) -> u32 {
    let calls = *probes.start();
    let took = |_| {
        let start = Instant::now();
        peer.run(shape, shape.probed, calls);
        start.elapsed().as_nanos() as f64 / f64::from(calls * shape.probes)
    };
    let took = median((0..9).map(took).collect()).unwrap_or(f64::NAN);
    ((time.as_nanos() as f64 / took) as u32).clamp(calls, *probes.end())
}
