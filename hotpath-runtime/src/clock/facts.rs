//! What is known of a machine's counter before it may be a clock: asked, and held against the
//! system's clock for some 40 µs.

use super::machine::Machine;
use crate::segment::reader::ClockKind;

/// Readings of the counter in one batch, and batches: the fastest counts, so that a thread that
/// loses its processor meanwhile does no harm.
const READINGS: u64 = 8;
const BATCHES: usize = 3;
/// How long the counter is watched, twice over. Both intervals' rates are known to some thousandths
/// then, which tells a counter that jumps or changes its pace from one that doesn't.
const INTERVAL_NS: u64 = 20_000;
/// Most readings of either clock in one interval, should that clock stand still.
const PATIENCE: u32 = 4_000;
/// A counter this slow to read is no better than the system's clock: the rest needn't be known.
pub(super) const SLOW_NS: f64 = 200.0;

/// All that the choice of a clock rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Facts {
    /// Whether there is a system's clock.
    pub(super) has_system: bool,
    /// The processor's counter.
    pub(super) counter: Option<ClockKind>,
    pub(super) is_invariant: bool,
    pub(super) is_trusted: bool,
    /// What watching it showed; `None` where it was not worth it.
    pub(super) watched: Option<Watched>,
}

/// What watching the counter showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Watched {
    /// What one reading takes.
    pub(super) read_ns: f64,
    /// Whether a reading was below the one before it.
    pub(super) went_back: bool,
    /// Its rates over two intervals; `None` for one that the system's clock could not measure.
    pub(super) rates: [Option<Rate>; 2],
}

/// Bounds of a rate in ticks per nanosecond: a thread that was held up between two readings makes
/// them wider, never wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate {
    pub(super) slowest: f64,
    pub(super) fastest: f64,
}

impl Facts {
    /// Asks `machine`. Costs some 45 µs where there is a counter to watch; more, but bounded by a
    /// number of readings, where those are slow or the system's clock hardly moves.
    pub(super) fn of(machine: &impl Machine) -> Self {
        let has_system = machine.monotonic_ns().is_some();
        let counter = machine.counter();
        let is_invariant = counter.is_some() && machine.is_invariant();
        let is_trusted = is_invariant && machine.is_trusted();
        let watched = if has_system && is_trusted { watch(machine) } else { None };
        Self { has_system, counter, is_invariant, is_trusted, watched }
    }
}

fn watch(machine: &impl Machine) -> Option<Watched> {
    let mut counter = Counter { machine, last: machine.ticks(), went_back: false };
    let read_ns = counter.read_ns()?;
    let mut rates = [None; 2];
    if read_ns <= SLOW_NS {
        let mut start = counter.bracket()?;
        for rate in &mut rates {
            let end = counter.wait(start.ns)?;
            *rate = start.rate_to(&end, machine.resolution_ns());
            start = end;
        }
    }
    Some(Watched { read_ns, went_back: counter.went_back, rates })
}

/// A counter that is watched at every reading.
struct Counter<'a, M> {
    machine: &'a M,
    last: u64,
    went_back: bool,
}

impl<M: Machine> Counter<'_, M> {
    fn read(&mut self) -> u64 {
        let ticks = self.machine.ticks();
        self.went_back |= ticks < self.last;
        self.last = ticks;
        ticks
    }

    /// What a reading takes, by the fastest batch.
    fn read_ns(&mut self) -> Option<f64> {
        let mut fastest = u64::MAX;
        for _ in 0..BATCHES {
            let start = self.machine.monotonic_ns()?;
            for _ in 0..READINGS {
                self.read();
            }
            fastest = fastest.min(self.machine.monotonic_ns()?.saturating_sub(start));
        }
        Some(fastest as f64 / READINGS as f64)
    }

    fn bracket(&mut self) -> Option<Bracket> {
        let before = self.read();
        let ns = self.machine.monotonic_ns()?;
        Some(Bracket { before, ns, after: self.read() })
    }

    /// The closest bracket of three, when an interval has passed.
    fn wait(&mut self, start_ns: u64) -> Option<Bracket> {
        for _ in 0..PATIENCE {
            self.read();
            if self.machine.monotonic_ns()?.saturating_sub(start_ns) >= INTERVAL_NS {
                break;
            }
        }
        let mut closest = self.bracket()?;
        for _ in 0..2 {
            let next = self.bracket()?;
            if next.width() < closest.width() {
                closest = next;
            }
        }
        Some(closest)
    }
}

/// A reading of the system's clock between two of the counter.
struct Bracket {
    before: u64,
    ns: u64,
    after: u64,
}

impl Bracket {
    fn width(&self) -> u64 {
        self.after.wrapping_sub(self.before)
    }

    /// The counter's rate from here to `end`. `None` where the system's clock has not moved on far
    /// enough to tell.
    fn rate_to(&self, end: &Self, resolution_ns: u64) -> Option<Rate> {
        let ns = end.ns.checked_sub(self.ns)?;
        let shortest = ns.checked_sub(resolution_ns).filter(|ns| *ns > 0)?;
        if end.after <= self.before {
            return Some(Rate { slowest: 0.0, fastest: 0.0 });
        }
        // Either end lies anywhere within its tick.
        let fewest = end.before.saturating_sub(self.after).saturating_sub(1);
        let most = (end.after - self.before).saturating_add(1);
        let longest = ns.saturating_add(resolution_ns);
        Some(Rate {
            slowest: fewest as f64 / longest as f64,
            fastest: most as f64 / shortest as f64,
        })
    }
}
