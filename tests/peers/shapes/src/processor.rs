//! CPU time of the whole process, and so of threads that a peer hides its work in.

use std::ops::RangeInclusive;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crate::time::fitting;
use crate::{Peer, Shape, median};

/// Turns; odd, so that there is a median.
const ROUNDS: usize = 25;
/// Calls that a thread makes in a batch: enough that what the barrier takes is lost among them.
const CALLS: RangeInclusive<u32> = 5_000..=50_000;
const BATCH: Duration = Duration::from_millis(2);

/// Nanoseconds of CPU time that a probe adds to a call while two threads make calls at once, and
/// what multiple that is of one thread's, which takes turns with the two.
pub(crate) fn on_two_threads(peer: &Peer, shape: &Shape, warm_up: u32) -> (f64, f64) {
    let calls = fitting(peer, shape, BATCH, CALLS);
    let barrier = Barrier::new(2);
    // Read while the other one waits to begin, and when both have ended.
    let measure = |work, threads: u32, works: bool| {
        barrier.wait();
        let start = cpu_ns();
        barrier.wait();
        if works {
            peer.run(shape, work, calls);
        }
        barrier.wait();
        (cpu_ns() - start) / f64::from(calls * threads)
    };
    let added = |threads, works| {
        let plain = measure(shape.plain, threads, works);
        measure(shape.probed, threads, works) - plain
    };
    let rounds = |is_first| {
        peer.run(shape, shape.probed, warm_up);
        let round = |_| {
            let one = added(1, is_first);
            (added(2, true), one)
        };
        (0..ROUNDS).map(round).collect::<Vec<_>>()
    };
    let rounds = thread::scope(|scope| {
        scope.spawn(|| rounds(false));
        rounds(true)
    });
    let ratios = rounds.iter().map(|(two, one)| two / one).collect();
    let two = rounds.iter().map(|(two, _)| *two).collect();
    (median(two).unwrap_or(f64::NAN), median(ratios).unwrap_or(f64::NAN))
}

fn cpu_ns() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for one `timespec`.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
