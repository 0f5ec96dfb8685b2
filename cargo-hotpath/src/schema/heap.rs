//! The allocator's half of the JSON contract.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the allocator took for blocks of similar size, from a random sample of operations.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SizeClass {
    /// Largest size of the class, twice that of the class before; `null` for the last one.
    pub max_bytes: Option<u64>,
    /// Allocations; `null` where none was timed.
    pub alloc: Option<OperationCost>,
    /// Frees; `null` where none was timed.
    pub free: Option<OperationCost>,
}

/// Mean cost of an allocator operation.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperationCost {
    /// How many were timed.
    pub timed: u64,
    /// Their mean, without the clock's own part.
    pub mean_ns: f64,
    /// Standard error of the mean.
    pub error_ns: f64,
}

/// Bytes that were live when the processes ended, estimated from a sample of blocks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retained {
    /// Bytes of which one was drawn; a block is in the sample if one of its bytes was.
    pub period_bytes: u64,
    /// All sites together.
    pub bytes: u64,
    /// Standard error of `bytes`.
    pub error_bytes: u64,
    /// Blocks that were drawn and found no room in the sample: the estimates lack them.
    pub dropped_blocks: u64,
    /// By function and site, most bytes first.
    pub sites: Vec<RetainedSite>,
}

/// What one site retains.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetainedSite {
    /// Id of the function; `null` outside of measured functions.
    pub function: Option<String>,
    /// Its path.
    pub path: Option<String>,
    /// Kind of the expression site; `null` outside of any.
    pub kind: Option<String>,
    /// Its short text.
    pub text: Option<String>,
    /// File relative to the workspace root.
    pub file: Option<String>,
    /// Line of the site, else of the function's name; 1-based.
    pub line: Option<u32>,
    /// Column likewise, 1-based characters.
    pub column: Option<u32>,
    /// Blocks in the sample.
    pub sampled_blocks: u64,
    /// Bytes that were live at the end.
    pub bytes: u64,
    /// Standard error of `bytes`.
    pub error_bytes: u64,
    /// `bytes` by the quarter of its process's run in which they were allocated: a leak has some
    /// from each.
    pub born_bytes: [u64; 4],
}
