//! Nanoseconds and CPU time that probes add to a call.

use std::time::Instant;

use crate::{Peer, Shape, median, processor};

/// Batches of each form; odd, so that there is a median.
const ROUNDS: usize = 201;
/// Probes in a batch: few enough that most batches end before the scheduler takes the core away.
const PROBES: u32 = 2_000;

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
    let calls = (PROBES / shape.probes).max(1);
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
