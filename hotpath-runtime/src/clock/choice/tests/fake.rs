//! A machine for the tests of the choice.

use std::cell::Cell;

use super::super::decide;
use crate::clock::facts::Facts;
use crate::clock::machine::Machine;
use crate::segment::reader::{ClockKind, SystemReason};

/// A machine whose time passes only by what reading its clocks costs, and by being held up.
pub(super) struct Fake {
    pub(super) counter: Option<ClockKind>,
    pub(super) is_invariant: bool,
    pub(super) is_trusted: bool,
    pub(super) now_ns: Cell<u64>,
    pub(super) read_ns: u64,
    /// The counter at a time.
    pub(super) ticks: fn(u64) -> u64,
    /// The system's clock at a time.
    pub(super) system: fn(u64) -> Option<u64>,
    pub(super) resolution_ns: u64,
    /// For how long the thread loses its processor before a reading of either clock, by number.
    pub(super) held_up: Box<dyn Fn(u64) -> u64>,
    pub(super) readings: Cell<u64>,
}

impl Fake {
    /// A sound one of 2.5 GHz, late in its counter's life.
    pub(super) fn sound() -> Self {
        Self {
            counter: Some(ClockKind::Tsc),
            is_invariant: true,
            is_trusted: true,
            now_ns: Cell::new(1_000_000),
            read_ns: 9,
            ticks: |ns| (1 << 50) + ns * 5 / 2,
            system: Some,
            resolution_ns: 1,
            held_up: Box::new(|_| 0),
            readings: Cell::new(0),
        }
    }

    /// The time of one more reading, which takes `cost`.
    fn pass(&self, cost: u64) -> u64 {
        let reading = self.readings.get();
        self.readings.set(reading + 1);
        let now = self.now_ns.get() + cost + (self.held_up)(reading);
        self.now_ns.set(now);
        now
    }

    pub(super) fn choice(&self) -> Result<ClockKind, Option<SystemReason>> {
        let choice = decide(&Facts::of(self)).ok_or(None)?;
        if choice.reason.is_none() { Ok(choice.kind) } else { Err(choice.reason) }
    }
}

impl Machine for Fake {
    fn counter(&self) -> Option<ClockKind> {
        self.counter
    }

    fn is_invariant(&self) -> bool {
        self.is_invariant
    }

    fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    fn ticks(&self) -> u64 {
        (self.ticks)(self.pass(self.read_ns))
    }

    fn monotonic_ns(&self) -> Option<u64> {
        (self.system)(self.pass(25))
    }

    fn resolution_ns(&self) -> u64 {
        self.resolution_ns
    }
}
