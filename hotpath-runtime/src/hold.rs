//! How long a lock is held: a value beside the guard, which lives as long.

use crate::segment::layout::{Holds, Row, Slab};
use crate::site::Function;
use crate::throttle::{REGULAR, WINDOW};
use crate::{clock, cold, fork, probe, row, slab};

/// Of short ones, one in so many is timed on average, and none stands for twice as many.
const PERIOD: u64 = 8;
const _: () = assert!(2 * PERIOD <= 1 << WEIGHT, "a weight has room");
/// Short ones that are timed until it is looked again whether they still are.
const SAMPLES: u64 = 64;

/// Counts for a lock how long its guard lives, beside which it is a local: it goes right before the guard.
///
/// Where the guard lives across an await, that may be on another thread: so it leads to nobody's
/// counters, but finds those of the thread that it is on, and brings along what the other one knew.
#[must_use]
#[derive(Debug)]
pub struct Hold {
    function: &'static Function,
    /// Index of the site, guards that this one stands for, and a [`stamp`].
    ///
    /// One word, as it counts for the size of futures.
    place: u64,
    /// Ticks at which the lock was taken; 0: not timed.
    start: u64,
}

/// Bits of [`Hold::place`] for the site and the weight; [`stamp`] has those above.
const INDEX: u32 = 16;
const WEIGHT: u32 = 4;

/// Bits of a [`stamp`] that tell a thread; those above tell cold work in units of 128 ticks.
const THREAD: u32 = 22;
const COLD: u32 = 7;

/// Tells, by what it is at two times, whether that was on the same thread without cold work in between.
#[inline(always)]
fn stamp(slab: &Slab) -> u64 {
    stamp_of(slab.tid.get(), slab.cold.get())
}

#[inline(always)]
fn stamp_of(thread: u64, cold: u64) -> u64 {
    (thread & ((1 << THREAD) - 1) | ((cold >> COLD) << THREAD)) << (INDEX + WEIGHT)
}

/// Ticks of cold work between two stamps; 0 where they are not of one thread.
#[cold]
fn cold_between(before: u64, after: u64) -> u64 {
    let thread = |stamp: u64| (stamp >> (INDEX + WEIGHT)) & ((1 << THREAD) - 1);
    if thread(before) != thread(after) {
        return 0;
    }
    let shift = INDEX + WEIGHT + THREAD;
    let units = (after >> shift).wrapping_sub(before >> shift) & (u64::MAX >> shift);
    units << COLD
}

/// Begins when the lock of this site was taken.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn hold(function: &'static Function, index: u32) -> Hold {
    let slab = slab::current();
    let mut weight = 1;
    if let Some(holds) = slab.rows.follow(function.site_id(index)).and_then(|row| row.holds.get()) {
        match holds.take(slab) {
            Some(stands_for) => weight = stands_for,
            None => return Hold { function, place: 0, start: 0 },
        }
    }
    let place = u64::from(index) | (weight << INDEX) | stamp(slab);
    // More sites than there are numbers for have no holds.
    let start = if index >> INDEX == 0 { clock::ticks() } else { 0 };
    Hold { function, place, start }
}

/// Ends one whose guard goes before its block does.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn held(hold: Hold) {
    drop(hold);
}

impl Drop for Hold {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn drop(&mut self) {
        // One that is not timed was counted when it began: a later one stands for it.
        if self.start != 0 {
            end(self.function, self.place, self.start);
        }
    }
}

/// Counts the hold of a guard that goes.
#[inline(never)]
extern "C" fn end(function: &'static Function, place: u64, start: u64) {
    let end = clock::ticks();
    let slab = slab::current();
    let now = stamp(slab);
    let mut span = probe::elapsed(slab, start.max(fork::born()), end);
    if (now ^ place) >> (INDEX + WEIGHT) != 0 {
        span = span.saturating_sub(cold_between(place, now));
    }
    let index = (place & ((1 << INDEX) - 1)) as u32;
    let weight = (place >> INDEX) & ((1 << WEIGHT) - 1);
    let row = slab.rows.follow(function.site_id(index));
    let Some(row) =
        row.filter(|row| row.holds.get().is_some()).or_else(|| first(slab, function, index))
    else {
        return;
    };
    if let Some(holds) = row.holds.get() {
        holds.record(slab, row, span, weight);
    }
}

