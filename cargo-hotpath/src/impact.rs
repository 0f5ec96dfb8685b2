//! What a change would gain: from time saved at sites to shares of the whole workload.
//!
//! Everything here is arithmetic on measured figures. Estimates are for the plain program, so
//! what the probes themselves cost is taken out first, as a range (see [`own_cost`]).

use std::collections::BTreeMap;

use crate::facts::{Facts, SiteFacts};
use crate::own_cost::{self, Cost};
use crate::profile::ProbeCosts;
use crate::resolution::drift_ns;
use crate::schema::Range;

/// Whatever the calibration says, this share of the measured wall time is the program's own.
const LEAST_OWN_SHARE: f64 = 0.1;

/// Time that goes, in nanoseconds: sure, likely, at most.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Saved {
    /// Sure to go.
    pub low: f64,
    /// Likely.
    pub best: f64,
    /// The most.
    pub high: f64,
}

impl Saved {
    /// Three figures, brought into order and clamped at 0.
    pub fn new(low: f64, best: f64, high: f64) -> Self {
        let high = high.max(0.0);
        let best = best.clamp(0.0, high);
        Self { low: low.clamp(0.0, best), best, high }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            low: self.low + other.low,
            best: self.best + other.best,
            high: self.high + other.high,
        }
    }

    fn or_more(self, other: Self) -> Self {
        Self {
            low: self.low.max(other.low),
            best: self.best.max(other.best),
            high: self.high.max(other.high),
        }
    }
}

/// [`Claim::site`] of what is saved all over a function.
pub const WHOLE_FUNCTION: usize = usize::MAX;

/// What a finding saves at one site.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claim {
    /// Index into [`Facts::functions`].
    pub function: usize,
    /// [`SiteFacts::index`].
    pub site: usize,
    /// What goes there.
    pub saved: Saved,
    /// What that is a part of.
    pub of: Measure,
}

/// What a claim is a part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// The time of threads, in nanoseconds.
    #[default]
    Threads,
    /// The wall time, in nanoseconds: what tasks wait, by how many wait at once. No thread computes
    /// less for it.
    Wait,
    /// The most bytes that were live at once.
    Peak,
}

/// Wall time that goes when calls of `function` wait less by `waited`: at most by how many tasks
/// wait at once; likely only as often as a processor is free for what comes after
/// ([`Facts::processor_is_free`]), at least as if any that is busy were in the way.
pub fn wall_of_wait(facts: &Facts, function: usize, waited: Saved) -> Saved {
    let at_once = facts.concurrency(function);
    let (idle, free) = if at_once > 1.0 {
        (1.0 - facts.processors_used(), facts.processor_is_free())
    } else {
        (1.0, 1.0)
    };
    Saved::new(idle * waited.low / at_once, free * waited.best / at_once, waited.high / at_once)
}

/// What several claims save together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gone {
    /// Of the time of threads.
    pub threads: Saved,
    /// Of the wall time, while nothing runs for it.
    pub waits: Saved,
    /// Of the most bytes that were live at once.
    pub peak: Saved,
}

/// What several claims save together: at each site the largest claim, as two changes can't remove
/// the same time twice. What is saved all over a function and at its sites may be the same time: of
/// both the larger.
pub fn union<'a>(claims: impl IntoIterator<Item = &'a Claim>) -> Gone {
    let mut measures: [Vec<&Claim>; 3] = Default::default();
    for claim in claims {
        measures[claim.of as usize].push(claim);
    }
    let [threads, waits, peak] = measures.map(|claims| union_of_one(&claims));
    Gone { threads, waits, peak }
}

fn union_of_one(claims: &[&Claim]) -> Saved {
    let mut sites: BTreeMap<(usize, usize), Saved> = BTreeMap::new();
    for claim in claims {
        let entry = sites.entry((claim.function, claim.site)).or_default();
        *entry = entry.or_more(claim.saved);
    }
    let mut functions: BTreeMap<usize, (Saved, Saved)> = BTreeMap::new();
    for ((function, site), saved) in sites {
        let (whole, parts) = functions.entry(function).or_default();
        let sum = if site == WHOLE_FUNCTION { whole } else { parts };
        *sum = sum.plus(saved);
    }
    functions
        .into_values()
        .map(|(whole, parts)| whole.or_more(parts))
        .fold(Saved::default(), Saved::plus)
}

/// What the executions of a site likely took, where it was timed; `None` when it never was: what was read,
/// with what likely hid behind the clock.
pub fn span_ns(site: &SiteFacts, probes: &ProbeCosts) -> Option<f64> {
    Some(site.read_ns(probes)? + site.hidden_ns)
}

