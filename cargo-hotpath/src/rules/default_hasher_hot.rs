//! `default-hasher-hot`: much time in lookups of maps that hash with `SipHash`.

use std::collections::BTreeMap;

use hotpath_runtime_syntax::Kind;

use crate::facts::Facts;
use crate::impact::Saved;
use crate::rules::site::{MIN_EXECUTIONS, Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds, types};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Share of wall time that the lookups of one type of map must take.
const MIN_MAP_SHARE_PCT: Threshold = Threshold::new(
    "min_map_share_pct",
    3.0,
    "share of wall time that the lookups of one type of map must take",
);

/// What another hasher takes off one lookup, in times of hashing a `u64`: of maps with such keys that fit the
/// caches 1.7 (an entry) to 3 (`get` among 100,000), more of longer keys. Both with none that waits for
/// the one before.
const SPARED: Saved = Saved { low: 1.0, best: 1.7, high: 5.0 };

/// Such a hash where it was not calibrated, in nanoseconds: 30 million lookups of `u64` took 14 ns each with
/// `SipHash` and 5 ns with a multiplication, which is 1.7 of it.
const HASH_NS: f64 = 5.3;

/// The most that this is of a lookup: the search in the table, the comparison and the caches that both
/// miss stay.
const SPARED_SHARE: Saved = Saved { low: 0.3, best: 0.6, high: 0.8 };

/// The rule.
pub(super) struct DefaultHasherHot;

static META: Meta = Meta {
    id: "default-hasher-hot",
    summary: "maps with the default hasher take much of the time",
    category: Category::Collection,
    effort: Effort::Local,
    evidence: "time and count of `get`, `entry`, `insert`, `remove` and `contains_key` by the map's type, in which no other hasher is named",
    thresholds: &[MIN_EXECUTIONS, MIN_MAP_SHARE_PCT],
    docs: "https://nnethercote.github.io/perf-book/hashing.html",
    explain: Explain {
        means: "`HashMap` and `HashSet` hash with SipHash, which withstands keys chosen to collide, and takes 4 to 15 ns\n\
                and more for keys that a simpler hash is done with in one or two.",
        found: "Calls on variables and fields are measured with the receiver's concrete type. All those on one type of\n\
                map are taken together. Calls in closures on what the closure captures, and `get` and `remove` with\n\
                a key that isn't borrowed in the call, are not seen.",
        not_when: "Whoever chooses the keys may be hostile (names from a request): a hash that can be foreseen lets\n\
                   them make every key collide. `ahash` and `foldhash` are seeded and still fast; `rustc-hash` is not\n\
                   seeded. Large keys, or tables far beyond the caches, gain less.",
        before: "use std::collections::HashMap;\nlet mut seen: HashMap<u64, u32> = HashMap::new();",
        after: "use rustc_hash::FxHashMap;\nlet mut seen: FxHashMap<u64, u32> = FxHashMap::default();",
    },
};

impl Rule for DefaultHasherHot {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let keep = |row: &crate::facts::SiteFacts| {
            row.type_name
                .as_deref()
                .is_some_and(|name| types::hashes_by_default(types::pointee(name)))
        };
        let mut maps: BTreeMap<&str, Vec<Site<'_>>> = BTreeMap::new();
        for site in sites(facts, thresholds, &[Kind::Lookup], keep) {
            if let (Some(map), Some(_)) = (site.receiver_type(), site.ns()) {
                maps.entry(map).or_default().push(site);
            }
        }
        maps.into_iter().filter_map(|(map, sites)| candidate(map, sites)).collect()
    }
}

fn candidate(map: &str, mut sites: Vec<Site<'_>>) -> Option<Candidate> {
    let of = |site: &Site<'_>| site.ns().unwrap_or_default();
    sites.sort_by(|a, b| of(b).total_cmp(&of(a)));
    let first = sites.first()?;
    let count: u64 = sites.iter().map(Site::count).sum();
    let ns: f64 = sites.iter().map(of).sum();
    let share = first.pct(ns);
    if (count as f64) < first.threshold(&MIN_EXECUTIONS)
        || share < first.threshold(&MIN_MAP_SHARE_PCT)
    {
        return None;
    }
    let short = types::short(map);
    let kind = types::last_segment(map);
    let others = match sites.len() {
        1 => String::new(),
        more => format!(", in {more} places of which `{}` takes most", first.label()),
    };
    Some(Candidate {
        anchor: Some(first.anchor()),
        title: format!("hot lookups in a {kind} with the default hasher"),
        problem: format!(
            "{} on `{short}` took {} ({} each, {} of wall){others}. Each hashes its key with SipHash.",
            units::counted(count, "call"),
            units::time(ns),
            units::time(ns / count.max(1) as f64),
            units::percent(share.min(100.0))
        ),
        solution: "Give the map a faster hasher.".to_owned(),
        steps: vec![
            format!(
                "Name the hasher in its type: `{kind}<.., rustc_hash::FxBuildHasher>` for integers and \
                 short keys, `ahash` or `foldhash` for keys from outside."
            ),
            format!("Make it with `{kind}::default()`: `new()` is for the default hasher only."),
        ],
        tradeoffs: "A hash that isn't seeded lets whoever chooses the keys make them collide. The order of \
                    iteration changes, and with an unseeded hash is the same in each run."
            .to_owned(),
        confidence: Confidence::Medium,
        effort: META.effort,
        gain: Some(gain(&sites, ns)),
        fix: None,
    })
}

