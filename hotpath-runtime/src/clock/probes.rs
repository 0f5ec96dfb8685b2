//! The clock of this process's probes: chosen once, read twice a call.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::choice::{Choice, decide};
use super::facts::Facts;
use super::machine::Host;
use super::{arch, system};
use crate::segment::reader::{ClockKind, SystemReason};

/// Set before the first slab is made, where the processor's counter can't be used.
static USE_SYSTEM: AtomicBool = AtomicBool::new(false);

/// Chooses the clock of this process; `None` where there is none. Costs some 45 µs, once.
pub(crate) fn choose(asked_for_system: bool) -> Option<Choice> {
    let choice = if asked_for_system {
        Choice::system(SystemReason::Asked)
    } else {
        decide(&Facts::of(&Host))?
    };
    USE_SYSTEM.store(choice.kind == ClockKind::System, Relaxed);
    Some(choice)
}

/// Whether the processor's counter can't be used.
pub(crate) fn is_system() -> bool {
    USE_SYSTEM.load(Relaxed)
}

/// The processor's counter, whether it is the process's clock or not: for probes that know by
/// other means.
#[inline(always)]
pub(crate) fn raw() -> u64 {
    arch::ticks()
}

/// Ticks of the process's clock.
#[inline(always)]
pub fn ticks() -> u64 {
    if USE_SYSTEM.load(Relaxed) { system_ticks() } else { arch::ticks() }
}

#[cold]
#[inline(never)]
extern "C" fn system_ticks() -> u64 {
    system::monotonic_ns().unwrap_or(1)
}
