//! What is said where a check was asked for and nothing is measured: one line, or a failure.

use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

#[cfg_attr(unix, path = "notice/system_unix.rs")]
#[cfg_attr(any(windows, target_os = "wasi"), path = "notice/system_std.rs")]
#[cfg_attr(not(any(unix, windows, target_os = "wasi")), path = "notice/system_none.rs")]
mod system;

/// Why there are no figures, or none of the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "each kind of build has its own of them")]
pub(crate) enum Unmeasured {
    /// The feature `enabled` is off.
    Off,
    /// It is on, but not for this target.
    Target,
    /// Nobody counts allocations.
    NoAllocator,
    /// The thread ends, or there is no memory for its counters.
    NoCounters,
    /// The process was forked meanwhile: the child counts from nothing.
    Forked,
}

impl Unmeasured {
    /// What is missing, and what to do about it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Off => {
                "hotpath-runtime measures nothing here, so that nothing is checked: its feature `enabled` is off; \
                 run the tests with `--features hotpath-runtime/global-allocator`"
            }
            Self::Target => {
                "hotpath-runtime measures nothing on this target, so that nothing is checked: run the tests on a \
                 64-bit Unix"
            }
            Self::NoAllocator => {
                "hotpath-runtime counts no allocations here, so that none are checked: switch its feature \
                 `global-allocator` on, or wrap the program's own with `hotpath_runtime::Allocator::new(..)`"
            }
            Self::NoCounters => {
                "hotpath-runtime has no counters for a thread, so that nothing is checked on it: it is ending, or \
                 there is no memory for them"
            }
            Self::Forked => {
                "hotpath-runtime lost what was measured over a fork, so that it is not checked: the child counts \
                 from nothing"
            }
        }
    }
}

/// Says that a check is none: one line on stderr for each reason in each process, whoever captures
/// the output of tests.
///
/// # Panics
///
/// With `CARGO_HOTPATH_REQUIRE` in the environment (not empty, and not `0`).
#[cold]
#[inline(never)]
#[track_caller]
pub(crate) fn not_checked(why: Unmeasured) {
    static SAID: AtomicU8 = AtomicU8::new(0);
    let text = why.text();
    assert!(!system::is_required(), "{text} (CARGO_HOTPATH_REQUIRE is set)");
    if is_new(why, &SAID) {
        system::say(text);
    }
}

/// Whether this reason was not given before; `said` has a bit for each.
fn is_new(why: Unmeasured, said: &AtomicU8) -> bool {
    let bit = 1 << why as u8;
    said.fetch_or(bit, Relaxed) & bit == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_given_once() {
        let said = AtomicU8::new(0);
        let all = [
            Unmeasured::Off,
            Unmeasured::Target,
            Unmeasured::NoAllocator,
            Unmeasured::NoCounters,
            Unmeasured::Forked,
        ];
        for expected in [true, false] {
            assert!(all.iter().all(|why| is_new(*why, &said) == expected), "{expected}");
        }
    }
}
