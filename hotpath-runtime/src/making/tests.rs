use super::*;
use crate::probe::call;
use crate::testing::{function, own, spin_ticks};

function!(MAKES, "makes");
function!(HELPS, "helps");

fn makes(depth: u64) {
    let _making = making(&MAKES);
    if depth > 0 {
        helps(depth - 1);
    }
}

fn helps(depth: u64) {
    let _call = call(&HELPS);
    if depth > 0 {
        makes(depth - 1);
    }
}

/// What makes a future may find out only while it does so that it recurses.
#[test]
fn a_recursion_that_is_found_while_making_leaves_nothing_open() {
    for _ in 0..3 {
        makes(6);
    }
    let before = slab::current().cur.get().map(core::ptr::from_ref);
    let measured = own();
    for node in measured.nodes("helps").into_iter().chain(measured.nodes("makes")) {
        assert_eq!(node.open, 0, "{node:#?}");
        assert!(!node.sum.cast_signed().is_negative(), "{node:#?}");
    }
    assert!(measured.nodes("makes").iter().all(|node| node.calls == 0), "a making is no call");
    let root = slab::current().root.get().map(core::ptr::from_ref);
    assert_eq!(before, root, "all are closed");
}

#[test]
fn the_making_is_time_of_the_function_without_a_call() {
    function!(SLOW, "slow making");
    let making = making(&SLOW);
    spin_ticks(1_000_000);
    drop(making);
    let measured = own();
    let node = measured.node("slow making");
    assert_eq!((node.calls, node.timed), (0, 0));
    assert!(node.sum >= 1_000_000, "{node:#?}");
}
