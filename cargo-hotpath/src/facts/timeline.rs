//! What threads did: outside of measured functions, and by the timeline, where it tells.

use super::{Facts, FunctionFacts};
use crate::profile::CpuTime;

/// Effective samples below which a timeline says nothing of shares. With that many a share is
/// known to 2.5 percentage points (the standard error of one half, the worst, is
/// `sqrt(0.25 / 400)`).
const LEAST_SAMPLES: f64 = 400.0;

/// Part of the wall time that it must cover: processes that came and went between two looks may
/// have done anything.
const LEAST_COVERED: f64 = 0.9;

impl Facts {
    /// Time that threads were idle in with no measured function on their stack: without the CPU time that
    /// measured functions leave over, as the threads' own clocks have it. Where those were not read it is
    /// what the functions' time leaves over, or the part that the looks at running threads met there, if
    /// that is more (functions that wait for a processor seem to leave nothing). A runtime's parked threads
    /// would drown everything else. `None` where CPU time was not measured.
    pub fn idle_ns(&self) -> Option<u64> {
        let cpu = self.cpu_ns?;
        if let Some(CpuTime { inside_ns, .. }) = self.processor {
            return Some(self.outside_ns.saturating_sub(cpu.saturating_sub(inside_ns)));
        }
        let cpu = cpu as f64;
        let computed: f64 = self.functions.iter().map(|function| self.computed_ns(function)).sum();
        let met = self.outside_share().unwrap_or_default() * cpu;
        Some(self.outside_ns.saturating_sub((cpu - computed).max(met) as u64))
    }

    /// Of the time that threads ran, the share outside of measured functions, by the timeline.
    fn outside_share(&self) -> Option<f64> {
        let timeline = self.timeline.as_ref().filter(|_| self.timeline_tells())?;
        let (outside, all) = (timeline.outside.states?.running_ns, timeline.running_ns?);
        (all > 0).then(|| outside as f64 / all as f64)
    }

    /// The rest of that time: running, as far as it is known.
    pub fn active_outside_ns(&self) -> u64 {
        self.outside_ns - self.idle_ns().unwrap_or(0)
    }

    /// CPU time in the function itself: all of its own time, but for the share of looks that met it
    /// blocked.
    fn computed_ns(&self, function: &FunctionFacts) -> f64 {
        let states = function.timeline.filter(|_| self.timeline_tells()).and_then(|it| it.states);
        let running = states.and_then(|it| {
            let seen = it.running_ns + it.blocked_ns;
            (seen > 0).then(|| it.running_ns as f64 / seen as f64)
        });
        function.self_ns as f64 * running.unwrap_or(1.0)
    }

    /// Time of the workload's wall that falls to a function by the timeline: each moment divided
    /// among the threads that ran. `None` without one that tells enough.
    pub fn wall_ns_of(&self, function: &FunctionFacts) -> Option<f64> {
        if !self.timeline_tells() {
            return None;
        }
        Some(function.timeline?.states?.wall_ns as f64)
    }

    /// Threads that ran at once while any did, on average; `None` without a timeline that tells
    /// enough.
    pub fn parallelism(&self) -> Option<f64> {
        let timeline = self.timeline.as_ref().filter(|_| self.timeline_tells())?;
        let (busy, running) = timeline.busy_ns.zip(timeline.running_ns)?;
        (busy > 0).then(|| running as f64 / busy as f64)
    }

    fn timeline_tells(&self) -> bool {
        self.timeline.as_ref().is_some_and(|timeline| {
            timeline.effective_samples >= LEAST_SAMPLES
                && timeline.covered_ns as f64 >= LEAST_COVERED * self.wall_ns as f64
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Seen, SeenStates, Timeline};

    fn facts(effective_samples: f64, covered_ns: u64) -> Facts {
        let timeline = Timeline {
            effective_samples,
            covered_ns,
            busy_ns: Some(800),
            running_ns: Some(1_200),
            ..Timeline::default()
        };
        Facts { wall_ns: 1_000, timeline: Some(timeline), ..Facts::default() }
    }

    fn function(states: Option<SeenStates>) -> FunctionFacts {
        let timeline = Some(Seen { self_ns: 900, states });
        FunctionFacts { timeline, ..FunctionFacts::default() }
    }

    #[test]
    fn enough_looks_at_most_of_the_run_tell_shares() {
        let busy = function(Some(SeenStates { wall_ns: 300, ..SeenStates::default() }));
        let told = facts(400.0, 900);
        assert_eq!((told.wall_ns_of(&busy), told.parallelism()), (Some(300.0), Some(1.5)));
        for little in [facts(399.0, 900), facts(400.0, 899), Facts::default()] {
            assert_eq!((little.wall_ns_of(&busy), little.parallelism()), (None, None));
        }
    }

    #[test]
    fn cpu_time_that_measured_functions_leave_over_was_spent_outside() {
        let of = |cpu_ns, states| {
            let function = FunctionFacts { self_ns: 100, ..function(states) };
            let functions = vec![function];
            let facts = Facts { cpu_ns, outside_ns: 900, functions, ..facts(400.0, 1_000) };
            (facts.idle_ns(), facts.active_outside_ns())
        };
        assert_eq!(of(Some(300), None), (Some(700), 200));
        assert_eq!(of(Some(50), None), (Some(900), 0));
        assert_eq!(of(Some(2_000), None), (Some(0), 900));
        assert_eq!(of(None, None), (None, 900));
        let mut seen = facts(400.0, 1_000);
        let busy = FunctionFacts { self_ns: 500, ..function(None) };
        (seen.cpu_ns, seen.outside_ns, seen.functions) = (Some(300), 900, vec![busy]);
        assert_eq!(seen.active_outside_ns(), 0);
        let states = Some(SeenStates { running_ns: 400, ..SeenStates::default() });
        if let Some(timeline) = &mut seen.timeline {
            timeline.outside = Seen { self_ns: 900, states };
        }
        assert_eq!(seen.active_outside_ns(), 100, "a third of what ran");
        let blocked = SeenStates { running_ns: 10, blocked_ns: 30, ..SeenStates::default() };
        assert_eq!(of(Some(300), Some(blocked)), (Some(625), 275));
    }

    #[test]
    fn the_threads_own_clocks_tell_best_what_ran_outside() {
        let processor = CpuTime { inside_ns: 60, ..CpuTime::default() };
        let mut facts =
            Facts { processor: Some(processor), outside_ns: 900, ..facts(400.0, 1_000) };
        facts.functions = vec![FunctionFacts { self_ns: 100, ..function(None) }];
        facts.cpu_ns = Some(200);
        assert_eq!((facts.idle_ns(), facts.active_outside_ns()), (Some(760), 140));
        facts.cpu_ns = None;
        assert_eq!(facts.idle_ns(), None);
    }

    #[test]
    fn without_run_states_there_are_no_shares() {
        let mut silent = facts(4_000.0, 1_000);
        silent.timeline = silent.timeline.map(|timeline| Timeline { busy_ns: None, ..timeline });
        assert_eq!((silent.wall_ns_of(&function(None)), silent.parallelism()), (None, None));
        assert_eq!(facts(4_000.0, 1_000).wall_ns_of(&FunctionFacts::default()), None);
    }
}
