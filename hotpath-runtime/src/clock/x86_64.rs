//! The time stamp counter.

use core::arch::x86_64::{__cpuid, _rdtsc};

use crate::segment::reader::ClockKind;

/// The counter of this architecture.
pub(super) const KIND: Option<ClockKind> = Some(ClockKind::Tsc);

#[inline(always)]
pub(super) fn ticks() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and no system that std runs on forbids
    // it to user mode.
    unsafe { _rdtsc() }
}

/// Whether the counter runs at one rate in all states of the processor.
pub(super) fn invariant() -> bool {
    // Leaf 0x8000_0000 says how far the extended leaves go.
    #[allow(unused_unsafe, reason = "safe since Rust 1.91, unsafe before")]
    // SAFETY: every x86-64 processor has `cpuid`.
    unsafe {
        __cpuid(0x8000_0000).eax >= 0x8000_0007 && __cpuid(0x8000_0007).edx & (1 << 8) != 0
    }
}
