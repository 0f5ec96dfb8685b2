//! Every shape makes as many calls of the peer's functions as it says.

use std::cell::Cell;

use crate::{Peer, Shape};

thread_local! {
    static PROBES: Cell<u32> = const { Cell::new(0) };
    static BATCHES: Cell<u32> = const { Cell::new(0) };
}

fn count() {
    PROBES.set(PROBES.get() + 1);
}

crate::shapes! {
    sync {} { crate::tests::count(); }
    future {} { crate::tests::count(); }
}

fn around(work: &mut dyn FnMut()) {
    BATCHES.set(BATCHES.get() + 1);
    work();
}

const PEER: Peer = Peer { shapes: SHAPES, around };

fn probes(shape: &Shape, work: fn(u64) -> u64, calls: u32) -> (u32, u32) {
    PROBES.set(0);
    BATCHES.set(0);
    PEER.run(shape, work, calls);
    (PROBES.get(), BATCHES.get())
}

#[test]
fn each_form_makes_the_calls_that_it_is_asked_for() {
    for name in ["leaf", "deep", "turn", "async"] {
        let shape = PEER.shape(name).expect("it is a shape");
        let limit = shape.limit.expect("it has a clock");
        assert_eq!(probes(shape, shape.probed, 7), (7 * shape.probes, 1), "{name}");
        assert_eq!(probes(shape, shape.plain, 7), (0, 1), "{name}");
        assert_eq!(probes(shape, limit, 7), (0, 1), "{name}");
        let values = [shape.plain, limit, shape.probed].map(|work| work(6));
        assert!(values.iter().all(|value| *value == values[0]), "{name}: {values:?}");
    }
}

#[test]
fn no_batch_has_more_than_a_thousand_probes() {
    for (name, batches) in [("leaf", 3), ("deep", 25), ("turn", 41), ("pair", 3)] {
        let shape = PEER.shape(name).expect("it is a shape");
        let (_, made) = probes(shape, shape.probed, 2_500);
        assert_eq!(made, batches, "{name}");
    }
    assert!(PEER.shape("no such shape").is_none());
}
