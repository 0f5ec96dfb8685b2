//! What was measured, joined with what the source says: all that rules may look at.

pub mod crates;
mod hidden;
mod join;
pub mod lock;
mod matching;
mod tasks;
mod timeline;
mod totals;

use std::collections::BTreeMap;

use hotpath_runtime_syntax::{Budget, Kind};

use crate::profile::{
    Allocs, Awaits, Bucket, CpuTime, FirstCall, Hold, Polls, ProbeCosts, Retained, Seen, SizeClass,
    Timeline,
};
use crate::run_dir::Codegen;

pub use join::join;

/// The joined view of one run.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Wall time of the repetition that every figure is from.
    pub wall_ns: u64,
    /// CPU time from the system.
    pub cpu_ns: Option<u64>,
    /// Time with no measured function on a thread's stack, all threads, idle ones included.
    pub outside_ns: u64,
    /// CPU time by the clocks of the threads; `None` where those were not read.
    pub processor: Option<CpuTime>,
    /// Threads seen.
    pub threads: u64,
    /// Processors of the machine; 0 where that isn't known.
    pub cores: u64,
    /// Threads that polled measured async functions.
    pub polling_threads: u64,
    /// Whether a counting allocator ran.
    pub allocations_measured: bool,
    /// Calibrated costs of probes and of the allocator.
    pub probes: ProbeCosts,
    /// What the allocator took, by size in ascending order.
    pub allocator: Vec<SizeClass>,
    /// What was live at the end, by function and site of this structure; `None` when it was not
    /// asked for.
    pub retained: Option<Retained>,
    /// How the workload was built.
    pub build: BuildFacts,
    /// Measured functions.
    pub functions: Vec<FunctionFacts>,
    /// Caller to callee, merged over contexts; `None` as caller is unmeasured code.
    pub edges: Vec<Edge>,
    /// Source text by file name as in [`FunctionFacts::file`], where it could be read.
    pub sources: BTreeMap<String, String>,
    /// What was seen of the threads from outside; `None` where nobody looked.
    pub timeline: Option<Timeline>,
    /// Cold work of the probes themselves, on all threads: no part of any other time here.
    pub cold_ns: u64,
    /// Allocator operations with no measured function on the stack.
    pub outside_allocs: Allocs,
    /// Most bytes that were live at once; `None` where that was not measured.
    pub peak_live_bytes: Option<u64>,
}

/// How the workload was built.
#[derive(Clone, Debug, Default)]
pub struct BuildFacts {
    /// Cargo profile.
    pub profile: String,
    /// `opt-level` as cargo reported it for the executable (`"0"`, `"3"`, `"s"` ..).
    pub opt_level: Option<String>,
    /// Whether debug assertions were on.
    pub debug_assertions: Option<bool>,
    /// Manifest of the workload's package, relative to the workspace root.
    pub manifest: Option<String>,
    /// How code was generated; `None` where that isn't known.
    pub codegen: Option<Codegen>,
    /// Whether the program has a global allocator of its own; `None` where that isn't known.
    pub own_allocator: Option<bool>,
}

/// One function: measured figures and source facts.
#[derive(Clone, Debug, Default)]
pub struct FunctionFacts {
    /// `crate::module::Type::method`.
    pub path: String,
    /// Stable id: of package, target, module, name and ordinal, not of the position.
    pub id: String,
    /// Package.
    pub package: String,
    /// File relative to the workspace root.
    pub file: String,
    /// Line of its name.
    pub line: u32,
    /// Column of its name.
    pub column: u32,
    /// No counterpart in the source: it comes from a `macro_rules` body (or the source has changed).
    pub from_macro: bool,
    /// Whether it is an `async fn`.
    pub is_async: bool,
    /// Exact number of calls.
    pub calls: u64,
    /// Calls (async: polls) that were timed.
    pub timed: u64,
    /// Time of outermost calls; where not all were timed, the estimate for all.
    pub total_ns: u64,
    /// Standard error of `total_ns` by not timing all calls.
    pub error_ns: f64,
    /// Time exclusive of nested measured functions.
    pub self_ns: u64,
    /// Longest single span.
    pub max_ns: u64,
    /// Allocator operations, exclusive.
    pub self_allocs: Allocs,
    /// Allocator operations, nested measured functions included.
    pub total_allocs: Allocs,
    /// What its first call allocated, with all that it called, where that is known: of several threads'
    /// first calls the one that allocated most.
    pub first: Option<FirstCall>,
    /// Async figures.
    pub polls: Option<Polls>,
    /// Distribution of calls.
    pub histogram: Vec<Bucket>,
    /// Its sites that were hit, one entry per (site, type).
    pub sites: Vec<SiteFacts>,
    /// Spans of measured functions inside of its outermost calls, and how many of them were timed.
    pub nested: Nested,
    /// Sites of the enumeration that this run never reached.
    pub unreached_sites: u64,
    /// Rules switched off for the whole function: `#[hotpath(allow(..))]` or a comment.
    pub allowed: Vec<String>,
    /// What a call may cost: `#[hotpath(budget(..))]` as it was when the program was built.
    pub budget: Budget,
    /// What was seen of it from outside; `None` where nobody looked.
    pub timeline: Option<Seen>,
}

