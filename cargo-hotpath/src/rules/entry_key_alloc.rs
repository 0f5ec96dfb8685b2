//! `entry-key-alloc`: a key copied for `entry` though it is mostly there already.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, Usage};
use crate::impact::Saved;
use crate::rules::site::{MIN_EXECUTIONS, MIN_SHARE_PCT, Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds, copy, types};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Share of the calls of `entry` that must have found the key.
const MIN_HIT_SHARE_PCT: Threshold = Threshold::new(
    "min_hit_share_pct",
    50.0,
    "share of the calls of `entry` that must have freed the key again",
);

/// What the second lookup of a key that wasn't there takes.
const LOOKUP_NS: f64 = 40.0;

/// The rule.
pub(super) struct EntryKeyAlloc;

static META: Meta = Meta {
    id: "entry-key-alloc",
    summary: "a key is copied for `entry`, which mostly drops it",
    category: Category::Copy,
    effort: Effort::Local,
    evidence: "time, count and allocations of the copy; frees inside the `entry` that it is given to, and that map's measured type",
    thresholds: &[MIN_EXECUTIONS, MIN_SHARE_PCT, MIN_HIT_SHARE_PCT],
    docs: "https://nnethercote.github.io/perf-book/heap-allocations.html#hash-tables",
    explain: Explain {
        means: "`entry` takes the key by value, so that each call copies it; where the key is in the map already, the\n\
                copy is dropped at once. Asking with the borrowed key first copies it only when it is new.",
        found: "The copy is measured, and so is the `entry`: a key that it finds is freed inside of it, which the\n\
                counting allocator sees. The rule fires where most calls found their key.",
        not_when: "Most keys are new: then the second lookup costs more than it saves. `hashbrown` has `entry_ref`,\n\
                   which does both in one lookup.",
        before: "*counts.entry(word.to_owned()).or_insert(0) += 1;",
        after: "match counts.get_mut(word) {\n    Some(count) => *count += 1,\n    None => { counts.insert(word.to_owned(), 1); }\n}",
    },
};

impl Rule for EntryKeyAlloc {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        if !facts.allocations_measured {
            return Vec::new();
        }
        let kinds = [Kind::Clone, Kind::ToString, Kind::ToOwned, Kind::ToVec];
        sites(facts, thresholds, &kinds, |row| {
            !row.type_name.as_deref().is_some_and(types::is_shared)
        })
        .iter()
        .filter(|site| site.is_exercised() && copy::allocates(site))
        .filter_map(candidate)
        .collect()
    }
}

/// How many of the copies were dropped by the `entry` that they were given to.
fn hits(site: &Site<'_>, entry: &Site<'_>) -> u64 {
    let blocks = site.allocs().count as f64 / site.count() as f64;
    let freed = entry.allocs().frees as f64 / blocks;
    (freed as u64).min(site.count())
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let source = site.source()?;
    let ns = site.ns()?;
    let given = matches!(&source.usage, Usage::Argument { callee, position: 0, borrowed: false }
        if callee == "entry");
    let entry = site.taker().filter(|entry| given && entry.kind() == Kind::Lookup)?;
    let map = entry.receiver_type().filter(|name| types::is_keyed(name))?;
    let hits = hits(site, &entry);
    let share = 100.0 * hits as f64 / site.count() as f64;
    if share < site.threshold(&MIN_HIT_SHARE_PCT) {
        return None;
    }
    let key = source.receiver.as_deref().unwrap_or("the borrowed key");
    let target = entry.source().and_then(|source| source.receiver.as_deref()).unwrap_or("the map");
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("{} made for `entry`, and mostly dropped", site.short_type()),
        problem: format!(
            "{}. `entry` on a `{}` dropped {} of them: the key was there.",
            site.measured(),
            types::short(map),
            units::percent(share)
        ),
        solution: "Ask with the borrowed key first, and copy it only when it is new.".to_owned(),
        steps: vec![
            format!(
                "Replace the statement by `match {target}.get_mut({key}) {{ Some(value) => .., None => \
                 {{ {target}.insert({}, ..); }} }}` (`&{key}` where `{key}` is owned).",
                site.label()
            ),
            "Where that doesn't pass the borrow checker (the value is returned): `contains_key` first.".to_owned(),
        ],
        tradeoffs: "A key that is new is hashed twice. With `hashbrown`, `entry_ref` does both in one.".to_owned(),
        confidence: Confidence::High,
        effort: META.effort,
        gain: Some(gain(site, ns, hits)),
        fix: None,
    })
}

