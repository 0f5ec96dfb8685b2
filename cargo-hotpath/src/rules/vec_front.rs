//! `vec-front`: a Vec used as a queue, so that all elements move for each.

use hotpath_runtime_syntax::Kind;

use crate::facts::Facts;
use crate::impact::Saved;
use crate::rules::site::{MIN_EXECUTIONS, Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds, types};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Time of one call from which elements were moved in it.
const MIN_SHIFT_NS: Threshold =
    Threshold::new("min_shift_ns", 100.0, "mean time of a call: less moves next to nothing");

/// What taking from or adding to the front of a `VecDeque` takes.
const DEQUE_NS: f64 = 5.0;

/// Part that is sure to go: pops and pushes that wrap around, and indexing elsewhere, cost some.
const SURE: f64 = 0.7;

/// The rule.
pub(super) struct VecFront;

static META: Meta = Meta {
    id: "vec-front",
    summary: "a Vec is used as a queue, and all its elements move",
    category: Category::Collection,
    effort: Effort::Local,
    evidence: "time and count of `remove(0)` and `insert(0, ..)`; the receiver's type is Vec",
    thresholds: &[MIN_EXECUTIONS, MIN_SHIFT_NS],
    docs: "https://doc.rust-lang.org/std/collections/struct.VecDeque.html",
    explain: Explain {
        means: "`remove(0)` and `insert(0, ..)` move every other element by one. For a list that is worked off from\n\
                the front that is quadratic: twice the elements take four times as long.",
        found: "Both calls are measured with the receiver's concrete type. What takes less than a memory move of a\n\
                few KiB is left alone.",
        not_when: "The Vec is short, or has to be one slice afterwards. Where the order may be turned around, `pop`\n\
                   from the end, or one `reverse`, needs no other type.",
        before: "while !queue.is_empty() {\n    let job = queue.remove(0);\n    queue.extend(run(job));\n}",
        after: "let mut queue = VecDeque::from(queue);\nwhile let Some(job) = queue.pop_front() {\n    queue.extend(run(job));\n}",
    },
};

impl Rule for VecFront {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let is_vec = |row: &crate::facts::SiteFacts| {
            row.type_name
                .as_deref()
                .is_some_and(|name| types::is_std(types::pointee(name), &["Vec"]))
        };
        sites(facts, thresholds, &[Kind::Shift], is_vec).iter().filter_map(candidate).collect()
    }
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let ns = site.ns()?;
    let count = site.count() as f64;
    if !site.ran(&MIN_EXECUTIONS) || ns / count < site.threshold(&MIN_SHIFT_NS) {
        return None;
    }
    let source = site.source()?;
    let vec = source.receiver.as_deref().unwrap_or("the Vec");
    let takes = site.method() == Some("remove");
    let (instead, does) =
        if takes { ("pop_front", "takes from") } else { ("push_front", "puts to") };
    let kept = DEQUE_NS * count;
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("{} the front of a Vec", if takes { "taking from" } else { "adding to" }),
        problem: format!(
            "{}. It {does} the front of `{vec}`: all other elements move for each.",
            site.measured()
        ),
        solution: format!("Make `{vec}` a `VecDeque`."),
        steps: vec![
            format!("Change its type to `VecDeque`, and `{}` to `{instead}`.", site.label()),
            "Or work from the end: `reverse` once, then `pop` or `push`.".to_owned(),
        ],
        tradeoffs:
            "A VecDeque is two slices: `as_slices`, or `make_contiguous` where one is needed."
                .to_owned(),
        confidence: Confidence::High,
        effort: META.effort,
        gain: Some(Gain {
            claims: vec![site.claim(Saved::new(
                SURE * (site.sure_ns() - kept),
                ns - kept,
                site.most_ns(),
            ))],
            allocs: None,
            alloc_bytes: None,
            basis: format!(
                "{} less 5 ns for each call on a VecDeque ({}); low 70 % of what is sure of it, high all and all that may \
                 have hidden behind the clock",
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
    use crate::facts::SiteFacts;
    use crate::rules::testing::{best_ns, check, hot, with_source};

    fn taken(type_name: &str) -> SiteFacts {
        let site =
            SiteFacts { allocs: <_>::default(), ..hot(Kind::Shift, "queue.remove(0)", type_name) };
        with_source(site, |source| {
            source.method = Some("remove".to_owned());
            source.receiver = Some("queue".to_owned());
        })
    }

    const VEC: &str = "&mut alloc::vec::Vec<app::Job>";

    #[test]
    fn fires_on_calls_that_move_elements() {
        let found = check(&VecFront, taken(VEC));
        assert_eq!(found[0].title, "taking from the front of a Vec");
        assert!(found[0].steps[0].contains("`pop_front`"), "{found:?}");
        assert_eq!(best_ns(&found[0]), Some(395e6));
        let insert = with_source(taken(VEC), |source| source.method = Some("insert".to_owned()));
        assert!(check(&VecFront, insert)[0].steps[0].contains("`push_front`"));
    }

    #[test]
    fn silent_on_other_types() {
        for name in [
            "alloc::collections::vec_deque::VecDeque<u8>",
            "std::collections::hash::map::HashMap<i32, u8>",
            "alloc::string::String",
            "app::Vec<u8>",
        ] {
            assert!(check(&VecFront, taken(name)).is_empty(), "{name}");
        }
        assert!(check(&VecFront, SiteFacts { type_name: None, ..taken("") }).is_empty());
    }

    #[test]
    fn silent_when_few_short_untimed_or_in_tests() {
        let few = SiteFacts { count: 99, timed: 99, ..taken(VEC) };
        assert!(check(&VecFront, few).is_empty());
        assert!(check(&VecFront, SiteFacts { self_ns: 99_000_000, ..taken(VEC) }).is_empty());
        assert!(check(&VecFront, SiteFacts { timed: 0, ..taken(VEC) }).is_empty());
        assert!(check(&VecFront, with_source(taken(VEC), |s| s.in_test = true)).is_empty());
    }
}