impl Holds {
    /// For how many one that is taken stands; `None` where it is not timed.
    #[inline(always)]
    fn take(&self, slab: &Slab) -> Option<u64> {
        let left = self.left.get();
        if left > 0 {
            self.left.set(left - 1);
            return None;
        }
        Some(if self.gap.get() > 0 { self.draw(slab) } else { 1 })
    }

    /// How many the one that is taken stands for, where not each is timed; draws for the next one.
    #[inline(never)]
    extern "C" fn draw(&self, slab: &Slab) -> u64 {
        let weight = self.gap.get();
        let gap = slab.draw_gap(PERIOD);
        self.gap.set(gap);
        self.left.set(gap - 1);
        weight
    }

    /// Adds one that was timed. What it adds is not cut short where it was long: whoever wanted the lock
    /// had to wait, whatever the reason.
    #[inline(always)]
    fn record(&self, slab: &Slab, row: &Row, span: u64, weight: u64) {
        // Those that it stands for held no reading of the clock.
        let other = span.saturating_sub(slab.inside.get());
        self.ticks.add(span.wrapping_add(other.wrapping_mul(weight - 1)));
        self.count.add(weight);
        self.timed.add(1);
        self.recent.add(span);
        if span > self.max.get() {
            self.max.set(span);
        }
        let is_long = weight > 1 && span > REGULAR.cast_unsigned().wrapping_mul(slab.short.get());
        if is_long || self.timed.get() >= self.look.get() {
            self.look(slab, row);
        }
    }

    /// Has some of those to come left out where all so far were short. A single long one has each timed
    /// from then on: few of its like make up most of the time that a lock is held, and who leaves out
    /// some finds none of them or too many.
    #[cold]
    #[inline(never)]
    fn look(&self, slab: &Slab, row: &Row) {
        fork::publish();
        let (short, gap) = (slab.short.get(), self.gap.get());
        let (timed, limit) = if gap == 0 { (WINDOW, short) } else { (SAMPLES, 2 * short) };
        let is_first = self.look.get() == 0;
        // That of an await is taken on one thread and goes on another: no thread knows those of its own.
        let is_short = !is_first
            && row.is_await.get() == 0
            && self.max.get() <= REGULAR.cast_unsigned().wrapping_mul(short)
            && self.recent.get() / timed < limit;
        if is_short && gap == 0 {
            self.draw(slab);
        } else if !is_short && gap > 0 {
            let mean = self.ticks.get() / self.count.get().max(1);
            let untold = (gap - 1).saturating_sub(self.left.get());
            self.count.add(untold);
            self.ticks.add(mean.wrapping_mul(untold));
            self.gap.set(0);
            self.left.set(0);
        }
        self.recent.set(0);
        let more = if is_short { SAMPLES } else { WINDOW };
        self.look.set(self.timed.get() + more);
    }
}

