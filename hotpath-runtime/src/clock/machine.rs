//! What this machine says of its clocks: the outside world of the choice between them.

use super::{arch, system};
use crate::segment::reader::ClockKind;

/// What the choice of a clock asks of a machine.
pub(super) trait Machine {
    /// The processor's counter, where user mode may read it.
    fn counter(&self) -> Option<ClockKind>;
    /// Whether the processor promises that its counter runs at one rate in all its states.
    fn is_invariant(&self) -> bool;
    /// Whether the kernel goes by the counter itself. It may have found it unstable although the
    /// processor calls it invariant.
    fn is_trusted(&self) -> bool;
    /// Reads the counter.
    fn ticks(&self) -> u64;
    /// Reads the system's monotonic clock.
    fn monotonic_ns(&self) -> Option<u64>;
    /// How far apart two readings of that clock are at least, unless they are the same.
    fn resolution_ns(&self) -> u64;
}

/// The machine that this process runs on.
#[derive(Debug)]
pub(super) struct Host;

impl Machine for Host {
    fn counter(&self) -> Option<ClockKind> {
        arch::KIND
    }

    fn is_invariant(&self) -> bool {
        invariant()
    }

    fn is_trusted(&self) -> bool {
        trusted()
    }

    fn ticks(&self) -> u64 {
        arch::ticks()
    }

    fn monotonic_ns(&self) -> Option<u64> {
        system::monotonic_ns()
    }

    fn resolution_ns(&self) -> u64 {
        system::resolution_ns()
    }
}

#[cfg(target_arch = "x86_64")]
fn invariant() -> bool {
    use core::arch::x86_64::__cpuid;
    // Leaf 0x8000_0000 says how far the extended leaves go.
    #[allow(unused_unsafe, reason = "safe since Rust 1.91, unsafe before")]
    // SAFETY: every x86-64 processor has `cpuid`.
    unsafe {
        __cpuid(0x8000_0000).eax >= 0x8000_0007 && __cpuid(0x8000_0007).edx & (1 << 8) != 0
    }
}

/// The architecture promises it, where there is a counter at all.
#[cfg(not(target_arch = "x86_64"))]
fn invariant() -> bool {
    true
}

/// A guest of KVM goes by `kvm-clock`, which is made from the counter.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn trusted() -> bool {
    let path = c"/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let mut name = [0; 32];
    matches!(crate::sys::read_start(path, &mut name).trim_ascii(), b"tsc" | b"kvm-clock")
}

/// Nothing says otherwise.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn trusted() -> bool {
    true
}
