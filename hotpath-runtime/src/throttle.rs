//! Which spans are timed: each, until a site has shown that they are short; then one in N.
//!
//! Counts and allocations stay exact. Exact too are the spans of sites that were never thinned
//! out; all others are estimates: each timed span stands for those since the one before it. So is
//! the own time of an expression around spans that were not timed: they are taken for the mean of
//! their site. The own time of a function is the reader's to compute, from sums.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::segment::cell::Count;
use crate::segment::layout::{Countdown, SPECIAL, Slab, Sums};
use crate::{clock, fork, map, sys};

/// [`Countdown::next`] of a site each of whose spans is timed by the processor's counter.
pub(crate) const ALWAYS: u64 = 1;
/// Spans that are timed before it is looked whether they are short.
pub(crate) const WINDOW: u64 = 1024;
/// Least and most spans that one stands for, on average.
const PERIOD: (u64, u64) = (4, 256);
/// A mean span of fewer probes than this is short.
const PROBES: u64 = 20;
/// The mean moves by this part of what a span differs from it.
const WEIGHT: i64 = 16;
/// For the mean a span is taken for no more than so many short ones: a slow one must not end the
/// throttling.
const LONGEST: i64 = 8;
/// What is longer than so many short ones counts once beyond that, however many spans it stands
/// for: of a short site that is rather the thread that had to wait for a processor.
pub(crate) const REGULAR: i64 = 64;

/// [`Slab::short`] of this process.
static SHORT: AtomicU64 = AtomicU64::new(0);

/// Decides what is short, from the ticks that a probe takes; `CARGO_HOTPATH_THROTTLE=0` has every
/// span timed.
pub(crate) fn choose(probe: u64) {
    let is_off = sys::variable(c"CARGO_HOTPATH_THROTTLE") == Some(b"0");
    SHORT.store(if is_off { 0 } else { probe.saturating_mul(PROBES) }, Relaxed);
}

/// [`Countdown::next`] of a site each of whose spans is timed: where the processor's counter is not
/// the process's clock, the way is that of special nodes, which look for the right one.
pub(crate) fn always() -> u64 {
    if clock::is_system() { SPECIAL } else { ALWAYS }
}

/// Ticks beyond which what is short by nature was held up. Stands whether or not anything is
/// throttled.
pub(crate) fn longest() -> u64 {
    let probe = map::header().map_or(0, |header| header.fixed.function.get());
    probe.max(1).saturating_mul(PROBES * REGULAR.cast_unsigned())
}

/// What is short in this process.
pub(crate) fn short() -> u64 {
    SHORT.load(Relaxed)
}

impl Countdown {
    pub(crate) const fn new(next: u64) -> Self {
        Self {
            count: Count::new(0),
            next: Count::new(next),
            gap: Count::new(0),
            mean: Count::new(0),
        }
    }

    /// Counts a span, and gives the count.
    #[inline(always)]
    pub(crate) fn step(&self) -> u64 {
        let count = self.count.get() + 1;
        self.count.set(count);
        count
    }

    /// Counts a span, unless it is one that is to be timed.
    #[inline(always)]
    pub(crate) fn skip(&self) -> bool {
        let count = self.count.get() + 1;
        let is_skipped = count < self.next.get();
        if is_skipped {
            self.count.set(count);
        }
        is_skipped
    }

