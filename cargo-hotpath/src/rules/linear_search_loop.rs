//! `linear-search-loop`: a list that is searched from one end to the other again and again.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, Origin, SiteFacts};
use crate::impact::Saved;
use crate::rules::site::{MIN_EXECUTIONS, Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds, types};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Time of one search from which an index is worth its while.
const MIN_SEARCH_NS: Threshold = Threshold::new(
    "min_search_ns",
    200.0,
    "mean time of a search: short lists are searched faster than hashed",
);

/// What one lookup in a set or map takes instead.
const LOOKUP_NS: f64 = 40.0;

/// Part that is sure to go: what building the index takes, and keeping it, was not measured.
const SURE: f64 = 0.4;

/// Part that is likely to go.
const LIKELY: f64 = 0.85;

/// The rule.
pub(super) struct LinearSearchLoop;

static META: Meta = Meta {
    id: "linear-search-loop",
    summary: "a list is searched element by element again and again",
    category: Category::Collection,
    effort: Effort::Local,
    evidence: "time and count of `contains` on a Vec or slice, or of `iter()` with `any`, `find` or `position` and a closure that compares the element, or a part of it, with `==`",
    thresholds: &[MIN_EXECUTIONS, MIN_SEARCH_NS],
    docs: "https://doc.rust-lang.org/std/collections/index.html",
    explain: Explain {
        means: "Each search compares with every element until it hits. A set or map that is built once finds it in\n\
                some tens of nanoseconds, however long the list is.",
        found: "Searches on variables and fields are measured with the receiver's concrete type; only those that\n\
                take long on average are spoken of, because short lists are searched faster than hashed. Lists\n\
                that the innermost loop goes through, or makes anew in each iteration, are left out.",
        not_when: "The list is searched once, changes between searches, or its elements have no `Hash` and `Eq`\n\
                   (floating point numbers): a sorted Vec with `binary_search` may do then.",
        before: "for order in &orders {\n    if blocked.contains(&order.customer) { skip(order); }\n}",
        after: "let blocked: HashSet<_> = blocked.iter().collect();\nfor order in &orders {\n    if blocked.contains(&order.customer) { skip(order); }\n}",
    },
};

impl Rule for LinearSearchLoop {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        sites(facts, thresholds, &[Kind::Lookup, Kind::Search], is_on_list)
            .iter()
            .filter_map(candidate)
            .collect()
    }
}

/// Whether a list is searched whose elements may have an equal.
fn is_on_list(row: &SiteFacts) -> bool {
    row.type_name
        .as_deref()
        .and_then(|name| types::element(types::pointee(name)))
        .is_some_and(|element| !matches!(types::pointee(element), "f32" | "f64"))
}

