//! What the probes cost: nanoseconds a call over the same code without them, in rounds that take
//! turns, against the limit of two readings of the processor's counter and two additions to
//! thread-locals; and what memory they grow by.
//!
//! - `cargo bench -p hotpath-runtime --features enabled --bench probes`
//! - the worst case, where nothing is inlined over crates that isn't marked so:
//!   `CARGO_PROFILE_BENCH_LTO=off cargo bench -p hotpath-runtime --features enabled --bench probes`
//! - instructions a call, with those of its loop (needs valgrind): either with `-- instructions`

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::HashMap;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::process::Command;
use std::sync::Barrier;
use std::task::{Context, Waker};
use std::thread;
use std::time::Instant;

use hotpath_runtime::__private::{
    Function, Site, awaited, call, exit, frame, grow, hold, site, site_on,
};
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
    Site::new("lookup", 1, 1, ""),
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

/// The processor's counter as it is; where there is none, the clock of the probes.
#[inline]
fn counter() -> u64 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 processor has the instruction.
    return unsafe { core::arch::x86_64::_rdtsc() };
    #[cfg(not(target_arch = "x86_64"))]
    hotpath_runtime::__private::ticks()
}

#[inline(never)]
fn limit(value: u64) -> u64 {
    let start = counter();
    let result = value ^ 1;
    let span = counter() - start;
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

/// With what lives beside the guard, for as long as nothing takes.
#[inline(never)]
fn lock_held(value: u64) -> u64 {
    let value = exit(site(&PARENT, 3), value ^ 1);
    let _hold = hold(&PARENT, 3);
    value
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

/// Entries of a map in one loop, which has little else in it.
const ENTRIES: u64 = 50;

#[inline(never)]
fn entries(value: u64) -> u64 {
    let mut map = HashMap::with_capacity(16);
    for item in 0..ENTRIES {
        *map.entry((value + item) % 16).or_default() += item;
    }
    map[&0]
}

#[inline(never)]
fn entries_in_sites(value: u64) -> u64 {
    let mut map = HashMap::with_capacity(16);
    for item in 0..ENTRIES {
        *exit(site_on(&PARENT, 4, &raw const map), map.entry((value + item) % 16)).or_default() +=
            item;
    }
    map[&0]
}

fn poll_once<T>(future: impl Future<Output = T>) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

fn ready(value: u64) -> impl Future<Output = u64> {
    std::future::ready(black_box(value) ^ 1)
}

#[inline(never)]
fn async_plain(value: u64) -> u64 {
    u64::from(poll_once(async move { ready(value).await }))
}

// As the attribute expands an `async fn`.

#[inline(never)]
fn async_awaited(value: u64) -> u64 {
    u64::from(poll_once(async move { awaited(&PARENT, 2, ready(value)).await }))
}

#[inline(never)]
fn async_frame(value: u64) -> u64 {
    u64::from(poll_once(frame(&LEAF, async move { ready(value).await })))
}

#[inline(never)]
fn async_whole(value: u64) -> u64 {
    let body = async move { awaited(&PARENT, 2, ready(value)).await };
    u64::from(poll_once(frame(&LEAF, body)))
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
const TIMED: [Case; 14] = [
    LIMIT,
    ("function, leaf", 1.0, plain, leaf),
    ("function, 10 deep, each", 10.0, ten_deep_plain, ten_deep),
    ("function, 16 in turn, each", 16.0, in_turn_plain, in_turn),
    ("expression site", 1.0, plain, expression),
    ("lock site", 1.0, plain, lock),
    ("lock site, held", 1.0, plain, lock_held),
    ("grow site", 1.0, plain, counted),
    ("allocation and free", 1.0, pair_plain, pair_counted),
    ("many in one site, each", PAIRS as f64, pairs_plain, pairs_in_site),
    ("one in a site", 1.0, pair_beside_counting, pair_in_site),
    ("await, ready at once", 1.0, async_plain, async_awaited),
    ("async function, one poll", 1.0, async_plain, async_frame),
    ("the same with an await", 1.0, async_plain, async_whole),
];

/// What is left once most calls are not.
const THROTTLED: [Case; 10] = [
    LIMIT,
    ("function, leaf", 1.0, plain, leaf),
    ("function, 10 deep, each", 10.0, ten_deep_plain, ten_deep),
    ("function, 16 in turn, each", 16.0, in_turn_plain, in_turn),
    ("expression site", 1.0, plain, expression),
    ("entry in a loop, each", ENTRIES as f64, entries, entries_in_sites),
    ("lock site", 1.0, plain, lock),
    ("lock site, held", 1.0, plain, lock_held),
    ("async function, one poll", 1.0, async_plain, async_frame),
    ("the same with an await", 1.0, async_plain, async_whole),
];

/// Nanoseconds of one call.
fn measure(work: fn(u64) -> u64, now: impl Fn() -> f64) -> f64 {
    let start = now();
    repeat(work, CALLS);
    (now() - start) / f64::from(CALLS)
}

fn repeat(work: fn(u64) -> u64, calls: u32) {
    let mut value = 0;
    for _ in 0..calls {
        value = black_box(work(black_box(value)));
    }
}

/// Nanoseconds that probes add to a call. Other work on the machine lengthens some rounds, and on a
/// core that serves two threads nearly all of them: hence the least as well.
struct Added {
    median: f64,
    least: f64,
}

/// Times of the rounds of a case, without probes and with.
#[derive(Default)]
struct Rounds {
    without: Vec<f64>,
    with: Vec<f64>,
}

impl Rounds {
    fn run(&mut self, (_, _, without, with): &Case, now: impl Fn() -> f64) {
        self.without.push(measure(*without, &now));
        self.with.push(measure(*with, &now));
    }

    fn added(mut self, (_, probes, ..): &Case) -> Added {
        for times in [&mut self.without, &mut self.with] {
            times.sort_by(f64::total_cmp);
        }
        let at = |i: usize| (self.with[i] - self.without[i]) / probes;
        Added { median: at(self.with.len() / 2), least: at(0) }
    }
}

/// Wall time of one thread: interleaved rounds.
fn rows(cases: &[Case]) -> Vec<Added> {
    let began = Instant::now();
    let _outer = call(&PARENT);
    let mut rounds: Vec<Rounds> = cases.iter().map(|_| Rounds::default()).collect();
    for _ in 0..ROUNDS {
        for (case, rounds) in cases.iter().zip(&mut rounds) {
            rounds.run(case, || began.elapsed().as_nanos() as f64);
        }
    }
    rounds.into_iter().zip(cases).map(|(rounds, case)| rounds.added(case)).collect()
}

/// CPU time of the calling thread in nanoseconds.
#[cfg(unix)]
fn cpu_ns() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for one `timespec`.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// CPU time of a leaf call on each of two threads that run at once, and on one of them alone.
#[cfg(unix)]
fn on_two_threads() -> (f64, f64) {
    let leaf: Case = ("", 1.0, plain, leaf);
    let work = |barrier: Option<&Barrier>| {
        let _outer = call(&PARENT);
        let mut rounds = Rounds::default();
        for _ in 0..ROUNDS {
            barrier.map(Barrier::wait);
            rounds.run(&leaf, cpu_ns);
        }
        rounds.added(&leaf).median
    };
    let alone = work(None);
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let other = scope.spawn(|| work(Some(&barrier)));
        let one = work(Some(&barrier));
        let other = other.join().expect("no measurement panics");
        (f64::midpoint(one, other), alone)
    })
}

#[cfg(not(unix))]
fn on_two_threads() -> (f64, f64) {
    (f64::NAN, f64::NAN)
}

fn print(title: &str, cases: &[Case]) {
    let over = rows(cases);
    let limit = &over[0];
    println!("{title:<28} {:>8} {:>8} {:>8} {:>8}", "ns", "x limit", "least ns", "x limit");
    for ((name, ..), Added { median, least }) in cases.iter().zip(&over) {
        let ratios = (median / limit.median, least / limit.least);
        println!("{name:<28} {median:>8.2} {:>8.2} {least:>8.2} {:>8.2}", ratios.0, ratios.1);
    }
}

/// Bytes of this process: resident, and of address space.
fn memory() -> Option<(i64, i64)> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = text.split_whitespace().map(|word| word.parse::<i64>().ok());
    let mapped = pages.next()??;
    Some((pages.next()?? * 4096, mapped * 4096))
}

