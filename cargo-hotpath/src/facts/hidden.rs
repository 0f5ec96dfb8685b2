//! What of short expressions hid behind the clock.
//!
//! Some processors go on with the work before a reading of the clock while they read. An expression of
//! 10 ns reads as 0 to 4 there; the rest counts as its function's.

use super::{FunctionFacts, SiteFacts};
use crate::profile::ProbeCosts;

/// Part of what may hide that an execution likely took which reads as nothing: it may be anything up to
/// that, and little is commoner. Of work of 0.6 to 8 ns, all of which read 0 on a processor that hides
/// 6 to 10 ns, a third is in the middle.
const OF_NOTHING: f64 = 1.0 / 3.0;

impl SiteFacts {
    /// What was read of its executions, without the part of the probe that each span includes; `None` when none was timed.
    pub fn read_ns(&self, probes: &ProbeCosts) -> Option<f64> {
        let inside = if probes.expression_inside_ns > 0.0 {
            probes.expression_inside_ns
        } else {
            probes.inside_ns
        };
        (self.timed > 0).then(|| (self.self_ns as f64 - inside * self.timed as f64).max(0.0))
    }
}

/// Fills in [`SiteFacts::hidden_ns`]: as much as the function's own time leaves room for, as it is in that.
pub(super) fn add(function: &mut FunctionFacts, probes: &ProbeCosts) {
    let mut read = 0.0;
    for site in &mut function.sites {
        let Some(ns) = site.read_ns(probes) else { continue };
        read += ns;
        site.hidden_ns = likely(ns, site.count, probes);
    }
    let hidden: f64 = function.sites.iter().map(|site| site.hidden_ns).sum();
    let room = (function.self_ns as f64 - read).max(0.0);
    if hidden > room {
        for site in &mut function.sites {
            site.hidden_ns *= room / hidden;
        }
    }
}

/// By the mean of what was read: what reads as nothing was likely less than what may hide.
fn likely(read_ns: f64, count: u64, probes: &ProbeCosts) -> f64 {
    let all = probes.hidden_ns.min(probes.inside_ns) * count as f64;
    all.min(OF_NOTHING * all + read_ns)
}

#[cfg(test)]
mod tests {
    use hotpath_runtime_syntax::Kind;

    use super::*;
    use crate::rules::testing::hot;

    const PROBES: ProbeCosts = ProbeCosts {
        inside_ns: 10.0,
        hidden_ns: 6.0,
        function_ns: 0.0,
        expression_ns: 0.0,
        counted_ns: 0.0,
        alloc_ns: 0.0,
        free_ns: 0.0,
        function_inside_ns: 0.0,
        function_untimed_ns: 0.0,
        expression_inside_ns: 0.0,
        expression_untimed_ns: 0.0,
        poll_ns: 0.0,
        poll_untimed_ns: 0.0,
        awaited_ns: 0.0,
        charge_ns: 0.0,
        charge_open_ns: 0.0,
        hash_ns: 0.0,
    };

    /// Two sites of a thousand executions, in a function whose own time is this.
    fn hidden(each_ns: [u64; 2], self_ns: u64) -> [f64; 2] {
        let site = |each: u64| SiteFacts {
            count: 1_000,
            timed: 1_000,
            self_ns: 1_000 * (10 + each),
            ..hot(Kind::Lookup, "seen.get(&key)", "HashMap<u64, u32>")
        };
        let sites = each_ns.map(site).to_vec();
        let mut function = FunctionFacts { self_ns, sites, ..FunctionFacts::default() };
        add(&mut function, &PROBES);
        [0, 1].map(|index| function.sites[index].hidden_ns)
    }

    #[test]
    fn what_reads_as_nothing_hides_less() {
        let [nothing, little] = hidden([0, 3], 1_000_000);
        assert!((nothing - 2_000.0).abs() < 1e-6 && (little - 5_000.0).abs() < 1e-6);
        let [much, none] = hidden([40, 0], 1_000_000);
        assert!((much - 6_000.0).abs() < 1e-6 && (none - 2_000.0).abs() < 1e-6);
    }

    #[test]
    fn no_more_hides_than_the_function_took() {
        let [nothing, little] = hidden([0, 3], 3_000 + 3_500);
        assert!((nothing - 1_000.0).abs() < 1e-6 && (little - 2_500.0).abs() < 1e-6);
        assert!(hidden([0, 3], 0).iter().all(|ns| ns.abs() < 1e-9));
    }

    #[test]
    fn nothing_hides_of_what_was_not_timed() {
        let site = SiteFacts { timed: 0, ..hot(Kind::Grow, "v.push(..)", "Vec") };
        let mut function =
            FunctionFacts { self_ns: 1_000, sites: vec![site], ..FunctionFacts::default() };
        add(&mut function, &PROBES);
        assert!(function.sites[0].hidden_ns.abs() < 1e-9);
        assert_eq!(function.sites[0].read_ns(&PROBES), None);
    }
}
