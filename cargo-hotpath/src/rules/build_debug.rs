//! `build-debug`: the run was of an unoptimised build.

use crate::facts::{BuildFacts, Facts};
use crate::rules::{Candidate, Explain, Meta, Rule, Thresholds};
use crate::schema::{Category, Confidence, Effort};

/// The rule.
pub(super) struct BuildDebug;

static META: Meta = Meta {
    id: "build-debug",
    summary: "the run was of an unoptimised build",
    category: Category::Config,
    effort: Effort::Trivial,
    evidence: "the executable's opt-level as cargo reported it (the only rule that needs no measurement)",
    thresholds: &[],
    docs: "https://nnethercote.github.io/perf-book/build-configuration.html",
    explain: Explain {
        means: "Without optimisation Rust code is often ten to a hundred times slower, and not evenly: iterators and\n\
                small functions suffer most. What is hot in such a build may be free in a release build.",
        found: "Cargo reports the opt-level with the executable. Every other finding of the run is downgraded.",
        not_when: "The unoptimised build itself is what you want to speed up, for instance a slow test suite. Then\n\
                   `opt-level = 1` in the profile is the first thing to try.",
        before: "cargo hotpath run --dev",
        after: "cargo hotpath run",
    },
};

impl Rule for BuildDebug {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, _: &Thresholds) -> Vec<Candidate> {
        if !is_unoptimised(&facts.build) {
            return Vec::new();
        }
        let profile = &facts.build.profile;
        vec![Candidate {
            anchor: None,
            title: "the measured build is not optimised".to_owned(),
            problem: format!(
                "The workload was built with profile `{profile}`, opt-level 0. Shares differ from those of an \
                 optimised build, so the other findings may not hold there."
            ),
            solution: "Measure an optimised build.".to_owned(),
            steps: vec![
                "Run `cargo hotpath run` without `--dev` or `--profile` (release is the default)."
                    .to_owned(),
                format!(
                    "Or set `opt-level = 3` in `[profile.{profile}]` of the workspace's Cargo.toml, if this \
                     profile is the one that ships."
                ),
            ],
            tradeoffs: "An optimised build takes longer to compile.".to_owned(),
            confidence: Confidence::High,
            effort: META.effort,
            gain: None,
            fix: None,
        }]
    }
}

/// Whether the build is known to be without optimisation.
fn is_unoptimised(build: &BuildFacts) -> bool {
    match build.opt_level.as_deref() {
        Some(level) => level == "0",
        None => ["dev", "test"].contains(&build.profile.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(profile: &str, opt_level: Option<&str>) -> usize {
        let build = BuildFacts {
            profile: profile.to_owned(),
            opt_level: opt_level.map(str::to_owned),
            ..BuildFacts::default()
        };
        BuildDebug.check(&Facts { build, ..Facts::default() }, &Thresholds::default()).len()
    }

    #[test]
    fn fires_on_opt_level_0_whatever_the_profile() {
        assert_eq!(found("dev", Some("0")), 1);
        assert_eq!(found("release", Some("0")), 1);
        assert_eq!(found("dev", None), 1);
    }

    #[test]
    fn silent_on_any_optimisation() {
        assert_eq!(found("release", Some("3")), 0);
        assert_eq!(found("dev", Some("1")), 0);
        assert_eq!(found("release", Some("s")), 0);
        assert_eq!(found("bench", None), 0);
    }
}