/// What the process grows by over ten million calls, once it has made a few.
fn print_growth() {
    let _outer = call(&PARENT);
    let calls = |millions: u32| {
        for work in [leaf, expression, async_whole] {
            repeat(work, millions * 1_000_000);
        }
    };
    calls(1);
    let before = memory();
    calls(10);
    let (Some(before), Some(after)) = (before, memory()) else { return };
    let grown = (after.0 - before.0, after.1 - before.1);
    println!("growth over 10 million calls {:>8} B resident {:>8} B mapped", grown.0, grown.1);
}

/// Instructions of a call, with what its loop takes: the difference of two runs under callgrind.
fn print_instructions(table: &str, cases: &[Case]) {
    let collected = |row: usize, calls: u32| -> Option<f64> {
        let program = std::env::current_exe().expect("the program's path");
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
        command.args(["run", table, &row.to_string(), &calls.to_string()]);
        let output = command.output().ok()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.lines().find_map(|line| line.split("Collected : ").nth(1))?.trim().parse().ok()
    };
    println!("{table}: instructions a call");
    for (row, (name, probes, ..)) in cases.iter().enumerate() {
        // Long enough that hot probes are throttled as far as they ever are.
        let (first, all) = (collected(row, 400_000), collected(row, 500_000));
        let Some((first, all)) = first.zip(all) else { return eprintln!("needs valgrind") };
        println!("{name:<28} {:>8.1}", (all - first) / 1e5 / probes);
    }
}

fn run(cases: &[Case], row: usize, calls: u32) {
    let _outer = call(&PARENT);
    let (.., with) = cases[row];
    repeat(with, calls);
}

/// Whether probes time every call is settled once in a process: one for either.
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let cases = |table: &str| -> &[Case] { if table == "timed" { &TIMED } else { &THROTTLED } };
    match words.as_slice() {
        ["rows", "timed"] => {
            print("every call timed", &TIMED);
            print_growth();
        }
        ["rows", _] => {
            print("throttled", &THROTTLED);
            let (both, alone) = on_two_threads();
            let ratio = both / alone;
            println!("leaf, CPU: on 2 threads      {both:>8.2} {ratio:>8.2} x {alone:.2} on one");
            print_growth();
        }
        ["instructions", table] => print_instructions(table, cases(table)),
        ["run", table, row, calls] => {
            let number = "a number";
            run(cases(table), row.parse().expect(number), calls.parse().expect(number));
        }
        [] | ["instructions"] => {
            let mode = words.first().copied().unwrap_or("rows");
            for (table, throttle) in [("timed", "0"), ("throttled", "1")] {
                let program = std::env::current_exe().expect("the program's path");
                let mut command = Command::new(program);
                command.args([mode, table]).env("CARGO_HOTPATH_THROTTLE", throttle);
                let status = command.env("CARGO_HOTPATH_SUMMARY", "0").status();
                assert!(status.expect("it starts").success());
            }
        }
        // Never itself once more for words that it doesn't know.
        _ => eprintln!("usage: probes [instructions]"),
    }
}
