//! The stored profile of one repetition: stable, versioned, in nanoseconds, and all that later stages read.

mod check;
mod file;
mod heap;
pub mod path;
mod sum;

use serde::{Deserialize, Serialize};

pub use file::ProfileError;
pub use heap::{OperationCost, Retained, RetainedSite, SizeClass};

/// Version of the file format; readers refuse newer ones.
///
/// 2 added `timeline`, here and in the contexts: a file without is one of version 1. 4 added the
/// functions' `budget`, and what holds and channels did; 5 `processor`; 6 what hashing costs, and what
/// hides behind the clock.
pub const PROFILE_VERSION: u32 = 6;

/// What one repetition of the workload measured, all its processes and threads merged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// [`PROFILE_VERSION`] of the writer.
    pub version: u32,
    /// Elapsed time from spawn to exit, as the command line saw it.
    pub wall_ns: u64,
    /// CPU time of the workload's processes from the system; `None` where it has none to give.
    pub cpu_ns: Option<u64>,
    /// Time of all threads with no measured function on their stack, start and end of the process included.
    pub outside_ns: u64,
    /// Processes that left a segment.
    pub processes: u64,
    /// Threads that ran a probe or allocated.
    pub threads: u64,
    /// Of these, at least so many polled measured async functions.
    #[serde(default)]
    pub polling_threads: u64,
    /// Heap figures; `None` when no counting allocator ran.
    pub memory: Option<Memory>,
    /// What the probes cost, calibrated in the process.
    pub probes: ProbeCosts,
    /// Measured functions, sorted by identity.
    pub functions: Vec<Function>,
    /// Calling context tree, merged over threads and processes; parents come first.
    pub contexts: Vec<Context>,
    /// Rows of expression and await sites, sorted by (function, site, type).
    pub rows: Vec<Row>,
    /// Bytes of counters that found no room in the mapping: what is missing here.
    pub lost_bytes: u64,
    /// Counts that went to no node because a fixed limit was reached.
    pub overflowed: u64,
    /// Processes that ended without running their exit hook (abort, signal).
    pub unclean_exits: u64,
    /// Faults met while collecting, in words: what is missing or was mended.
    pub notes: Vec<String>,
    /// What was seen of the threads from outside; `None` where nobody looked.
    #[serde(default)]
    pub timeline: Option<Timeline>,
    /// What the allocator took, by size in ascending order; classes without a timed operation are
    /// left out.
    #[serde(default)]
    pub allocator: Vec<SizeClass>,
    /// What was live at the end; `None` when it was not asked for.
    #[serde(default)]
    pub retained: Option<Retained>,
    /// Cold work of the probes themselves, on all threads: it is in no other time but `wall_ns` and
    /// `cpu_ns`.
    #[serde(default)]
    pub cold_ns: u64,
    /// CPU time by the clocks of the threads themselves; `None` where those were not read.
    #[serde(default)]
    pub processor: Option<CpuTime>,
}

/// CPU time of all threads, in measured functions and outside of them. Neither is what the other leaves
/// over: each was read around a sample of polls, and around what lies between two of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CpuTime {
    /// Of the functions' self times, what their threads really ran.
    pub inside_ns: u64,
    /// With no measured function on the stack; `None` where a thread that was not looked at enough was killed.
    pub outside_ns: Option<u64>,
    /// Likely error of `outside_ns` by looking at a sample only.
    pub outside_error_ns: Option<u64>,
    /// Polls that were looked at.
    pub looks: u64,
}

/// What looking at all threads from outside told, many times a second while the workload ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeline {
    /// Looks at all threads.
    pub samples: u64,
    /// As many looks at equal distances would tell as much: a share of the time `p` has a
    /// standard error of at most `sqrt(p (1 - p) / effective_samples)`.
    pub effective_samples: f64,
    /// Part of the wall time that the looks stand for.
    pub covered_ns: u64,
    /// CPU time that looking took, on a thread of the command line; `None` where the system has
    /// it not to give.
    pub sampler_cpu_ns: Option<u64>,
    /// Time with at least one thread running; `None` where the system doesn't tell which do.
    pub busy_ns: Option<u64>,
    /// Sum over threads of the time that they ran; likewise.
    pub running_ns: Option<u64>,
    /// Threads in no measured function.
    pub outside: Seen,
}

/// Time that threads were seen in one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// In it at all, running or not: what the probes measure as self time.
    pub self_ns: u64,
    /// By what they did; `None` where the system doesn't tell.
    pub states: Option<SeenStates>,
}

