//! `build-opt`: the build that ran was optimised for size, or less than it could be.

use crate::facts::{Facts, FunctionFacts};
use crate::impact::{Claim, Measure, Saved, WHOLE_FUNCTION, Workload, span_ns};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds};
use crate::schema::{Category, Confidence, Effort};
use crate::units;
use hotpath_runtime_syntax::Kind;

/// Share of wall time that measured code must compute for.
const MIN_COMPUTE_PCT: Threshold = Threshold::new(
    "min_compute_pct",
    20.0,
    "share of wall time that the measured functions must spend computing",
);

/// What full optimisation takes off the time of code that was built with a lower level: sure, likely, at
/// most. Wide, because it depends on the code: loops that vectorise gain much, calls and memory nothing.
const GAINS: [(&str, Saved); 4] = [
    ("1", Saved { low: 0.0, best: 0.15, high: 0.6 }),
    ("2", Saved { low: 0.0, best: 0.01, high: 0.1 }),
    ("s", Saved { low: 0.0, best: 0.08, high: 0.4 }),
    ("z", Saved { low: 0.0, best: 0.15, high: 0.6 }),
];

/// The rule.
pub(super) struct BuildOpt;

static META: Meta = Meta {
    id: "build-opt",
    summary: "the build is optimised for size, or not fully",
    category: Category::Config,
    effort: Effort::Trivial,
    evidence: "the executable's opt-level as cargo reported it; time that measured functions compute for",
    thresholds: &[MIN_COMPUTE_PCT],
    docs: "https://doc.rust-lang.org/cargo/reference/profiles.html#opt-level",
    explain: Explain {
        means: "With `opt-level` \"s\" and \"z\" the compiler inlines and unrolls little, with 1 it leaves out most of what\n\
                makes loops fast. 3 is the release profile's default.",
        found: "Cargo reports the opt-level with the executable. What it would gain can't be seen in one run: the range\n\
                is a share of the time that measured functions computed for, waiting, locks and output aside.",
        not_when: "The program has to be small (embedded, downloaded). Then single packages can be fast:\n\
                   `[profile.release.package.codec] opt-level = 3`.",
        before: "[profile.release]\nopt-level = \"s\"",
        after: "[profile.release]\nopt-level = 3",
    },
};

impl Rule for BuildOpt {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let level = facts.build.opt_level.as_deref();
        let gain = level.and_then(|level| GAINS.iter().find(|(name, _)| *name == level));
        gain.and_then(|(level, share)| candidate((facts, thresholds), level, *share))
            .into_iter()
            .collect()
    }
}

/// Time in which a function computes: its own, without sites that wait or write.
pub(super) fn computing_ns(facts: &Facts, function: &FunctionFacts) -> f64 {
    let waits = [Kind::Await, Kind::Lock, Kind::Print, Kind::Write];
    let waiting: f64 = function
        .sites
        .iter()
        .filter(|site| waits.contains(&site.kind))
        .filter_map(|site| span_ns(site, &facts.probes))
        .sum();
    (function.self_ns as f64 - waiting).max(0.0)
}

fn candidate(
    (facts, thresholds): (&Facts, &Thresholds),
    level: &str,
    share: Saved,
) -> Option<Candidate> {
    let all: Vec<f64> = facts.functions.iter().map(|it| computing_ns(facts, it)).collect();
    let computing: f64 = all.iter().sum();
    // What was blocked in a measured function (a read, a sleep) is no computing either.
    let computing = computing.min(facts.cpu_ns.map_or(computing, |cpu| cpu as f64));
    let wall = Workload::new(facts).wall_ns();
    if wall <= 0.0 || 100.0 * computing / wall < thresholds.of(&MIN_COMPUTE_PCT) {
        return None;
    }
    let part = computing / all.iter().sum::<f64>().max(1.0);
    let claims = all.iter().enumerate().filter(|(_, ns)| **ns > 0.0).map(|(function, ns)| Claim {
        function,
        site: WHOLE_FUNCTION,
        saved: Saved::new(share.low * ns * part, share.best * ns * part, share.high * ns * part),
        of: Measure::Threads,
    });
    let profile = &facts.build.profile;
    let percent = |share: f64| units::percent(100.0 * share);
    Some(Candidate {
        anchor: None,
        title: format!("the build has opt-level {level}"),
        problem: format!(
            "The workload was built with profile `{profile}`, opt-level {level}, and its measured functions \
             computed for {} ({} of wall).",
            units::time(computing),
            units::percent((100.0 * computing / wall).min(100.0))
        ),
        solution: "Build with `opt-level = 3`, and measure both.".to_owned(),
        steps: vec![
            format!(
                "Set `opt-level = 3` in `[profile.{profile}]` of the workspace root's Cargo.toml."
            ),
            format!(
                "If the program has to stay small, only for the packages with the hot functions: \
                 `[profile.{profile}.package.NAME]`."
            ),
        ],
        tradeoffs: "A larger program, and a longer build.".to_owned(),
        confidence: Confidence::Low,
        effort: META.effort,
        gain: Some(Gain {
            claims: claims.collect(),
            allocs: None,
            alloc_bytes: None,
            basis: format!(
                "measured functions computed for {}; of that {} to {}, likely {}, as other programs gained: only \
                 a run of the other build can tell",
                units::time(computing),
                percent(share.low),
                percent(share.high),
                percent(share.best)
            ),
        }),
        fix: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::SiteFacts;
    use crate::rules::testing::{best_ns, hot, run};

    fn built(level: &str) -> Facts {
        let mut facts = run(Vec::new());
        facts.build.opt_level = Some(level.to_owned());
        facts
    }

    #[test]
    fn fires_on_builds_for_size_with_a_share_of_what_computed() {
        let found = BuildOpt.check(&built("s"), &Thresholds::default());
        assert_eq!(found[0].title, "the build has opt-level s");
        assert_eq!(best_ns(&found[0]), Some(0.08 * 900e6));
        assert_eq!(found[0].gain.as_ref().map(|gain| gain.claims[0].saved.low), Some(0.0));
        assert!(
            BuildOpt.check(&built("z"), &Thresholds::default()).len() == 1
                && BuildOpt.check(&built("1"), &Thresholds::default()).len() == 1
        );
    }

    #[test]
    fn silent_on_full_optimisation_and_on_none() {
        assert!(BuildOpt.check(&built("3"), &Thresholds::default()).is_empty());
        assert!(
            BuildOpt.check(&built("0"), &Thresholds::default()).is_empty(),
            "that is build-debug's"
        );
    }

    #[test]
    fn silent_on_programs_that_wait() {
        let mut idle = built("s");
        idle.cpu_ns = Some(100_000_000);
        assert!(BuildOpt.check(&idle, &Thresholds::default()).is_empty());
        let mut writing = built("s");
        let write = SiteFacts {
            self_ns: 800_000_000,
            ..hot(Kind::Write, "f.write_all(b)", "std::fs::File")
        };
        writing.functions[0].sites = vec![write];
        assert!(BuildOpt.check(&writing, &Thresholds::default()).is_empty());
    }
}
