//! What the probes cost: nanoseconds a call over the same code without them, medians of rounds
//! that take turns, against the limit of two clock readings and an addition to a thread-local.
//!
//! `cargo bench -p hotpath-runtime --features enabled`

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::process::Command;
use std::sync::Barrier;
use std::task::{Context, Waker};
use std::thread;
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

fn pairs(work: impl Fn(u64) -> u64, value: u64) -> u64 {
    (0..PAIRS).fold(value, |value, _| work(value))
}

/// Pairs in one expression: what it adds itself is little beside them.
const PAIRS: u32 = 200;

#[inline(never)]
fn pairs_plain(value: u64) -> u64 {
    pairs(pair_plain, value)
}

#[inline(never)]
fn pairs_in_site(value: u64) -> u64 {
    exit(site(&PARENT, 0), pairs(pair_counted, value))
}

/// A pair that is all that happens in an expression.
#[inline(never)]
fn pair_in_site(value: u64) -> u64 {
    exit(site(&PARENT, 0), pair_counted(value))
}

/// The same without the counting allocator.
#[inline(never)]
fn pair_beside_counting(value: u64) -> u64 {
    exit(site(&PARENT, 0), pair_plain(value))
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

#[inline(never)]
fn async_whole(value: u64) -> u64 {
    let body = async move { awaited(&PARENT, 2, ready(value)).await };
    u64::from(poll_once(async { frame(&LEAF, body).await }))
}

macro_rules! functions {
    ($table:ident: $($name:literal)*) => {
        static $table: [Function; [$($name),*].len()] = [$(function($name, &[])),*];
    };
}
functions!(TURN: "t0" "t1" "t2" "t3" "t4" "t5" "t6" "t7" "t8" "t9" "ta" "tb" "tc" "td" "te" "tf");

#[inline(never)]
fn probed(function: &'static Function, value: u64) -> u64 {
    let _call = call(function);
    value ^ 1
}

#[inline(never)]
fn unprobed(_: &'static Function, value: u64) -> u64 {
    value ^ 1
}

fn in_turn(value: u64) -> u64 {
    TURN.iter().fold(value, |value, function| probed(function, value))
}

fn in_turn_plain(value: u64) -> u64 {
    TURN.iter().fold(value, |value, function| unprobed(function, value))
}

fn ten_deep(value: u64) -> u64 {
    nested(9, value)
}

fn ten_deep_plain(value: u64) -> u64 {
    nested_plain(9, value)
}

/// Name, probes in a run of the work, the work without probes, and with.
type Case = (&'static str, f64, fn(u64) -> u64, fn(u64) -> u64);

const LIMIT: Case = ("limit: two clock readings", 1.0, plain, limit);

/// Every call timed.
const TIMED: [Case; 11] = [
    LIMIT,
    ("function, leaf", 1.0, plain, leaf),
    ("function, 10 deep, each", 10.0, ten_deep_plain, ten_deep),
    ("expression site", 1.0, plain, expression),
    ("lock site", 1.0, plain, lock),
    ("grow site", 1.0, plain, counted),
    ("allocation and free", 1.0, pair_plain, pair_counted),
    ("many in one site, each", PAIRS as f64, pairs_plain, pairs_in_site),
    ("one in a site", 1.0, pair_beside_counting, pair_in_site),
    ("await, ready at once", 1.0, async_plain, async_awaited),
    ("async function, one poll", 1.0, async_plain, async_frame),
];

/// What is left once most calls are not.
const THROTTLED: [Case; 7] = [
    LIMIT,
    ("function, leaf", 1.0, plain, leaf),
    ("function, 10 deep, each", 10.0, ten_deep_plain, ten_deep),
    ("function, 16 in turn, each", 16.0, in_turn_plain, in_turn),
    ("expression site", 1.0, plain, expression),
    ("async function, one poll", 1.0, async_plain, async_frame),
    ("the same with an await", 1.0, async_plain, async_whole),
];

/// Nanoseconds of one call.
fn measure(work: fn(u64) -> u64, now: impl Fn() -> f64) -> f64 {
    let start = now();
    let mut value = 0;
    for _ in 0..CALLS {
        value = black_box(work(black_box(value)));
    }
    (now() - start) / f64::from(CALLS)
}

/// What probes add to each call.
fn added((_, calls, without, with): &Case, now: impl Fn() -> f64) -> f64 {
    let without = measure(*without, &now);
    (measure(*with, &now) - without) / calls
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Wall time of one thread: medians of interleaved rounds.
fn rows(cases: &[Case]) -> Vec<f64> {
    let began = Instant::now();
    let _outer = call(&PARENT);
    let mut over: Vec<Vec<f64>> = vec![Vec::new(); cases.len()];
    for _ in 0..ROUNDS {
        for (case, over) in cases.iter().zip(&mut over) {
            over.push(added(case, || began.elapsed().as_nanos() as f64));
        }
    }
    over.into_iter().map(median).collect()
}

/// CPU time of the calling thread in nanoseconds.
#[cfg(unix)]
fn cpu_ns() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for one `timespec`.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// CPU time of a leaf call on each of two threads that run at once, and of the limit.
#[cfg(unix)]
fn on_two_threads() -> (f64, f64) {
    let barrier = Barrier::new(2);
    let leaf: Case = ("", 1.0, plain, leaf);
    let work = || {
        let _outer = call(&PARENT);
        let round = |_| {
            barrier.wait();
            (added(&leaf, cpu_ns), added(&LIMIT, cpu_ns))
        };
        let (leaf, limit): (Vec<f64>, Vec<f64>) = (0..ROUNDS).map(round).unzip();
        (median(leaf), median(limit))
    };
    thread::scope(|scope| {
        let other = scope.spawn(work);
        let one = work();
        let other = other.join().expect("no measurement panics");
        (f64::midpoint(one.0, other.0), f64::midpoint(one.1, other.1))
    })
}

#[cfg(not(unix))]
fn on_two_threads() -> (f64, f64) {
    (f64::NAN, f64::NAN)
}

fn print(title: &str, cases: &[Case]) -> f64 {
    let over = rows(cases);
    println!("{title:<28} {:>8} {:>8}", "ns", "x limit");
    for ((name, ..), ns) in cases.iter().zip(&over) {
        println!("{name:<28} {ns:>8.2} {:>8.2}", ns / over[0]);
    }
    over[0]
}

/// Whether probes time every call is settled once in a process: one for either.
fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("timed") => {
            print("every call timed", &TIMED);
        }
        Some("throttled") => {
            print("throttled", &THROTTLED);
            let (leaf, limit) = on_two_threads();
            println!("{:<28} {leaf:>8.2} {:>8.2}", "leaf, 2 threads, CPU", leaf / limit);
        }
        _ => {
            for (rows, throttle) in [("timed", "0"), ("throttled", "1")] {
                let program = std::env::current_exe().expect("the program's path");
                let mut command = Command::new(program);
                command.arg(rows).env("CARGO_HOTPATH_THROTTLE", throttle);
                let status = command.env("CARGO_HOTPATH_SUMMARY", "0").status();
                assert!(status.expect("it starts").success());
            }
        }
    }
}
