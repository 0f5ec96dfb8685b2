//! What a run measured, small enough to keep and compare: counts and times of functions and sites over
//! all its repetitions, under names that survive moved lines.

mod gather;
pub mod names;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::profile::FirstCall;
use crate::schema::{Environment, InstructionSource, Workload};

pub use gather::{Repeated, gather};

/// One run, or one that is kept as a baseline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// What times depend on beside the program: they are never compared where any of it differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// First line of `rustc -V`.
    pub rustc: String,
    /// Target triple.
    pub target: String,
    /// Cargo profile.
    pub profile: String,
    /// Features the user asked for.
    pub features: Vec<String>,
    /// CPU model, where the system names it.
    pub cpu: Option<String>,
    /// Logical cores.
    pub cores: u64,
    /// Operating system.
    pub os: String,
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Calls.
    pub calls: Count,
    /// Allocations; `null` when not measured, as those below.
    pub allocs: Option<Count>,
    /// Bytes they asked for.
    pub alloc_bytes: Option<Count>,
    /// Reallocations.
    pub reallocs: Option<Count>,
    /// Allocations of its own.
    pub self_allocs: Option<Count>,
    /// Polls of an async function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polls: Option<Count>,
    /// Size of its plain future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub future_bytes: Option<Count>,
    /// What its first call did, where that is known; budgets of calls are judged without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<FirstCall>,
    /// Time exclusive of measured functions that it calls, of each repetition.
    pub self_ns: Vec<u64>,
    /// Median of its calls, of each repetition that has one.
    pub p50_ns: Vec<u64>,
    /// 95th percentile.
    pub p95_ns: Vec<u64>,
    /// 99th percentile.
    pub p99_ns: Vec<u64>,
    /// The counts of each repetition; empty in what was read from a file.
    #[serde(skip)]
    pub each: Vec<Each>,
}

/// Counts of a function in one repetition.
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
    /// Polls.
    pub polls: u64,
    /// What the first call did.
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

/// A count over all repetitions: one number where they agree, `[least, most]` where they don't.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Count {
    /// In the repetition that had the fewest.
    pub least: u64,
    /// In the one that had the most.
    pub most: u64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Same(u64),
    Differing([u64; 2]),
}

impl From<Written> for Count {
    fn from(written: Written) -> Self {
        match written {
            Written::Same(count) => Self::exact(count),
            Written::Differing([a, b]) => Self { least: a.min(b), most: a.max(b) },
        }
    }
}

impl From<Count> for Written {
    fn from(count: Count) -> Self {
        match count {
            Count { least, most } if least == most => Self::Same(least),
            Count { least, most } => Self::Differing([least, most]),
        }
    }
}

impl Count {
    /// The same in every repetition.
    pub fn exact(count: u64) -> Self {
        Self { least: count, most: count }
    }

    /// Of these repetitions; `None` of none.
    pub fn of(counts: impl IntoIterator<Item = u64>) -> Option<Self> {
        counts
            .into_iter()
            .map(Self::exact)
            .reduce(|a, b| Self { least: a.least.min(b.least), most: a.most.max(b.most) })
    }

    /// Whether all repetitions agree.
    pub fn is_exact(self) -> bool {
        self.least == self.most
    }
}

impl Snapshot {
    /// How many repetitions it is of.
    pub fn repetitions(&self) -> usize {
        self.totals.wall_ns.len()
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

impl From<&Environment> for Fingerprint {
    fn from(environment: &Environment) -> Self {
        Self {
            rustc: environment.rustc.clone(),
            target: environment.target.clone(),
            profile: environment.profile.clone(),
            features: environment.features.clone(),
            cpu: environment.cpu.clone(),
            cores: environment.cores,
            os: environment.os.clone(),
        }
    }
}

impl Fingerprint {
    /// What differs, in words: `rustc 1.94.0 and rustc 1.95.0`.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let cores = |print: &Self| format!("{} cores", print.cores);
        let cpu = |print: &Self| print.cpu.clone().unwrap_or_else(|| "an unknown CPU".to_owned());
        let profile = |print: &Self| format!("profile `{}`", print.profile);
        let features = |print: &Self| match print.features.as_slice() {
            [] => "no features asked for".to_owned(),
            features => format!("features `{}`", features.join(",")),
        };
        let of = |print: &Self| {
            [
                print.rustc.clone(),
                print.target.clone(),
                profile(print),
                features(print),
                cpu(print),
                cores(print),
                print.os.clone(),
            ]
        };
        let pairs = of(self).into_iter().zip(of(other));
        pairs.filter(|(a, b)| a != b).map(|(a, b)| format!("{a} and {b}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_one_number_unless_repetitions_differ() {
        let written = |counts: &[u64]| {
            serde_json::to_string(&Count::of(counts.iter().copied()).unwrap()).unwrap()
        };
        assert_eq!(written(&[7, 7, 7]), "7");
        assert_eq!(written(&[9, 7, 8]), "[7,9]");
        assert_eq!(Count::of([]), None);
        let read: Count = serde_json::from_str("[9, 7]").unwrap();
        assert_eq!(read, Count { least: 7, most: 9 });
        assert!(serde_json::from_str::<Count>("-1").is_err());
    }

    #[test]
    fn fingerprints_say_what_differs() {
        let ours = Fingerprint { rustc: "rustc 1".to_owned(), cores: 2, ..Fingerprint::default() };
        let theirs = Fingerprint { rustc: "rustc 2".to_owned(), ..ours.clone() };
        assert_eq!(ours.differences(&theirs), ["rustc 1 and rustc 2"]);
        assert!(ours.differences(&ours).is_empty());
    }
}