/// The time that the guards of a lock lived, without the part of the probe beside each; `None` where
/// that was not measured. Guards that were not timed have none of it: what they add is reckoned without.
pub fn hold_ns(site: &SiteFacts, probes: &ProbeCosts) -> Option<f64> {
    let hold = site.hold.filter(|hold| hold.timed > 0)?;
    Some((hold.ns as f64 - probes.inside_ns * hold.timed as f64).max(0.0))
}

/// What is sure of `count` executions that read so much, in which allocations took `allocs_ns`.
pub fn sure_ns(read_ns: f64, count: u64, allocs_ns: f64, probes: &ProbeCosts) -> f64 {
    let resolved = read_ns - drift_ns(probes) * count as f64;
    resolved.max(allocs_ns.min(read_ns)).max(0.0)
}

/// The most that they took: with all that commonly drifts out of their spans (see [`crate::resolution`]).
pub fn most_ns(read_ns: f64, count: u64, probes: &ProbeCosts) -> f64 {
    read_ns + drift_ns(probes) * count as f64
}

/// The workload as it would run without probes, which shares are of.
#[derive(Clone, Debug)]
pub struct Workload {
    wall: Saved,
    cpu: Option<Saved>,
    threads: f64,
    parallelism: f64,
    /// Computing that is likely one of wall time.
    by_wall: f64,
    /// Most bytes that were live at once, where that was measured.
    peak_bytes: Option<f64>,
}

impl Workload {
    /// Takes the probes out of the measured wall and CPU time.
    pub fn new(facts: &Facts) -> Self {
        let threads = facts.threads.max(1) as f64;
        let wall = facts.wall_ns as f64;
        let measured: u64 = facts.functions.iter().map(|function| function.self_ns).sum();
        let busy = facts.cpu_ns.unwrap_or(measured) as f64;
        let parallelism = if wall > 0.0 { (busy / wall).clamp(1.0, threads) } else { 1.0 };
        let probes = own_cost::of(facts);
        Self {
            wall: without(wall, probes, parallelism),
            cpu: facts.cpu_ns.map(|cpu| without(cpu as f64, probes, 1.0)),
            threads,
            parallelism,
            by_wall: facts.computing_by_wall().unwrap_or(parallelism),
            peak_bytes: facts.peak_live_bytes.map(|bytes| bytes as f64),
        }
    }

    /// Wall time of the plain program, likely value.
    pub fn wall_ns(&self) -> f64 {
        self.wall.best
    }

    /// Percent of the measured CPU time that the probes took; of the wall time where the system
    /// gave none. Probes compute: what a program waits for is not their share.
    pub fn overhead_pct(&self, facts: &Facts) -> Range {
        let measured = facts.cpu_ns.unwrap_or(facts.wall_ns) as f64;
        let plain = self.cpu.unwrap_or(self.wall);
        let pct = |plain: f64| {
            if measured > 0.0 {
                round_pct((100.0 * (1.0 - plain / measured)).clamp(0.0, 100.0))
            } else {
                0.0
            }
        };
        Range { low: pct(plain.high), best: pct(plain.best), high: pct(plain.low) }
    }

    /// Whether shares are exact: nothing can overlap on one thread.
    pub fn is_single_threaded(&self) -> bool {
        self.threads <= 1.0
    }

    /// Percent of wall time that goes.
    ///
    /// On one thread what is saved is saved. On several, the least is what can't overlap with
    /// the other threads' work, the likely is the run's average parallelism (for tasks see
    /// [`Facts::computing_by_wall`]), the most is the critical path. What tasks wait less is wall time, but not more than what all threads together
    /// leave of it.
    pub fn wall_pct(&self, gone: Gone) -> Range {
        let saved = gone.threads;
        // What the sampled timeline saw is there: `Facts::wall_ns_of` has the part of the wall time
        // that falls to a function, `Facts::parallelism` how many threads ran at once. The range
        // stays as wide as it is until that is shown to predict gains better.
        let on_wall = if self.is_single_threaded() {
            saved
        } else {
            let busy = self.cpu.map_or(self.wall.best * self.threads, |cpu| cpu.best);
            let alone = (2.0 * saved.low - busy).max(0.0) / self.threads;
            Saved::new(alone, saved.best / self.by_wall, saved.high)
        };
        let idle = self
            .cpu
            .map_or(self.wall.high, |cpu| (self.wall.high - cpu.low / self.threads).max(0.0));
        let waits = Saved::new(
            gone.waits.low.min(idle),
            gone.waits.best.min(idle),
            gone.waits.high.min(idle),
        );
        share(on_wall.plus(waits), self.wall)
    }

    /// Percent of the most memory that goes; `None` where none does.
    pub fn peak_pct(&self, gone: Gone) -> Option<Range> {
        let peak = self.peak_bytes.filter(|_| gone.peak.high > 0.0)?;
        Some(share(gone.peak, Saved::new(peak, peak, peak)))
    }

