//! The table of live blocks, sampled.

use core::sync::atomic::AtomicU8;

use super::Node;
use crate::segment::cell::{Count, Link};

/// Parts of the table of live blocks, by address, and entries of each: more live samples than fit
/// are counted as dropped.
pub(crate) const HELD: usize = 4096;
pub(crate) const HELD_EACH: usize = 8;

/// Live blocks, sampled. Any thread changes it.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Retained {
    /// Bytes of which one is drawn.
    pub(crate) period: Count,
    /// Blocks that were drawn and found no room, and their bytes.
    pub(crate) dropped: Count,
    pub(crate) dropped_bytes: Count,
    /// Entries in use: most blocks that are freed meet a 0 here.
    pub(crate) held: [AtomicU8; HELD],
    pub(crate) keys: [Keys; HELD],
    pub(crate) samples: [[Sample; HELD_EACH]; HELD],
}

/// Addresses of blocks; 0 and 1 are none.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Keys(pub(crate) [Count; HELD_EACH]);

/// A live block.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Sample {
    pub(crate) size: Count,
    /// Bytes of it that took part in the drawing.
    pub(crate) drawn: Count,
    pub(crate) node: Link<Node>,
    /// Process-wide number of the expression site; 0 for none.
    pub(crate) site: Count,
    pub(crate) born: Count,
}
