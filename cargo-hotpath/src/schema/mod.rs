//! The JSON contract: the one document that every report reads and `--format json` prints.
//!
//! Values carry their unit in their name. What was not measured is `null`, never absent and never 0.

mod finding;
mod heap;
mod instructions;
mod measured;

pub use finding::{
    Applicability, Category, Confidence, Edit, Effort, Finding, Fix, Impact, Metric, Range,
    Severity, TestOutcome, Verified,
};
pub use heap::{OperationCost, Retained, RetainedSite, SizeClass};
pub use instructions::{InstructionSource, Instructions};
pub use measured::{
    AsyncFigures, Bounds, Budget, BudgetOrigin, BudgetStatus, Cause, Edge, Environment, Exit,
    Function, Git, Measurement, Quality, Run, Sampled, Seen, Site, Timeline, Tool, Totals, Warning,
    Where, WhereKind, Workload,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of this document; raised when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// The report of one run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Who wrote it.
    pub tool: Tool,
    /// Machine, toolchain and source state.
    pub environment: Environment,
    /// What ran.
    pub workload: Workload,
    /// The arguments of `cargo hotpath` that measured it; empty where those are not known.
    #[serde(default)]
    pub command: Vec<String>,
    /// Every repetition, in order.
    pub runs: Vec<Run>,
    /// How far the figures can be trusted.
    pub quality: Quality,
    /// Sums over the workload.
    pub totals: Totals,
    /// Where the time went: your code, dependencies by call, waiting, outside; biggest first.
    pub breakdown: Vec<Where>,
    /// Measured functions, most self time first.
    pub functions: Vec<Function>,
    /// Expression and await sites by (site, type), most self time first.
    pub sites: Vec<Site>,
    /// Calls between measured functions.
    pub edges: Vec<Edge>,
    /// Ranked findings.
    pub findings: Vec<Finding>,
    /// The union of all findings: never their sum.
    pub combined: Combined,
    /// Budgets, where any are set.
    pub budgets: Vec<Budget>,
    /// What the allocator took, by size in ascending order; `null` without a counting allocator.
    pub allocator: Option<Vec<SizeClass>>,
    /// What was live at the end; `null` without `--retained`.
    pub retained: Option<Retained>,
}

/// What fixing everything listed would gain together.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Combined {
    /// Percent of wall time; `null` without findings.
    pub wall_pct: Option<Range>,
}

/// What machine formats print when there is no report.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorDocument {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The error.
    pub error: ErrorBody,
}

/// An error for machines.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorBody {
    /// Stable name of the error.
    pub code: String,
    /// What was wrong, and where.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}
