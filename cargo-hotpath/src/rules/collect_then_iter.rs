//! `collect-then-iter`: a Vec that is collected only to go through it once.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, SiteFacts, SiteSource, Usage};
use crate::impact::Saved;
use crate::rules::site::{MIN_EXECUTIONS, MIN_SHARE_PCT, Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Thresholds, types};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// What is done with a Vec that the iterator could be asked for, and what to call instead.
const INSTEAD: &[(&str, &str)] = &[
    ("contains", "any"),
    ("into_iter", "the iterator itself"),
    ("is_empty", "next().is_none()"),
    ("iter", "the iterator itself"),
    ("len", "count()"),
];

/// What can be asked of an iterator over a Vec, in a chain, but not of every iterator: an end to come
/// from, a length, a copy.
const OF_A_VEC: &[&str] =
    &["as_slice", "cycle", "len", "next_back", "nth_back", "rev", "rfind", "rfold", "rposition"];

/// Values whose making is started by collecting them.
const STARTED: &[&str] = &["JoinHandle", "ScopedJoinHandle", "Child", "Receiver"];

/// Bytes that one nanosecond of copying moves when the data has left the cache.
const COLD_BYTES_PER_NS: f64 = 10.0;

/// The most that goes, as a share of the time of collecting: what the iterator does stays.
const MOST: f64 = 0.5;

/// The rule.
pub(super) struct CollectThenIter;

static META: Meta = Meta {
    id: "collect-then-iter",
    summary: "a Vec is collected only to go through it once",
    category: Category::Collection,
    effort: Effort::Trivial,
    evidence: "time, count, allocations and bytes moved of `collect`; in the source: what is done with the Vec at once",
    thresholds: &[MIN_EXECUTIONS, MIN_SHARE_PCT],
    docs: "https://rust-lang.github.io/rust-clippy/master/index.html#needless_collect",
    explain: Explain {
        means: "The elements are written to a new block, which may grow step by step, only to be read from it once and\n\
                freed. An iterator hands them on one by one.",
        found: "`collect` is measured with the concrete type that it makes. The source says that the Vec is counted,\n\
                searched or iterated over in the same expression, by the `for` that it stands in, or once by the\n\
                name that a `let` gives it. Left out are\n\
                loops whose body names what is collected from, chains that go on from the other end, parallel\n\
                iterators, values that run on their own (threads, processes), and elements whose making has an effect\n\
                that can be seen (locks, output, `&mut`).",
        not_when: "Collecting ends a borrow or a lock that the loop needs, or the effects of making all elements must\n\
                   come before the first is used, as in functions that the closures call.",
        before: "let open = jobs.iter().filter(Job::is_open).collect::<Vec<_>>().len();",
        after: "let open = jobs.iter().filter(Job::is_open).count();",
    },
};

impl Rule for CollectThenIter {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        if !facts.allocations_measured {
            return Vec::new();
        }
        sites(facts, thresholds, &[Kind::Collect], is_plain_vec)
            .iter()
            .filter(|site| site.is_exercised())
            .filter_map(candidate)
            .collect()
    }
}

/// A Vec whose elements are only values.
fn is_plain_vec(row: &SiteFacts) -> bool {
    let Some(name) = row.type_name.as_deref().filter(|name| types::is_std(name, &["Vec"])) else {
        return false;
    };
    types::element(name).is_some_and(|element| !STARTED.contains(&types::last_segment(element)))
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let source = site.source()?;
    let ns = site.ns()?;
    if site.allocs().count == 0 || source.read_in_body == Some(true) || has_effects(source) {
        return None;
    }
    let (usage, followed_by) = use_of(source)?;
    let (done, instead) = match usage {
        Usage::Receiver(method) => {
            let (_, instead) = INSTEAD.iter().find(|(name, _)| name == method)?;
            if needs_a_vec(followed_by) {
                return None;
            }
            (format!("`{method}`"), *instead)
        }
        Usage::Iterated => ("a `for`".to_owned(), "the iterator itself"),
        Usage::Borrowed if source.read_in_body.is_some() => {
            ("a `for`".to_owned(), "the iterator itself")
        }
        _ => return None,
    };
    let lends =
        *usage == Usage::Borrowed || matches!(usage, Usage::Receiver(method) if method == "iter");
    let use_ =
        if instead.starts_with("the ") { instead.to_owned() } else { format!("`{instead}`") };
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("{} collected only for {done}", site.short_type()),
        problem: format!("{}. {done} goes through it once, and it is freed.", site.measured()),
        solution: format!("Use {use_} instead of collecting."),
        steps: vec![
            format!(
                "Drop the `collect`, and use {use_}{}.",
                if lends { "; its elements are values then, no references" } else { "" }
            ),
            "If the compiler refuses because of a borrow, the Vec was needed to end it: leave it.".to_owned(),
        ],
        tradeoffs: "Elements are then made as they are used: effects of making them mix with those of using them."
            .to_owned(),
        confidence: Confidence::Medium,
        effort: META.effort,
        gain: Some(gain(site, ns)),
        fix: None,
    })
}

