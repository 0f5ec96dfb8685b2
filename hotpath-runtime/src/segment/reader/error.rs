//! Why bytes are no segment.

use core::fmt;

/// Why bytes are no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// They do not begin as a segment does (or the process died before it had begun one).
    Foreign,
    /// Written by another version of the runtime.
    OtherVersion {
        /// The layout version found.
        found: u64,
        /// The one that this reader knows.
        known: u64,
    },
    /// They end in the middle.
    Truncated,
    /// Something in them can't be.
    Damaged {
        /// What it is.
        what: &'static str,
        /// Where, in bytes from the start.
        offset: usize,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("not a segment of this tool: it does not begin as one"),
            Self::OtherVersion { found, known } => {
                let what = if found > known { "cargo-hotpath" } else { "hotpath-runtime" };
                write!(
                    f,
                    "segment of layout version {found}, this reader knows {known}: update {what}"
                )
            }
            Self::Truncated => f.write_str("segment ends in the middle: copy it again"),
            Self::Damaged { what, offset } => {
                write!(f, "damaged segment: impossible {what} at byte {offset}")
            }
        }
    }
}

impl std::error::Error for ReadError {}
