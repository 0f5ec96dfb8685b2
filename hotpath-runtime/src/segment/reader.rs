//! The safe, bounded reader of a segment: bytes of a file that nobody vouches for, to plain data.
//!
//! All times are in ticks of the segment's clock; [`Clock::nanos`] converts. Every index in this
//! data has been checked against the vector that it points into.

/// One process's counters, as far as they were written.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The process that wrote it.
    pub process: Process,
    /// Which clock the ticks are of, with its two anchors.
    pub clock: Clock,
    /// What the probes themselves cost in this process.
    pub calibration: Calibration,
    /// Heap figures of the whole process; `None` when no counting allocator ran.
    pub memory: Option<Memory>,
    /// What allocations and frees took, by size: classes in ascending order.
    pub allocator: Vec<SizeClass>,
    /// The sample of blocks that were live at the end; `None` where none was asked for.
    pub retained: Option<Retained>,
    /// The functions that registered, each with its expression sites.
    pub functions: Vec<Function>,
    /// One entry per slab: a slab serves one thread after another.
    pub slabs: Vec<Slab>,
    /// Bytes of counters that had no room in the file and are lost to the reader.
    pub private_bytes: u64,
    /// Counts that went to no node because a fixed limit was reached.
    pub overflowed: u64,
}

/// Who wrote the segment.
#[derive(Clone, Debug)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Parent's process id.
    pub parent_pid: u32,
    /// The command line, arguments separated by NUL, cut at a fixed length.
    pub command: String,
    /// Whether the exit hook ran: false after `abort`, SIGKILL and the like.
    pub exited: bool,
    /// Whether it was forked by a process that measured. Such processes often leave by `_exit`,
    /// which no hook sees.
    pub forked: bool,
}

/// A pair of readings of the segment's clock and the system's monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Ticks of the segment's clock.
    pub ticks: u64,
    /// `CLOCK_MONOTONIC` in nanoseconds: comparable between processes of one boot.
    pub monotonic_ns: u64,
}

/// The segment's clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// `tsc`, `cntvct` or `system`.
    pub kind: ClockKind,
    /// Taken when the segment was made.
    pub start: Anchor,
    /// The newest one.
    pub end: Anchor,
    /// Why it is not the processor's counter; `None` where it is.
    pub system_reason: Option<SystemReason>,
    /// By how much its rate was seen to change while the process ran, at most, in parts per
    /// million; 0 where it did not. Times of the parts before and after are off by as much.
    pub off_ppm: u64,
}

/// Why a process took the system's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemReason {
    /// `CARGO_HOTPATH_CLOCK=system`.
    Asked = 1,
    /// The processor has no counter that user mode may read.
    NoCounter,
    /// The processor does not promise that its counter runs at one rate in all its states.
    NotInvariant,
    /// The kernel does not go by the counter.
    NotTrusted,
    /// One reading takes over 200 ns: a hypervisor or a debugger traps it.
    Slow,
    /// A reading was below the one before it.
    WentBack,
    /// The counter did not run at one rate by the system's clock.
    Uneven,
}

/// Where ticks come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockKind {
    /// The invariant time stamp counter of x86-64.
    Tsc,
    /// The virtual counter of aarch64.
    Cntvct,
    /// The system's monotonic clock: a tick is a nanosecond.
    System,
}

/// Costs measured in the process at its start, in ticks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Calibration {
    /// What a span of nothing reads: the part of a probe inside its own span.
    pub inside: u64,
    /// A whole function probe.
    pub function: u64,
    /// A whole timed expression probe.
    pub expression: u64,
    /// An expression probe that only counts.
    pub counted: u64,
    /// One small allocation of the inner allocator.
    pub alloc: u64,
    /// One free of it.
    pub free: u64,
    /// What an empty call that is timed adds to its own function's time: the part of `function`
    /// inside the span.
    pub function_inside: u64,
    /// A whole function probe that is not timed.
    pub function_untimed: u64,
    /// The part of `expression` inside the expression's own span.
    pub expression_inside: u64,
    /// A whole probe of an expression whose spans are timed, this one not.
    pub expression_untimed: u64,
    /// The probe of a timed poll of an async function, ready at once.
    pub poll: u64,
    /// The same, not timed.
    pub poll_untimed: u64,
    /// The probe of an await that is ready at once.
    pub awaited: u64,
    /// Attributing one allocator operation to the function on top.
    pub charge: u64,
    /// The same with an expression open, which it is attributed to as well.
    pub charge_open: u64,
    /// Hashing a `u64` as maps do by default, many in turn; 0 where the counter is too coarse for it.
    pub hash: u64,
    /// What of some work the span of a timed expression may not show, as the processor is done with it while
    /// the clock is read: the share of a hash that is missing in its span, of `inside`.
    pub hidden: u64,
}

