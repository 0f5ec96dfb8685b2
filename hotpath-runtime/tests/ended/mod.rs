//! The segment of a process that has ended.

use hotpath_runtime::segment::reader::{self, ReadError, Segment};

/// Reads it. Calls that were open end now, by the clock that the process took: that is not the processor's
/// counter on every machine.
pub(crate) fn read(bytes: &[u8]) -> Result<Segment, ReadError> {
    let kind = reader::read(bytes, None)?.clock.kind;
    reader::read(bytes, reader::anchor(kind))
}