/// Words in what is collected from that say that collecting it does more than to make values.
const EFFECTS: &[&str] = &[
    "&mut",
    "+=",
    "-=",
    ".borrow",
    ".insert(",
    ".inspect(",
    ".lock()",
    ".pop",
    ".push",
    ".read()",
    ".recv",
    ".remove(",
    ".send(",
    ".write",
    "_mut()",
    "par_",
    "print",
    "spawn",
];

/// Whether making the elements has effects, or needs them made together: tasks, messages, guards, parallel
/// iterators. Going by what the source calls them.
fn has_effects(source: &SiteSource) -> bool {
    let receiver = source.receiver.as_deref().unwrap_or_default();
    EFFECTS.iter().any(|word| receiver.contains(word))
}

/// What the Vec is used for, and the methods behind it: at once, or once by the name that a `let`
/// gives it, if nothing names what it is made from meanwhile.
fn use_of(source: &SiteSource) -> Option<(&Usage, &[String])> {
    match (&source.usage, &source.used_once) {
        (Usage::Bound, Some(once)) if !once.read_meanwhile && !source.changed_or_moved => {
            Some((&once.usage, &once.followed_by))
        }
        (Usage::Bound, _) => None,
        (usage, _) => Some((usage, &source.followed_by)),
    }
}

/// Whether the chain behind the Vec needs more than an iterator from the front.
fn needs_a_vec(followed_by: &[String]) -> bool {
    followed_by.iter().skip(1).any(|method| OF_A_VEC.contains(&method.as_str()))
}

