//! Systems whose monotonic clock can't be compared between processes.

pub(super) fn monotonic_ns() -> Option<u64> {
    None
}

pub(super) fn trusts_tsc() -> bool {
    false
}
