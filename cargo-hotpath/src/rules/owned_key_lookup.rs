//! `owned-key-lookup`: a key copied to the heap only to look it up.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, Usage};
use crate::rules::copy::{self, Original};
use crate::rules::site::{MIN_EXECUTIONS, MIN_SHARE_PCT, Site, sites};
use crate::rules::{Candidate, Explain, Meta, Rule, Thresholds, types};
use crate::schema::{Category, Confidence, Effort};

/// Lookups that only read the key.
const LOOKUPS: &[&str] = &["contains", "contains_key", "get", "get_mut", "remove"];

/// The rule.
pub(super) struct OwnedKeyLookup;

static META: Meta = Meta {
    id: "owned-key-lookup",
    summary: "a key is copied to the heap only to look it up",
    category: Category::Copy,
    effort: Effort::Trivial,
    evidence: "time, count and allocations of the copy; it is lent to a lookup whose measured receiver is a map or set",
    thresholds: &[MIN_EXECUTIONS, MIN_SHARE_PCT],
    docs: "https://doc.rust-lang.org/std/collections/struct.HashMap.html#method.get",
    explain: Explain {
        means: "A map with `String` keys can be asked for a `&str`, one with `Vec<u8>` keys for a `&[u8]`: lookups\n\
                take any borrowed form of the key. A copy made for the lookup is dropped right after it.",
        found: "`to_string`, `to_owned`, `to_vec`, `String::from` and `format!` behind a `&` in a lookup are measured,\n\
                and so is the lookup, with the map's concrete type. (`clone` there is `clone-for-borrow`'s.)",
        not_when: "The key is a tuple or struct that holds a `String`: that has no borrowed form, and takes a map in a\n\
                   map, or a key type that borrows. Where a number is converted, make it the key.",
        before: "if let Some(price) = prices.get(&name.to_string()) { .. }",
        after: "if let Some(price) = prices.get(name) { .. }",
    },
};

impl Rule for OwnedKeyLookup {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let kinds = [Kind::ToString, Kind::ToOwned, Kind::ToVec, Kind::Format];
        sites(facts, thresholds, &kinds, |row| {
            !row.type_name.as_deref().is_some_and(types::is_shared)
        })
        .iter()
        .filter(|site| site.is_exercised() && is_key(site) && copy::allocates(site))
        .filter_map(candidate)
        .collect()
    }
}

/// Whether a value is made to be lent to a lookup in a map or set, going by the map's measured type.
pub(super) fn is_key(site: &Site<'_>) -> bool {
    let lent = site.source().is_some_and(|source| {
        matches!(&source.usage, Usage::Argument { callee, position: 0, borrowed: true }
            if LOOKUPS.contains(&callee.as_str()))
    });
    lent && site.taker().is_some_and(|lookup| {
        lookup.kind() == Kind::Lookup && lookup.receiver_type().is_some_and(types::is_keyed)
    })
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let source = site.source()?;
    let ns = site.ns()?;
    let lookup = site.taker()?;
    let map = types::short(lookup.receiver_type()?);
    let key = match (source.receiver.as_deref(), source.arguments.first()) {
        (Some(receiver), _) => receiver,
        (None, Some(argument)) => argument.as_str(),
        (None, None) => "the borrowed form",
    };
    if holds_map(&lookup, key) {
        return None;
    }
    let formatted = site.kind() == Kind::Format;
    let made_of = copy::original(site);
    let (solution, steps) =
        if formatted { formatted_key() } else { borrowed_key(key, site.label(), made_of) };
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("{} made only to look it up", site.short_type()),
        problem: format!(
            "{}. The copy is lent to `{}` on a `{map}` and dropped.",
            site.measured(),
            lookup.method().unwrap_or("a lookup"),
        ),
        solution,
        steps,
        tradeoffs: "None where it compiles.".to_owned(),
        confidence: match made_of {
            Original::Borrowed if !formatted => Confidence::High,
            _ => Confidence::Medium,
        },
        effort: if formatted { Effort::Local } else { META.effort },
        gain: Some(copy::spared(site, ns)),
        fix: None,
    })
}

/// Whether the copy ends a borrow that the lookup itself can't have: it changes the map, and the key comes
/// from the same variable by a call.
fn holds_map(lookup: &Site<'_>, key: &str) -> bool {
    let changes = matches!(lookup.method(), Some("get_mut" | "remove"));
    let root = lookup.source().and_then(|source| source.receiver_root.as_deref());
    let mut words = key.split(|it: char| !(it.is_alphanumeric() || it == '_'));
    changes && key.contains('(') && root.is_some_and(|root| words.any(|word| word == root))
}

fn formatted_key() -> (String, Vec<String>) {
    let steps = [
        "Key the map by the parts: a tuple, or a map in a map.",
        "Else keep one String outside of the loop: `clear()` it and `write!` the key into it.",
    ];
    ("Look up without making a String for it.".to_owned(), steps.map(str::to_owned).to_vec())
}

