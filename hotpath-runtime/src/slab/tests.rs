use std::cell::RefCell;
use std::thread;

use super::current;
use crate::expression::{exit, site};
use crate::probe::call;
use crate::testing::{function, own, segment};

#[test]
fn short_threads_share_slabs_and_lose_nothing() {
    function!(F, "short", "clone");
    function!(LATE, "late");
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            drop(call(&LATE));
        }
    }
    thread_local! {
        static LATER: RefCell<Vec<Late>> = const { RefCell::new(Vec::new()) };
    }
    let run = || {
        for _ in 0..10 {
            let _call = call(&F);
            exit(site(&F, 0), ());
        }
        LATER.with_borrow_mut(|late| late.push(Late));
    };
    for _ in 0..1250 {
        let threads: Vec<_> = (0..8).map(|_| thread::spawn(run)).collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }
    let segment = segment();
    let calls = |name: &str| -> u64 {
        let nodes = segment.slabs.iter().flat_map(|slab| &slab.nodes);
        let of = nodes.filter(|n| n.function.is_some_and(|i| segment.functions[i].name == name));
        of.map(|node| node.calls).sum()
    };
    assert_eq!(calls("short"), 100_000);
    assert_eq!(calls("late"), 10_000);
    // Of 10,000 threads, beside those of other tests.
    assert!(segment.slabs.len() < 1_000, "{}", segment.slabs.len());
    assert!(segment.slabs.iter().map(|slab| slab.threads).sum::<u64>() >= 10_000);
}

#[test]
fn many_functions_and_nodes_have_room() {
    // One function as the parent of many: tables, hash and rooms all grow.
    let tables: Vec<&'static crate::site::Function> = (0..3000)
        .map(|_| {
            &*Box::leak(Box::new(crate::site::Function::new(
                None,
                None,
                "",
                "many",
                "",
                1,
                1,
                false,
                &[],
            )))
        })
        .collect();
    for _ in 0..2 {
        for pair in tables.windows(2) {
            let _outer = call(pair[0]);
            drop(call(pair[1]));
        }
    }
    let own = own();
    let nodes = own.nodes("many");
    assert_eq!(nodes.len(), 2 * 2999);
    assert!(nodes.iter().all(|node| node.calls == 2));
}

#[test]
fn a_thread_has_one_slab() {
    function!(F, "one");
    drop(call(&F));
    let first = std::ptr::from_ref(current()).addr();
    drop(call(&F));
    assert_eq!(first, std::ptr::from_ref(current()).addr());
    assert!(!current().is_none());
}
