//! SIGKILL at 200 random instants: each segment is readable, and its counts agree with each other
//! within the one call that was in flight.
#![cfg(unix)]

use std::process::{self, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use hotpath_runtime::__private::{Function, Site, call, exit, site};
use hotpath_runtime::segment::reader::{Segment, Slab};

mod ended;

const KILLS: u64 = 200;
/// Least of the times within which a child is killed.
const WITHIN: Duration = Duration::from_millis(32);
/// Calls of `INNER` in each call of `OUTER`.
const EACH: u64 = 3;

static OUTER: Function = Function::new(None, None, "kills", "outer", "", 1, 1, false, &[]);
static INNER: Function =
    Function::new(None, None, "kills", "inner", "", 2, 1, false, &[Site::new("clone", 2, 1, "")]);

fn for_ever() {
    loop {
        let _outer = call(&OUTER);
        for _ in 0..EACH {
            let _inner = call(&INNER);
            drop(exit(site(&INNER, 0), vec![0u8; 24]));
        }
    }
}

/// Runs inside of children only.
#[test]
fn child() {
    if env::var_os("KILLS_CHILD").is_some() {
        thread::spawn(for_ever);
        for_ever();
    }
}

fn calls(segment: &Segment, slab: &Slab, name: &str) -> (u64, u64) {
    let of = |function: Option<usize>| function.is_some_and(|i| segment.functions[i].name == name);
    let nodes = slab.nodes.iter().filter(|node| of(node.function));
    nodes.fold((0, 0), |(calls, open), node| (calls + node.calls, open + node.open))
}

#[test]
fn counts_agree_whenever_the_process_is_killed() {
    let directory = env::temp_dir().join(format!("hotpath-kills-{}", process::id()));
    fs::create_dir_all(&directory).unwrap();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ u64::from(process::id());
    let (mut read, mut threads) = (0, 0);
    // How long a child takes until it counts is the machine's. Most are killed while they count, and some
    // before that.
    let mut within = WITHIN;
    for _ in 0..KILLS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child", "--test-threads=1"])
            .env("KILLS_CHILD", "1")
            .env("CARGO_HOTPATH_DIR", &directory)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(within.mul_f64((random >> 32) as f64 / f64::from(u32::MAX)));
        child.kill().unwrap();
        child.wait().unwrap();
        let before = threads;
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            // Killed before the segment was described: nothing had been counted.
            let Ok(segment) = ended::read(&bytes) else {
                assert!(bytes.get(..8).is_none_or(|magic| magic == [0; 8]), "{path:?}");
                continue;
            };
            read += 1;
            threads += segment.slabs.iter().map(|slab| check(&segment, slab)).sum::<u64>();
        }
        within = if threads == before { within * 5 / 4 } else { WITHIN.max(within * 7 / 8) };
    }
    fs::remove_dir_all(&directory).unwrap();
    println!("{read} segments read, {threads} threads checked");
    assert!(read > KILLS / 2 && threads > KILLS / 2, "{read} segments, {threads} threads");
}

/// Whether the slab's thread had called anything; its counts must agree.
fn check(segment: &Segment, slab: &Slab) -> u64 {
    let (outer, outer_open) = calls(segment, slab, "outer");
    let (inner, inner_open) = calls(segment, slab, "inner");
    assert!(outer_open <= 1 && inner_open <= 1, "{slab:?}");
    // One call of each may be half counted.
    assert!(inner <= EACH * outer + 1, "{inner} inner, {outer} outer calls");
    assert!(inner + EACH + 1 >= EACH * outer, "{inner} inner, {outer} outer calls");
    let executions: u64 = slab.rows.iter().map(|row| row.count).sum();
    assert!(executions <= inner && executions + 1 >= inner, "{executions} of {inner}");
    u64::from(outer > 0)
}
