//! CPU time of the whole process, and so of threads that a peer hides its work in.

use std::ops::RangeInclusive;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crate::time::fitting;
use crate::{Peer, Shape, median};

/// Batches of each form; odd, so that there is a median.
const ROUNDS: usize = 15;
/// Calls that a thread makes in a batch: enough that what the barrier takes is lost among them.
const CALLS: RangeInclusive<u32> = 5_000..=50_000;
const BATCH: Duration = Duration::from_millis(2);

/// Nanoseconds of CPU time that a probe adds to a call while `threads` make calls at once.
pub(crate) fn added(peer: &Peer, shape: &Shape, threads: u32, warm_up: u32) -> f64 {
    let calls = fitting(peer, shape, BATCH, CALLS);
    let barrier = Barrier::new(threads as usize);
    // Read while all others wait to begin, and when all have ended.
    let measure = |work| {
        barrier.wait();
        let start = cpu_ns();
        barrier.wait();
        peer.run(shape, work, calls);
        barrier.wait();
        (cpu_ns() - start) / f64::from(calls * threads)
    };
    let work = || {
        peer.run(shape, shape.probed, warm_up);
        let round = |_| {
            let plain = measure(shape.plain);
            measure(shape.probed) - plain
        };
        median((0..ROUNDS).map(round).collect()).unwrap_or(f64::NAN)
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work()
    })
}

fn cpu_ns() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for one `timespec`.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
