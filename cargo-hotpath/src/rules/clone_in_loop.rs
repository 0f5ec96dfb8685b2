//! `clone-in-loop`: the same value copied again in each iteration.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, SiteSource, Usage};
use crate::impact::Saved;
use crate::rules::clone_for_borrow::READING;
use crate::rules::site::{MIN_EXECUTIONS, MIN_SHARE_PCT, Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds, types};
use crate::schema::{Category, Confidence, Effort};

/// Copies per call of the function from which the loop counts as one.
const MIN_PER_CALL: Threshold = Threshold::new(
    "min_copies_per_call",
    2.0,
    "the loop must copy this often per call of its function",
);

/// Callees that keep what they are given: each call needs a value of its own.
const KEEPING: &[&str] = &[
    "push",
    "push_back",
    "push_front",
    "insert",
    "extend",
    "entry",
    "send",
    "try_send",
    "spawn",
    "replace",
    "set",
    "resize",
    "fill",
    "or_insert",
    "vec!",
    "new",
    "from",
];

/// The rule.
pub(super) struct CloneInLoop;

static META: Meta = Meta {
    id: "clone-in-loop",
    summary: "a value that a loop doesn't change is copied in each iteration",
    category: Category::Copy,
    effort: Effort::Local,
    evidence: "time, count and allocations of the copy; in the source: inside a loop that neither binds nor changes the receiver",
    thresholds: &[MIN_EXECUTIONS, MIN_SHARE_PCT, MIN_PER_CALL],
    docs: "https://nnethercote.github.io/perf-book/heap-allocations.html#clone",
    explain: Explain {
        means: "Each iteration copies the same data, with its heap blocks. One copy before the loop, or none, is enough.",
        found: "Each copy is measured; the source says whether its receiver is bound, assigned or mutably borrowed in the\n\
                innermost loop. Copies without heap blocks, clones of `Arc` and `Rc`, and copies that the iteration changes,\n\
                stores (`push`, `insert`, a field), consumes or moves into a closure are left out.",
        not_when: "Each iteration changes its copy, or hands it to something that keeps it. Share the value with `Arc`\n\
                   or `Rc` there, if readers are enough.",
        before: "for line in lines {\n    emit(header.clone(), line);\n}",
        after: "for line in lines {\n    emit(&header, line);\n}",
    },
};

impl Rule for CloneInLoop {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let owned = |row: &crate::facts::SiteFacts| {
            row.allocs.count >= row.count
                && row.type_name.as_deref().is_some_and(|name| !types::is_shared(name))
        };
        sites(facts, thresholds, &[Kind::Clone, Kind::ToVec, Kind::ToOwned], owned)
            .iter()
            .filter(|site| site.is_exercised())
            .filter_map(candidate)
            .collect()
    }
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let source = site.source()?;
    let ns = site.ns()?;
    let receiver = source.receiver.as_deref()?;
    let entries = site.of.calls.max(1);
    let count = site.count();
    if !is_invariant(source) || is_owned(source) {
        return None;
    }
    if (count as f64) < entries as f64 * site.threshold(&MIN_PER_CALL) {
        return None;
    }
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("the same {} is copied in each iteration", site.short_type()),
        problem: format!(
            "{}. The loop doesn't change `{receiver}`: all copies of a loop are alike.",
            site.measured()
        ),
        solution: format!(
            "Borrow `{receiver}` in the loop; where a value of its own is needed, copy it once \
             before the loop."
        ),
        steps: vec![
            format!(
                "Pass `&{receiver}` where the callee only reads it (it may have to take a reference)."
            ),
            format!("Else `let copy = {};` before the loop, and lend `&copy`.", site.label()),
            "Else make it an `Arc` or `Rc`, whose clone copies no data.".to_owned(),
        ],
        tradeoffs:
            "Doesn't apply where the iteration changes its copy. A borrow that lives through the \
                    loop forbids changing the original there."
                .to_owned(),
        confidence: Confidence::Medium,
        effort: effort(&source.usage),
        gain: Some(gain(site, ns, entries)),
        fix: None,
    })
}

/// What goes when each call of the function copies once. Where an outer loop changes the value, one
/// copy is needed for each entry of the inner one, and how many those are was not measured: sure is
/// nothing then.
fn gain(site: &Site<'_>, ns: f64, entries: u64) -> Gain {
    let count = site.count();
    let spared = (count - entries) as f64 / count as f64;
    let unknown = site.source().is_some_and(|source| source.root_changes_around == Some(true));
    let (sure, likely) = if unknown { (0.0, 0.5) } else { (1.0, 1.0) };
    let whole = ns + site.frees_ns();
    let (allocs, alloc_bytes) = site.gone_allocs();
    let gone = |number: u64| (number as f64 * spared).round() as u64;
    let time = crate::units::time;
    Gain {
        claims: vec![site.claim(Saved::new(
            site.sure_ns() * spared * sure,
            whole * spared * likely,
            (site.most_ns() + site.most_frees_ns()) * spared,
        ))],
        allocs: allocs.map(gone),
        alloc_bytes: alloc_bytes.map(gone),
        basis: format!(
            "(n - k)/n = ({count} - {entries})/{count} of copies {} + frees {} ({}); low what is sure of the \
             copies alone, high with frees at twice that and all that may have hidden behind the clock; k: calls of the function{}",
            time(ns),
            time(site.frees_ns()),
            site.allocator().basis(),
            if unknown { ", low 0 and likely half as an outer loop changes the value" } else { "" }
        ),
    }
}

