//! `await-in-loop`: a loop that waits for each item before it asks for the next.

use crate::facts::{Facts, Repeated};
use crate::impact::Saved;
use crate::rules::awaits::{Await, MIN_WAIT_NS, awaits};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Items from which a loop is worth it.
pub(super) const MIN_PER_CALL: Threshold = Threshold::new(
    "min_per_call",
    5.0,
    "iterations for each call of the function from which a loop is spoken of",
);

/// Items in flight that others on the way will bear.
const AT_ONCE: f64 = 8.0;

/// Items in flight that surely help.
const SURE_AT_ONCE: f64 = 2.0;

/// The rule.
pub(super) struct AwaitInLoop;

static META: Meta = Meta {
    id: "await-in-loop",
    summary: "a loop waits for each item before it asks for the next",
    category: Category::Async,
    effort: Effort::Local,
    evidence: "wait and number of the awaits; in the source: the body of a `for` without `break` or `return`, whose \
               iterations don't need each other",
    thresholds: &[MIN_PER_CALL, MIN_WAIT_NS],
    docs: "https://docs.rs/futures/latest/futures/stream/trait.StreamExt.html#method.buffered",
    explain: Explain {
        means: "Each item waits for the one before, though it needs nothing of it. With several in flight the loop takes as\n\
                long as its slowest lane.",
        found: "Awaits in the body of a `for` are counted and their waits measured. The loop counts if nothing that\n\
                an iteration changes is named in the awaited call, or in what that is made of, it leaves no\n\
                iteration early, waits nowhere on purpose (`sleep`, `tick`, `acquire`), and nothing is\n\
                borrowed mutably.",
        not_when: "The order of effects matters, the other side limits the rate, or the calls are of one transaction.",
        before: "for id in ids {\n    pages.push(client.page(id).await?);\n}",
        after: "let pages = stream::iter(ids)\n    .map(|id| client.page(id))\n    .buffered(8)\n    .try_collect::<Vec<_>>()\n    .await?;",
    },
};

impl Rule for AwaitInLoop {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let all = awaits(facts, thresholds);
        all.iter().filter(|it| fires(it)).map(candidate).collect()
    }
}

fn fires(it: &Await<'_>) -> bool {
    it.source.repeated == Repeated::Each
        && !it.is_idle()
        && !it.is_ordered()
        && it.source.held.is_empty()
        && it.site.per_call() >= it.site.threshold(&MIN_PER_CALL)
        && it.mean_ns() >= it.site.threshold(&MIN_WAIT_NS)
}

fn candidate(it: &Await<'_>) -> Candidate {
    let (wait, items) = (it.wait_ns(), it.site.per_call());
    let without = |at_once: f64| wait * (1.0 - 1.0 / at_once.min(items));
    Candidate {
        anchor: Some(it.site.anchor()),
        title: format!("each item waits for the one before in `{}`", it.site.label()),
        problem: format!(
            "{}: {:.0} for each call of the function, one after the other.",
            it.measured(),
            items
        ),
        solution: "Keep several in flight, with a limit.".to_owned(),
        steps: vec![
            "Turn the items into a stream of futures: `futures::stream::iter(items).map(|item| ..)`.".to_owned(),
            format!(
                "`.buffered({AT_ONCE})` keeps their order, `.buffer_unordered({AT_ONCE})` doesn't; collect what they give."
            ),
        ],
        tradeoffs: "More requests at once for the other side, more memory, and errors arrive while others are under \
                    way. Not where order or a rate limit matters."
            .to_owned(),
        confidence: Confidence::Medium,
        effort: META.effort,
        gain: Some(Gain {
            claims: vec![it.claim(Saved::new(without(SURE_AT_ONCE), without(AT_ONCE), without(items)))],
            allocs: None,
            alloc_bytes: None,
            basis: format!(
                "wait {} x (1 - 1/k), k at once: likely {AT_ONCE}, low {SURE_AT_ONCE}, high all {:.0}{}",
                units::time(wait),
                items,
                it.shared()
            ),
        }),
        fix: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::SiteFacts;
    use crate::rules::testing::{awaited, best_wait_ns, run, with_await};

    /// A hundred items in one call.
    fn page(repeated: Repeated) -> SiteFacts {
        with_await(awaited("client.page(id).await", 100, 400_000_000), |it| {
            it.callee = Some("page".to_owned());
            it.repeated = repeated;
        })
    }

    fn check(site: SiteFacts) -> Vec<Candidate> {
        AwaitInLoop.check(&run(vec![site]), &Thresholds::default())
    }

    #[test]
    fn several_at_once_wait_less() {
        let found = check(page(Repeated::Each));
        assert_eq!(found.len(), 1);
        assert_eq!(best_wait_ns(&found[0]), Some(350e6));
        assert!(
            found[0].problem.ends_with(": 100 for each call of the function, one after the other.")
        );
    }

    #[test]
    fn silent_on_other_loops_events_effects_and_short_waits() {
        for repeated in [Repeated::Once, Repeated::Head, Repeated::Carried] {
            assert!(check(page(repeated)).is_empty(), "{repeated:?}");
        }
        let site = page(Repeated::Each);
        assert!(check(SiteFacts { count: 4, ..site.clone() }).is_empty());
        let named = |name: &str| with_await(site.clone(), |it| it.callee = Some(name.to_owned()));
        assert!(check(named("recv")).is_empty() && check(named("send")).is_empty());
        assert!(check(with_await(site.clone(), |it| it.is_exclusive = true)).is_empty());
        assert!(check(with_await(site.clone(), |it| it.held = vec![3])).is_empty());
        let short = awaited("client.page(id).await", 100, 400_000);
        let short = with_await(short, |it| it.repeated = Repeated::Each);
        assert!(check(short).is_empty());
        let task = "tokio::runtime::task::join::JoinHandle<u8>".to_owned();
        assert!(check(SiteFacts { type_name: Some(task), ..site }).is_empty());
    }
}
