//! Two snapshots against each other: allocations exactly, times by statistics.

pub mod instructions;
pub mod noise;
pub mod statistics;

use serde::Serialize;

use crate::snapshot::{Count, Figures, InstructionCounts, Snapshot};
use instructions::Instructions;
use noise::{Claim, Times};

/// Functions that never take a larger share of either side's time are not judged by time.
const LEAST_SHARE: f64 = 0.01;

/// What differs between two snapshots.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// What to know before reading on.
    pub warnings: Vec<String>,
    /// Whether both are of one machine, toolchain and profile; times are compared only then.
    pub same_environment: bool,
    /// Wall time; `null` where times are not compared.
    pub wall: Option<Times>,
    /// Allocations of the workload.
    pub allocs: Option<Change>,
    /// Bytes they asked for.
    pub alloc_bytes: Option<Change>,
    /// Most bytes live at once.
    pub peak_live_bytes: Option<Change>,
    /// Instructions; `null` where they are not compared.
    pub instructions: Option<Instructions>,
    /// Functions that differ, most additional allocations first.
    pub functions: Vec<FunctionChange>,
    /// Functions in which nothing differs.
    pub unchanged: usize,
}

/// A count before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Of the base.
    pub base: Count,
    /// Of the other.
    pub new: Count,
}

/// How a function differs.
#[derive(Clone, Debug, Serialize)]
pub struct FunctionChange {
    /// Its path.
    pub path: String,
    /// Whether it is in both.
    pub kind: Kind,
    /// Calls.
    pub calls: Change,
    /// Allocations, those of measured functions that it calls included; `null` when not measured.
    pub allocs: Option<Change>,
    /// Bytes they asked for.
    pub alloc_bytes: Option<Change>,
    /// Time exclusive of measured functions that it calls; `null` where times are not compared.
    pub self_time: Option<Times>,
}

/// In which of the two a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Only in the other.
    New,
    /// Only in the base.
    Gone,
    /// In both.
    Changed,
}

impl Change {
    /// Whether one side's repetitions all lie beside the other's: within the spread of repetitions
    /// nothing is claimed.
    pub fn is_real(self) -> bool {
        self.new.least > self.base.most || self.new.most < self.base.least
    }

    /// How much more there is at least; less where negative.
    pub fn difference(self) -> i128 {
        let (base, new) = (self.base, self.new);
        if new.least > base.most {
            i128::from(new.least) - i128::from(base.most)
        } else if new.most < base.least {
            i128::from(new.most) - i128::from(base.least)
        } else {
            0
        }
    }
}

/// Compares two runs of one workload.
pub fn compare(base: &Snapshot, new: &Snapshot) -> Comparison {
    let differences = base.environment.differences(&new.environment);
    let same_environment = differences.is_empty();
    let pair = |base: Option<Count>, new: Option<Count>| {
        base.zip(new).map(|(base, new)| Change { base, new })
    };
    let mut functions = functions(base, new, same_environment);
    noise::withdraw(functions.iter_mut().filter_map(|(_, change)| change.self_time.as_mut()));
    let all = functions.len();
    let timed = functions.iter().filter(|(_, change)| change.self_time.is_some()).count();
    functions.retain(|(_, change)| change.differs());
    functions.sort_by(|(_, a), (_, b)| {
        let rise = |change: &FunctionChange| change.allocs.map_or(0, Change::difference);
        rise(b).cmp(&rise(a)).then_with(|| a.path.cmp(&b.path))
    });
    Comparison {
        warnings: warnings(base, new, &differences, timed),
        same_environment,
        wall: same_environment
            .then(|| Times::of(&base.totals.wall_ns, &new.totals.wall_ns))
            .flatten(),
        allocs: pair(base.totals.allocs, new.totals.allocs),
        alloc_bytes: pair(base.totals.alloc_bytes, new.totals.alloc_bytes),
        peak_live_bytes: pair(base.totals.peak_live_bytes, new.totals.peak_live_bytes),
        instructions: of_both(base, new)
            .filter(|_| same_environment)
            .and_then(|(base, new)| Instructions::of(base, new)),
        unchanged: all - functions.len(),
        functions: functions.into_iter().map(|(_, change)| change).collect(),
    }
}