fn borrowed_key(key: &str, label: &str, made_of: Original) -> (String, Vec<String>) {
    let number = || format!("If `{key}` is no text but a number, make the number the map's key.");
    let text = || format!("Use `{key}` (or `&*{key}`, `as_str()`) where `&{label}` stands.");
    match made_of {
        Original::Borrowed => (format!("Look up with `{key}` as it is."), vec![text()]),
        Original::Unknown => {
            (format!("Look up with `{key}` as it is, if it is text."), vec![text(), number()])
        }
        Original::Converted => (
            format!("Make what `{key}` is the map's key."),
            vec![
                "Change the key's type, and convert where the map is filled from text.".to_owned(),
            ],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::SiteFacts;
    use crate::rules::testing::{best_ns, hot, run, with_source};

    const MAP: &str = "&std::collections::hash::map::HashMap<alloc::string::String, u8>";

    fn key(kind: Kind, callee: &str) -> SiteFacts {
        with_source(hot(kind, "name.to_string()", "alloc::string::String"), |source| {
            source.receiver = Some("name".to_owned());
            source.taken_by = Some(1);
            source.usage =
                Usage::Argument { callee: callee.to_owned(), position: 0, borrowed: true };
        })
    }

    fn found(key: SiteFacts, map: &str) -> Vec<Candidate> {
        let lookup = SiteFacts { index: 1, ..hot(Kind::Lookup, "prices.get(..)", map) };
        let lookup = with_source(lookup, |source| source.method = Some("get".to_owned()));
        OwnedKeyLookup.check(&run(vec![key, lookup]), &Thresholds::default())
    }

    #[test]
    fn fires_on_keys_made_for_a_lookup() {
        let found = found(key(Kind::ToOwned, "get"), MAP);
        assert_eq!(found[0].title, "`String` made only to look it up");
        assert_eq!(found[0].solution, "Look up with `name` as it is.");
        assert!(
            found[0].problem.ends_with("lent to `get` on a `HashMap<String, u8>` and dropped.")
        );
        assert_eq!(best_ns(&found[0]), Some(410e6));
        assert_eq!(found[0].gain.as_ref().and_then(|gain| gain.allocs), Some(1_000_000));
    }

    #[test]
    fn a_number_is_not_told_to_be_a_key_as_it_is() {
        let solution = |declared: Option<&str>| {
            let key = with_source(key(Kind::ToString, "get"), |source| {
                source.method = Some("to_string".to_owned());
                source.declared_type = declared.map(str::to_owned);
            });
            found(key, MAP).remove(0).solution
        };
        assert_eq!(solution(Some("&str")), "Look up with `name` as it is.");
        assert_eq!(solution(None), "Look up with `name` as it is, if it is text.");
        assert_eq!(solution(Some("u64")), "Make what `name` is the map's key.");
    }

    #[test]
    fn silent_where_the_copy_ends_a_borrow_of_the_map() {
        let looked_up = |method: &str, receiver: &str| {
            let key =
                with_source(key(Kind::ToOwned, method), |s| s.receiver = Some(receiver.to_owned()));
            let lookup = SiteFacts { index: 1, ..hot(Kind::Lookup, "self.m.remove(..)", MAP) };
            let lookup = with_source(lookup, |source| {
                source.method = Some(method.to_owned());
                source.receiver_root = Some("self".to_owned());
            });
            OwnedKeyLookup.check(&run(vec![key, lookup]), &Thresholds::default()).len()
        };
        assert_eq!(looked_up("remove", "self.current()"), 0);
        assert_eq!(looked_up("remove", "self.current"), 1, "another field");
        assert_eq!(looked_up("get", "self.current()"), 1);
    }

    #[test]
    fn formatted_keys_get_their_own_advice() {
        let found = found(key(Kind::Format, "contains_key"), MAP);
        assert!(found[0].solution.contains("without making a String"), "{found:?}");
    }

    #[test]
    fn silent_on_receivers_that_are_no_map() {
        for map in
            ["&app::HashMap<alloc::string::String, u8>", "alloc::vec::Vec<u8>", "app::Client"]
        {
            assert!(found(key(Kind::ToString, "get"), map).is_empty(), "{map}");
        }
        let alone =
            OwnedKeyLookup.check(&run(vec![key(Kind::ToString, "get")]), &Thresholds::default());
        assert!(alone.is_empty(), "the lookup was not measured");
    }

    #[test]
    fn silent_on_keys_that_are_kept_and_other_calls() {
        assert!(found(key(Kind::ToString, "insert"), MAP).is_empty());
        let kept = with_source(key(Kind::ToString, "get"), |source| {
            source.usage =
                Usage::Argument { callee: "get".to_owned(), position: 0, borrowed: false };
        });
        assert!(found(kept, MAP).is_empty());
    }

    #[test]
    fn silent_without_heap_blocks_few_untimed_or_in_tests() {
        let site = || key(Kind::ToString, "get");
        assert!(found(SiteFacts { allocs: <_>::default(), ..site() }, MAP).is_empty());
        let few = SiteFacts { count: 99, timed: 99, self_ns: 9_000, ..site() };
        assert!(found(few, MAP).is_empty());
        assert!(found(SiteFacts { timed: 0, ..site() }, MAP).is_empty());
        assert!(found(with_source(site(), |s| s.in_test = true), MAP).is_empty());
    }
}
