//! Which clock the probes read: the processor's counter, unless something speaks against it.

use super::facts::{Facts, Rate, SLOW_NS, Watched};
use crate::segment::reader::{ClockKind, SystemReason};

/// Rates of a counter may differ by this part and still be one: what is measured of them in 20 µs
/// is not much better.
const UNEVEN: f64 = 0.01;

/// The clock of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) kind: ClockKind,
    /// Why it is not the processor's counter.
    pub(crate) reason: Option<SystemReason>,
}

/// Chooses. `None` without a system's clock: ticks alone can't become nanoseconds.
pub(super) fn decide(facts: &Facts) -> Option<Choice> {
    if !facts.has_system {
        return None;
    }
    Some(match fit(facts) {
        Ok(kind) => Choice { kind, reason: None },
        Err(reason) => Choice::system(reason),
    })
}

impl Choice {
    pub(super) fn system(reason: SystemReason) -> Self {
        Self { kind: ClockKind::System, reason: Some(reason) }
    }
}

/// The counter, if it is fit to be a clock.
fn fit(facts: &Facts) -> Result<ClockKind, SystemReason> {
    let counter = facts.counter.ok_or(SystemReason::NoCounter)?;
    if !facts.is_invariant {
        return Err(SystemReason::NotInvariant);
    }
    if !facts.is_trusted {
        return Err(SystemReason::NotTrusted);
    }
    let watched = facts.watched.ok_or(SystemReason::Uneven)?;
    if watched.went_back {
        return Err(SystemReason::WentBack);
    }
    if watched.read_ns > SLOW_NS {
        return Err(SystemReason::Slow);
    }
    if watched.is_uneven() { Err(SystemReason::Uneven) } else { Ok(counter) }
}

impl Watched {
    /// Whether the rates can't be those of one counter that runs evenly.
    fn is_uneven(&self) -> bool {
        let stands_still = |rate: &Rate| rate.fastest <= 0.0;
        let [Some(first), Some(second)] = self.rates else {
            return self.rates.iter().flatten().any(stands_still);
        };
        let below = |a: Rate, b: Rate| a.fastest < b.slowest * (1.0 - UNEVEN);
        stands_still(&first)
            || stands_still(&second)
            || below(first, second)
            || below(second, first)
    }
}

#[cfg(test)]
mod tests;
