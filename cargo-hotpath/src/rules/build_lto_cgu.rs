//! `build-lto-cgu`: short calls lead into other crates, which the build doesn't optimise together.

use hotpath_runtime_syntax::Kind;

use crate::facts::crates::{Crates, called_crate};
use crate::facts::{Facts, SiteFacts};
use crate::impact::{Claim, Measure, Saved, WHOLE_FUNCTION, Workload};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Time of one call above which inlining it changes nothing.
const MAX_CALL_NS: Threshold = Threshold::new(
    "max_call_ns",
    200.0,
    "mean time of a call into another crate above which inlining it changes nothing",
);

/// Calls from which it matters.
const MIN_CALLS: Threshold =
    Threshold::new("min_calls", 100_000.0, "short calls into other crates in the run");

/// Share of wall time that these calls must take.
const MIN_CALLS_SHARE_PCT: Threshold =
    Threshold::new("min_calls_share_pct", 5.0, "share of wall time that the short calls must take");

/// What optimising over the border takes off such calls: nothing is sure, generic functions are built in
/// the crate that calls them anyway.
const GAIN: Saved = Saved { low: 0.0, best: 0.1, high: 0.4 };

/// The rule.
pub(super) struct BuildLtoCgu;

static META: Meta = Meta {
    id: "build-lto-cgu",
    summary: "many short calls into other crates, built apart",
    category: Category::Config,
    effort: Effort::Trivial,
    evidence: "count and time of calls into other crates; `lto` of the profile that was built",
    thresholds: &[MAX_CALL_NS, MIN_CALLS, MIN_CALLS_SHARE_PCT],
    docs: "https://nnethercote.github.io/perf-book/build-configuration.html#link-time-optimization",
    explain: Explain {
        means: "Without link-time optimisation a function of another crate is inlined only if it is generic or marked\n\
                `#[inline]`. Crates are also split into 16 units that are optimised apart. Link-time optimisation\n\
                and `codegen-units = 1` look at the whole.",
        found: "Calls into other crates are measured where they are expressions of a measured function\n\
                (`serde_json::from_str(..)`), and where a measured function of one package calls one of another. The\n\
                rule fires where many of them are so short that the call itself matters.",
        not_when: "Builds have to be fast: thin LTO takes perhaps twice as long, fat LTO and one unit more. Put it in\n\
                   a profile of its own for releases then.",
        before: "[profile.release]",
        after: "[profile.release]\nlto = \"thin\"        # or \"fat\"\ncodegen-units = 1",
    },
};

impl Rule for BuildLtoCgu {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let Some(codegen) = &facts.build.codegen else { return Vec::new() };
        let whole = matches!(codegen.lto.as_deref(), Some("thin" | "fat"));
        let optimised = facts.build.opt_level.as_deref().is_some_and(|level| level != "0");
        if whole || !optimised {
            return Vec::new();
        }
        candidate(facts, thresholds).into_iter().collect()
    }
}

/// Short calls from one crate into another.
struct Crossing {
    /// The longest call that is short.
    max_call_ns: f64,
    calls: u64,
    ns: f64,
    claims: Vec<Claim>,
}

impl Crossing {
    fn add(&mut self, (function, site): (usize, usize), calls: u64, ns: f64) {
        if calls == 0 || ns / calls as f64 > self.max_call_ns {
            return;
        }
        self.calls += calls;
        self.ns += ns;
        let saved = Saved::new(GAIN.low * ns, GAIN.best * ns, GAIN.high * ns);
        self.claims.push(Claim { function, site, saved, of: Measure::Threads });
    }
}

fn crossing(facts: &Facts, thresholds: &Thresholds) -> Crossing {
    let max_call_ns = thresholds.of(&MAX_CALL_NS);
    let mut all = Crossing { max_call_ns, calls: 0, ns: 0.0, claims: Vec::new() };
    let mut crates = Crates::new(facts);
    for (index, function) in facts.functions.iter().enumerate() {
        for site in function.sites.iter().filter(|site| leads_away(site, &mut crates)) {
            // What hid behind the clock would make calls look slow that cost nothing as it is.
            if let Some(ns) = site.read_ns(&facts.probes) {
                all.add((index, site.index), site.count, ns);
            }
        }
    }
    for edge in &facts.edges {
        let package = |index: usize| facts.functions.get(index).map(|it| it.package.as_str());
        let caller = edge.caller.and_then(package);
        if caller.is_some() && caller != package(edge.callee) {
            // The probe of the callee is no part of the plain program.
            let probe = facts.probes.function_inside_ns * edge.calls as f64;
            let ns = (edge.total_ns as f64 - probe).max(0.0);
            all.add((edge.callee, WHOLE_FUNCTION), edge.calls, ns);
        }
    }
    all
}

/// A call by a path into a dependency, not into a module of the measured code. Of methods the crate isn't
/// known.
fn leads_away(site: &SiteFacts, crates: &mut Crates<'_>) -> bool {
    let in_test = site.source.as_ref().is_some_and(|source| source.in_test);
    let is_call = site.kind == Kind::Call && !in_test;
    is_call && called_crate(&site.label).is_some_and(|name| !crates.is_own(name))
}

