//! The measured half of the JSON contract.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Instructions, Range};

/// Name and version of the tool.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// `cargo-hotpath`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Where and with what the workload was built and run.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// First line of `rustc -V`.
    pub rustc: String,
    /// Target triple.
    pub target: String,
    /// Cargo profile.
    pub profile: String,
    /// CPU model, where the system names it.
    pub cpu: Option<String>,
    /// Logical cores.
    pub cores: u64,
    /// Operating system.
    pub os: String,
    /// Features the user asked for.
    pub features: Vec<String>,
    /// Git state of the workspace, if it is in a checkout.
    pub git: Option<Git>,
}

/// State of the checkout.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Git {
    /// Commit id.
    pub commit: String,
    /// Whether tracked files differ from it.
    pub dirty: bool,
}

/// What ran.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// `bin`, `example`, `test`, `bench` or `lib`.
    pub kind: String,
    /// Package.
    pub package: String,
    /// Target name.
    pub name: String,
    /// Arguments after `--`.
    pub args: Vec<String>,
    /// How the reported repetition ended.
    pub exit: Exit,
}

/// How a process ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    /// Exit code; `null` when a signal ended it.
    pub code: Option<i32>,
    /// Signal number; `null` when it exited.
    pub signal: Option<i32>,
}

/// One repetition.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Elapsed.
    pub wall_ns: u64,
    /// CPU time from the system.
    pub cpu_ns: Option<u64>,
    /// Allocations of the whole process.
    pub allocs: Option<u64>,
    /// Instructions that it ran, as in `totals`; `null` where they were not counted.
    #[serde(default)]
    pub instructions: Option<u64>,
    /// How it ended.
    pub exit: Exit,
}

/// How far the figures can be trusted.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// What to know before reading on.
    pub warnings: Vec<Warning>,
    /// Estimated share of the CPU time (of the wall time where the system gave none) that the
    /// probes took: the likely value of `overhead_range_pct`.
    pub overhead_pct: Option<f64>,
    /// Between what the probes surely took and the most that they may have: the counts of all
    /// probes times their calibrated costs. What they kept from being inlined or vectorised is not
    /// in it. `null` without a calibration.
    #[serde(default)]
    pub overhead_range_pct: Option<Range>,
    /// Time that the probes' own cold work took on all threads (attaching threads, making nodes,
    /// first touch of pages). It is part of the overhead, and of no other figure but wall and CPU time.
    #[serde(default)]
    pub cold_ns: u64,
    /// Spread of the repetitions' wall times; `null` with one repetition.
    pub noise_pct: Option<f64>,
    /// Whether counters were lost or the workload was cut short.
    pub truncated: bool,
    /// Whether a counting allocator ran.
    pub allocations: Measurement,
    /// How the threads were looked at from outside; `null` where nobody looked.
    pub timeline: Option<Timeline>,
    /// Rules whose findings the configuration leaves out everywhere.
    #[serde(default)]
    pub allowed_rules: Vec<String>,
}

/// How the threads were looked at from outside, and what that cost.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeline {
    /// Looks at all threads.
    pub samples: u64,
    /// As many looks at equal distances would tell as much.
    pub effective_samples: f64,
    /// Mean time between two looks.
    pub interval_ns: u64,
    /// Share of the wall time that the looks stand for.
    pub covered_pct: f64,
    /// CPU time that looking took, beside the workload; `null` where the system doesn't tell.
    pub sampler_cpu_ns: Option<u64>,
    /// The same in percent of one core over the wall time.
    pub sampler_cpu_pct: Option<f64>,
    /// Threads that ran at once while any did, on average; `null` where too little was seen.
    pub parallelism: Option<f64>,
}

/// Whether something was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measurement {
    /// It was.
    Measured,
    /// It was not: its figures are `null`.
    NotMeasured,
}

/// One caveat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// Stable name.
    pub id: String,
    /// The caveat in words.
    pub message: String,
}

/// Sums over the workload.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Elapsed, of the median repetition.
    pub wall_ns: u64,
    /// CPU time from the system.
    pub cpu_ns: Option<u64>,
    /// Time of all threads with no measured function on their stack, idle threads included.
    pub outside_ns: u64,
    /// What of that threads did not run in, asleep or ready: all but the CPU time that measured functions
    /// leave over. `null` where CPU time was not measured.
    pub idle_ns: Option<u64>,
    /// Of the time in measured functions, what their threads really ran, by their own CPU clocks around a
    /// sample of the polls. `null` where those were not read: no async function is outermost, too few
    /// polls, or a system that does not tell.
    pub busy_cpu_ns: Option<u64>,
    /// The same of the time outside of measured functions. Measured on its own, so that both can be held
    /// against `cpu_ns`; `null` as well where the process was killed.
    pub outside_cpu_ns: Option<u64>,
    /// Likely error of `outside_cpu_ns`, by reading the clocks around a sample only.
    pub outside_cpu_error_ns: Option<u64>,
    /// Allocations of the process.
    pub allocs: Option<u64>,
    /// Bytes they asked for.
    pub alloc_bytes: Option<u64>,
    /// Reallocations.
    pub reallocs: Option<u64>,
    /// Frees.
    pub frees: Option<u64>,
    /// Most bytes live at once.
    pub peak_live_bytes: Option<u64>,
    /// Instructions that it ran; `null` where nobody asked for them (`--instructions`).
    #[serde(default)]
    pub instructions: Option<Instructions>,
}