fn of_both<'s>(
    base: &'s Snapshot,
    new: &'s Snapshot,
) -> Option<(&'s InstructionCounts, &'s InstructionCounts)> {
    base.totals.instructions.as_ref().zip(new.totals.instructions.as_ref())
}

fn functions(base: &Snapshot, new: &Snapshot, with_times: bool) -> Vec<(String, FunctionChange)> {
    let paths: std::collections::BTreeSet<&String> =
        base.functions.keys().chain(new.functions.keys()).collect();
    let (of_base, of_new) = (own_time(base), own_time(new));
    let change = |path: &String| {
        let (before, after) = (base.functions.get(path), new.functions.get(path));
        let kind = match (before, after) {
            (Some(_), Some(_)) => Kind::Changed,
            (None, _) => Kind::New,
            (_, None) => Kind::Gone,
        };
        let is_seen = |figures: Option<&Figures>, all: f64| {
            figures.is_some_and(|it| {
                statistics::median(&it.self_ns).unwrap_or(0.0) >= LEAST_SHARE * all
            })
        };
        let is_timed = with_times && (is_seen(before, of_base) || is_seen(after, of_new));
        let times = before.zip(after).filter(|_| is_timed);
        let pick = |of: fn(&Figures) -> Option<Count>| {
            let count = |figures: Option<&Figures>| match figures {
                Some(figures) => of(figures),
                None => Some(Count::default()),
            };
            count(before).zip(count(after)).map(|(base, new)| Change { base, new })
        };
        FunctionChange {
            path: path.clone(),
            kind,
            calls: pick(|figures| Some(figures.calls))
                .unwrap_or_else(|| Change { base: Count::default(), new: Count::default() }),
            allocs: pick(|figures| figures.allocs),
            alloc_bytes: pick(|figures| figures.alloc_bytes),
            self_time: times.and_then(|(base, new)| Times::of(&base.self_ns, &new.self_ns)),
        }
    };
    paths.into_iter().map(|path| (path.clone(), change(path))).collect()
}

/// Time of all functions together.
fn own_time(snapshot: &Snapshot) -> f64 {
    let medians = snapshot.functions.values().map(|it| statistics::median(&it.self_ns));
    medians.map(Option::unwrap_or_default).sum()
}

impl FunctionChange {
    fn differs(&self) -> bool {
        let counts = [Some(self.calls), self.allocs, self.alloc_bytes];
        self.kind != Kind::Changed
            || counts.into_iter().flatten().any(Change::is_real)
            || self.self_time.as_ref().is_some_and(|times| times.claim != Claim::None)
    }
}

fn warnings(base: &Snapshot, new: &Snapshot, differences: &[String], timed: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if !base.workload.is_target_of(&new.workload) {
        warnings.push(format!(
            "these are different programs: {} and {}",
            base.workload.describe(),
            new.workload.describe()
        ));
    } else if base.workload.args != new.workload.args {
        warnings.push(format!(
            "the arguments differ: `{}` and `{}`",
            base.workload.args.join(" "),
            new.workload.args.join(" ")
        ));
    }
    if !differences.is_empty() {
        warnings.push(format!(
            "times are not compared, and allocations may differ by the environment alone: {}",
            differences.join(", ")
        ));
    }
    warnings.extend(of_both(base, new).and_then(|(base, new)| instructions::unlike(base, new)));
    if base.totals.allocs.is_none() || new.totals.allocs.is_none() {
        warnings.push("allocations were not measured on both sides".to_owned());
    }
    if differences.is_empty() {
        warnings.extend(too_few(base.repetitions(), new.repetitions(), timed));
    }
    warnings
}