/// Whether each search meets a list of its own, so that an index of it would be used once.
fn is_searched_once(site: &Site<'_>) -> bool {
    match site.source().and_then(|source| source.root_origin) {
        Some(Origin::Element) => true,
        // A reference or guard may lead to the same list each time.
        Some(Origin::Inside) => site.type_name() == site.receiver_type(),
        Some(Origin::Outside) | None => false,
    }
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let source = site.source()?;
    let ns = site.ns()?;
    let count = site.count() as f64;
    let method = site.method()?;
    let searches = match method {
        "contains" => true,
        "any" | "find" | "position" => source.searches_for_equal == Some(true),
        _ => false,
    };
    if !searches
        || is_searched_once(site)
        || !site.ran(&MIN_EXECUTIONS)
        || ns / count < site.threshold(&MIN_SEARCH_NS)
    {
        return None;
    }
    let list = source.receiver.as_deref()?.trim_end_matches(".iter()");
    let built = match method {
        "position" => "`HashMap` to the position",
        _ => "`HashSet` or `HashMap`",
    };
    let kept = LOOKUP_NS * count;
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("`{list}` is searched element by element"),
        problem: format!(
            "{}. It compares with the elements of `{list}` one after the other.",
            site.measured()
        ),
        solution: format!("Build a {built} of `{list}` once, and look up in that."),
        steps: vec![
            format!("Before the loop (or beside the field): collect `{list}` into a {built}."),
            "Where it changes between searches: insert there as well as in the list.".to_owned(),
            "Where it is sorted: `binary_search` needs no other type.".to_owned(),
        ],
        tradeoffs: "The index takes memory, and time to build: it pays where many searches follow. The elements need \
                    `Hash` and `Eq`."
            .to_owned(),
        confidence: Confidence::Medium,
        effort: META.effort,
        gain: Some(Gain {
            claims: vec![site.claim(Saved::new(
                SURE * (site.sure_ns() - kept),
                LIKELY * (ns - kept),
                site.most_ns(),
            ))],
            allocs: None,
            alloc_bytes: None,
            basis: format!(
                "searches {} less 40 ns for each lookup ({}); likely 85 % of that (building the index was \
                 not measured), low 40 % of what is sure of it, high all searches and all that may have hidden behind the clock",
                units::time(ns),
                units::time(kept)
            ),
        }),
        fix: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{best_ns, check, hot, with_source};

    const VEC: &str = "&alloc::vec::Vec<alloc::string::String>";

    fn searched(kind: Kind, method: &str, by_equality: bool, type_name: &str) -> SiteFacts {
        let site = SiteFacts { allocs: <_>::default(), ..hot(kind, "search", type_name) };
        with_source(site, |source| {
            source.method = Some(method.to_owned());
            source.receiver = Some("names.iter()".to_owned());
            source.searches_for_equal = Some(by_equality);
        })
    }

    fn contains(type_name: &str) -> SiteFacts {
        searched(Kind::Lookup, "contains", false, type_name)
    }

    #[test]
    fn fires_on_long_searches() {
        for name in [VEC, "&[u32]", "[app::Key; 500]"] {
            let found = check(&LinearSearchLoop, contains(name));
            assert_eq!(found.len(), 1, "{name}");
            assert_eq!(found[0].title, "`names` is searched element by element");
            assert_eq!(best_ns(&found[0]), Some(0.85 * 360e6));
        }
        let position = searched(Kind::Search, "position", true, VEC);
        assert!(check(&LinearSearchLoop, position)[0].solution.contains("to the position"));
    }

    #[test]
    fn silent_on_searches_by_anything_but_equality() {
        for method in ["any", "find", "position"] {
            let site = searched(Kind::Search, method, false, VEC);
            assert!(check(&LinearSearchLoop, site).is_empty(), "{method}");
        }
    }

    #[test]
    fn silent_on_lists_that_are_searched_once_each() {
        let found = |origin: Origin, type_name: &str| {
            let site = with_source(contains(type_name), |s| s.root_origin = Some(origin));
            check(&LinearSearchLoop, site).len()
        };
        let owned = VEC.trim_start_matches('&');
        assert_eq!(found(Origin::Outside, owned), 1);
        assert_eq!(found(Origin::Inside, VEC), 1, "the same list through a reference");
        assert_eq!(found(Origin::Inside, owned), 0);
        assert_eq!(found(Origin::Element, VEC), 0);
    }

    #[test]
    fn silent_on_sets_strings_other_calls_and_elements_without_an_equal() {
        for name in [
            "std::collections::hash::set::HashSet<u8>",
            "alloc::string::String",
            "core::ops::range::Range<u32>",
            "app::Vec<u8>",
            "alloc::vec::Vec<f64>",
        ] {
            assert!(check(&LinearSearchLoop, contains(name)).is_empty(), "{name}");
        }
        assert!(check(&LinearSearchLoop, searched(Kind::Lookup, "get", false, VEC)).is_empty());
        assert!(check(&LinearSearchLoop, SiteFacts { type_name: None, ..contains("") }).is_empty());
    }

    #[test]
    fn silent_when_short_few_untimed_or_in_tests() {
        assert!(
            check(&LinearSearchLoop, SiteFacts { self_ns: 199_000_000, ..contains(VEC) })
                .is_empty()
        );
        let few = SiteFacts { count: 99, timed: 99, ..contains(VEC) };
        assert!(check(&LinearSearchLoop, few).is_empty());
        assert!(check(&LinearSearchLoop, SiteFacts { timed: 0, ..contains(VEC) }).is_empty());
        let test = with_source(contains(VEC), |s| s.in_test = true);
        assert!(check(&LinearSearchLoop, test).is_empty());
    }
}