/// Spans inside of a function's calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nested {
    /// Exact number.
    pub spans: u64,
    /// Of these, timed.
    pub timed: u64,
}

/// One (site, type).
#[derive(Clone, Debug)]
pub struct SiteFacts {
    /// Index in the function's enumeration.
    pub index: usize,
    /// Kind.
    pub kind: Kind,
    /// Line of the method name, macro path or `await`.
    pub line: u32,
    /// Column, 1-based characters.
    pub column: u32,
    /// Short text.
    pub label: String,
    /// Concrete type.
    pub type_name: Option<String>,
    /// Its size in bytes; 0 of a receiver, which is known by name only.
    pub type_size: u64,
    /// Whether dropping it does anything.
    pub needs_drop: bool,
    /// Exact number of executions.
    pub count: u64,
    /// Executions that were timed.
    pub timed: u64,
    /// Time, exclusive; where not all were timed, the estimate for all.
    pub self_ns: u64,
    /// What likely hid behind the clock while it was timed, in none of the site's times; less what its
    /// arguments hid, which is in them.
    pub hidden_ns: f64,
    /// Standard error of `self_ns` by not timing all executions.
    pub error_ns: f64,
    /// Longest span.
    pub max_ns: u64,
    /// Allocator operations, exclusive.
    pub allocs: Allocs,
    /// Await figures.
    pub awaits: Option<Awaits>,
    /// How long the guards lived, where this takes a lock and variables hold them; `None` elsewhere.
    pub hold: Option<Hold>,
    /// Most messages of the type that waited at once, where this sends into a channel without bound or
    /// receives from one; `None` elsewhere.
    pub waiting: Option<u64>,
    /// How many of them were not received by the end.
    pub unreceived: Option<u64>,
    /// Distribution of the site's spans, of all its types, where one is kept (awaits, locks).
    pub histogram: Vec<Bucket>,
    /// What the source says of it; `None` when source and profile could not be joined here.
    pub source: Option<SiteSource>,
    /// Rules switched off here by a comment.
    pub allowed: Vec<String>,
}

/// What the source says of a site.
#[derive(Clone, Debug, Default)]
pub struct SiteSource {
    /// Range of the whole expression.
    pub span: Span,
    /// Range of the statement that holds it.
    pub statement: Span,
    /// How many loops of the function enclose it; the body of a closure that an iterator adapter
    /// or `for_each` calls counts as one.
    pub loop_depth: u32,
    /// Range of the innermost enclosing loop.
    pub innermost_loop: Option<Span>,
    /// Whether iterations of that loop may run at once: those of a parallel iterator.
    pub loop_is_shared: Option<bool>,
    /// Name of the method, where the site is a call of one.
    pub method: Option<String>,
    /// Text of the receiver, or of the macro's first argument for `write!`.
    pub receiver: Option<String>,
    /// First identifier of the receiver, when it is a path or field access.
    pub receiver_root: Option<String>,
    /// Where that root gets its value.
    pub root_origin: Option<Origin>,
    /// Whether that root is bound, assigned or mutably borrowed inside the innermost loop.
    pub root_changes_in_loop: Option<bool>,
    /// Whether that root changes in a loop around the innermost one: there each entry of the
    /// innermost loop meets another value.
    pub root_changes_around: Option<bool>,
    /// Whether that root changes inside a loop whose head holds the site: while the value is in use.
    pub root_changes_in_use: Option<bool>,
    /// What the value is used for.
    pub usage: Usage,
    /// Whether the closure that it is given looks for elements that are equal to something else; `None`
    /// where it is given none.
    pub searches_for_equal: Option<bool>,
    /// Methods that are called on the value, and on what the one before gives: `iter` and `rev` in
    /// `<site>.iter().rev()`.
    pub followed_by: Vec<String>,
    /// Texts of the arguments (of a macro: after the format string, where there is one).
    pub arguments: Vec<String>,
    /// Whether all arguments are literals.
    pub literal_arguments: bool,
    /// `let` binding that holds the value, when the statement is `let x = <site>`.
    pub bound_to: Option<String>,
    /// Whether that binding is `mut`, or a `move` closure or block in the innermost loop may take
    /// it along.
    pub changed_or_moved: bool,
    /// The place where that binding is used, if there is only one, in the same loop.
    pub used_once: Option<OnlyUse>,
    /// Site indices of the calls that grow that binding inside a loop which starts after it.
    pub grown_by: Vec<usize>,
    /// Site indices of the calls that grow that binding anywhere.
    pub fed_by: Vec<usize>,
    /// Whether that binding is only borrowed while it lives: never moved, given away or assigned.
    pub only_lent: Option<bool>,
    /// Whether the variable that the receiver is a part of stays as it is while that binding is in
    /// scope: not changed, given away, or called a method on that may change it.
    pub original_stays: Option<bool>,
    /// Where the receiver is a variable of the function: whether nothing names it after this, in
    /// this iteration or another, so that it could be moved.
    pub last_use: Option<bool>,
    /// Type that the receiver's variable was declared with, as it is written: of a parameter, or of
    /// a `let` with a type.
    pub declared_type: Option<String>,
    /// Site whose value a `let` bound to the receiver's variable.
    pub bound_by: Option<usize>,
    /// Site of the call that takes the value, as receiver or argument.
    pub taken_by: Option<usize>,
    /// Whether what is evaluated while the value is in use, by the rest of its statement or the body of
    /// a `for` in whose head it stands, names a variable that the site names. `None` where it doesn't,
    /// in no such head.
    pub read_in_body: Option<bool>,
    /// Of an await: its place among the others.
    pub awaited: Option<AwaitSource>,
    /// Where the site makes what a `for` goes through: whether each item is only borrowed by the body.
    pub items_only_lent: Option<bool>,
    /// The expression of the enclosing test function or module: not a hot path of the product.
    pub in_test: bool,
}

