//! What a run measured, small enough to keep and compare: counts and times of functions and sites over
//! all its repetitions, under names that survive moved lines.

mod count;
mod fingerprint;
mod gather;
pub mod names;
mod written;

use std::collections::BTreeMap;

use hotpath_runtime_syntax::Budget;
use serde::{Deserialize, Serialize};

use crate::profile::FirstCall;
use crate::schema::{InstructionSource, Workload};

pub use count::Count;
pub use fingerprint::Fingerprint;
pub use gather::{Repeated, gather};

/// One run, or one that is kept as a baseline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "written::Snapshot", into = "written::Snapshot")]
pub struct Snapshot {
    /// What ran.
    pub workload: Identity,
    /// Where and with what it was built and run.
    pub environment: Fingerprint,
    /// Sums over the workload.
    pub totals: Totals,
    /// Functions that were called, by path.
    pub functions: BTreeMap<String, Figures>,
    /// Sites that allocated, by function, kind and text.
    pub sites: BTreeMap<String, SiteFigures>,
    /// Where its functions are, by the same names; empty in what was read from a file.
    pub index: BTreeMap<String, Known>,
}

/// A function of a snapshot in the sources.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Its path.
    pub path: String,
    /// Its id in reports.
    pub id: String,
    /// File relative to the workspace root.
    pub file: String,
    /// Line of its name.
    pub line: u32,
    /// Column of its name.
    pub column: u32,
    /// Limits of its attribute.
    pub budget: Budget,
    /// Names of its sites that were hit, by their index.
    pub sites: BTreeMap<usize, String>,
}

/// What ran: runs of something else can't be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// `bin`, `example`, `test`, `bench` or `lib`.
    pub kind: String,
    /// Package.
    pub package: String,
    /// Target.
    pub name: String,
    /// Arguments.
    pub args: Vec<String>,
}

/// Sums over the workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Elapsed, of each repetition.
    pub wall_ns: Vec<u64>,
    /// CPU time, of each repetition that the system told it of.
    pub cpu_ns: Vec<u64>,
    /// Allocations; `null` when not measured, as those below.
    pub allocs: Option<Count>,
    /// Bytes they asked for.
    pub alloc_bytes: Option<Count>,
    /// Reallocations.
    pub reallocs: Option<Count>,
    /// Most bytes live at once.
    pub peak_live_bytes: Option<Count>,
    /// Instructions, where they were asked for and counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<InstructionCounts>,
}

/// Instructions of each repetition that has a count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstructionCounts {
    /// What counted them.
    pub source: InstructionSource,
    /// The counts.
    pub counts: Vec<u64>,
}

/// Figures of a function; allocations include those of measured functions that it calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Calls.
    pub calls: Count,
    /// Allocations; `None` when not measured, as those below.
    pub allocs: Option<Count>,
    /// Bytes they asked for.
    pub alloc_bytes: Option<Count>,
    /// Reallocations.
    pub reallocs: Option<Count>,
    /// Allocations of its own.
    pub self_allocs: Option<Count>,
    /// Polls of an async function.
    pub polls: Option<Count>,
    /// Size of its plain future.
    pub future_bytes: Option<Count>,
    /// Time exclusive of measured functions that it calls, of each repetition.
    pub self_ns: Vec<u64>,
    /// Median of its calls, of each repetition that has one.
    pub p50_ns: Vec<u64>,
    /// 95th percentile.
    pub p95_ns: Vec<u64>,
    /// 99th percentile.
    pub p99_ns: Vec<u64>,
    /// The counts of each repetition; a single one where all agree.
    pub each: Vec<Each>,
}

/// Counts of a function in one repetition; those that were not measured are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Each {
    /// Calls.
    pub calls: u64,
    /// Allocations.
    pub allocs: u64,
    /// Bytes they asked for.
    pub alloc_bytes: u64,
    /// Reallocations.
    pub reallocs: u64,
    /// Allocations of its own.
    pub self_allocs: u64,
    /// Polls.
    pub polls: u64,
    /// What the first call did, where that is known and there are others: budgets of calls are
    /// judged without it.
    pub first: Option<FirstCall>,
}

/// Allocations of a site, all types of its values taken together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteFigures {
    /// Executions.
    pub count: Count,
    /// Allocations.
    pub allocs: Count,
    /// Bytes they asked for.
    pub alloc_bytes: Count,
}

impl Figures {
    /// Of these repetitions.
    pub fn of_each(mut each: Vec<Each>, measured: bool, is_async: bool) -> Self {
        for it in each.iter_mut().filter(|it| it.calls <= 1) {
            // Of one call it is all.
            it.first = None;
        }
        if each.iter().all(|it| Some(it) == each.first()) {
            each.truncate(1);
        }
        let count = |of: fn(&Each) -> u64| Count::of(each.iter().map(of));
        let allocated = |of: fn(&Each) -> u64| count(of).filter(|_| measured);
        Self {
            calls: count(|it| it.calls).unwrap_or_default(),
            allocs: allocated(|it| it.allocs),
            alloc_bytes: allocated(|it| it.alloc_bytes),
            reallocs: allocated(|it| it.reallocs),
            self_allocs: allocated(|it| it.self_allocs),
            polls: count(|it| it.polls).filter(|_| is_async),
            each,
            ..Self::default()
        }
    }

    /// Whether it did the same in every repetition.
    pub fn is_steady(&self) -> bool {
        let counts = [Some(self.calls), self.allocs, self.alloc_bytes, self.reallocs];
        counts.into_iter().flatten().all(Count::is_exact)
    }
}

impl Snapshot {
    /// How many repetitions it is of.
    pub fn repetitions(&self) -> usize {
        self.totals.wall_ns.len()
    }

    /// The figures of a function that was called so in another snapshot. One that was alone with its
    /// path had no id in its name, and may have one since.
    pub fn function_like(&self, name: &str, known: &Known) -> Option<(&str, &Figures)> {
        let with_id = format!("{} [{}]", known.path, known.id);
        let names = [name, &known.path, &with_id];
        let found = names.into_iter().find_map(|name| self.functions.get_key_value(name))?;
        Some((found.0, found.1))
    }

    /// Whether it says how much was allocated.
    pub fn measures_allocations(&self) -> bool {
        self.totals.allocs.is_some()
    }
}

impl Identity {
    /// Whether it is the same target, whatever its arguments.
    pub fn is_target_of(&self, other: &Self) -> bool {
        (&self.kind, &self.package, &self.name) == (&other.kind, &other.package, &other.name)
    }

    /// ``bin `shop` of package `market` ``.
    pub fn describe(&self) -> String {
        format!("{} `{}` of package `{}`", self.kind, self.name, self.package)
    }
}

impl From<&Workload> for Identity {
    fn from(workload: &Workload) -> Self {
        Self {
            kind: workload.kind.clone(),
            package: workload.package.clone(),
            name: workload.name.clone(),
            args: workload.args.clone(),
        }
    }
}
