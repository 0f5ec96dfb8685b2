//! `blocking-in-async`: a call that keeps a thread of the runtime waiting.

use hotpath_runtime_syntax::Kind;

use crate::facts::Facts;
use crate::impact::{Measure, Saved};
use crate::rules::site::{Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Mean time of a call from which it is spoken of.
const MIN_NS: Threshold = Threshold::new(
    "min_ns",
    100_000.0,
    "mean time of a call from which it holds up others (tasks are to come to an await every 10 to 100 us)",
);

/// Calls from which it is no matter of starting up.
const MIN_CALLS: Threshold =
    Threshold::new("min_calls", 10.0, "calls from which it is no matter of starting up");

/// The rule.
pub(super) struct BlockingInAsync;

static META: Meta = Meta {
    id: "blocking-in-async",
    summary: "a call that keeps a thread of the runtime waiting",
    category: Category::Async,
    effort: Effort::Local,
    evidence: "time and count of `thread::sleep`, `fs::..`, `File::open`, `block_on` and the like, where the code around may suspend",
    thresholds: &[MIN_NS, MIN_CALLS],
    docs: "https://docs.rs/tokio/latest/tokio/task/fn.spawn_blocking.html",
    explain: Explain {
        means: "A runtime has a few threads, each for many tasks. A call that waits keeps its thread from all others: they\n\
                are late by as much, though nothing is computed.",
        found: "Calls of the standard library that wait are measured where they stand in an `async fn` or block,\n\
                outside of closures (such as that of `spawn_blocking`). How much wall time they cost depends on\n\
                how busy the runtime's threads are.",
        not_when: "The runtime has nothing else to do, as in a tool that reads one file and ends. Very short calls are\n\
                   cheaper where they are than on another thread (some 10 us to get there).",
        before: "async fn print(&self, label: Label) {\n    std::thread::sleep(FEED);\n}",
        after: "async fn print(&self, label: Label) {\n    tokio::time::sleep(FEED).await;\n}",
    },
};

impl Rule for BlockingInAsync {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let found = sites(facts, thresholds, &[Kind::Block], |_| true);
        found.iter().filter_map(|site| candidate(facts, site)).collect()
    }
}

/// What takes the place of a blocking call.
fn instead(label: &str) -> (&'static str, &'static str) {
    if label.contains("sleep") {
        ("Use the runtime's own timer.", "`tokio::time::sleep(..).await`")
    } else if label.contains("fs::") || label.contains("File::") {
        (
            "Read and write with the runtime's own files.",
            "`tokio::fs`, or `spawn_blocking` around several calls",
        )
    } else if label.contains("block_on") {
        ("Await the future.", "`.await` in place of `block_on(..)`")
    } else {
        ("Move it to a thread that may wait.", "`tokio::task::spawn_blocking(move || ..).await`")
    }
}

fn candidate(facts: &Facts, site: &Site<'_>) -> Option<Candidate> {
    let ns = site.ns()?;
    let each = ns / site.count().max(1) as f64;
    if each < site.threshold(&MIN_NS) || !site.ran(&MIN_CALLS) {
        return None;
    }
    let workers = facts.workers();
    let used = facts.utilization();
    let (what, how) = instead(site.label());
    let saved = Saved::new(0.0, used * ns / workers, ns / workers);
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("`{}` keeps a thread of the runtime waiting", site.label()),
        problem: format!("{}. No other task runs on this thread meanwhile.", site.measured()),
        solution: what.to_owned(),
        steps: vec![
            how.to_owned(),
            "What has no async form: `tokio::task::spawn_blocking(move || ..).await`, or a thread of its own with a channel."
                .to_owned(),
        ],
        tradeoffs: "`spawn_blocking` takes some 10 µs and a thread of a pool of 512; what it is given must be `'static`."
            .to_owned(),
        confidence: Confidence::High,
        effort: META.effort,
        gain: Some(Gain {
            claims: vec![site.claim_of(saved, Measure::Wait)],
            allocs: None,
            alloc_bytes: None,
            basis: format!(
                "{} on {workers:.0} threads that poll: high if all were needed, likely as they were in use ({:.0} %), low none",
                units::time(ns),
                100.0 * used
            ),
        }),
        fix: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Edge, SiteFacts};
    use crate::rules::testing::{best_wait_ns, hot, run};

    fn found(count: u64, self_ns: u64) -> Vec<Candidate> {
        let site = hot(Kind::Block, "thread::sleep(FEED)", "()");
        let mut facts = run(vec![SiteFacts { count, timed: count, self_ns, ..site }]);
        facts.functions[0].is_async = true;
        facts.polling_threads = 2;
        facts.edges.push(Edge { caller: None, callee: 0, calls: 1, total_ns: 0 });
        BlockingInAsync.check(&facts, &Thresholds::default())
    }

    #[test]
    fn costs_wall_time_as_far_as_the_threads_were_needed() {
        let found = found(200, 600_000_000);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].title, "`thread::sleep(FEED)` keeps a thread of the runtime waiting");
        // 900 ms of the second are spent in polls, on two threads.
        assert_eq!(best_wait_ns(&found[0]), Some(0.45 * 300e6));
        assert_eq!(found[0].steps[0], "`tokio::time::sleep(..).await`");
    }

    #[test]
    fn silent_on_short_calls_and_on_starting_up() {
        assert!(found(200, 200 * 20_000).is_empty());
        assert!(found(2, 600_000_000).is_empty());
    }
}
