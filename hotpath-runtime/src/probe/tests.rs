use std::hint::black_box;
use std::panic;

use super::{call, exit, grow, grow_on, mark, site, site_on};
use crate::testing::{function, own};

fn spin(rounds: u64) -> u64 {
    (0..rounds).fold(0, |sum, i| black_box(sum ^ i))
}

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

#[test]
fn a_caught_panic_closes_what_it_left() {
    function!(OUTER, "panic_outer");
    function!(INNER, "panic_inner", "clone");
    {
        let _outer = call(&OUTER);
        let caught = panic::catch_unwind(|| {
            let _inner = call(&INNER);
            let _token = site(&INNER, 0);
            panic::resume_unwind(Box::new(()));
        });
        assert!(caught.is_err());
        drop(call(&INNER));
    }
    let own = own();
    let inner = own.node("panic_inner");
    assert_eq!((own.node("panic_outer").calls, inner.calls, inner.timed), (1, 2, 2));
    let row = own.row("panic_inner", 0);
    assert_eq!((row.count, row.timed), (1, 1));
    assert_eq!(row.type_name, None);
}

#[test]
fn an_early_return_closes_its_token() {
    function!(F, "early", "collect");
    fn early(fail: bool) -> Result<u32, ()> {
        let _call = call(&F);
        let token = site(&F, 0);
        let value = if fail { Err(())? } else { 1 };
        Ok(exit(token, value))
    }
    assert!(early(false).is_ok());
    assert!(early(true).is_err());
    assert!(early(false).is_ok());
    let own = own();
    let row = own.row("early", 0);
    assert_eq!((row.count, row.type_name.as_deref()), (3, Some("u32")));
    assert_eq!(own.node("early").calls, 3);
}

#[test]
fn types_have_rows_of_their_own() {
    function!(F, "types", "clone", "write");
    fn generic<T: Clone>(value: &T) -> T {
        let _call = call(&F);
        exit(site(&F, 0), value.clone())
    }
    black_box(generic(&String::from("a")));
    black_box(generic(&7u8));
    black_box(generic(&7u8));
    let _call = call(&F);
    exit(site_on(&F, 1, "a str"), ());
    let own = own();
    let mut rows: Vec<_> = own
        .rows("types", 0)
        .iter()
        .map(|row| (row.type_name.clone().unwrap(), row.type_size, row.needs_drop, row.count))
        .collect();
    rows.sort();
    assert_eq!(
        rows,
        [("alloc::string::String".to_owned(), 24, true, 1), ("u8".to_owned(), 1, false, 2)]
    );
    assert_eq!(own.row("types", 1).type_name.as_deref(), Some("str"));
}

#[test]
fn a_receiver_may_lie_anywhere() {
    #[repr(C, packed)]
    struct Packed {
        _tag: u8,
        value: u64,
    }
    function!(F, "packed", "lookup", "grow", "lookup");
    let packed = Packed { _tag: 1, value: 7 };
    exit(site_on(&F, 0, &raw const packed.value), ());
    exit(grow_on(&F, 1, &raw const packed.value), ());
    let unsized_one: &[u16] = &[1, 2];
    exit(site_on(&F, 2, unsized_one), ());
    let types = [0, 1, 2].map(|site| own().row("packed", site).type_name.clone());
    assert_eq!(types, [Some("u64".to_owned()), Some("u64".to_owned()), Some("[u16]".to_owned())]);
}

#[test]
fn nested_sites_share_nothing() {
    function!(F, "nested", "collect", "clone");
    let _call = call(&F);
    let outer = site(&F, 0);
    let inner = exit(site(&F, 1), black_box(vec![1u8; 100]));
    let both = exit(outer, (inner, black_box(vec![1u8; 10])));
    let again = exit(site(&F, 1), black_box(vec![2u8; 1]));
    let own = own();
    let (outer, inner) = (own.row("nested", 0), own.row("nested", 1));
    assert_eq!((outer.allocs.count, outer.allocs.bytes), (1, 10));
    assert_eq!((inner.allocs.count, inner.allocs.bytes), (2, 101));
    drop((both, again));
}

#[test]
fn time_of_nested_sites_and_calls_is_taken_out() {
    function!(F, "exclusive", "collect", "clone");
    function!(CALLEE, "exclusive_callee");
    {
        let _call = call(&F);
        let outer = site(&F, 0);
        let inner = site(&F, 1);
        {
            let _callee = call(&CALLEE);
            spin(100_000);
        }
        exit(inner, ());
        spin(10);
        exit(outer, ());
    }
    let own = own();
    let callee = own.node("exclusive_callee").sum;
    let (outer, inner) = (own.row("exclusive", 0).ticks, own.row("exclusive", 1).ticks);
    assert!(callee + outer + inner <= own.node("exclusive").sum);
    assert!(inner < own.node("exclusive").sum - callee);
}