/// Whether the receiver is the same in each iteration. An index or a call in its text may name
/// another value each time though its root stays.
fn is_invariant(source: &SiteSource) -> bool {
    source.loop_depth > 0
        && source.root_changes_in_loop == Some(false)
        && source.receiver.as_deref().is_some_and(|receiver| !receiver.contains(['[', '(']))
}

/// Whether the iteration does what takes a value of its own: stores it, changes it, consumes it or
/// hands it to another thread or task.
fn is_owned(source: &SiteSource) -> bool {
    match &source.usage {
        Usage::Argument { callee, borrowed: false, .. } => {
            // `Some`, `Ok` and other constructors.
            callee.starts_with(char::is_uppercase) || KEEPING.contains(&callee.as_str())
        }
        Usage::Bound => source.changed_or_moved,
        Usage::Receiver(method) => !READING.contains(&method.as_str()),
        Usage::AddAssign { borrowed } => !borrowed,
        // A field of a new value, an assignment, what a block gives back; `cmp-owned` has its own
        // to say.
        Usage::Other | Usage::Compared | Usage::Iterated => true,
        Usage::Argument { .. } | Usage::Borrowed | Usage::Statement => false,
    }
}

fn effort(usage: &Usage) -> Effort {
    match usage {
        Usage::Argument { borrowed: false, .. } => Effort::Signature,
        _ => META.effort,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::SiteFacts;
    use crate::rules::testing::{best_ns, check, hot, run, with_source};

    fn invariant() -> SiteFacts {
        with_source(hot(Kind::Clone, "header.clone()", "alloc::string::String"), |source| {
            source.receiver = Some("header".to_owned());
            source.receiver_root = Some("header".to_owned());
            source.root_changes_in_loop = Some(false);
            source.usage = Usage::Bound;
        })
    }

    #[test]
    fn fires_and_keeps_one_copy_per_call() {
        let mut facts = run(vec![invariant()]);
        facts.functions[0].calls = 250_000;
        let found = CloneInLoop.check(&facts, &Thresholds::default());
        assert_eq!(found.len(), 1);
        assert_eq!(best_ns(&found[0]), Some(307_500_000.0));
        assert_eq!(found[0].gain.as_ref().and_then(|gain| gain.allocs), Some(750_000));
        assert!(
            found[0].gain.as_ref().is_some_and(|gain| gain.basis.contains("(1000000 - 250000)"))
        );
    }

    #[test]
    fn promises_nothing_where_an_outer_loop_changes_the_value() {
        let site = with_source(invariant(), |source| source.root_changes_around = Some(true));
        let found = check(&CloneInLoop, site);
        let sure = with_source(invariant(), |source| source.root_changes_around = Some(false));
        let whole = best_ns(&check(&CloneInLoop, sure)[0]).unwrap_or_default();
        assert_eq!(best_ns(&found[0]), Some(whole / 2.0));
        let gain = found[0].gain.as_ref();
        assert_eq!(gain.map(|gain| gain.claims[0].saved.low), Some(0.0));
        assert!(gain.is_some_and(|gain| gain.basis.ends_with("an outer loop changes the value")));
    }

    #[test]
    fn silent_where_the_value_differs() {
        for changes in [Some(true), None] {
            let site = with_source(invariant(), |s| s.root_changes_in_loop = changes);
            assert!(check(&CloneInLoop, site).is_empty(), "{changes:?}");
        }
        for receiver in ["rows[i]", "self.next()"] {
            let site = with_source(invariant(), |s| s.receiver = Some(receiver.to_owned()));
            assert!(check(&CloneInLoop, site).is_empty(), "{receiver}");
        }
    }

    #[test]
    fn silent_outside_of_loops_and_once_per_call() {
        assert!(check(&CloneInLoop, with_source(invariant(), |s| s.loop_depth = 0)).is_empty());
        let mut facts = run(vec![invariant()]);
        facts.functions[0].calls = 1_000_000;
        assert!(CloneInLoop.check(&facts, &Thresholds::default()).is_empty());
    }

    #[test]
    fn silent_on_stored_and_consumed_copies() {
        let given = |callee: &str| Usage::Argument {
            callee: callee.to_owned(),
            position: 0,
            borrowed: false,
        };
        let receiver = Usage::Receiver("into_bytes".to_owned());
        for usage in [given("push"), given("Some"), given("Message"), receiver, Usage::Other] {
            let site = with_source(invariant(), |s| s.usage = usage.clone());
            assert!(check(&CloneInLoop, site).is_empty(), "{usage:?}");
        }
    }

    #[test]
    fn silent_on_copies_that_are_changed_or_moved_away() {
        let site = with_source(invariant(), |source| source.changed_or_moved = true);
        assert!(check(&CloneInLoop, site).is_empty());
    }

    #[test]
    fn passing_by_value_takes_a_new_signature() {
        let given = Usage::Argument { callee: "emit".to_owned(), position: 0, borrowed: false };
        let found = check(&CloneInLoop, with_source(invariant(), |s| s.usage = given));
        assert_eq!(found.first().map(|candidate| candidate.effort), Some(Effort::Signature));
    }

    #[test]
    fn silent_without_heap_blocks_on_arcs_and_in_tests() {
        assert!(
            check(&CloneInLoop, SiteFacts { allocs: <_>::default(), ..invariant() }).is_empty()
        );
        let arc = Some("alloc::sync::Arc<u8>".to_owned());
        assert!(check(&CloneInLoop, SiteFacts { type_name: arc, ..invariant() }).is_empty());
        assert!(check(&CloneInLoop, with_source(invariant(), |s| s.in_test = true)).is_empty());
    }
}