/// Heap figures of the process.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Bytes that were live at the end.
    pub live_bytes: i64,
    /// The most bytes that were live at once.
    pub peak_live_bytes: u64,
    /// How far both may be off: what threads had not handed over.
    pub error_bytes: u64,
}

/// What the allocator took for blocks of similar size: one operation in about 256 is timed, chosen
/// at random. What the system needs to map, zero and unmap pages is part of it; of an operation
/// that the thread was held up in only as much as is usual counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SizeClass {
    /// Its largest size; blocks of the class before have at most half of it.
    pub bytes: u64,
    /// Allocations.
    pub allocs: Cost,
    /// Frees.
    pub frees: Cost,
}

/// Operations that were timed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// How many.
    pub timed: u64,
    /// Their ticks, [`Calibration::inside`] included in each.
    pub ticks: u64,
    /// Sum of the squares of each one's ticks.
    pub squares: f64,
}

/// Blocks that were live at the end, sampled: each byte that is allocated was drawn with a
/// probability of one in `period`, and a block is here if one of its bytes was.
#[derive(Clone, Debug)]
pub struct Retained {
    /// Bytes of which one is drawn.
    pub period: u64,
    /// Blocks that were drawn and found no room in the table.
    pub dropped: u64,
    /// Their bytes.
    pub dropped_bytes: u64,
    /// Those that were live.
    pub blocks: Vec<LiveBlock>,
}

/// A sampled block that was live at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveBlock {
    /// Index into [`Segment::functions`] of the one on top when it was drawn; `None` outside of
    /// measured functions.
    pub function: Option<usize>,
    /// Index into that function's sites of the expression that was open.
    pub site: Option<usize>,
    /// Its size in bytes.
    pub size: u64,
    /// Bytes of it that took part in the drawing: its size, and what it was larger by before.
    pub drawn: u64,
    /// Ticks at which it was drawn.
    pub born: u64,
}

impl Retained {
    /// The probability with which a block was kept.
    pub fn probability(&self, block: &LiveBlock) -> f64 {
        -(-(block.drawn as f64) / self.period as f64).exp_m1()
    }
}

/// A registered function.
#[derive(Clone, Debug)]
pub struct Function {
    /// `CARGO_PKG_NAME` where it was compiled; empty without cargo.
    pub package: String,
    /// `CARGO_CRATE_NAME`: the target it was compiled in.
    pub target: String,
    /// `module_path!()`.
    pub module: String,
    /// `method` or `Type::method`, or the `name` option.
    pub name: String,
    /// `file!()` as rustc saw it.
    pub file: String,
    /// Line of the identifier, 1-based.
    pub line: u32,
    /// Column of the identifier in characters, 1-based.
    pub column: u32,
    /// Whether it is an `async fn`.
    pub is_async: bool,
    /// Its expression and await sites, in the order of the enumeration.
    pub sites: Vec<Site>,
    /// Line and column of the macro call that it comes from, 1-based; 0 where it stands in the
    /// source.
    pub origin: [u32; 2],
    /// What a call may cost, as `hotpath_runtime_syntax::Budget` writes it; empty without one.
    pub budget: String,
}

/// An expression or await site of a function.
#[derive(Clone, Debug)]
pub struct Site {
    /// Name of its kind, as in `hotpath_runtime_syntax::Kind`.
    pub kind: String,
    /// Line of the method name, macro path or `await`, 1-based.
    pub line: u32,
    /// Column in characters, 1-based.
    pub column: u32,
    /// Short source text.
    pub label: String,
}

