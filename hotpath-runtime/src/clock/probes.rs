//! The clock of this process's probes: chosen once, read twice a call.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::{arch, native_clock, system};
use crate::segment::reader::ClockKind;

/// Set before the first slab is made, where the processor's counter can't be used.
static USE_SYSTEM: AtomicBool = AtomicBool::new(false);

/// Chooses the clock of this process.
pub(crate) fn choose() -> ClockKind {
    let kind = native_clock();
    USE_SYSTEM.store(kind == ClockKind::System, Relaxed);
    kind
}

/// Ticks of the process's clock.
#[inline(always)]
pub fn ticks() -> u64 {
    if USE_SYSTEM.load(Relaxed) { system_ticks() } else { arch::ticks() }
}

#[cold]
#[inline(never)]
fn system_ticks() -> u64 {
    system::monotonic_ns().unwrap_or(1)
}
