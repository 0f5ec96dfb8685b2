use std::hint::black_box;

use super::call;
use crate::testing::{function, own, spin};

#[test]
fn a_call_is_counted_and_timed_and_distributed() {
    function!(F, "counted");
    for _ in 0..100 {
        let _call = call(&F);
        spin(10);
    }
    let own = own();
    let node = own.node("counted");
    assert_eq!((node.calls, node.timed, node.open, node.nested), (100, 100, 0, 0));
    assert!(node.max > 0 && node.sum >= node.max && node.sum <= 100 * node.max);
    assert_eq!(own.distributed("counted", None), 100);
}

#[test]
fn callers_keep_their_callees_apart() {
    function!(A, "apart_a");
    function!(B, "apart_b");
    function!(LEAF, "apart_leaf");
    for _ in 0..3 {
        let _a = call(&A);
        drop(call(&LEAF));
        drop(call(&LEAF));
    }
    {
        let _b = call(&B);
        drop(call(&LEAF));
    }
    let own = own();
    let mut calls: Vec<u64> = own.nodes("apart_leaf").iter().map(|node| node.calls).collect();
    calls.sort_unstable();
    assert_eq!(calls, [1, 6]);
    assert_eq!(own.distributed("apart_leaf", None), 7);
}

fn direct(depth: u64) -> u64 {
    function!(F, "direct");
    let _call = call(&F);
    if depth == 0 { spin(1000) } else { direct(depth - 1) ^ 1 }
}

#[test]
fn direct_recursion_folds_into_one_back_edge() {
    for depth in [0, 1, 2, 1000] {
        black_box(direct(depth));
    }
    let own = own();
    let nodes = own.nodes("direct");
    assert_eq!(nodes.len(), 2);
    let (outer, back) = (nodes[0], nodes[1]);
    assert!(outer.alias_of.is_none() && back.alias_of == back.parent);
    assert_eq!((outer.calls, back.calls), (4, 1003));
    assert_eq!((outer.open, outer.nested), (0, 0));
    assert!(outer.sum >= outer.max && outer.max >= back.max);
    let own_ticks: u64 =
        own.self_ticks().iter().filter(|(name, _)| name == "direct").map(|(_, own)| own).sum();
    assert_eq!(own_ticks, outer.sum);
}

#[test]
fn the_first_call_is_not_known_where_it_goes_back_to_an_older_node() {
    function!(OLDER, "back_older");
    function!(F, "back_f");
    function!(PLAIN, "back_plain");
    function!(LEAF, "back_leaf");
    {
        let _older = call(&OLDER);
        {
            let _f = call(&F);
            // The leaf is a callee of the outer call of the older function.
            let _again = call(&OLDER);
            drop(call(&LEAF));
        }
        let _plain = call(&PLAIN);
        let _itself = call(&PLAIN);
        drop(call(&LEAF));
    }
    let own = own();
    let first = |name: &str| own.nodes(name)[0].first;
    assert_eq!(first("back_f"), None);
    assert!(first("back_plain").is_some(), "it only goes back to itself");
    assert!(first("back_older").is_some());
}

fn f(depth: u64) {
    function!(F, "mutual_f");
    let _call = call(&F);
    spin(20);
    if depth > 0 {
        g(depth - 1);
    }
}

fn g(depth: u64) {
    function!(G, "mutual_g");
    let _call = call(&G);
    spin(20);
    if depth > 0 {
        f(depth - 1);
    }
}

#[test]
fn mutual_recursion_keeps_totals_and_self_times() {
    function!(TOP, "mutual_top");
    {
        let _top = call(&TOP);
        f(101);
        f(1);
    }
    let own = own();
    let (f, g) = (own.nodes("mutual_f"), own.nodes("mutual_g"));
    assert_eq!((f.len(), g.len()), (2, 1));
    assert_eq!(f[0].calls, 2);
    assert_eq!(f[0].calls + f[1].calls, 52);
    assert_eq!(g[0].calls, 52);
    // The cold work below a back edge stays in the totals between that and where it leads.
    assert!(g[0].nested > 0 && g[0].sum < f[0].sum + own.slab_cold());
    // Everything that the top's span holds is somebody's own, to the tick.
    let ticks = own.self_ticks();
    let mut all = ticks.iter().filter(|(name, _)| name.starts_with("mutual")).map(|(_, own)| own);
    let top = own.node("mutual_top");
    assert_eq!(all.clone().sum::<u64>(), top.sum);
    assert!(all.all(|own| *own <= top.sum || !own.cast_signed().is_negative()));
}

#[test]
fn a_million_frames_deep() {
    let deep = std::thread::Builder::new().stack_size(1 << 30);
    let counts = deep.spawn(|| {
        function!(F, "deep_f");
        function!(G, "deep_g");
        fn down(depth: u64) {
            let _call = call(if depth.is_multiple_of(2) { &F } else { &G });
            if depth > 0 {
                down(black_box(depth - 1));
            }
        }
        down(1_000_000);
        let own = own();
        let all: u64 =
            own.nodes("deep_f").iter().chain(&own.nodes("deep_g")).map(|n| n.calls).sum();
        (all, own.nodes("deep_f").len() + own.nodes("deep_g").len())
    });
    let (calls, nodes) = counts.unwrap().join().unwrap();
    assert_eq!(calls, 1_000_001);
    assert!(nodes <= 7, "{nodes}");
}