fn gain(site: &Site<'_>, ns: f64, hits: u64) -> Gain {
    let count = site.count();
    let spared = hits as f64 / count as f64;
    let frees = site.frees_ns();
    let again = (count - hits) as f64 * LOOKUP_NS;
    let (allocs, alloc_bytes) = site.gone_allocs();
    let gone = |number: u64| (number as f64 * spared).round() as u64;
    let time = units::time;
    Gain {
        claims: vec![site.claim(Saved::new(
            site.sure_ns() * spared - again,
            (ns + frees) * spared - again,
            (site.most_ns() + site.most_frees_ns()) * spared,
        ))],
        allocs: allocs.map(gone),
        alloc_bytes: alloc_bytes.map(gone),
        basis: format!(
            "{hits}/{count} of copies {} + frees {} ({}), less 40 ns for a second lookup of each new \
             key ({}); low what is sure of the copies alone, high without the lookups, with frees at \
             twice and with all that may have hidden behind the clock",
            time(ns),
            time(frees),
            site.allocator().basis(),
            time(again)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::SiteFacts;
    use crate::profile::Allocs;
    use crate::rules::testing::{best_ns, hot, run, with_source};

    const MAP: &str = "std::collections::hash::map::HashMap<alloc::string::String, u32>";

    fn copied() -> SiteFacts {
        with_source(hot(Kind::ToOwned, "word.to_owned()", "alloc::string::String"), |source| {
            source.receiver = Some("word".to_owned());
            source.taken_by = Some(1);
            source.usage =
                Usage::Argument { callee: "entry".to_owned(), position: 0, borrowed: false };
        })
    }

    fn entry(map: &str, frees: u64) -> SiteFacts {
        let allocs = Allocs { frees, ..Allocs::default() };
        let site = SiteFacts { index: 1, allocs, ..hot(Kind::Lookup, "counts.entry(..)", map) };
        with_source(site, |source| {
            source.method = Some("entry".to_owned());
            source.receiver = Some("counts".to_owned());
        })
    }

    fn found(copied: SiteFacts, entry: SiteFacts) -> Vec<Candidate> {
        EntryKeyAlloc.check(&run(vec![copied, entry]), &Thresholds::default())
    }

    #[test]
    fn fires_where_most_keys_are_dropped() {
        let found = found(copied(), entry(MAP, 900_000));
        assert_eq!(found[0].title, "`String` made for `entry`, and mostly dropped");
        assert!(
            found[0].problem.ends_with("dropped 90.0 % of them: the key was there."),
            "{found:?}"
        );
        assert!(found[0].steps[0].contains("counts.get_mut(word)"), "{found:?}");
        assert!(found[0].steps[0].ends_with("(`&word` where `word` is owned)."), "{found:?}");
        assert_eq!(best_ns(&found[0]), Some(410e6 * 0.9 - 4e6));
        assert_eq!(found[0].gain.as_ref().and_then(|gain| gain.allocs), Some(900_000));
    }

    #[test]
    fn keys_of_several_blocks_are_counted_once() {
        let allocs = Allocs { count: 3_000_000, bytes: 24_000_000, ..Allocs::default() };
        let deep = || SiteFacts { allocs, ..copied() };
        assert!(found(deep(), entry(MAP, 1_400_000)).is_empty());
        assert_eq!(found(deep(), entry(MAP, 1_600_000)).len(), 1);
    }

    #[test]
    fn silent_where_keys_are_mostly_new() {
        assert!(found(copied(), entry(MAP, 499_999)).is_empty());
        assert!(found(copied(), entry(MAP, 0)).is_empty());
    }

    #[test]
    fn silent_on_other_types_and_other_calls() {
        assert!(found(copied(), entry("app::Map", 900_000)).is_empty());
        assert!(
            EntryKeyAlloc.check(&run(vec![copied()]), &Thresholds::default()).is_empty(),
            "no entry was measured"
        );
        let inserted = with_source(copied(), |source| {
            source.usage =
                Usage::Argument { callee: "insert".to_owned(), position: 0, borrowed: false };
        });
        assert!(found(inserted, entry(MAP, 900_000)).is_empty());
    }

    #[test]
    fn silent_without_an_allocator_few_or_in_tests() {
        let mut facts = run(vec![copied(), entry(MAP, 900_000)]);
        facts.allocations_measured = false;
        assert!(EntryKeyAlloc.check(&facts, &Thresholds::default()).is_empty());
        let few = SiteFacts { count: 99, timed: 99, self_ns: 9_000, ..copied() };
        assert!(found(few, entry(MAP, 99)).is_empty());
        let test = with_source(copied(), |s| s.in_test = true);
        assert!(found(test, entry(MAP, 900_000)).is_empty());
    }
}
