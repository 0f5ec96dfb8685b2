//! What the probes cost: nanoseconds a call over the same code without them, medians of rounds
//! that take turns, against the limit of two clock readings and an addition to a thread-local.
//!
//! `cargo bench -p hotpath-runtime --features enabled`

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Instant;

use hotpath_runtime::__private::{Function, Site, awaited, call, exit, frame, grow, site, ticks};
use hotpath_runtime::Allocator;

const ROUNDS: usize = 1_001;
/// Few enough that most batches end before the scheduler takes the core away.
const CALLS: u32 = 2_000;

static LEAF: Function = function("leaf", &[]);
static PARENT: Function = function("parent", SITES);
const SITES: &[Site] = &[
    Site::new("clone", 1, 1, ""),
    Site::new("grow", 1, 1, ""),
    Site::new("await", 1, 1, ""),
    Site::new("lock", 1, 1, ""),
];

const fn function(name: &'static str, sites: &'static [Site]) -> Function {
    Function::new(None, None, "bench", name, "", 1, 1, false, sites)
}

thread_local! {
    static TOTAL: Cell<u64> = const { Cell::new(0) };
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

#[inline(never)]
fn plain(value: u64) -> u64 {
    value ^ 1
}

#[inline(never)]
fn limit(value: u64) -> u64 {
    let start = ticks();
    let result = value ^ 1;
    let span = ticks() - start;
    let _ = COUNT.try_with(|count| count.set(count.get() + 1));
    let _ = TOTAL.try_with(|total| total.set(total.get() + span));
    result
}

#[inline(never)]
fn leaf(value: u64) -> u64 {
    let _call = call(&LEAF);
    value ^ 1
}

#[inline(never)]
fn expression(value: u64) -> u64 {
    exit(site(&PARENT, 0), value ^ 1)
}

#[inline(never)]
fn lock(value: u64) -> u64 {
    exit(site(&PARENT, 3), value ^ 1)
}

#[inline(never)]
fn counted(value: u64) -> u64 {
    exit(grow(&PARENT, 1), value ^ 1)
}

macro_rules! chain {
    ($probed:ident, $unprobed:ident: $($name:literal)*) => {
        static CHAIN: [Function; 10] = [$(function($name, &[])),*];

        #[inline(never)]
        fn $probed(depth: usize, value: u64) -> u64 {
            let _call = call(&CHAIN[depth]);
            if depth == 0 { value ^ 1 } else { $probed(depth - 1, value) ^ 1 }
        }

        #[inline(never)]
        fn $unprobed(depth: usize, value: u64) -> u64 {
            if depth == 0 { value ^ 1 } else { $unprobed(depth - 1, value) ^ 1 }
        }
    };
}
chain!(nested, nested_plain: "n0" "n1" "n2" "n3" "n4" "n5" "n6" "n7" "n8" "n9");

fn pair(allocator: &impl GlobalAlloc, value: u64) -> u64 {
    let layout = Layout::new::<[u64; 4]>();
    // SAFETY: the layout has a size; released once, by the same allocator.
    unsafe {
        let block = black_box(allocator.alloc(layout));
        allocator.dealloc(block, layout);
    }
    value ^ 1
}

#[inline(never)]
fn pair_plain(value: u64) -> u64 {
    pair(&System, value)
}

#[inline(never)]
fn pair_counted(value: u64) -> u64 {
    static ALLOCATOR: Allocator<System> = Allocator::new(System);
    pair(&ALLOCATOR, value)
}

fn poll_once<T>(future: impl Future<Output = T>) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

fn ready(value: u64) -> impl Future<Output = u64> {
    std::future::ready(black_box(value) ^ 1)
}

#[inline(never)]
fn async_plain(value: u64) -> u64 {
    u64::from(poll_once(async { ready(value).await }))
}

#[inline(never)]
fn async_awaited(value: u64) -> u64 {
    u64::from(poll_once(async { awaited(&PARENT, 2, ready(value)).await }))
}

#[inline(never)]
fn async_frame(value: u64) -> u64 {
    u64::from(poll_once(async { frame(&LEAF, async move { ready(value).await }).await }))
}

/// Nanoseconds of one call.
fn measure(work: &dyn Fn(u64) -> u64) -> f64 {
    let start = Instant::now();
    let mut value = 0;
    for _ in 0..CALLS {
        value = black_box(work(black_box(value)));
    }
    start.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    type Case = (&'static str, f64, fn(u64) -> u64, fn(u64) -> u64);
    let cases: [Case; 9] = [
        ("limit: two clock readings", 1.0, plain, limit),
        ("function, leaf", 1.0, plain, leaf),
        ("function, 10 deep, each", 10.0, |v| nested_plain(9, v), |v| nested(9, v)),
        ("expression site", 1.0, plain, expression),
        ("lock site", 1.0, plain, lock),
        ("grow site", 1.0, plain, counted),
        ("allocation and free", 1.0, pair_plain, pair_counted),
        ("await, ready at once", 1.0, async_plain, async_awaited),
        ("async function, one poll", 1.0, async_plain, async_frame),
    ];
    let _outer = call(&PARENT);
    let mut over: Vec<Vec<f64>> = vec![Vec::new(); cases.len()];
    for _ in 0..ROUNDS {
        for ((_, calls, without, with), over) in cases.iter().zip(&mut over) {
            let without = measure(without);
            over.push((measure(with) - without) / calls);
        }
    }
    let over: Vec<f64> = over.into_iter().map(median).collect();
    println!("{:<28} {:>8} {:>8}", "probe", "ns", "x limit");
    for ((name, ..), ns) in cases.iter().zip(&over) {
        println!("{name:<28} {ns:>8.2} {:>8.2}", ns / over[0]);
    }
}