/// What threads did in a place, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeenStates {
    /// Running, or ready to.
    pub running_ns: u64,
    /// Blocked: asleep, waiting for a lock, a device or another thread.
    pub blocked_ns: u64,
    /// Running while no other thread ran.
    pub alone_ns: u64,
    /// Share of the wall time: each moment is divided among the threads that run, or, where none
    /// does, among those that are blocked in a measured function.
    pub wall_ns: u64,
}

/// Heap figures of the workload (summed over its processes).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Bytes live at the end.
    pub live_bytes: i64,
    /// Most bytes live at once.
    pub peak_live_bytes: u64,
    /// Error of both.
    pub error_bytes: u64,
    /// Operations with no measured function on the stack.
    pub outside: Allocs,
}

/// Calibrated costs of one probe or allocator call, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeCosts {
    /// What an empty span reads.
    pub inside_ns: f64,
    /// A whole function probe.
    pub function_ns: f64,
    /// A whole timed expression probe.
    pub expression_ns: f64,
    /// An expression probe that only counts.
    pub counted_ns: f64,
    /// A small allocation.
    pub alloc_ns: f64,
    /// A free of it.
    pub free_ns: f64,
    /// What of a timed call's probe lies inside its span.
    #[serde(default)]
    pub function_inside_ns: f64,
    /// A function probe that is not timed.
    #[serde(default)]
    pub function_untimed_ns: f64,
    /// What of a timed expression's probe lies inside its span.
    #[serde(default)]
    pub expression_inside_ns: f64,
    /// A probe of an expression that is timed now and then, this time not.
    #[serde(default)]
    pub expression_untimed_ns: f64,
    /// A timed poll of an async function.
    #[serde(default)]
    pub poll_ns: f64,
    /// One that is not timed.
    #[serde(default)]
    pub poll_untimed_ns: f64,
    /// The probe of an await that is ready at once.
    #[serde(default)]
    pub awaited_ns: f64,
    /// Attributing an allocator operation to a function.
    #[serde(default)]
    pub charge_ns: f64,
    /// The same, to an open expression as well.
    #[serde(default)]
    pub charge_open_ns: f64,
    /// Hashing a `u64` as maps do by default; 0 where that was not measured.
    #[serde(default)]
    pub hash_ns: f64,
    /// What of some work its span may not show, as the processor is done with it while the clock is read; at
    /// most `inside_ns`.
    #[serde(default)]
    pub hidden_ns: f64,
}

/// Identity and site table of a measured function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Package it was compiled in.
    pub package: String,
    /// Target (crate) it was compiled in.
    pub target: String,
    /// Module path.
    pub module: String,
    /// `method` or `Type::method`.
    pub name: String,
    /// File relative to the workspace root with `/`, absolute outside of it.
    pub file: String,
    /// Line of its name, 1-based.
    pub line: u32,
    /// Column in characters, 1-based.
    pub column: u32,
    /// Position among functions that agree in all of the above (`macro_rules` bodies).
    pub ordinal: u32,
    /// Whether it is an `async fn`.
    pub is_async: bool,
    /// What a call may cost by its attribute, as [`Budget`](hotpath_runtime_syntax::Budget) writes it;
    /// empty without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub budget: String,
    /// Its sites in the order of the enumeration.
    pub sites: Vec<Site>,
    /// Distribution of its calls' spans (async: elapsed time per call); sorted, non-empty buckets.
    /// A timed call counts for those that were not timed since the one before.
    pub histogram: Vec<Bucket>,
}

/// One site of a function.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Kind name, as in `hotpath_runtime_syntax::Kind`.
    pub kind: String,
    /// Line, 1-based.
    pub line: u32,
    /// Column in characters, 1-based.
    pub column: u32,
    /// Short source text.
    pub label: String,
    /// Distribution where one is kept (awaits, locks).
    pub histogram: Vec<Bucket>,
}

/// One histogram bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Lowest value that falls into it.
    pub low_ns: u64,
    /// Highest value that falls into it.
    pub high_ns: u64,
    /// How many fell into it.
    pub count: u64,
}