/// Which differences of times so few repetitions can't show, of this many functions that are timed.
fn too_few(base: usize, new: usize, timed: usize) -> Option<String> {
    let least = statistics::least_p(base, new);
    let what = if least > statistics::ALPHA {
        "no difference of times can be told from chance".to_owned()
    } else if least > statistics::ALPHA / timed.max(1) as f64 {
        format!(
            "a difference of one function among the {timed} that take time can't be told from chance"
        )
    } else {
        return None;
    };
    let needed = statistics::least_repetitions(timed);
    Some(format!("with {base} and {new} repetitions {what}: run with `--runs {needed}` or more"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Fingerprint;

    fn snapshot(functions: &[(&str, u64, u64, &[u64])]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (path, calls, allocs, self_ns) in functions {
            let figures = Figures {
                calls: Count::exact(*calls),
                allocs: Some(Count::exact(*allocs)),
                alloc_bytes: Some(Count::exact(*allocs * 8)),
                self_ns: self_ns.to_vec(),
                ..Figures::default()
            };
            snapshot.functions.insert((*path).to_owned(), figures);
            snapshot.totals.wall_ns = self_ns.to_vec();
        }
        snapshot.totals.allocs = Some(Count::exact(7));
        snapshot
    }

    const SLOW: &[u64] = &[200, 201, 202, 203, 204];
    const FAST: &[u64] = &[100, 101, 102, 103, 104];

    #[test]
    fn functions_are_new_gone_changed_or_the_same() {
        let base = snapshot(&[("a", 1, 5, FAST), ("gone", 1, 0, FAST), ("same", 3, 3, FAST)]);
        let new = snapshot(&[("a", 1, 6, SLOW), ("new", 1, 0, FAST), ("same", 3, 3, FAST)]);
        let comparison = compare(&base, &new);
        let found: Vec<_> =
            comparison.functions.iter().map(|change| (change.path.as_str(), change.kind)).collect();
        assert_eq!(found, [("a", Kind::Changed), ("gone", Kind::Gone), ("new", Kind::New)]);
        assert_eq!(comparison.unchanged, 1);
        let times = comparison.functions[0].self_time.as_ref().unwrap();
        assert_eq!(times.claim, Claim::Slower);
        assert!((times.ratio - 202.0 / 102.0).abs() < 1e-9);
    }

    #[test]
    fn too_few_repetitions_are_said_with_what_it_takes() {
        let of = |times: &[u64], functions: usize| {
            let names: Vec<String> = (0..functions).map(|index| format!("f{index}")).collect();
            let rows: Vec<_> = names.iter().map(|name| (name.as_str(), 1, 0, times)).collect();
            compare(&snapshot(&rows), &snapshot(&rows)).warnings
        };
        assert_eq!(of(FAST, 1), Vec::<String>::new());
        let said = of(&FAST[..3], 1).concat();
        assert!(said.contains("no difference of times") && said.contains("`--runs 4`"), "{said}");
        let said = of(FAST, 20).concat();
        assert!(said.contains("one function among the 20"), "{said}");
        assert!(said.contains("`--runs 6` or more"), "{said}");
        assert_eq!(of(&[9; 6], 20), Vec::<String>::new(), "6 are enough");
    }

    #[test]
    fn another_environment_takes_times_away_and_keeps_allocations() {
        let base = snapshot(&[("a", 1, 5, FAST)]);
        let mut new = snapshot(&[("a", 1, 6, SLOW)]);
        new.environment = Fingerprint { rustc: "rustc 9".to_owned(), ..Fingerprint::default() };
        let comparison = compare(&base, &new);
        assert!(!comparison.same_environment && comparison.wall.is_none());
        assert_eq!(comparison.functions[0].self_time.as_ref().map(|times| times.claim), None);
        assert_eq!(comparison.functions[0].allocs.unwrap().difference(), 1);
        assert!(comparison.warnings[0].contains("times are not compared"), "{comparison:?}");
    }

    #[test]
    fn ranges_that_touch_are_no_change() {
        let change = |base, new| Change { base, new };
        let range = |least, most| Count { least, most };
        assert!(!change(range(5, 9), range(9, 12)).is_real());
        assert_eq!(change(range(5, 9), range(11, 12)).difference(), 2);
        assert_eq!(change(range(5, 9), range(1, 2)).difference(), -3);
    }
}
