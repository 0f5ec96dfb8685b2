//! Architectures without a counter that user mode may read.

use crate::segment::reader::ClockKind;

/// The counter of this architecture.
pub(super) const KIND: Option<ClockKind> = None;

pub(super) fn ticks() -> u64 {
    super::system::monotonic_ns().unwrap_or(1)
}
