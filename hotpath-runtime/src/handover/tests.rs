//! Every order in which threads may hand over, tried by loom:
//! `RUSTFLAGS="--cfg loom" cargo test --package hotpath-runtime --lib --target-dir target/loom handover`.

use core::sync::atomic::Ordering::{self, Relaxed};

use loom::cell::Cell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, AtomicUsize};
use loom::thread;

use super::{Id, Lock, Member, Place, Word, hand_back, publish, published, take_over};

impl Word for AtomicUsize {
    fn load(&self, order: Ordering) -> usize {
        AtomicUsize::load(self, order)
    }

    fn store(&self, value: usize, order: Ordering) {
        AtomicUsize::store(self, value, order);
    }

    fn claim(&self, value: usize) -> bool {
        self.compare_exchange(0, value, Ordering::Acquire, Relaxed).is_ok()
    }

    fn pause() {
        thread::yield_now();
    }
}

impl Id for AtomicU32 {
    fn load(&self, order: Ordering) -> u32 {
        AtomicU32::load(self, order)
    }

    fn store(&self, value: u32, order: Ordering) {
        AtomicU32::store(self, value, order);
    }
}

/// A link that loom watches: two threads that follow or set it at once are an error.
struct Watched(Cell<Option<&'static Slab>>);

impl Place<Slab> for Watched {
    fn get(&self) -> Option<&'static Slab> {
        self.0.get()
    }

    fn set(&self, member: Option<&'static Slab>) {
        self.0.set(member);
    }
}

/// A counter as in a slab, and who holds it: watched, so that two owners at once are an error.
struct Slab {
    count: AtomicUsize,
    owner: Cell<usize>,
    next: Watched,
}

impl Member for Slab {
    type Place = Watched;

    fn next_free(&self) -> &Watched {
        &self.next
    }
}

/// The chain of free slabs and its lock, with `slabs` in it.
struct Stock {
    lock: Lock<AtomicUsize>,
    free: Watched,
}

// SAFETY: `free` is only used with `lock` held, which loom checks (`loom::cell`).
unsafe impl Sync for Stock {}
// SAFETY: as above.
unsafe impl Send for Stock {}
// SAFETY: `owner` and `next` are only used by who took the slab over, which loom checks.
unsafe impl Sync for Slab {}

impl Stock {
    fn of(slabs: usize) -> Self {
        let stock = Self { lock: Lock::new(AtomicUsize::new(0)), free: Watched(Cell::new(None)) };
        for _ in 0..slabs {
            let slab = Slab {
                count: AtomicUsize::new(0),
                owner: Cell::new(0),
                next: Watched(Cell::new(None)),
            };
            hand_back(&stock.lock.take(9), &stock.free, Box::leak(Box::new(slab)));
        }
        stock
    }

    /// One thread's life: takes a slab if there is one, counts as probes do, hands it back.
    fn live(&self, thread: usize) -> bool {
        let slab = take_over::<Slab, _>(&self.lock.take(thread), &self.free);
        let Some(slab) = slab else { return false };
        assert_eq!(slab.owner.replace(thread), 0, "handed to two threads");
        slab.count.store(slab.count.load(Relaxed) + 1, Relaxed);
        assert_eq!(slab.owner.replace(0), thread, "handed to two threads");
        hand_back(&self.lock.take(thread), &self.free, slab);
        true
    }

    /// The counts as somebody sees them who then takes the lock, and how many slabs there are.
    fn read(&self) -> (usize, usize) {
        let held = self.lock.take(8);
        let mut sums = (0, 0);
        while let Some(slab) = take_over::<Slab, _>(&held, &self.free) {
            sums = (sums.0 + slab.count.load(Relaxed), sums.1 + 1);
        }
        sums
    }
}

#[test]
fn the_next_owner_sees_what_the_one_before_counted() {
    loom::model(|| {
        let stock = Arc::new(Stock::of(1));
        let other = stock.clone();
        let thread = thread::spawn(move || usize::from(other.live(1)));
        let lives = usize::from(stock.live(2));
        let lives = lives + thread.join().unwrap();
        assert_eq!(stock.read(), (lives, 1));
    });
}

#[test]
fn no_slab_goes_to_two_threads_and_none_gets_lost() {
    loom::model(|| {
        let stock = Arc::new(Stock::of(2));
        let threads: Vec<_> = (1..3)
            .map(|owner| {
                let stock = stock.clone();
                thread::spawn(move || assert!(stock.live(owner), "two slabs for two threads"))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(stock.read(), (2, 2));
    });
}

#[test]
fn a_reader_that_takes_the_lock_sees_all_that_was_handed_back() {
    loom::model(|| {
        let stock = Arc::new(Stock::of(1));
        let done = Arc::new(AtomicUsize::new(0));
        let thread = {
            let (stock, done) = (stock.clone(), done.clone());
            thread::spawn(move || {
                stock.live(1);
                done.store(1, Relaxed);
            })
        };
        let was_done = done.load(Relaxed) == 1;
        let (counts, slabs) = stock.read();
        assert!(counts <= slabs && slabs <= 1);
        // Not even known of by anything but the lock.
        if slabs == 1 && was_done {
            assert_eq!(counts, 1);
        }
        thread.join().unwrap();
    });
}

#[test]
fn whoever_sees_an_id_sees_what_was_written_before_it() {
    loom::model(|| {
        let ids = Arc::new((AtomicU32::new(0), AtomicU32::new(u32::MAX)));
        let thread = {
            let ids = ids.clone();
            thread::spawn(move || {
                ids.1.store(7, Relaxed);
                publish(&ids.0, 3);
            })
        };
        if published(&ids.0).is_some() {
            assert_eq!(ids.1.load(Relaxed), 7);
        }
        thread.join().unwrap();
    });
}
