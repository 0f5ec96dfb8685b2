//! What the allocator took, and what was still live at the end.

use serde::{Deserialize, Serialize};

/// Cost of the allocator for blocks of similar size, from operations that were timed: about one in
/// 256, chosen at random.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizeClass {
    /// Largest size of the class, twice that of the class before; `None` for the last one.
    pub max_bytes: Option<u64>,
    /// Allocations.
    pub alloc: OperationCost,
    /// Frees.
    pub free: OperationCost,
}

/// Mean cost of an allocator operation, the clock's own part taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperationCost {
    /// How many were timed.
    pub timed: u64,
    /// Their mean.
    pub mean_ns: f64,
    /// Standard error of the mean; 0 for a single one.
    pub error_ns: f64,
}

/// Bytes that were live at the end, estimated from a sample of blocks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retained {
    /// Bytes of which one was drawn.
    pub period_bytes: u64,
    /// Blocks that were drawn and found no room: what is missing from the estimates.
    pub dropped: u64,
    /// By function and site, most bytes first.
    pub sites: Vec<RetainedSite>,
}

/// What one site retains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetainedSite {
    /// Index into [`super::Profile::functions`]; `None` outside of measured functions.
    pub function: Option<usize>,
    /// Index into that function's sites; `None` outside of any.
    pub site: Option<usize>,
    /// Blocks in the sample.
    pub blocks: u64,
    /// Bytes, estimated.
    pub bytes: u64,
    /// Standard error of `bytes`.
    pub error_bytes: u64,
    /// `bytes` by the quarter of the process's run in which they were allocated.
    pub born_bytes: [u64; 4],
}
