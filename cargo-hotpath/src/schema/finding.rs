//! The advice half of the JSON contract.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing to change.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Stays the same between runs while the code does.
    pub id: String,
    /// 1 is first.
    pub rank: u32,
    /// Rule id.
    pub rule: String,
    /// What it is about.
    pub category: Category,
    /// By best impact.
    pub severity: Severity,
    /// How sure the evidence is.
    pub confidence: Confidence,
    /// What the change takes.
    pub effort: Effort,
    /// One line.
    pub title: String,
    /// File relative to the workspace root; `null` when no source position applies.
    pub file: Option<String>,
    /// First line.
    pub line: Option<u32>,
    /// First column.
    pub column: Option<u32>,
    /// Last line.
    pub end_line: Option<u32>,
    /// Column after the last character.
    pub end_column: Option<u32>,
    /// Id of the function.
    pub function: Option<String>,
    /// What fixing it gains.
    pub impact: Impact,
    /// What is wrong, with the measured numbers.
    pub problem: String,
    /// What to do.
    pub solution: String,
    /// How, step by step.
    pub steps: Vec<String>,
    /// What it costs, and when not to do it.
    pub tradeoffs: String,
    /// The command that shows whether it helped.
    pub verify: String,
    /// Where to read on.
    pub docs: String,
    /// An edit, where one can be given.
    pub fix: Option<Fix>,
    /// What `verify` measured.
    pub verified: Option<Verified>,
    /// Whether the configuration denies it: then the command ends with exit code 1.
    #[serde(default)]
    pub denied: bool,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Heap allocations.
    Allocation,
    /// Copies of data.
    Copy,
    /// Strings and formatting.
    String,
    /// Collections.
    Collection,
    /// Work done again.
    Caching,
    /// Input and output.
    Io,
    /// Locks.
    Lock,
    /// Async.
    Async,
    /// Build configuration.
    Config,
}

/// Severity, by the best estimate.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Below 0.5 %.
    Info,
    /// From 0.5 %.
    Low,
    /// From 2 %.
    Medium,
    /// From 5 %.
    High,
}

/// How sure the evidence is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A guess.
    Low,
    /// Measured, with assumptions.
    Medium,
    /// Measured and seen in the source.
    High,
}

/// What the change takes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// One expression.
    Trivial,
    /// One function.
    Local,
    /// Its callers too.
    Signature,
    /// The design.
    Design,
}

/// How much each measure of the whole workload would fall, in percent, were the fix made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Impact {
    /// The measure that the fix is for.
    pub metric: Metric,
    /// Wall time.
    pub wall_pct: Option<Range>,
    /// CPU time.
    pub cpu_pct: Option<Range>,
    /// Peak memory.
    pub peak_memory_pct: Option<Range>,
    /// Allocations that go.
    pub allocs: Option<u64>,
    /// Their bytes.
    pub alloc_bytes: Option<u64>,
    /// The formula with its numbers.
    pub basis: String,
}

/// The measure that a fix is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Elapsed time.
    Wall,
    /// CPU time.
    Cpu,
    /// Peak heap.
    PeakMemory,
    /// Allocations.
    Allocs,
}

/// An estimate: what is sure, what is likely, what is the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Sure to go.
    pub low: f64,
    /// Likely.
    pub best: f64,
    /// The whole measured cost.
    pub high: f64,
}

/// An edit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fix {
    /// Whether a tool may apply it.
    pub applicability: Applicability,
    /// Replacements by byte range.
    pub edits: Vec<Edit>,
    /// The same as a unified diff.
    pub diff: String,
}

/// Whether a tool may apply an edit; rustc's meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Applicability {
    /// It may.
    MachineApplicable,
    /// A person should look.
    MaybeIncorrect,
    /// Only a person can.
    Manual,
}

/// One replacement.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// File relative to the workspace root.
    pub file: String,
    /// First byte.
    pub byte_start: usize,
    /// Byte after the last.
    pub byte_end: usize,
    /// New text.
    pub replacement: String,
}

/// What was measured with the fix made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verified {
    /// Measured fall of wall time.
    pub wall_pct: Range,
    /// Change of allocations.
    pub allocs_delta: i64,
    /// What the tests said.
    pub tests: TestOutcome,
}

/// What the tests said of a fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TestOutcome {
    /// All passed.
    Passed,
    /// One failed.
    Failed,
    /// There are none.
    None,
}
