use std::hint::black_box;
use std::panic;

use super::{exit, grow, grow_on, mark, site, site_on};
use crate::probe::call;
use crate::slab;
use crate::testing::{all_short, function, own, spin, spin_ticks};

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

#[test]
fn types_that_take_turns_are_told_apart() {
    function!(F, "turns", "clone", "lookup");
    fn measured<T>(value: T) {
        let _call = call(&F);
        exit(site(&F, 0), black_box(value));
        exit(site_on::<T>(&F, 1, core::ptr::null()), ());
    }
    let _all_short = all_short();
    for i in 0..20_000_u32 {
        measured(i);
        measured([i; 2]);
    }
    let own = own();
    for at in [0, 1] {
        let mut rows: Vec<_> =
            own.rows("turns", at).iter().map(|row| (row.type_name.clone(), row.count)).collect();
        rows.sort();
        let of = |name: &str| (Some(name.to_owned()), 20_000);
        assert_eq!(rows, [of("[u32; 2]"), of("u32")]);
        let timed: u64 = own.rows("turns", at).iter().map(|row| row.timed).sum();
        assert!((1_024..40_000).contains(&timed), "{timed}");
    }
}

#[test]
fn a_site_leads_to_the_type_that_is_hot() {
    function!(F, "hot_type", "clone", "lookup");
    fn measured<T>(value: T) -> bool {
        let _call = call(&F);
        exit(site(&F, 0), black_box(value));
        exit(site_on::<T>(&F, 1, core::ptr::null()), ());
        let leads_to_it = |at| {
            let row = slab::current().rows.follow(F.site_id(at));
            row.is_some_and(|row| row.is_of(std::any::type_name::<T>()))
        };
        leads_to_it(0) && leads_to_it(1)
    }
    assert!(measured(1_u8) && measured('a') && measured("new"));
    for _ in 0..2 {
        assert!((0..20).any(|_| measured(1_u8)) && (0..20).any(|_| measured("old")));
    }
    let own = own();
    for at in [0, 1] {
        let rows = own.rows("hot_type", at);
        assert_eq!(rows.len(), 3, "none was made again: {rows:?}");
    }
}

#[test]
fn what_was_left_open_does_not_count_for_the_next() {
    function!(F, "left", "clone", "grow", "grow");
    let _call = call(&F);
    exit(grow(&F, 2), 0_u8);
    let before = slab::current().negative.get();
    for value in [Some("new"), None] {
        {
            let _around = grow(&F, 1);
            // As C code does that jumps over it.
            std::mem::forget(site(&F, 0));
        }
        let _around = grow(&F, 1);
        // It opens the short way and closes the long one: its type is new, or it has no value.
        let token = grow(&F, 2);
        if let Some(value) = value {
            exit(token, value);
        }
    }
    assert_eq!(slab::current().negative.get(), before);
    let own = own();
    let rows = own.rows("left", 2);
    assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 3);
    assert!(rows.iter().all(|row| (row.timed, row.max) == (0, 0)), "{rows:?}");
}

#[test]
fn whatever_closes_an_untimed_span_tells_its_mean_to_the_one_around_it() {
    function!(F, "told", "clone", "clone", "grow", "clone");
    let _call = call(&F);
    // The site's countdown is that of the newest type.
    let text = |at| {
        exit(site_on::<str>(&F, at, ""), 0_u8);
    };
    text(1);
    exit(site(&F, 0), "");
    for at in [0, 1, 3] {
        exit(if at == 1 { site_on::<u8>(&F, at, &0) } else { site(&F, at) }, 0_u8);
    }
    let slab = slab::current();
    let countdown = |at| {
        let row = slab.rows.follow(F.site_id(at)).expect("it has run");
        row.countdown.next.set(u64::MAX);
        row.countdown.mean.set(1_000);
        &row.countdown
    };
    let check = |how: &str, at: u32, run: &dyn Fn()| {
        let _around = grow(&F, 2);
        let countdown = countdown(at);
        let before = (slab.node().inner.get(), countdown.count.get());
        run();
        let after = (slab.node().inner.get(), countdown.count.get());
        assert_eq!(after, (before.0 + 1_000, before.1 + 1), "{how}");
    };
    let number = |at| {
        exit(site(&F, at), 0_u8);
    };
    check("the short way", 0, &|| number(0));
    check("with a value of an older type", 0, &|| {
        exit(site(&F, 0), "");
    });
    check("without a value", 0, &|| drop(site(&F, 0)));
    check("on a receiver of an older type", 1, &|| text(1));
    let open: Vec<_> = (0..10_000).map(|_| grow(&F, 2)).collect();
    check("past the depth that is remembered", 3, &|| number(3));
    open.into_iter().rev().for_each(drop);
}

#[test]
fn what_a_probe_leaves_in_a_timed_span_is_not_scaled() {
    function!(F, "sampled", "clone");
    let _call = call(&F);
    exit(site(&F, 0), 0_u8);
    let slab = slab::current();
    let row = slab.rows.follow(F.site_id(0)).expect("it has run");
    // As the throttle leaves it: the next one is timed, and stands for ten.
    row.countdown.count.set(2_000);
    row.countdown.next.set(2_001);
    row.countdown.gap.set(10);
    row.sums.max.set(0);
    let before = row.sums.ticks.get();
    let inside = crate::map::header().expect("there is one").fixed.expression_inside.get();
    let token = site(&F, 0);
    // However much faster this machine is now than when it was found out what a probe takes.
    spin_ticks(2 * inside);
    exit(token, 0_u8);
    let (span, added) = (row.sums.max.get(), row.sums.ticks.get() - before);
    assert!(inside > 0 && inside < span, "{inside} of {span}");
    assert_eq!(added, span + 9 * (span - inside).min(64 * slab.short.get()));
}