    /// Percent of CPU time that goes; `None` where the system gave none.
    pub fn cpu_pct(&self, gone: Gone) -> Option<Range> {
        self.cpu.map(|cpu| share(gone.threads, cpu))
    }

    /// How the share was formed, for [`crate::schema::Impact::basis`].
    pub fn basis(&self) -> String {
        let wall = crate::units::time(self.wall.best);
        if self.is_single_threaded() {
            format!("of {wall} wall without probes, one thread")
        } else {
            format!(
                "of {wall} wall without probes, {:.0} threads, {:.1} busy on average: \
                 low if it overlaps with other threads, high if it is the critical path",
                self.threads, self.parallelism
            )
        }
    }
}

/// A percentage to four decimals: more would be noise, and long to read in JSON.
pub fn round_pct(pct: f64) -> f64 {
    (pct * 1e4).round() / 1e4
}

fn without(measured: f64, probes: Cost, parallelism: f64) -> Saved {
    let floor = measured * LEAST_OWN_SHARE;
    let own = |probes: f64| (measured - probes / parallelism).max(floor);
    Saved { low: own(probes.high), best: own(probes.best), high: own(probes.low) }
}

fn share(part: Saved, whole: Saved) -> Range {
    let pct = |part: f64, whole: f64| {
        if whole > 0.0 { round_pct((100.0 * part / whole).clamp(0.0, 100.0)) } else { 0.0 }
    };
    Range {
        low: pct(part.low, whole.high),
        best: pct(part.best, whole.best),
        high: pct(part.high, whole.low),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Edge, FunctionFacts};
    use crate::profile::{Hold, Polls};
    use crate::rules::testing::hot;
    use hotpath_runtime_syntax::Kind;

    fn facts(threads: u64, cpu_ns: Option<u64>) -> Facts {
        Facts { wall_ns: 1_000, cpu_ns, threads, ..Facts::default() }
    }

    fn claim(site: usize, low: f64, best: f64, high: f64) -> Claim {
        Claim { function: 0, site, saved: Saved::new(low, best, high), of: Measure::Threads }
    }

    fn running(low: f64, best: f64, high: f64) -> Gone {
        Gone { threads: Saved::new(low, best, high), ..Gone::default() }
    }

    #[test]
    fn what_tasks_wait_is_wall_time_that_no_thread_needs() {
        let gone = Gone { waits: Saved::new(100.0, 400.0, 2_000.0), ..Gone::default() };
        let workload = Workload::new(&facts(2, Some(800)));
        assert_eq!(workload.wall_pct(gone), Range { low: 10.0, best: 40.0, high: 60.0 });
        assert_eq!(workload.cpu_pct(gone).map(|range| range.high), Some(0.0));
    }

    #[test]
    fn waits_are_likely_worth_what_is_free_of_the_processors() {
        let task = FunctionFacts {
            is_async: true,
            calls: 50,
            total_ns: 500,
            polls: Some(Polls { wait_ns: 3_500, ..Polls::default() }),
            ..FunctionFacts::default()
        };
        let edges = vec![Edge { caller: None, callee: 0, calls: 1, total_ns: 0 }];
        let facts = Facts { cores: 2, functions: vec![task], edges, ..facts(3, Some(1_500)) };
        let wall = wall_of_wait(&facts, 0, Saved::new(400.0, 800.0, 1_200.0));
        assert_eq!(wall, Saved { low: 25.0, best: 87.5, high: 300.0 });
    }

    #[test]
    fn what_hides_behind_the_clock_is_likely_there_and_never_sure() {
        let probes = ProbeCosts { inside_ns: 10.0, ..ProbeCosts::default() };
        let site = SiteFacts {
            count: 1_000,
            timed: 1_000,
            self_ns: 25_000,
            hidden_ns: 6_000.0,
            ..hot(Kind::Lookup, "seen.get(&key)", "HashMap<u64, u32>")
        };
        let read = site.read_ns(&probes).unwrap();
        assert_eq!(span_ns(&site, &probes), Some(21_000.0));
        let (sure, most) = (sure_ns(read, 1_000, 0.0, &probes), most_ns(read, 1_000, &probes));
        assert!((sure - 5_000.0).abs() < 1e-6 && (most - 25_000.0).abs() < 1e-6);
    }

    #[test]
    fn only_holds_that_were_timed_have_the_probe_in_them() {
        let hold = Hold { count: 1_000, timed: 100, ns: 32_000, max_ns: 80 };
        let site = SiteFacts { hold: Some(hold), ..hot(Kind::Lock, "m.lock()", "Mutex<u8>") };
        let probes = ProbeCosts { inside_ns: 20.0, ..ProbeCosts::default() };
        assert_eq!(hold_ns(&site, &probes), Some(30_000.0));
        let untimed = Hold { timed: 0, ..hold };
        assert_eq!(hold_ns(&SiteFacts { hold: Some(untimed), ..site }, &probes), None);
    }

    #[test]
    fn memory_is_a_share_of_the_peak() {
        let gone = Gone { peak: Saved::new(10.0, 50.0, 80.0), ..Gone::default() };
        let facts = Facts { peak_live_bytes: Some(100), ..facts(1, None) };
        let range = Workload::new(&facts).peak_pct(gone);
        assert_eq!(range, Some(Range { low: 10.0, best: 50.0, high: 80.0 }));
        assert_eq!(Workload::new(&facts).peak_pct(Gone::default()), None);
        assert_eq!(Workload::new(&Facts::default()).peak_pct(gone), None);
    }

    #[test]
    fn shares_are_exact_on_one_thread() {
        let range = Workload::new(&facts(1, None)).wall_pct(running(100.0, 200.0, 300.0));
        assert_eq!(range, Range { low: 10.0, best: 20.0, high: 30.0 });
    }

    #[test]
    fn nothing_saves_more_than_the_wall_time() {
        let range = Workload::new(&facts(1, None)).wall_pct(running(900.0, 5e3, 9e9));
        assert_eq!((range.best, range.high), (100.0, 100.0));
    }

    #[test]
    fn on_several_threads_the_range_opens() {
        let workload = Workload::new(&facts(4, Some(4_000)));
        let range = workload.wall_pct(running(400.0, 400.0, 400.0));
        assert_eq!(range, Range { low: 0.0, best: 10.0, high: 40.0 });
        let most = workload.wall_pct(running(3_000.0, 3_000.0, 3_000.0));
        assert_eq!(most, Range { low: 50.0, best: 75.0, high: 100.0 });
    }

    #[test]
    fn cpu_is_null_where_it_was_not_measured() {
        assert_eq!(Workload::new(&facts(1, None)).cpu_pct(running(1.0, 1.0, 1.0)), None);
        let cpu = Workload::new(&facts(1, Some(500))).cpu_pct(running(5.0, 5.0, 5.0));
        assert_eq!(cpu.map(|range| range.best), Some(1.0));
    }

    #[test]
    fn the_union_counts_a_site_once() {
        let claims = [claim(0, 1.0, 2.0, 3.0), claim(0, 2.0, 2.0, 2.0), claim(1, 5.0, 5.0, 5.0)];
        assert_eq!(union(&claims).threads, Saved { low: 7.0, best: 7.0, high: 8.0 });
        assert_eq!(union(&[]), Gone::default());
    }

    #[test]
    fn what_is_saved_all_over_a_function_is_no_more_than_its_sites() {
        let whole = |low, best, high| claim(WHOLE_FUNCTION, low, best, high);
        let claims = [claim(0, 1.0, 2.0, 3.0), claim(1, 1.0, 2.0, 3.0), whole(0.0, 3.0, 9.0)];
        assert_eq!(union(&claims).threads, Saved { low: 2.0, best: 4.0, high: 9.0 });
    }

    #[test]
    fn probes_are_taken_out_of_the_wall_time_as_a_range() {
        let mut facts = facts(1, None);
        facts.probes.function_ns = 5.0;
        facts.functions =
            vec![FunctionFacts { calls: 100, timed: 100, ..FunctionFacts::default() }];
        let range = Workload::new(&facts).wall_pct(running(70.0, 70.0, 70.0));
        assert!((range.low - 100.0 * 70.0 / 900.0).abs() < 1e-4, "{range:?}");
        assert!((range.best - 10.0).abs() < 1e-9, "{range:?}");
        assert!((range.high - 14.0).abs() < 1e-9, "{range:?}");
    }

    #[test]
    fn an_overstated_calibration_leaves_a_wall_time() {
        let mut facts = facts(1, None);
        facts.probes.function_ns = 1e6;
        facts.functions =
            vec![FunctionFacts { calls: 100, timed: 100, ..FunctionFacts::default() }];
        assert!((Workload::new(&facts).wall_ns() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn an_empty_run_divides_by_nothing() {
        let range = Workload::new(&Facts::default()).wall_pct(running(1.0, 1.0, 1.0));
        assert_eq!(range, Range::default());
    }

    #[test]
    fn ranges_are_always_ordered() {
        assert_eq!(Saved::new(9.0, -1.0, 5.0), Saved { low: 0.0, best: 0.0, high: 5.0 });
        assert_eq!(Saved::new(9.0, 7.0, 5.0), Saved { low: 5.0, best: 5.0, high: 5.0 });
    }
}
