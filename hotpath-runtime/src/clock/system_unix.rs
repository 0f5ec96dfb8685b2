//! The system's monotonic clock, and what the system says of the processor's.

/// `CLOCK_MONOTONIC` in nanoseconds.
pub(super) fn monotonic_ns() -> Option<u64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for one `timespec`.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) } != 0;
    if failed { None } else { Some(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64) }
}

/// Whether the kernel runs on the time stamp counter itself. It may have found it unstable although
/// the processor calls it invariant.
#[cfg(target_os = "linux")]
pub(super) fn trusts_tsc() -> bool {
    let path = c"/sys/devices/system/clocksource/clocksource0/current_clocksource";
    let mut name = [0u8; 32];
    // SAFETY: `path` ends in NUL; `name` has room for the length that is passed; the descriptor is
    // ours and closed once.
    let read = unsafe {
        let file = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return false;
        }
        let read = libc::read(file, name.as_mut_ptr().cast(), name.len());
        libc::close(file);
        read
    };
    let name = usize::try_from(read).ok().and_then(|n| name.get(..n)).unwrap_or(&[]);
    matches!(name.trim_ascii(), b"tsc" | b"kvm-clock")
}

/// Whether the kernel runs on the time stamp counter itself; other systems do where it is invariant.
#[cfg(not(target_os = "linux"))]
pub(super) fn trusts_tsc() -> bool {
    true
}
