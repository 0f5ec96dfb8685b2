//! The time stamp counter.

use core::arch::x86_64::_rdtsc;

use crate::segment::reader::ClockKind;

/// The counter of this architecture.
pub(super) const KIND: Option<ClockKind> = Some(ClockKind::Tsc);

#[inline(always)]
pub(super) fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and no system that std runs on forbids
    // it to user mode.
    unsafe { _rdtsc() }
}