fn candidate(facts: &Facts, thresholds: &Thresholds) -> Option<Candidate> {
    let Crossing { calls, ns, claims, .. } = crossing(facts, thresholds);
    let wall = Workload::new(facts).wall_ns();
    let share = if wall > 0.0 { 100.0 * ns / wall } else { 0.0 };
    if (calls as f64) < thresholds.of(&MIN_CALLS) || share < thresholds.of(&MIN_CALLS_SHARE_PCT) {
        return None;
    }
    let profile = &facts.build.profile;
    let one_unit = facts.build.codegen.as_ref().and_then(|it| it.codegen_units) == Some(1);
    let units = if one_unit { "" } else { " and `codegen-units = 1`" };
    Some(Candidate {
        anchor: None,
        title: "short calls into other crates without link-time optimisation".to_owned(),
        problem: format!(
            "{} into other crates took {} ({} each, {} of wall), and profile `{profile}` has no `lto`: what \
             isn't generic or `#[inline]` there is called, not inlined.",
            units::counted(calls, "short call"),
            units::time(ns),
            units::time(ns / calls as f64),
            units::percent(share.min(100.0))
        ),
        solution: "Build with link-time optimisation, and measure both.".to_owned(),
        steps: vec![
            format!(
                "Set `lto = \"thin\"` (or `\"fat\"`){units} in `[profile.{profile}]` of the workspace root's \
                 Cargo.toml."
            ),
            "In a crate of your own, `#[inline]` on the function that is called does it for that one.".to_owned(),
        ],
        tradeoffs: "Builds take longer, most of all the last step.".to_owned(),
        confidence: Confidence::Low,
        effort: META.effort,
        gain: Some(Gain {
            claims,
            allocs: None,
            alloc_bytes: None,
            basis: format!(
                "short calls into other crates {}; of that 0 to 40 %, likely 10 %, as other programs gained: only a \
                 run of the other build can tell",
                units::time(ns)
            ),
        }),
        fix: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Edge, FunctionFacts};
    use crate::rules::testing::{best_ns, hot, run};
    use crate::run_dir::Codegen;

    /// A million calls into another crate that take 100 ms.
    fn called() -> SiteFacts {
        SiteFacts { self_ns: 100_000_000, ..hot(Kind::Call, "codec::next(b)", "u8") }
    }

    fn built(site: SiteFacts, lto: Option<&str>) -> Facts {
        let mut facts = run(vec![site]);
        facts.build.opt_level = Some("3".to_owned());
        let lto = lto.map(str::to_owned);
        facts.build.codegen = Some(Codegen { lto, codegen_units: None });
        facts
    }

    fn found(site: SiteFacts, lto: Option<&str>) -> usize {
        BuildLtoCgu.check(&built(site, lto), &Thresholds::default()).len()
    }

    #[test]
    fn fires_on_many_short_calls_into_other_crates() {
        for lto in [None, Some("false"), Some("off")] {
            let found = BuildLtoCgu.check(&built(called(), lto), &Thresholds::default());
            assert_eq!(found.len(), 1, "{lto:?}");
            assert_eq!(best_ns(&found[0]), Some(10e6));
            assert_eq!(found[0].gain.as_ref().map(|gain| gain.claims[0].saved.low), Some(0.0));
        }
    }

    #[test]
    fn fires_on_calls_between_measured_packages() {
        let mut facts = built(SiteFacts { count: 0, ..called() }, None);
        let package = "codec".to_owned();
        facts.functions.push(FunctionFacts { package, ..FunctionFacts::default() });
        facts.edges =
            vec![Edge { caller: Some(0), callee: 1, calls: 1_000_000, total_ns: 80_000_000 }];
        assert_eq!(BuildLtoCgu.check(&facts, &Thresholds::default()).len(), 1);
        facts.functions[1].package = "app".to_owned();
        assert!(BuildLtoCgu.check(&facts, &Thresholds::default()).is_empty(), "the same package");
    }

    #[test]
    fn advises_only_what_is_not_set() {
        let step = |codegen_units: Option<u64>| {
            let mut facts = built(called(), None);
            facts.build.codegen = Some(Codegen { lto: None, codegen_units });
            BuildLtoCgu.check(&facts, &Thresholds::default())[0].steps[0].clone()
        };
        assert!(step(Some(16)).contains("codegen-units") && step(None).contains("codegen-units"));
        assert!(!step(Some(1)).contains("codegen-units"), "{}", step(Some(1)));
    }

    #[test]
    fn silent_with_link_time_optimisation_or_where_it_is_not_known() {
        assert_eq!(found(called(), Some("thin")), 0);
        assert_eq!(found(called(), Some("fat")), 0);
        let mut unknown = built(called(), None);
        unknown.build.codegen = None;
        assert!(BuildLtoCgu.check(&unknown, &Thresholds::default()).is_empty());
    }

    #[test]
    fn silent_on_calls_into_modules_of_the_same_crate() {
        let mut facts = built(called(), None);
        facts.sources.insert("src/main.rs".to_owned(), "mod codec;\n".to_owned());
        assert!(BuildLtoCgu.check(&facts, &Thresholds::default()).is_empty());
    }

    #[test]
    fn silent_on_few_long_or_cheap_calls_on_methods_and_unoptimised() {
        assert_eq!(found(SiteFacts { count: 99_999, timed: 99_999, ..called() }, None), 0);
        assert_eq!(found(SiteFacts { self_ns: 201_000_000, ..called() }, None), 0);
        assert_eq!(found(SiteFacts { self_ns: 40_000_000, ..called() }, None), 0);
        let method = SiteFacts { label: "pattern.is_match(x)".to_owned(), ..called() };
        assert_eq!(found(method, None), 0);
        let mut debug = built(called(), None);
        debug.build.opt_level = Some("0".to_owned());
        assert!(BuildLtoCgu.check(&debug, &Thresholds::default()).is_empty());
    }
}
