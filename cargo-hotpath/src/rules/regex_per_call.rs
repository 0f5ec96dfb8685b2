//! `regex-per-call`: a constant pattern compiled again and again.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, SiteFacts};
use crate::impact::{Saved, span_ns};
use crate::rules::site::{MIN_EXECUTIONS, MIN_SHARE_PCT, Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Thresholds, types};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// The rule.
pub(super) struct RegexPerCall;

static META: Meta = Meta {
    id: "regex-per-call",
    summary: "a constant pattern is compiled again and again",
    category: Category::Caching,
    effort: Effort::Local,
    evidence: "time and count of the compilation; in the source: all arguments are literals",
    thresholds: &[MIN_EXECUTIONS, MIN_SHARE_PCT],
    docs: "https://rust-lang.github.io/rust-clippy/master/index.html#regex_creation_in_loops",
    explain: Explain {
        means: "Compiling a pattern takes from microseconds to milliseconds, matching it takes nanoseconds. A pattern\n\
                that never changes is compiled once and kept in a static.",
        found: "`Regex::new` and its kin are measured. With literal arguments every compilation after the first does\n\
                the same work again.",
        not_when: "Patterns come from outside: keep a cache by pattern instead. Edition and toolchain need\n\
                   `std::sync::LazyLock` (Rust 1.80); `OnceLock` (1.70) or the `once_cell` crate do the same.",
        before: "fn is_id(text: &str) -> bool {\n    Regex::new(r\"^[a-z]+-[0-9]+$\").unwrap().is_match(text)\n}",
        after: "fn is_id(text: &str) -> bool {\n    static ID: LazyLock<Regex> =\n        LazyLock::new(|| Regex::new(r\"^[a-z]+-[0-9]+$\").unwrap());\n    ID.is_match(text)\n}",
    },
};

impl Rule for RegexPerCall {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        sites(facts, thresholds, &[Kind::RegexNew], |_| true)
            .iter()
            .filter(|site| site.count() > 1 && site.is_exercised())
            .filter_map(candidate)
            .collect()
    }
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let source = site.source()?;
    let ns = site.ns()?;
    if !source.literal_arguments {
        return None;
    }
    let count = site.count();
    let what = site.type_name().map_or_else(|| "Regex".to_owned(), compiled);
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("constant {what} compiled {}", units::counted(count, "time")),
        problem: format!("{}. The pattern is a literal: once is enough.", site.measured()),
        solution: "Compile it once into a `static` with `std::sync::LazyLock`.".to_owned(),
        steps: vec![
            format!(
                "Add `static PATTERN: LazyLock<{what}> = LazyLock::new(|| {}.unwrap());` to the function.",
                site.text().unwrap_or(site.label())
            ),
            "Use `PATTERN` in place of the compiled value.".to_owned(),
        ],
        tradeoffs: "The compiled pattern stays in memory, and a bad pattern panics at first use instead of \
                    returning an error. Needs Rust 1.80."
            .to_owned(),
        confidence: Confidence::High,
        effort: META.effort,
        gain: Some(gain(site, ns)),
        fix: None,
    })
}

/// A fresh pattern allocates its matcher's caches when it is first used: time and allocator calls
/// of the uses in this function, where they allocate.
fn first_uses(site: &Site<'_>) -> (f64, f64) {
    let Some(compiled) = site.type_name().map(ok_type) else { return (0.0, 0.0) };
    let probes = site.probes();
    let is_use = |row: &&SiteFacts| {
        row.kind == Kind::Call
            && row.allocs.count > 0
            && row.type_name.as_deref().map(|name| name.trim_start_matches('&')) == Some(compiled)
    };
    site.of.sites.iter().filter(is_use).fold((0.0, 0.0), |(whole, allocator), row| {
        let costs = site.allocator_for(&row.allocs);
        let frees = row.allocs.count as f64 * costs.free_ns();
        let own = row.allocs.count as f64 * costs.alloc_ns() + frees;
        (whole + span_ns(row, probes).unwrap_or_default() + frees, allocator + own)
    })
}

fn gain(site: &Site<'_>, ns: f64) -> Gain {
    let count = site.count();
    let spared = (count - 1) as f64 / count as f64;
    let frees = site.frees_ns();
    let (uses, caches) = first_uses(site);
    let (allocs, alloc_bytes) = site.gone_allocs();
    let gone = |number: u64| (number as f64 * spared).round() as u64;
    Gain {
        claims: vec![site.claim(Saved::new(
            site.sure_ns() * spared,
            (ns + frees + caches) * spared,
            (site.most_ns() + 2.0 * frees + uses.max(caches)) * spared,
        ))],
        allocs: allocs.map(gone),
        alloc_bytes: alloc_bytes.map(gone),
        basis: format!(
            "(n - 1)/n = {}/{count} of compilations {} + frees {} ({}) + caches made at first use {} \
             (high: all that may have hidden behind the clock, frees twice, the uses whole: {})",
            count - 1,
            units::time(ns),
            units::time(frees),
            site.allocator().basis(),
            units::time(caches),
            units::time(uses)
        ),
    }
}

/// `Regex` of `Result<Regex, Error>`.
fn compiled(type_name: &str) -> String {
    types::short(ok_type(type_name))
}

fn ok_type(type_name: &str) -> &str {
    type_name
        .strip_prefix("core::result::Result<")
        .and_then(|rest| rest.split(',').next())
        .unwrap_or(type_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::SiteFacts;
    use crate::rules::testing::{best_ns, check, hot, with_source};

    fn compiled_twenty_times() -> SiteFacts {
        let result = "core::result::Result<regex::regex::string::Regex, regex::error::Error>";
        let site = hot(Kind::RegexNew, "Regex::new(\"a\")", result);
        let site = SiteFacts { count: 20, timed: 20, allocs: <_>::default(), ..site };
        with_source(site, |source| source.literal_arguments = true)
    }

    #[test]
    fn fires_on_few_but_dear_compilations() {
        let found = check(&RegexPerCall, compiled_twenty_times());
        assert_eq!(found[0].title, "constant Regex compiled 20 times");
        assert_eq!(best_ns(&found[0]), Some(380e6));
    }

    #[test]
    fn silent_on_patterns_that_may_differ() {
        let site = with_source(compiled_twenty_times(), |source| source.literal_arguments = false);
        assert!(check(&RegexPerCall, site).is_empty());
        assert!(
            check(&RegexPerCall, SiteFacts { source: None, ..compiled_twenty_times() }).is_empty()
        );
    }

    #[test]
    fn silent_on_one_compilation_and_on_cheap_ones() {
        let once = SiteFacts { count: 1, timed: 1, ..compiled_twenty_times() };
        assert!(check(&RegexPerCall, once).is_empty());
        let cheap = SiteFacts { self_ns: 900_000, ..compiled_twenty_times() };
        assert!(check(&RegexPerCall, cheap).is_empty());
    }

    #[test]
    fn silent_in_tests() {
        let site = with_source(compiled_twenty_times(), |source| source.in_test = true);
        assert!(check(&RegexPerCall, site).is_empty());
    }
}