fn gain(site: &Site<'_>, ns: f64) -> Gain {
    let allocs = site.allocs();
    let count = site.count().min(allocs.count) as f64;
    let costs = site.allocator();
    // Of a collect, one block is the Vec's; others are in its elements and stay.
    let blocks = count * (costs.alloc_ns() + costs.free_ns()) + allocs.realloc_ns as f64;
    let bytes =
        allocs.bytes as f64 * count / allocs.count.max(1) as f64 + allocs.grown_bytes as f64;
    let copied = bytes / COLD_BYTES_PER_NS;
    let best = blocks + copied;
    let time = units::time;
    Gain {
        claims: vec![site.claim(Saved::new(blocks, best, best.max(MOST * site.most_ns())))],
        allocs: Some(count as u64),
        alloc_bytes: None,
        basis: format!(
            "low: a block, its free and its growth for each {} ({}); likely: with {} written and read \
             through a cold cache ({}); high: half of the {} of collecting and of all that may have \
             hidden behind the clock, in which the iterator's own work stays",
            time(blocks),
            costs.basis(),
            units::bytes(bytes as u64),
            time(copied),
            time(ns)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::OnlyUse;
    use crate::rules::testing::{check, hot, with_source};

    const VEC: &str = "alloc::vec::Vec<u32>";

    fn collected(type_name: &str) -> SiteFacts {
        with_source(hot(Kind::Collect, "jobs.iter().collect()", type_name), |source| {
            source.receiver = Some("jobs.iter()".to_owned());
            source.usage = Usage::Receiver("len".to_owned());
        })
    }

    #[test]
    fn fires_on_vecs_that_are_only_gone_through() {
        let found = check(&CollectThenIter, collected(VEC));
        assert_eq!(found[0].title, "`Vec<u32>` collected only for `len`");
        assert_eq!(found[0].solution, "Use `count()` instead of collecting.");
        let saved = found[0].gain.as_ref().map(|gain| gain.claims[0].saved);
        assert_eq!(saved, Some(Saved { low: 25e6, best: 27.4e6, high: 205e6 }));
        for usage in [Usage::Iterated, Usage::Receiver("into_iter".to_owned())] {
            let site = with_source(collected(VEC), |source| source.usage = usage.clone());
            assert_eq!(check(&CollectThenIter, site).len(), 1, "{usage:?}");
        }
        let lent = with_source(collected(VEC), |source| {
            source.usage = Usage::Borrowed;
            source.read_in_body = Some(false);
        });
        assert_eq!(check(&CollectThenIter, lent).len(), 1);
    }

    #[test]
    fn fires_on_a_let_that_is_gone_through_once() {
        let held = |once: OnlyUse| {
            with_source(collected(VEC), |source| {
                source.usage = Usage::Bound;
                source.bound_to = Some("open".to_owned());
                source.used_once = Some(once);
            })
        };
        let iter = || Usage::Receiver("iter".to_owned());
        let once = OnlyUse { usage: iter(), ..OnlyUse::default() };
        let found = check(&CollectThenIter, held(once.clone()));
        assert_eq!(found[0].title, "`Vec<u32>` collected only for `iter`");
        let followed_by = ["iter", "rev"].map(str::to_owned).to_vec();
        let reversed = OnlyUse { followed_by, ..once.clone() };
        assert!(check(&CollectThenIter, held(reversed)).is_empty());
        let read = OnlyUse { read_meanwhile: true, ..once.clone() };
        assert!(check(&CollectThenIter, held(read)).is_empty());
        let changed = with_source(held(once), |source| source.changed_or_moved = true);
        assert!(check(&CollectThenIter, changed).is_empty());
    }

    #[test]
    fn silent_where_the_vec_is_kept_or_needed() {
        for usage in [
            Usage::Bound,
            Usage::Borrowed,
            Usage::Other,
            Usage::Receiver("join".to_owned()),
            Usage::Receiver("sort".to_owned()),
        ] {
            let site = with_source(collected(VEC), |source| source.usage = usage.clone());
            assert!(check(&CollectThenIter, site).is_empty(), "{usage:?}");
        }
    }

    #[test]
    fn silent_where_the_loop_changes_what_is_collected_from() {
        let site = with_source(collected(VEC), |source| {
            source.usage = Usage::Iterated;
            source.read_in_body = Some(true);
        });
        assert!(check(&CollectThenIter, site).is_empty());
    }

    #[test]
    fn silent_on_other_collections_and_on_values_that_run() {
        for name in [
            "std::collections::hash::set::HashSet<u32>",
            "core::result::Result<alloc::vec::Vec<u32>, app::Error>",
            "app::Vec<u32>",
            "alloc::vec::Vec<std::thread::JoinHandle<()>>",
        ] {
            assert!(check(&CollectThenIter, collected(name)).is_empty(), "{name}");
        }
    }

    #[test]
    fn silent_where_the_chain_needs_more_than_an_iterator() {
        let found = |chain: &[&str]| {
            let site = with_source(collected(VEC), |source| {
                source.usage = Usage::Receiver(chain[0].to_owned());
                source.followed_by = chain.iter().map(|name| (*name).to_owned()).collect();
            });
            check(&CollectThenIter, site).len()
        };
        assert_eq!(found(&["into_iter", "rev"]), 0);
        assert_eq!(found(&["into_iter", "map", "rev", "sum"]), 0, "map hands on where it starts");
        assert_eq!(found(&["iter", "cycle"]), 0);
        assert_eq!(found(&["into_iter", "map", "sum"]), 1);
        assert_eq!(found(&["len"]), 1);
    }

    #[test]
    fn silent_where_making_the_elements_has_effects() {
        for receiver in [
            "(0..4).map(|i| pool.spawn(i))",
            "jobs.par_iter().map(run)",
            "jobs.iter_mut().map(Job::step)",
            "jobs.iter().map(|job| { done += 1; job.id })",
            "log.lock().unwrap().iter().cloned()",
            "log.read().unwrap().iter().cloned()",
        ] {
            let site = with_source(collected(VEC), |s| s.receiver = Some(receiver.to_owned()));
            assert!(check(&CollectThenIter, site).is_empty(), "{receiver}");
        }
    }

    #[test]
    fn says_that_references_become_values() {
        let step = |method: &str| {
            let usage = Usage::Receiver(method.to_owned());
            let site = with_source(collected(VEC), |source| source.usage = usage);
            check(&CollectThenIter, site)[0].steps[0].clone()
        };
        assert!(step("iter").contains("no references"), "{}", step("iter"));
        assert!(!step("into_iter").contains("no references"));
    }

    #[test]
    fn silent_without_an_allocation_few_untimed_or_in_tests() {
        assert!(
            check(&CollectThenIter, SiteFacts { allocs: <_>::default(), ..collected(VEC) })
                .is_empty()
        );
        let few = SiteFacts { count: 99, timed: 99, self_ns: 9_000, ..collected(VEC) };
        assert!(check(&CollectThenIter, few).is_empty());
        assert!(check(&CollectThenIter, SiteFacts { timed: 0, ..collected(VEC) }).is_empty());
        assert!(
            check(&CollectThenIter, with_source(collected(VEC), |s| s.in_test = true)).is_empty()
        );
    }
}