/// The counters of one slab.
#[derive(Clone, Debug)]
pub struct Slab {
    /// System's id of the thread that held it last.
    pub tid: u32,
    /// How many threads held it, one after another.
    pub threads: u64,
    /// Ticks during which a thread held it, up to the clock's end for one that still does.
    pub lifetime: u64,
    /// Of these, ticks of the probes' own cold work: making nodes, touching pages, attaching the
    /// thread. No sum over spans holds them.
    pub cold: u64,
    /// What its threads had of the processor; `None` where that found no room in the file.
    pub processor: Option<Processor>,
    /// Calling context tree; `nodes[0]` is the root: time and allocations outside of any
    /// measured function. A parent comes before its children.
    pub nodes: Vec<Node>,
    /// Flat rows of expression and await sites.
    pub rows: Vec<Row>,
    /// Histograms by function or await site.
    pub histograms: Vec<Histogram>,
}

/// CPU time of the threads of a slab: all of it, and what was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Processor {
    /// CPU time of those threads that ended or that the exit hook met, nanoseconds; `None` where the
    /// system did not tell.
    pub thread_ns: Option<u64>,
    /// Polls with no measured function around them.
    pub inside: Ran,
    /// From the close of such a poll to the next call.
    pub outside: Ran,
    /// The same, where the poll was of a function most of whose spans are not timed.
    pub after_thinned: Ran,
}

/// Spans that were looked at, each counted for the polls that it stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ran {
    /// How many were looked at.
    pub looks: u64,
    /// For how many polls they stand.
    pub polls: u64,
    /// CPU time, nanoseconds.
    pub cpu_ns: u64,
    /// Elapsed time, ticks.
    pub ticks: u64,
    /// Sum of the squares of each one's CPU time, times the polls it stands for, nanoseconds squared.
    pub squares: f64,
    /// Sum of the squares of the elapsed times, ticks squared, and of the products of CPU time and elapsed
    /// time, each counted for the polls that it stands for.
    pub tick_squares: f64,
    /// Likewise, nanoseconds times ticks.
    pub products: f64,
}

/// A function in its calling context.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Index into [`Segment::functions`]; `None` for the root and for the overflow node.
    pub function: Option<usize>,
    /// Index of the parent; `None` for the root.
    pub parent: Option<usize>,
    /// For the back edge of a recursion: the ancestor that it re-enters.
    pub alias_of: Option<usize>,
    /// Exact number of calls.
    pub calls: u64,
    /// Calls (for async functions polls) that were timed.
    pub timed: u64,
    /// Sum of the spans of outermost calls, ticks; what was open at the end is included. Where
    /// not all calls were timed, the estimate for all.
    pub sum: u64,
    /// Sum of the spans of calls nested in a call of this same node, ticks; likewise.
    pub nested: u64,
    /// Variance of `sum` and `nested` by not timing all calls, ticks squared; 0 where all were.
    pub variance: f64,
    /// Longest single span that was timed, ticks; for async functions of a poll.
    pub max: u64,
    /// Calls that were still open at the end.
    pub open: u64,
    /// Polls; 0 for sync functions.
    pub polls: u64,
    /// Ticks between a pending poll and the next, or the drop of the future.
    pub wait: u64,
    /// Futures dropped before completion.
    pub cancelled: u64,
    /// Size of the future in bytes, without our wrapper; 0 for sync functions.
    pub future_bytes: u64,
    /// What was allocated while this node was on top (self).
    pub allocs: Allocs,
    /// What the first call allocated, with all that it called; `None` for async functions, and where
    /// that call was not the first to close or had not closed.
    pub first: Option<First>,
    /// Where it lies in the segment, in bytes from the start: what [`Thread::node`] named while
    /// the process ran.
    pub offset: u64,
}

/// What a function's first call in a context allocated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct First {
    /// Allocations.
    pub count: u64,
    /// Bytes asked for by them.
    pub bytes: u64,
    /// Reallocations.
    pub reallocs: u64,
}

