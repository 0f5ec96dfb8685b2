//! The clock of the probes: raw ticks, never calibrated; two anchors turn them into nanoseconds.

use crate::segment::reader::{Anchor, ClockKind};

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "aarch64.rs")]
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), path = "other.rs")]
mod arch;
pub(crate) mod rate;
#[cfg_attr(unix, path = "system_unix.rs")]
#[cfg_attr(not(unix), path = "system_other.rs")]
mod system;

/// The modules that only probes need.
macro_rules! measuring {
    ($($module:ident)*) => {
        $(
            #[cfg(all(any(test, feature = "enabled"), unix, target_pointer_width = "64"))]
            mod $module;
        )*
    };
}

measuring! { choice facts machine probes watch }

#[cfg(all(any(test, feature = "enabled"), unix, target_pointer_width = "64"))]
pub use self::probes::ticks;
#[cfg(all(any(test, feature = "enabled"), unix, target_pointer_width = "64"))]
pub(crate) use self::{
    probes::{choose, is_system, raw},
    watch::Watch,
};

/// The processor's counter, where this machine has one that user mode may read; else the system's
/// monotonic clock.
///
/// Whether the counter is fit to be a clock each process finds out for itself: its segment says
/// which one it took.
pub fn native_clock() -> ClockKind {
    arch::KIND.unwrap_or(ClockKind::System)
}

/// Reads `kind` together with the system's monotonic clock: the closest of five attempts.
///
/// `None` where this machine has no such clock. Costs under a microsecond.
pub fn anchor(kind: ClockKind) -> Option<Anchor> {
    if kind != ClockKind::System && arch::KIND != Some(kind) {
        return None;
    }
    (0..5).filter_map(|_| bracketed(kind)).min_by_key(|(width, _)| *width).map(|(_, anchor)| anchor)
}

fn bracketed(kind: ClockKind) -> Option<(u64, Anchor)> {
    if kind == ClockKind::System {
        let ns = system::monotonic_ns()?;
        return Some((0, Anchor { ticks: ns, monotonic_ns: ns }));
    }
    let before = arch::ticks();
    let ns = system::monotonic_ns()?;
    let width = arch::ticks().wrapping_sub(before);
    Some((width, Anchor { ticks: before.wrapping_add(width / 2), monotonic_ns: ns }))
}
