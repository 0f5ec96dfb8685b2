//! `sequential-awaits`: awaits one after the other that need nothing of each other.

use crate::facts::Facts;
use crate::impact::Saved;
use crate::rules::awaits::{Await, MIN_WAIT_NS, awaits};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Thresholds};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Part of the shorter waits that goes at least: what they wait for may be the same thing.
const SURE: f64 = 0.5;

/// Part of them that is likely to go.
const LIKELY: f64 = 0.9;

/// The rule.
pub(super) struct SequentialAwaits;

static META: Meta = Meta {
    id: "sequential-awaits",
    summary: "awaits one after the other that could wait at the same time",
    category: Category::Async,
    effort: Effort::Local,
    evidence: "wait of each; in the source: consecutive statements, of which the later names nothing that the \
               earlier binds, without `&mut`",
    thresholds: &[MIN_WAIT_NS],
    docs: "https://docs.rs/tokio/latest/tokio/macro.join.html",
    explain: Explain {
        means: "An await lets other tasks run, but its own goes no further: two in a row wait for the sum of both. Joined,\n\
                they wait for the longer.",
        found: "The wait of each await is measured. Where two follow each other in a block and the second needs nothing\n\
                of the first, the shorter wait goes. Names like `send`, `commit` or `lock`, and anything\n\
                borrowed mutably, are left alone.",
        not_when: "The first has an effect that the second relies on, or its failure is to keep the second from being\n\
                   sent. Both ask the same service, which answers one after the other.",
        before: "let user = users.get(id).await?;\nlet terms = terms.current().await?;",
        after: "let (user, terms) = tokio::try_join!(users.get(id), terms.current())?;",
    },
};

impl Rule for SequentialAwaits {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        chains(awaits(facts, thresholds)).iter().map(|chain| candidate(chain)).collect()
    }
}

/// Runs of awaits, each of which may be joined with the one before.
fn chains(all: Vec<Await<'_>>) -> Vec<Vec<Await<'_>>> {
    let mut chains: Vec<Vec<Await<'_>>> = Vec::new();
    for it in all {
        if it.is_idle() || it.is_ordered() || it.mean_ns() < it.site.threshold(&MIN_WAIT_NS) {
            continue;
        }
        let before = it.source.after;
        let chain = chains.iter_mut().find(|chain| {
            let last = chain.last();
            before.zip(last).is_some_and(|(at, last)| last.is_at(it.site.function, at))
        });
        match chain {
            Some(chain) => chain.push(it),
            None => chains.push(vec![it]),
        }
    }
    chains.retain(|chain| chain.len() > 1);
    chains
}

fn candidate(chain: &[Await<'_>]) -> Candidate {
    let longest = chain.iter().map(Await::wait_ns).fold(0.0, f64::max);
    let shorter: f64 = chain.iter().map(Await::wait_ns).sum::<f64>() - longest;
    let last = &chain[chain.len() - 1];
    let others: Vec<String> =
        chain[..chain.len() - 1].iter().map(|it| format!("`{}`", it.site.label())).collect();
    let texts: Vec<&str> = chain.iter().filter_map(|it| future(it)).collect();
    let fails = chain.iter().any(|it| it.site.is_tried());
    let join = if fails { "try_join!" } else { "join!" };
    Candidate {
        anchor: Some(last.site.anchor()),
        title: format!(
            "{} waits only after {}",
            format_args!("`{}`", last.site.label()),
            others.join(", ")
        ),
        problem: format!(
            "{}, after {}. Nothing of that is needed here: they could wait at the same time.",
            last.measured(),
            chain[..chain.len() - 1]
                .iter()
                .map(|it| format!("`{}` ({} each)", it.site.label(), units::time(it.mean_ns())))
                .collect::<Vec<_>>()
                .join(", "),
        ),
        solution: format!("Await them together, with `tokio::{join}` or `futures::{join}`."),
        steps: vec![if texts.len() == chain.len() {
            format!("`tokio::{join}({})`", texts.join(", "))
        } else {
            format!("Move the futures into `tokio::{join}(..)`, and take their results apart.")
        }],
        tradeoffs: "Both are asked even if the first fails, and in no order: check that neither has an effect that \
                    the other relies on."
            .to_owned(),
        confidence: Confidence::Medium,
        effort: META.effort,
        gain: Some(Gain {
            claims: vec![last.claim(Saved::new(SURE * shorter, LIKELY * shorter, shorter))],
            allocs: None,
            alloc_bytes: None,
            basis: format!(
                "all waits but the longest: {} (likely {:.0} %, low {:.0} %){}",
                units::time(shorter),
                100.0 * LIKELY,
                100.0 * SURE,
                last.shared()
            ),
        }),
        fix: None,
    }
}

/// The awaited expression without its `.await`.
fn future<'a>(it: &Await<'a>) -> Option<&'a str> {
    let text = it.site.text()?;
    text.strip_suffix("await")?.trim_end().strip_suffix('.').map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Repeated, SiteFacts};
    use crate::rules::testing::{awaited, best_wait_ns, run, with_await};

    fn pair(first: SiteFacts, second: SiteFacts) -> Vec<Candidate> {
        let second = SiteFacts { index: 1, ..with_await(second, |it| it.after = Some(0)) };
        SequentialAwaits.check(&run(vec![first, second]), &Thresholds::default())
    }

    fn call(name: &str, wait_ns: u64) -> SiteFacts {
        let site = awaited(&format!("a.{name}().await"), 100, wait_ns);
        with_await(site, |it| it.callee = Some(name.to_owned()))
    }

    #[test]
    fn the_shorter_wait_goes() {
        let found = pair(call("postage", 300_000_000), call("duty", 200_000_000));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].title, "`a.duty().await` waits only after `a.postage().await`");
        assert!(found[0].problem.contains("ran 100 times and waited 200 ms (2.00 ms each)"));
        assert_eq!(best_wait_ns(&found[0]), Some(180e6));
    }

    #[test]
    fn of_three_the_longest_stays() {
        let third = SiteFacts {
            index: 2,
            ..with_await(call("third", 100_000_000), |it| it.after = Some(1))
        };
        let second = SiteFacts {
            index: 1,
            ..with_await(call("second", 300_000_000), |it| it.after = Some(0))
        };
        let found = SequentialAwaits
            .check(&run(vec![call("first", 100_000_000), second, third]), &Thresholds::default());
        assert_eq!(found.len(), 1);
        assert_eq!(best_wait_ns(&found[0]), Some(180e6));
    }

    #[test]
    fn silent_without_waits_independence_or_where_order_may_matter() {
        let long = 300_000_000;
        assert!(pair(call("postage", long), call("duty", 1_000)).is_empty());
        assert!(pair(call("postage", long), call("send_mail", long)).is_empty());
        assert!(pair(call("sleep", long), call("duty", long)).is_empty());
        let exclusive = with_await(call("duty", long), |it| it.is_exclusive = true);
        assert!(pair(call("postage", long), exclusive).is_empty());
        let head = with_await(call("duty", long), |it| it.repeated = Repeated::Head);
        assert!(pair(call("postage", long), head).is_empty());
        let facts = run(vec![call("a", long), SiteFacts { index: 1, ..call("b", long) }]);
        assert!(SequentialAwaits.check(&facts, &Thresholds::default()).is_empty());
    }
}