/// Allocator operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocs {
    /// Allocations.
    pub count: u64,
    /// Bytes asked for by them.
    pub bytes: u64,
    /// Reallocations.
    pub reallocs: u64,
    /// Bytes that reallocations moved (old size, where the block changed its place).
    pub moved_bytes: u64,
    /// Bytes by which reallocations grew their blocks.
    pub grown_bytes: u64,
    /// Ticks spent in reallocations: of small ones one in about 8 is timed, and stands for the rest.
    pub realloc_ticks: u64,
    /// Frees, counted where they happen.
    pub frees: u64,
    /// Bytes freed.
    pub freed_bytes: u64,
}

/// The counters of one (site, type) in one slab.
#[derive(Clone, Debug)]
pub struct Row {
    /// Index into [`Segment::functions`].
    pub function: usize,
    /// Index into that function's `sites`.
    pub site: usize,
    /// `type_name` of the value, or of the receiver where the kind says so; of the future for
    /// awaits. `None` where every execution ended without a value (panic, `?`).
    pub type_name: Option<String>,
    /// Its size in bytes.
    pub type_size: u64,
    /// Whether dropping it does anything.
    pub needs_drop: bool,
    /// Exact number of executions.
    pub count: u64,
    /// Executions that were timed.
    pub timed: u64,
    /// Ticks, without measured functions and expression sites inside. Where not all executions
    /// were timed, the estimate for all.
    pub ticks: u64,
    /// Variance of `ticks` by not timing all executions, ticks squared; 0 where all were.
    pub variance: f64,
    /// Most ticks of a single execution, counted as in `ticks`.
    pub max: u64,
    /// What was allocated in it, without sites and measured functions inside.
    pub allocs: Allocs,
    /// Await sites: polls.
    pub polls: u64,
    /// Await sites: completions at the first poll. One whose first poll a kill cut short is among them.
    pub ready: u64,
    /// Await sites: ticks between a pending poll and the next (or the drop of the future) where
    /// this was the deepest site.
    pub wait: u64,
    /// Await sites: the same where a deeper site was waited for.
    pub nested_wait: u64,
    /// Await sites: dropped before completion.
    pub cancelled: u64,
    /// Locks whose guard a `let` binds, for all types of the site in one of their rows; `None` where no guard
    /// has gone yet.
    pub holds: Option<Holds>,
    /// Of a sender into a channel without bound, and a receiver: the most messages of its type that were sent
    /// and not yet received, all such channels of the process together.
    pub waiting: Option<u64>,
    /// How many of them were not received when the segment was read.
    pub unreceived: Option<u64>,
}

/// How long the guards of a lock lived, those that have gone.
#[derive(Clone, Debug)]
pub struct Holds {
    /// Guards; exact to the few that were still alive.
    pub count: u64,
    /// Guards whose life was timed.
    pub timed: u64,
    /// Ticks that they lived. Where not all were timed, the estimate for all.
    pub ticks: u64,
    /// Ticks of the longest.
    pub max: u64,
}

/// Distribution of spans: for async functions of the time from the first poll to completion, for
/// awaits that pended of that from the end of the first poll.
#[derive(Clone, Debug)]
pub struct Histogram {
    /// Index into [`Segment::functions`].
    pub function: usize,
    /// `None` for the function itself, else an index into its sites.
    pub site: Option<usize>,
    /// Non-empty buckets: lowest value in ticks, highest value in ticks, count. A timed span
    /// counts for those that were not timed since the one before.
    pub buckets: Vec<(u64, u64, u64)>,
}

mod bytes;
mod costs;
mod error;
mod functions;
mod parse;
mod processor;
mod retained;
mod slabs;
mod threads;

pub use self::error::ReadError;
pub use self::parse::{read, seal};
pub use self::threads::{Thread, Threads};
pub use crate::clock::{anchor, native_clock};

impl Clock {
    /// Nanoseconds of a span in ticks, by the rate between the two anchors.
    pub fn nanos(&self, ticks: u64) -> f64 {
        let ran_ticks = self.end.ticks.saturating_sub(self.start.ticks);
        let ran_ns = self.end.monotonic_ns.saturating_sub(self.start.monotonic_ns);
        if ran_ticks == 0 || ran_ns == 0 {
            return ticks as f64;
        }
        ticks as f64 * (ran_ns as f64 / ran_ticks as f64)
    }
}