    /// Whether a timed span needs no more than to be added: each is timed, and it isn't yet time
    /// to look whether they are short. Never so of a node whose `next` is 0.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.count.get() < self.gap.get()
    }

    /// Whether the timed span that is open stands for others.
    fn is_sample(&self) -> bool {
        let (gap, next) = (self.gap.get(), self.next.get());
        // Where each span is timed by the system's clock, `gap` is a count beyond the first window.
        next > ALWAYS || (next == SPECIAL && gap != 0 && gap < WINDOW.min(self.count.get()))
    }

    /// Has the next span timed in place of this one, by the process's clock.
    pub(crate) fn postpone(&self) {
        self.gap.add(1);
        self.next.set(SPECIAL);
    }

    /// Adds a span that was timed, and gives the number of spans that it stands for. `inside` is what it
    /// reads more than those that it stands for, which held no reading of the clock.
    #[cold]
    #[inline(never)]
    pub(crate) fn record(&self, slab: &Slab, sums: &Sums, span: u64, inside: u64) -> u64 {
        if self.is_sample() {
            return self.record_sample(slab, sums, span, inside);
        }
        sums.record(span);
        if !self.is_plain() {
            self.look(slab, sums, inside);
        }
        1
    }

    /// Looks whether the spans since the last look are short, but for the slowest of all.
    fn look(&self, slab: &Slab, sums: &Sums, inside: u64) {
        fork::publish();
        let (ticks, max, short) = (sums.ticks.get(), sums.max.get(), slab.short.get());
        if short == 0 {
            return self.gap.set(u64::MAX);
        }
        let slowest = if max > sums.max_before.get() { max } else { 0 };
        let spans = ticks.wrapping_sub(sums.ticks_before.get()).wrapping_sub(slowest);
        let timed = sums.timed.get().wrapping_sub(sums.timed_before.get()).max(1);
        let mean = spans.cast_signed() / timed.cast_signed();
        if self.gap.get() == 0 || mean >= short.cast_signed() {
            return self.time_each(sums);
        }
        self.mean.set(mean.cast_unsigned().wrapping_sub(inside));
        self.skip_some(slab);
    }

    /// Times each span from now on, to look again after some.
    fn time_each(&self, sums: &Sums) {
        self.mean.set(0);
        sums.ticks_before.set(sums.ticks.get());
        sums.timed_before.set(sums.timed.get());
        sums.max_before.set(sums.max.get());
        self.gap.set(self.count.get() + WINDOW);
        self.next.set(always());
    }

    /// Leaves out all spans up to a random one.
    fn skip_some(&self, slab: &Slab) {
        let count = self.count.get();
        let period = (count / WINDOW).clamp(PERIOD.0, PERIOD.1);
        let gap = slab.draw_gap(period);
        self.gap.set(gap);
        self.next.set(count + gap);
    }

    /// Adds a span that stands for others.
    fn record_sample(&self, slab: &Slab, sums: &Sums, span: u64, inside: u64) -> u64 {
        let (gap, mean) = (self.gap.get(), self.mean.get().cast_signed());
        let short = slab.short.get().cast_signed();
        let other = span.wrapping_sub(inside).cast_signed();
        let regular = other.min(REGULAR * short);
        sums.record(span);
        sums.ticks.add(regular.cast_unsigned().wrapping_mul(gap - 1));
        sums.skipped.add(gap - 1);
        sums.add_variance(gap, regular.wrapping_sub(mean));
        let mean = (mean * (WEIGHT - 1) + regular.min(LONGEST * short)) / WEIGHT;
        self.mean.set(mean.cast_unsigned());
        if mean > 2 * short {
            self.time_each(sums);
        } else {
            self.skip_some(slab);
        }
        gap
    }
}

impl Sums {
    pub(crate) const fn new() -> Self {
        Self {
            ticks: Count::new(0),
            timed: Count::new(0),
            max: Count::new(0),
            max_before: Count::new(0),
            skipped: Count::new(0),
            variance: Count::new(0),
            ticks_before: Count::new(0),
            timed_before: Count::new(0),
        }
    }

    /// Adds a span itself. It is negative where it is an expression's and what ran inside is an
    /// estimate: sums stay right only if that is kept.
    #[inline(always)]
    pub(crate) fn record(&self, span: u64) {
        self.ticks.add(span);
        self.timed.add(1);
        self.note_longest(span);
    }

    #[inline(always)]
    pub(crate) fn note_longest(&self, span: u64) {
        if span.cast_signed() > self.max.get().cast_signed() {
            self.max.set(span);
        }
    }

    /// What `gap - 1` spans add that nobody looked at, each off by about as much as the one that
    /// was timed.
    fn add_variance(&self, gap: u64, off: i64) {
        let added = (gap * (gap - 1)) as f64 * (off as f64).powi(2);
        self.variance.set((f64::from_bits(self.variance.get()) + added).to_bits());
    }
}

impl Slab {
    /// How many to go until the next one that is timed: uniform, with the period as its mean. A
    /// fixed one would beat with the program's own.
    pub(crate) fn draw_gap(&self, period: u64) -> u64 {
        1 + ((u64::from(self.random()) * (2 * period - 1)) >> 32)
    }

    /// The upper half of a xorshift generator's next state.
    pub(crate) fn random(&self) -> u32 {
        let mut state = self.random.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.random.set(state);
        (state >> 32) as u32
    }
}

#[cfg(test)]
mod tests;
