//! The virtual counter.

use core::arch::asm;

use crate::segment::reader::ClockKind;

/// The counter of this architecture.
pub(super) const KIND: Option<ClockKind> = Some(ClockKind::Cntvct);

#[inline(always)]
pub(super) fn ticks() -> u64 {
    let ticks: u64;
    // SAFETY: reads a register that the systems that std runs on open to user mode; no memory, no
    // stack, no flags.
    unsafe { asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack, preserves_flags)) };
    ticks
}