/// One part of where the time went.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Where {
    /// Which kind of part.
    pub kind: WhereKind,
    /// Crate name for a dependency or the standard library, else `null`.
    pub name: Option<String>,
    /// The call that leads there most: `path (file:line)`.
    pub called_from: Option<String>,
    /// Time.
    pub self_ns: u64,
    /// Share of all threads' measured time, without [`Totals::idle_ns`]; the parts sum to at most 100.
    pub self_pct: f64,
}

/// Kinds of parts of the time.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum WhereKind {
    /// Measured functions themselves, with unmeasured code that they call.
    YourCode,
    /// Sites that lead into a dependency.
    Dependency,
    /// Sites that lead into the standard library.
    Std,
    /// Taking locks: what goes beyond some ns each is waiting for another thread.
    Locks,
    /// Outside of measured functions, without [`Totals::idle_ns`].
    Outside,
}

/// How a figure was thinned out.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sampled {
    /// One call in this many was timed.
    pub period: f64,
    /// Relative standard error of the scaled sum; 1 where it is as large as the sum or larger.
    pub relative_error: f64,
}

/// A measured function.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Stable id.
    pub id: String,
    /// `crate::module::Type::method`.
    pub path: String,
    /// Package.
    pub package: String,
    /// File relative to the workspace root.
    pub file: String,
    /// Line of its name.
    pub line: u32,
    /// Column of its name.
    pub column: u32,
    /// Whether it comes from a `macro_rules` body.
    pub from_macro: bool,
    /// Exact number of calls.
    pub calls: u64,
    /// Inclusive time of outermost calls (async: busy).
    pub total_ns: u64,
    /// Exclusive time.
    pub self_ns: u64,
    /// Share of all threads' measured time, without [`Totals::idle_ns`].
    pub self_pct: f64,
    /// Estimated share of wall time.
    pub wall_pct: Option<f64>,
    /// Median span of a call (async: elapsed).
    pub p50_ns: Option<u64>,
    /// 95th percentile.
    pub p95_ns: Option<u64>,
    /// 99th percentile.
    pub p99_ns: Option<u64>,
    /// Longest.
    pub max_ns: Option<u64>,
    /// Allocations, nested measured functions included.
    pub allocs: Option<u64>,
    /// Their bytes.
    pub alloc_bytes: Option<u64>,
    /// Allocations of its own.
    pub self_allocs: Option<u64>,
    /// Their bytes.
    pub self_alloc_bytes: Option<u64>,
    /// Reallocations, nested measured functions included.
    pub reallocs: Option<u64>,
    /// Whether times are scaled from a sample.
    pub sampled: Option<Sampled>,
    /// Async figures; `null` for sync functions.
    #[serde(rename = "async")]
    pub asynchronous: Option<AsyncFigures>,
    /// What was seen of it from outside while it ran; `null` where nobody looked.
    pub timeline: Option<Seen>,
    /// Whether its mean call is too short for the clock (under about 100 ticks): how much of its
    /// time is rather its caller's can't be told.
    #[serde(default)]
    pub below_resolution: bool,
    /// Bounds of `total_ns` by what drifts over the ends of its calls; `null` without a
    /// calibration. What sampling adds is in `sampled`.
    #[serde(default)]
    pub total_range_ns: Option<Bounds>,
    /// Bounds of `self_ns` by what drifts over the ends of its calls and of those that it makes, the
    /// probes inside of it taken out; `null` without a calibration.
    #[serde(default)]
    pub self_range_ns: Option<Bounds>,
}

/// Time that threads were seen in a function itself, by looking at them many times a second.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// In it at all: `self_ns` of the function, measured in another way.
    pub self_ns: u64,
    /// Running, or ready to; `null` where the system doesn't tell, as for those below.
    pub running_ns: Option<u64>,
    /// Blocked: asleep, waiting for a lock, a device or another thread.
    pub blocked_ns: Option<u64>,
    /// Running while no other thread ran.
    pub alone_ns: Option<u64>,
    /// Its share of the wall time: each moment is divided among the threads that run, or, where
    /// none does, among those that are blocked in a measured function.
    pub wall_ns: Option<u64>,
}

