//! How long a lock is held: a value beside the guard, which lives as long.

use crate::segment::layout::{Holds, Slab};
use crate::site::Function;
use crate::{clock, cold, fork, probe, row, slab};

/// Counts for a lock how long its guard lives, beside which it is a local: it goes right before the guard.
///
/// Where the guard lives across an await, that may be on another thread: so it leads to nobody's
/// counters, but finds those of the thread that it is on.
#[must_use]
#[derive(Debug)]
pub struct Hold {
    function: &'static Function,
    index: u32,
    /// Ticks at which the lock was taken; 0: not timed.
    start: u64,
}

/// Begins when the lock of this site was taken.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn hold(function: &'static Function, index: u32) -> Hold {
    let row = slab::current().rows.follow(function.site_id(index));
    let is_skipped = row.and_then(|row| row.holds.get()).is_some_and(|Holds { countdown, .. }| {
        // It is counted when it ends.
        countdown.count.get() + 1 < countdown.next.get()
    });
    Hold { function, index, start: if is_skipped { 0 } else { clock::ticks() } }
}

/// Ends one whose guard goes before its block does.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn held(hold: Hold) {
    drop(hold);
}

impl Drop for Hold {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        end(self.function, self.index, self.start);
    }
}

/// Counts the hold of a guard that goes.
#[inline(never)]
extern "C" fn end(function: &'static Function, index: u32, start: u64) {
    let end = if start == 0 { 0 } else { clock::ticks() };
    let slab = slab::current();
    let holds = slab.rows.follow(function.site_id(index)).and_then(|row| row.holds.get());
    let Some(holds) = holds.or_else(|| first(slab, function, index)) else { return };
    let count = holds.countdown.step();
    if start == 0 {
        return;
    }
    let span = probe::elapsed(slab, start.max(fork::born()), end);
    if holds.countdown.is_plain() || count < holds.countdown.next.get() {
        // Of several that are open at once, one stands for those that were not timed.
        holds.sums.record(span);
    } else {
        holds.countdown.record(slab, &holds.sums, span);
    }
}

/// Makes the counters of a lock whose first guard goes on this thread, which another thread may have
/// taken.
#[cold]
#[inline(never)]
fn first(slab: &Slab, function: &'static Function, index: u32) -> Option<&'static Holds> {
    let row = row::find_untyped(slab, function, index)?;
    let made = slab::change(|| cold::within(slab, || slab.allot::<Holds>(1)?.first()))?;
    row.holds.set(Some(made));
    Some(made)
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};
    use std::thread;
    use std::time::Duration;

    use super::{Hold, held, hold};
    use crate::probe::{exit, site_on};
    use crate::segment::reader::Holds;
    use crate::site::Function;
    use crate::testing::{function, own, segment};

    /// Takes a lock as instrumented code does.
    fn locked<'m>(function: &'static Function, lock: &'m Mutex<u32>) -> (std::sync::MutexGuard<'m, u32>, Hold) {
        let guard = exit(site_on(function, 0, lock), lock.lock()).unwrap();
        (guard, hold(function, 0))
    }

    fn holds(name: &str) -> Holds {
        own().row(name, 0).holds.clone().expect("a guard has gone")
    }

    fn ns(ticks: u64) -> f64 {
        segment().clock.nanos(ticks)
    }

    #[test]
    fn a_guard_is_held_until_it_goes() {
        function!(F, "held", "lock");
        let lock = Mutex::new(0);
        for _ in 0..3 {
            let (_guard, _hold) = locked(&F, &lock);
            thread::sleep(Duration::from_millis(5));
        }
        let (guard, hold) = locked(&F, &lock);
        held(hold);
        drop(guard);
        thread::sleep(Duration::from_millis(50));
        let holds = holds("held");
        assert_eq!((holds.count, holds.timed), (4, 4));
        assert!(ns(holds.ticks) >= 15e6 && ns(holds.max) >= 5e6, "{holds:?}");
        // The wait is what it was: the lock was free.
        let row = own().row("held", 0).clone();
        assert_eq!(row.count, 4);
        assert!(row.ticks < holds.ticks / 10, "{row:?}");
    }

    #[test]
    fn one_that_is_open_has_no_time() {
        function!(F, "open", "lock");
        let lock = Mutex::new(0);
        let _open = locked(&F, &lock);
        assert!(own().row("open", 0).holds.is_none());
    }

    #[test]
    fn short_ones_are_thinned_out_and_counted() {
        function!(F, "short", "lock");
        let lock = Mutex::new(0);
        for _ in 0..100_000 {
            let (mut guard, _hold) = locked(&F, &lock);
            *guard += 1;
        }
        let holds = holds("short");
        assert_eq!(holds.count, 100_000);
        assert!(holds.timed < holds.count / 2, "{holds:?}");
        // Each is about as long as those that were timed: what the estimate is of.
        assert!(ns(holds.ticks) < 100_000.0 * 1_000.0, "{holds:?}");
    }

    #[test]
    fn one_that_ends_on_another_thread_counts_there() {
        function!(F, "moved", "lock");
        let lock = Mutex::new(0);
        let (sender, receiver) = mpsc::channel::<Hold>();
        let other = thread::spawn(move || {
            let hold = receiver.recv().unwrap();
            thread::sleep(Duration::from_millis(5));
            drop(hold);
            own().row("moved", 0).clone()
        });
        let (guard, hold) = locked(&F, &lock);
        sender.send(hold).unwrap();
        let there = other.join().unwrap();
        drop(guard);
        let holds = there.holds.unwrap();
        assert_eq!((there.count, there.type_name, holds.count), (0, None, 1));
        assert!(ns(holds.ticks) >= 5e6, "{holds:?}");
        assert!(own().row("moved", 0).holds.is_none());
    }

    #[test]
    fn it_may_go_wherever_a_guard_may() {
        fn is_for_all<T: Send + Sync + Unpin + std::panic::UnwindSafe>() {}
        is_for_all::<Hold>();
        assert!(size_of::<Hold>() <= 24);
    }
}