/// Makes the counters of a lock whose first guard goes on this thread, which another thread may have
/// taken.
#[cold]
#[inline(never)]
fn first(slab: &Slab, function: &'static Function, index: u32) -> Option<&'static Row> {
    let row = row::find_untyped(slab, function, index)?;
    let made = slab::change(|| cold::within(slab, || slab.allot::<Holds>(1)?.first()))?;
    row.holds.set(Some(made));
    Some(row)
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};
    use std::thread;
    use std::time::Duration;

    use super::{COLD, Hold, cold_between, held, hold, stamp_of};
    use crate::expression::{exit, site_on};
    use crate::segment::layout::{self, Row, Slab};
    use crate::segment::reader::Holds;
    use crate::site::Function;
    use crate::testing::{all_short, function, own, segment};
    use crate::{clock, cold, map, slab};

    /// Takes a lock as instrumented code does.
    fn locked<'m>(
        function: &'static Function,
        lock: &'m Mutex<u32>,
    ) -> (std::sync::MutexGuard<'m, u32>, Hold) {
        let guard = exit(site_on(function, 0, lock), lock.lock()).unwrap();
        (guard, hold(function, 0))
    }

    fn holds(name: &str) -> Holds {
        own().row(name, 0).holds.clone().expect("a guard has gone")
    }

    fn ns(ticks: u64) -> f64 {
        segment().clock.nanos(ticks)
    }

    /// Has this thread leave out some of those that it takes.
    fn thinned_out(function: &'static Function) -> &'static Row {
        let slab = slab::current();
        let row = slab.rows.follow(function.site_id(0)).expect("a guard has gone");
        row.holds.get().expect("a guard has gone").draw(slab);
        row
    }

    /// The holds of a lock on a clock of its own.
    struct Simulated {
        slab: &'static Slab,
        row: &'static Row,
        holds: &'static layout::Holds,
        truth: u64,
    }

    impl Simulated {
        const SHORT: u64 = 1_000;
        /// What each that is timed reads more than it takes.
        const INSIDE: u64 = 26;

        fn new(random: u64) -> Self {
            let slab = map::private(64 * 1024).and_then(Slab::make).expect("memory");
            slab.short.set(Self::SHORT);
            slab.inside.set(Self::INSIDE);
            slab.random.set(random);
            let row = slab.allot::<Row>(1).and_then(<[_]>::first).expect("room");
            let holds = slab.allot::<layout::Holds>(1).and_then(<[_]>::first).expect("room");
            Self { slab, row, holds, truth: 0 }
        }

        fn run(mut self, spans: impl IntoIterator<Item = u64>) -> Self {
            for span in spans {
                self.truth += span;
                if let Some(weight) = self.holds.take(self.slab) {
                    self.holds.record(self.slab, self.row, span + Self::INSIDE, weight);
                }
            }
            self
        }

        /// Those that none stands for yet.
        fn untold(&self) -> u64 {
            self.holds.gap.get().saturating_sub(self.holds.left.get() + 1)
        }
    }

    #[test]
    fn a_guard_is_held_until_it_goes() {
        function!(F, "held", "lock");
        let lock = Mutex::new(0);
        let start = clock::ticks();
        for _ in 0..3 {
            let (_guard, _hold) = locked(&F, &lock);
            thread::sleep(Duration::from_millis(5));
        }
        let (guard, hold) = locked(&F, &lock);
        held(hold);
        drop(guard);
        let whole = clock::ticks() - start;
        thread::sleep(Duration::from_millis(50));
        let holds = holds("held");
        assert_eq!((holds.count, holds.timed), (4, 4));
        assert!(ns(holds.ticks) >= 15e6 && ns(holds.max) >= 5e6, "{holds:?}");
        // The wait is none of it, and all ended when the guards went.
        let row = own().row("held", 0).clone();
        assert_eq!(row.count, 4);
        assert!(row.ticks + holds.ticks <= whole, "{row:?} in {whole}");
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
        let _all_short = all_short();
        let lock = Mutex::new(0);
        for _ in 0..100_000 {
            let (mut guard, _hold) = locked(&F, &lock);
            *guard += 1;
        }
        let holds = holds("short");
        assert_eq!(holds.count, 100_000);
        assert!(holds.timed < holds.count / 6, "{holds:?}");
    }

    #[test]
    fn short_ones_are_taken_for_as_long_as_those_that_were_timed() {
        let lock = Simulated::new(1).run(vec![50; 100_000]);
        let (count, timed) = (lock.holds.count.get(), lock.holds.timed.get());
        assert_eq!(count + lock.untold(), 100_000);
        assert!(timed < count / 6, "{timed} of {count}");
        // Those that were not timed held no reading of the clock.
        assert_eq!(lock.holds.ticks.get(), 50 * count + Simulated::INSIDE * timed);
    }

    #[test]
    fn a_rare_long_one_among_short_ones_is_most_of_the_time() {
        // Of a thousand, the first one comes long after the short ones are known to be short.
        let is_long = |i: u64| i >= 10_000 && i.is_multiple_of(40);
        for random in 1..=20 {
            let span = |i| if is_long(i) { 100 * Simulated::SHORT } else { 50 };
            let lock = Simulated::new(random).run((0..50_000).map(span));
            assert_eq!((lock.holds.count.get(), lock.untold()), (50_000, 0));
            // One in eight is timed until one of these is: those before it are missing, and it stands for some.
            let parts = lock.holds.ticks.get() as f64 / lock.truth as f64;
            assert!((0.95..1.05).contains(&parts), "{parts}");
        }
    }

    #[test]
    fn what_is_long_is_not_cut_short_where_it_stands_for_others() {
        function!(F, "whole", "lock");
        let lock = Mutex::new(0);
        drop(locked(&F, &lock));
        let (slab, row) = (slab::current(), thinned_out(&F));
        let holds = row.holds.get().unwrap();
        let (before, count) = (holds.ticks.get(), holds.count.get());
        let long = 1_000 * slab.short.get() + slab.inside.get();
        let untold = holds.gap.get() - 1 - holds.left.get();
        holds.record(slab, row, long, 8);
        assert!(holds.ticks.get() - before >= 8 * (long - slab.inside.get()));
        assert_eq!(holds.count.get() - count, 8 + untold);
        assert_eq!(holds.gap.get(), 0, "each is timed from there on");
    }

    #[test]
    fn awaited_locks_are_all_timed() {
        function!(F, "always", "await");
        for _ in 0..5_000 {
            drop(hold(&F, 0));
        }
        let holds = holds("always");
        assert_eq!((holds.count, holds.timed), (5_000, 5_000));
    }

    #[test]
    fn one_that_ends_on_another_thread_stands_there_for_those_before_it() {
        function!(F, "stands", "lock");
        let lock = Mutex::new(0);
        let take = || {
            let (_guard, hold) = locked(&F, &lock);
            hold
        };
        drop(take());
        let first = holds("stands");
        thinned_out(&F);
        // Of these most are not timed.
        let open: Vec<Hold> = (0..1_000).map(|_| take()).collect();
        thread::sleep(Duration::from_millis(5));
        let there = thread::spawn(move || {
            drop(open);
            own().row("stands", 0).holds.clone().unwrap()
        });
        let (there, again) = (there.join().unwrap(), holds("stands"));
        assert!(there.timed < 400 && there.count > 900, "{there:?}");
        assert!(ns(there.ticks) >= 0.9 * 5e6 * there.count as f64, "{there:?}");
        let gone = there.count + again.count;
        assert!((1_001 - 15..=1_001).contains(&gone), "{there:?} {again:?}");
        // Those that none stands for yet are taken for what is known here.
        assert_eq!(again.ticks, first.ticks * again.count, "{again:?}");
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
    fn cold_work_of_probes_is_no_part_of_it() {
        function!(F, "cold_hold", "lock");
        let lock = Mutex::new(0);
        let slab = slab::attached();
        let (start, before) = (clock::ticks(), slab.cold.get());
        let (guard, hold) = locked(&F, &lock);
        cold::within(slab, || thread::sleep(Duration::from_millis(20)));
        held(hold);
        drop(guard);
        let (cold, whole) = (slab.cold.get() - before, clock::ticks() - start);
        let holds = holds("cold_hold");
        // Told in units of so many ticks.
        let unit = 1 << COLD;
        assert!(holds.max < whole - cold + unit, "{holds:?} of {whole}, {cold} cold");
    }

    #[test]
    fn cold_work_is_told_of_one_thread_only() {
        let grown =
            |cold: u64, more: u64| cold_between(stamp_of(7, cold), stamp_of(7, cold + more));
        for cold in [0, 12_345, (1 << 29) - 1_000, u64::from(u32::MAX)] {
            assert_eq!(grown(cold, 0), 0);
            let found = grown(cold, 1_000_000);
            assert!((1_000_000 - 128..=1_000_000 + 128).contains(&found), "{cold}: {found}");
        }
        assert_eq!(cold_between(stamp_of(7, 0), stamp_of(8, 1_000_000)), 0);
    }

    #[test]
    fn its_counters_are_there_before_the_lock_is_taken() {
        function!(F, "before", "lock");
        let lock = Mutex::new(0);
        let token = site_on(&F, 0, &raw const lock);
        let row = slab::current().rows.follow(F.site_id(0)).unwrap();
        assert!(row.holds.get().is_some());
        exit(token, ());
        assert!(own().row("before", 0).holds.is_none(), "no guard has gone");
    }

    #[test]
    fn guards_of_all_types_of_a_site_are_counted_once() {
        fn take<T>(function: &'static Function, lock: &Mutex<T>) {
            let _guard = exit(site_on(function, 0, lock), lock.lock()).unwrap();
            let _hold = hold(function, 0);
        }
        function!(F, "generic", "lock");
        let (first, second) = (Mutex::new(1_u8), Mutex::new(1_u64));
        for _ in 0..100 {
            take(&F, &first);
            take(&F, &second);
        }
        take(&F, &Mutex::new("a"));
        let own = own();
        let rows = own.rows("generic", 0);
        let counts: Vec<u64> =
            rows.iter().filter_map(|row| Some(row.holds.as_ref()?.count)).collect();
        assert_eq!((rows.len(), &*counts), (3, &[201][..]));
    }

    #[test]
    fn it_may_go_wherever_a_guard_may() {
        fn is_for_all<T: Send + Sync + Unpin + std::panic::UnwindSafe>() {}
        is_for_all::<Hold>();
        assert!(size_of::<Hold>() <= 24);
    }
}