/// A function in its calling context.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Index into [`Profile::functions`].
    pub function: usize,
    /// Index of the parent context; `None` when called from unmeasured code.
    pub parent: Option<usize>,
    /// Exact number of calls, recursive ones included.
    pub calls: u64,
    /// Calls (async: polls) that were timed.
    pub timed: u64,
    /// Calls still open when the process ended.
    pub open: u64,
    /// Time of outermost calls (async: busy). Where not all were timed, the estimate for all.
    pub total_ns: u64,
    /// Standard error of `total_ns` by not timing all calls; 0 where all were.
    pub error_ns: f64,
    /// Time exclusive of nested measured functions.
    pub self_ns: u64,
    /// Longest single span (async: poll) of those that were timed.
    pub max_ns: u64,
    /// Calls over the back edges of a recursion into this context: the sum of `back_edges`.
    pub back_calls: u64,
    /// Where the recursion came back from.
    pub back_edges: Vec<BackEdge>,
    /// Allocator operations of its own (self).
    pub allocs: Allocs,
    /// Async figures; `None` for sync functions.
    pub polls: Option<Polls>,
    /// What the function's first call allocated, where that is known and was here: of several threads'
    /// first calls the one that allocated most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<FirstCall>,
    /// What was seen of it from outside; `None` where nobody looked.
    #[serde(default)]
    pub timeline: Option<Seen>,
}

/// What the first call of a function allocated, with all that it called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstCall {
    /// Allocations.
    pub allocs: u64,
    /// Bytes they asked for.
    pub alloc_bytes: u64,
    /// Reallocations.
    pub reallocs: u64,
}

/// Recursive calls into a context from one of its descendants (or itself).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackEdge {
    /// Index of the calling context.
    pub caller: usize,
    /// Exact number of calls.
    pub calls: u64,
    /// Time of those calls, outermost only; contained in the caller's total.
    pub total_ns: u64,
}

/// Async figures of a context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Polls {
    /// Polls.
    pub polls: u64,
    /// Time between a pending poll and the next.
    pub wait_ns: u64,
    /// Futures dropped before completion.
    pub cancelled: u64,
    /// Size of the plain future.
    pub future_bytes: u64,
}

/// Allocator operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocs {
    /// Allocations.
    pub count: u64,
    /// Bytes asked for by them.
    pub bytes: u64,
    /// Reallocations.
    pub reallocs: u64,
    /// Bytes that reallocations moved.
    pub moved_bytes: u64,
    /// Bytes by which reallocations grew their blocks.
    pub grown_bytes: u64,
    /// Time spent in reallocations.
    pub realloc_ns: u64,
    /// Frees, counted where they happen.
    pub frees: u64,
    /// Bytes freed.
    pub freed_bytes: u64,
}

/// The counters of one (site, type).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Index into [`Profile::functions`].
    pub function: usize,
    /// Index into that function's sites.
    pub site: usize,
    /// Concrete type, where one was seen.
    pub type_name: Option<String>,
    /// Its size in bytes; 0 of a receiver, which is known by name only.
    pub type_size: u64,
    /// Whether dropping it does anything.
    pub needs_drop: bool,
    /// Exact number of executions.
    pub count: u64,
    /// Executions that were timed; 0 for kinds that are only counted.
    pub timed: u64,
    /// Time exclusive of measured functions and sites inside. Where not all executions were
    /// timed, the estimate for all.
    pub self_ns: u64,
    /// Standard error of `self_ns` by not timing all executions; 0 where all were.
    pub error_ns: f64,
    /// Longest single span of those that were timed.
    pub max_ns: u64,
    /// Allocator operations of its own.
    pub allocs: Allocs,
    /// Await figures; `None` for other kinds.
    pub awaits: Option<Awaits>,
    /// How long guards lived that a variable held; `None` where none did, and in files of version 3 and
    /// before.
    #[serde(default)]
    pub hold: Option<Hold>,
    /// Most messages of the type that were sent and not yet received, where this sends into a channel without
    /// bound or receives from one; `None` elsewhere, and in files of version 3 and before.
    #[serde(default)]
    pub waiting: Option<u64>,
    /// How many of them were not received by the end.
    #[serde(default)]
    pub unreceived: Option<u64>,
}

/// How long what a `.lock()`, `.read()` or `.write()` gave lived, where a variable held it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Exact number that have gone.
    pub count: u64,
    /// Of these, timed.
    pub timed: u64,
    /// Time that they lived, all together. Where not all were timed, the estimate for all.
    pub ns: u64,
    /// Longest of those that were timed.
    pub max_ns: u64,
}

impl Hold {
    /// Adds what another thread, process or type counted.
    pub fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.timed = self.timed.saturating_add(other.timed);
        self.ns = self.ns.saturating_add(other.ns);
        self.max_ns = self.max_ns.max(other.max_ns);
    }
}

/// Await figures of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Awaits {
    /// Polls.
    pub polls: u64,
    /// Completions at the first poll.
    pub ready: u64,
    /// Wait where this was the deepest pending site.
    pub wait_ns: u64,
    /// Wait charged to a deeper site.
    pub nested_wait_ns: u64,
    /// Dropped before completion.
    pub cancelled: u64,
}