/// Between which a figure lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// At least.
    pub low: u64,
    /// At most.
    pub high: u64,
}

/// Figures of an async function.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AsyncFigures {
    /// Polls.
    pub polls: u64,
    /// Time inside `poll`.
    pub busy_ns: u64,
    /// Time between a pending poll and the next.
    pub wait_ns: u64,
    /// Dropped before completion.
    pub cancelled: u64,
    /// Longest poll.
    pub max_poll_ns: u64,
    /// Size of the plain future.
    pub future_bytes: u64,
}

/// One (site, type).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Stable id of the place: rows of one place, one for each concrete type, share it.
    pub id: String,
    /// Id of its function.
    pub function: String,
    /// Kind.
    pub kind: String,
    /// File relative to the workspace root.
    pub file: String,
    /// Line of the method name, macro path or `await`.
    pub line: u32,
    /// Column.
    pub column: u32,
    /// Whether it comes from a `macro_rules` body.
    pub from_macro: bool,
    /// Short source text.
    pub text: String,
    /// Concrete type.
    #[serde(rename = "type")]
    pub type_name: Option<String>,
    /// Exact number of executions.
    pub count: u64,
    /// Exclusive time that its executions likely took: without the probes in it, and with what the processor
    /// was done with while the clock was read; `null` for kinds that are only counted.
    pub self_ns: Option<u64>,
    /// Awaits: time pending where no measured await inside pended; `null` for other kinds.
    pub wait_ns: Option<u64>,
    /// Where a lock is taken, awaited or not: time that guards lived, all together, at the type that ran most
    /// but for all types of the site; `null` elsewhere, and where no variable of the block holds them until
    /// they are dropped or the block ends.
    pub hold_ns: Option<u64>,
    /// Allocations.
    pub allocs: Option<u64>,
    /// Their bytes.
    pub alloc_bytes: Option<u64>,
    /// Reallocations.
    pub reallocs: Option<u64>,
    /// Bytes that they moved.
    pub realloc_bytes: Option<u64>,
    /// Enclosing loops in its function; `null` without source.
    pub loop_depth: Option<u32>,
    /// Whether times are scaled from a sample.
    pub sampled: Option<Sampled>,
}

/// Calls from one function to another.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// Function id; `null` for unmeasured code.
    pub caller: Option<String>,
    /// Function id.
    pub callee: String,
    /// Exact number of calls.
    pub calls: u64,
    /// Inclusive time of the callee under this caller. Where the callee is entered again below
    /// itself, each of the nested calls counts: such an edge may exceed the function's `total_ns`.
    pub total_ns: u64,
}

/// A judged budget.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// What it is for.
    pub target: String,
    /// Which figure.
    pub metric: String,
    /// The most it may be.
    pub limit: f64,
    /// What it was: in the repetition that had the least, of times against a baseline the median.
    pub actual: f64,
    /// What it was in the repetition that had the most: where that differs, the program does not do
    /// the same each time.
    #[serde(default)]
    pub actual_most: f64,
    /// Whether it differs between repetitions, in this run or in the baseline: it is judged by the
    /// repetition with the least, against a baseline with room for as much as they differ.
    #[serde(default)]
    pub unsteady: bool,
    /// The verdict.
    pub status: BudgetStatus,
    /// Who set the limit.
    #[serde(default)]
    pub origin: BudgetOrigin,
    /// Id of the function; `null` for the whole workload.
    #[serde(default)]
    pub function: Option<String>,
    /// File of the function, relative to the workspace root.
    #[serde(default)]
    pub file: Option<String>,
    /// Line of its name.
    #[serde(default)]
    pub line: Option<u32>,
    /// Column of its name.
    #[serde(default)]
    pub column: Option<u32>,
    /// Of a broken one: where it allocates, what rose most against the baseline first.
    #[serde(default)]
    pub causes: Vec<Cause>,
}

/// Who set a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BudgetOrigin {
    /// The configuration.
    #[default]
    Configuration,
    /// The function's attribute.
    Attribute,
    /// The baseline: what it says may not be exceeded.
    Baseline,
}

/// A place that allocates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// Id of the site; `null` for what the function allocates at no measured expression.
    pub site: Option<String>,
    /// Path of the function that it is in.
    pub function: String,
    /// File relative to the workspace root.
    pub file: String,
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
    /// Short source text.
    pub text: String,
    /// Executions.
    pub count: u64,
    /// Allocations.
    pub allocs: u64,
    /// Their bytes.
    pub alloc_bytes: u64,
    /// Allocations more than in the baseline; `null` where it doesn't say.
    pub more_allocs: Option<i64>,
}

/// Verdict on a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BudgetStatus {
    /// Within the limit.
    Pass,
    /// Broken.
    Fail,
}
