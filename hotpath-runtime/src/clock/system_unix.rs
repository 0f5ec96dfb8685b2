//! The system's monotonic clock.

/// `CLOCK_MONOTONIC` in nanoseconds.
pub(super) fn monotonic_ns() -> Option<u64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for one `timespec`.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) } != 0;
    if failed { None } else { nanoseconds(time) }
}

/// What the system says of its resolution: a nanosecond on Linux, a microsecond on macOS.
#[cfg(all(any(test, feature = "enabled"), target_pointer_width = "64"))]
pub(super) fn resolution_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for one `timespec`.
    let failed = unsafe { libc::clock_getres(libc::CLOCK_MONOTONIC, &raw mut time) } != 0;
    if failed { 0 } else { nanoseconds(time).unwrap_or(0) }
}

fn nanoseconds(time: libc::timespec) -> Option<u64> {
    let seconds = u64::try_from(time.tv_sec).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(u64::try_from(time.tv_nsec).ok()?)
}
