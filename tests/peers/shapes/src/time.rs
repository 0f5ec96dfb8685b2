//! Nanoseconds and CPU time that probes add to a call.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use crate::{Peer, Shape, median, processor};

/// Batches of each form; odd, so that there is a median.
const ROUNDS: usize = 201;
/// Probes in a batch; fewer where they take longer, so that most batches end before the scheduler
/// takes the core away.
const PROBES: RangeInclusive<u32> = 50..=2_000;
const BATCH: Duration = Duration::from_micros(100);

/// Prints, for every shape, `NAME LIMIT PROBED`: medians of what either adds to a call, in
/// nanoseconds; and the CPU time that a leaf call takes on one thread and on each of two.
pub(crate) fn print(peer: &Peer, warm_up: u32) {
    for shape in peer.shapes {
        peer.run(shape, shape.probed, warm_up);
        let (limit, probed) = added(peer, shape);
        match limit {
            Some(limit) => println!("{} {limit} {probed}", shape.name),
            None => println!("{} - {probed}", shape.name),
        }
    }
    if let Some(leaf) = peer.shape("leaf") {
        let one = processor::added(peer, leaf, 1, warm_up);
        let two = processor::added(peer, leaf, 2, warm_up);
        println!("threads {one} {two}");
    }
}

/// What the limit and the peer add to a call: the three forms take turns.
fn added(peer: &Peer, shape: &Shape) -> (Option<f64>, f64) {
    let calls = (fitting(peer, shape, BATCH, PROBES) / shape.probes).max(1);
    let measure = |work| {
        let start = Instant::now();
        peer.run(shape, work, calls);
        start.elapsed().as_nanos() as f64 / f64::from(calls * shape.probes)
    };
    let (mut limits, mut probes) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let plain = measure(shape.plain);
        limits.extend(shape.limit.map(|limit| measure(limit) - plain));
        probes.push(measure(shape.probed) - plain);
    }
    (median(limits), median(probes).unwrap_or(f64::NAN))
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