#[test]
fn mark_leaves_the_receiver_out() {
    function!(F, "marked", "collect", "clone");
    let _call = call(&F);
    // outer(.. receiver(inner clone) ..mark.. own ..)
    let outermost = site(&F, 0);
    let token = site(&F, 0);
    let receiver = mark(exit(site(&F, 1), black_box(vec![0u8; 1000])));
    let value = exit(token, black_box([receiver, vec![0u8; 7]]));
    let value = exit(outermost, Box::new(value));
    let own = own();
    let rows = own.rows("marked", 0);
    let bytes: u64 = rows.iter().map(|row| row.allocs.bytes).sum();
    assert_eq!(bytes, 7 + 48, "{rows:#?}");
    assert_eq!(own.row("marked", 1).allocs.bytes, 1000);
    drop(value);
}

#[test]
fn recursion_inside_of_a_site_is_not_the_sites() {
    function!(F, "walk", "collect");
    fn walk(depth: usize) -> Vec<Vec<u8>> {
        let _call = call(&F);
        let token = site(&F, 0);
        let mut all = vec![vec![0u8; 10]];
        if depth > 0 {
            all.extend_from_slice(&walk(depth - 1)[..0]);
        }
        exit(token, all)
    }
    drop(walk(20));
    let own = own();
    let row = own.row("walk", 0);
    assert_eq!(row.count, 21);
    assert_eq!(row.allocs.count, 42);
    let node: u64 = own.nodes("walk").iter().map(|node| node.allocs.count).sum();
    assert_eq!(node, 42);
}

#[test]
fn mutual_recursion_inside_of_sites_is_not_theirs() {
    function!(F, "pair_f", "collect");
    function!(G, "pair_g", "collect");
    fn pair(depth: usize) -> Vec<u8> {
        let table = if depth.is_multiple_of(2) { &F } else { &G };
        let _call = call(table);
        let token = site(table, 0);
        let own = black_box(vec![0u8; 10]);
        if depth > 0 {
            drop(pair(depth - 1));
        }
        exit(token, own)
    }
    drop(pair(20));
    let own = own();
    assert_eq!(own.row("pair_f", 0).allocs.count, 11);
    assert_eq!(own.row("pair_g", 0).allocs.count, 10);
}

#[test]
fn grow_counts_and_reads_no_clock() {
    function!(F, "grown", "grow");
    let _call = call(&F);
    let mut values: Vec<u64> = Vec::new();
    for i in 0..1000 {
        let token = grow_on(&F, 0, &raw const values);
        values.push(i);
        exit(token, ());
    }
    drop(grow(&F, 0));
    let own = own();
    let row = own.row("grown", 0);
    assert_eq!(row.type_name.as_deref(), Some("alloc::vec::Vec<u64>"));
    assert_eq!((row.count, row.timed, row.ticks), (1001, 0, 0));
    // 4, 8, .. 1024: one allocation, then doublings.
    assert_eq!((row.allocs.count, row.allocs.reallocs), (1, 8));
    assert_eq!(row.allocs.grown_bytes, (1024 - 4) * 8);
    drop(values);
}

#[test]
fn spans_deeper_than_remembered_are_counted() {
    function!(F, "too_deep", "clone");
    let _call = call(&F);
    let tokens: Vec<_> = (0..10_000).map(|_| site(&F, 0)).collect();
    for token in tokens.into_iter().rev() {
        exit(token, ());
    }
    exit(site(&F, 0), ());
    let own = own();
    let row = own.row("too_deep", 0);
    assert_eq!(row.count, 10_001);
    assert!(row.timed < row.count);
}

#[test]
fn locks_have_a_distribution() {
    function!(F, "locked", "lock");
    let _call = call(&F);
    for _ in 0..5 {
        exit(site(&F, 0), ());
    }
    assert_eq!(own().distributed("locked", Some(0)), 5);
}

/// How many bytes of stack a level of a recursion takes.
fn stack_of(recurse: fn(u64) -> usize) -> usize {
    (recurse(0) - recurse(64)) / 64
}

fn here() -> usize {
    let local = 0_u8;
    black_box(&raw const local).addr()
}

#[inline(never)]
fn plain(depth: u64) -> usize {
    if depth == 0 { here() } else { black_box(plain(depth - 1)) }
}

#[inline(never)]
fn probed(depth: u64) -> usize {
    function!(F, "probed", "call", "call", "call");
    let _call = call(&F);
    if depth == 0 {
        return exit(site(&F, 0), here());
    }
    exit(site(&F, 1), black_box(exit(site(&F, 2), probed(depth - 1))))
}

#[test]
fn a_measured_recursion_takes_little_more_stack() {
    let (plain, probed) = (stack_of(plain), stack_of(probed));
    // A guard and three tokens; inlined without optimisation they took 6 KB.
    assert!(probed < plain + 1_024, "{plain} bytes plain, {probed} measured");
}