fn gain(sites: &[Site<'_>], ns: f64) -> Gain {
    let probes = sites.first().map(Site::probes);
    let calibrated = probes.map(|it| it.hash_ns).filter(|ns| *ns > 0.0);
    let hash_ns = calibrated.unwrap_or(HASH_NS);
    let claims = sites.iter().map(|site| {
        let (ns, count) = (site.ns().unwrap_or_default(), site.count() as f64);
        site.claim(Saved::new(
            (SPARED_SHARE.low * site.sure_ns()).min(SPARED.low * hash_ns * count),
            (SPARED_SHARE.best * ns).min(SPARED.best * hash_ns * count),
            (SPARED_SHARE.high * site.most_ns()).min(SPARED.high * hash_ns * count),
        ))
    });
    Gain {
        claims: claims.collect(),
        allocs: None,
        alloc_bytes: None,
        basis: format!(
            "1 to 5 times what hashing a `u64` takes ({}{}) of each lookup, likely 1.7 (by the key's length); no more \
             than 60 % of the lookups' {}, low 30 % of what is sure of it, high 80 % of the most that it may be",
            units::time(hash_ns),
            if calibrated.is_some() { ", measured here" } else { "" },
            units::time(ns)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::SiteFacts;
    use crate::rules::testing::{best_ns, check, hot, run, with_source};

    const MAP: &str = "std::collections::hash::map::HashMap<u64, u32>";

    fn looked_up(type_name: &str) -> SiteFacts {
        SiteFacts { allocs: <_>::default(), ..hot(Kind::Lookup, "seen.get(&key)", type_name) }
    }

    #[test]
    fn fires_on_lookups_that_end_while_the_clock_is_read() {
        let mut facts = run(vec![SiteFacts { self_ns: 12_000_000, ..looked_up(MAP) }]);
        assert!(DefaultHasherHot.check(&facts, &Thresholds::default()).is_empty(), "1.2 %");
        facts.functions[0].sites[0].count = 10_000_000;
        facts.functions[0].sites[0].hidden_ns = 28_000_000.0;
        let found = DefaultHasherHot.check(&facts, &Thresholds::default());
        assert_eq!(best_ns(&found[0]), Some(0.6 * (12.0 + 28.0) * 1e6));
    }

    #[test]
    fn gains_by_what_hashing_takes_in_this_process() {
        let mut facts = run(vec![looked_up(MAP)]);
        facts.probes.hash_ns = 4.0;
        let found = DefaultHasherHot.check(&facts, &Thresholds::default());
        let saved = found[0].gain.as_ref().map(|gain| gain.claims[0].saved);
        assert_eq!(saved, Some(Saved::new(4e6, 6.8e6, 20e6)));
    }

    #[test]
    fn fires_on_hot_lookups_with_a_part_of_their_time() {
        let found = check(&DefaultHasherHot, looked_up(&format!("&{MAP}")));
        assert_eq!(found[0].title, "hot lookups in a HashMap with the default hasher");
        assert!(found[0].problem.contains("on `HashMap<u64, u32>` took 400 ms"), "{found:?}");
        assert_eq!(best_ns(&found[0]), Some(9.01e6));
        assert_eq!(found[0].gain.as_ref().map(|gain| gain.claims[0].saved.high), Some(26.5e6));
    }

    #[test]
    fn of_a_fast_lookup_goes_a_share() {
        let fast = |count| {
            let site = SiteFacts { count, timed: count, ..looked_up(MAP) };
            let found = check(&DefaultHasherHot, site);
            found[0].gain.as_ref().map(|gain| gain.claims[0].saved).unwrap_or_default()
        };
        let saved = fast(20_000_000);
        assert!(
            (saved.best - 180.2e6).abs() < 1.0 && (saved.high - 480e6).abs() < 1.0,
            "{saved:?}"
        );
        assert!((fast(40_000_000).best - 240e6).abs() < 1.0);
    }

    #[test]
    fn lookups_in_one_type_of_map_are_one_finding() {
        let entry = SiteFacts { index: 1, self_ns: 100_000_000, ..looked_up(MAP) };
        let guard = format!("std::sync::poison::mutex::MutexGuard<'_, {MAP}>");
        let locked = SiteFacts { index: 2, self_ns: 500_000_000, ..looked_up(&guard) };
        let set = SiteFacts { index: 3, ..looked_up("std::collections::hash::set::HashSet<u8>") };
        let found = DefaultHasherHot.check(&run(vec![entry, locked, set]), &Thresholds::default());
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].anchor.as_ref().map(|anchor| anchor.site), Some(2));
        assert_eq!(found[0].gain.as_ref().map(|gain| gain.claims.len()), Some(2));
        assert!(found[0].problem.contains("in 2 places"), "{}", found[0].problem);
    }

    #[test]
    fn silent_on_other_hashers_other_maps_and_types_of_the_same_name() {
        for name in [
            "std::collections::hash::map::HashMap<u8, u8, app::Fast>",
            "alloc::collections::btree::map::BTreeMap<u8, u8>",
            "app::HashMap<u8, u8>",
            "alloc::vec::Vec<u8>",
        ] {
            assert!(check(&DefaultHasherHot, looked_up(name)).is_empty(), "{name}");
        }
        assert!(
            check(&DefaultHasherHot, SiteFacts { type_name: None, ..looked_up("") }).is_empty()
        );
    }

    #[test]
    fn silent_when_few_cheap_untimed_or_in_tests() {
        let few = SiteFacts { count: 99, timed: 99, ..looked_up(MAP) };
        assert!(check(&DefaultHasherHot, few).is_empty());
        let cheap = SiteFacts { self_ns: 29_000_000, ..looked_up(MAP) };
        assert!(check(&DefaultHasherHot, cheap).is_empty());
        assert!(check(&DefaultHasherHot, SiteFacts { timed: 0, ..looked_up(MAP) }).is_empty());
        assert!(
            check(&DefaultHasherHot, with_source(looked_up(MAP), |s| s.in_test = true)).is_empty()
        );
    }
}