/// The only use of a `let` binding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnlyUse {
    /// What it is used for.
    pub usage: Usage,
    /// As [`SiteSource::followed_by`].
    pub followed_by: Vec<String>,
    /// Whether something that the value is made from is named while the binding is in scope.
    pub read_meanwhile: bool,
}

/// What the source says of an await.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwaitSource {
    /// Name of the function or method whose future it is.
    pub callee: Option<String>,
    /// Site of the await in the statement before, if both could be awaited at once: this one names
    /// nothing that the other binds, and neither borrows mutably.
    pub after: Option<usize>,
    /// Sites of locks whose guards live here.
    pub held: Vec<usize>,
    /// Which loop it stands in.
    pub repeated: Repeated,
    /// Whether it borrows something mutably, as far as the syntax tells.
    pub is_exclusive: bool,
}

/// How a loop repeats an await.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeated {
    /// It is in no loop of its body.
    #[default]
    Once,
    /// It is the condition of one: a loop of events.
    Head,
    /// For each item of a `for`, with no need of the iteration before.
    Each,
    /// In a loop that may end early, or whose iterations need each other.
    Carried,
}

/// Where a variable gets the value that a site meets, going by the innermost loop around the site, or by
/// the function where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Outside: all iterations meet the same variable.
    #[default]
    Outside,
    /// By a `let` or another pattern in it: each iteration has its own, which may be a reference.
    Inside,
    /// By the loop itself: it goes through it.
    Element,
}

/// What the value of a site is used for, as far as the syntax tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Usage {
    /// Operand of `&`: only borrowed.
    Borrowed,
    /// Receiver of this method.
    Receiver(String),
    /// Argument of this function or method (`push_str`), at this position.
    Argument {
        /// Last segment of the callee.
        callee: String,
        /// 0-based.
        position: usize,
        /// Whether a `&` stands before it.
        borrowed: bool,
    },
    /// Right side of `+=`.
    AddAssign {
        /// Whether a `&` stands before it.
        borrowed: bool,
    },
    /// Bound by a `let`.
    Bound,
    /// Operand of `==` or `!=`.
    Compared,
    /// What a `for` goes through.
    Iterated,
    /// A statement of its own, its value dropped.
    Statement,
    /// Anything else.
    #[default]
    Other,
}

/// A range of source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub byte_start: usize,
    /// Byte after the last.
    pub byte_end: usize,
    /// First line, 1-based.
    pub line: u32,
    /// First column, 1-based characters.
    pub column: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Column after the last character.
    pub end_column: u32,
}

/// Calls from one function to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    /// Index into [`Facts::functions`]; `None` is unmeasured code.
    pub caller: Option<usize>,
    /// Index into [`Facts::functions`].
    pub callee: usize,
    /// Exact number of calls.
    pub calls: u64,
    /// Time of the callee under this caller; of recursive calls that of each, nested ones included.
    pub total_ns: u64,
}
