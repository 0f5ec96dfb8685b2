//! `long-poll`: a task that computes for long without letting others run.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, FunctionFacts, Span};
use crate::impact::{Claim, Measure, Saved, WHOLE_FUNCTION};
use crate::rules::{Anchor, Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Mean time of a poll from which it is spoken of.
const MIN_POLL_NS: Threshold = Threshold::new(
    "min_poll_ns",
    1_000_000.0,
    "mean own time of a poll from which it is spoken of",
);

/// Time of a poll that others bear.
const BEARABLE_NS: f64 = 100_000.0;

/// The rule.
pub(super) struct LongPoll;

static META: Meta = Meta {
    id: "long-poll",
    summary: "a task computes for long without letting others run",
    category: Category::Async,
    effort: Effort::Local,
    evidence: "own time and number of polls of an async function, with other tasks there",
    thresholds: &[MIN_POLL_NS],
    docs: "https://ryhl.io/blog/async-what-is-blocking/",
    explain: Explain {
        means: "Between two awaits a task has its thread for itself. Others that are ready wait until it comes to an await:\n\
                after 10 to 100 us it should.",
        found: "Polls of async functions are measured. Where their own time (without measured functions inside) is a\n\
                millisecond on average, and no blocking call explains it, the function computes.",
        not_when: "There is no other task to run, or the runtime has more threads than tasks.",
        before: "async fn thumbnail(image: Image) -> Image {\n    resize(&image)\n}",
        after: "async fn thumbnail(image: Image) -> Image {\n    spawn_blocking(move || resize(&image)).await.unwrap()\n}",
    },
};

impl Rule for LongPoll {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let functions = facts.functions.iter().enumerate();
        functions
            .filter_map(|(index, function)| candidate((facts, thresholds), index, function))
            .collect()
    }
}

/// Own time of blocking calls: they have a rule of their own.
fn blocked_ns(function: &FunctionFacts) -> u64 {
    function.sites.iter().filter(|site| site.kind == Kind::Block).map(|site| site.self_ns).sum()
}

fn candidate(
    (facts, thresholds): (&Facts, &Thresholds),
    index: usize,
    function: &FunctionFacts,
) -> Option<Candidate> {
    let polls = function.polls.filter(|polls| polls.polls > 0)?.polls as f64;
    let own = function.self_ns.saturating_sub(blocked_ns(function)) as f64;
    // With one call there may be no other task.
    if function.calls < 2 || own / polls < thresholds.of(&MIN_POLL_NS) {
        return None;
    }
    let (workers, used) = (facts.workers(), facts.utilization());
    let late = (own - polls * BEARABLE_NS).max(0.0);
    // The work remains; what goes is that others wait for it where a thread was free otherwise.
    let saved = Saved::new(0.0, used * late / workers / 2.0, late / workers);
    let at = Span {
        line: function.line,
        column: function.column,
        end_line: function.line,
        end_column: function.column,
        ..Span::default()
    };
    Some(Candidate {
        anchor: Some(Anchor {
            function: index,
            site: WHOLE_FUNCTION,
            kind: "function",
            span: at,
            allowed: Vec::new(),
        }),
        title: format!("polls of `{}` take {}", function.path, units::time(own / polls)),
        problem: format!(
            "`{}` was polled {} and computed {} in them, {} at most in one. Other tasks of its thread wait meanwhile.",
            function.path,
            units::counted(polls as u64, "time"),
            units::time(own),
            units::time(function.max_ns as f64)
        ),
        solution: "Give long computations a thread of their own.".to_owned(),
        steps: vec![
            "Wrap the computation: `tokio::task::spawn_blocking(move || ..).await`, or hand it to a `rayon` pool.".to_owned(),
            "Or cut it into parts with `tokio::task::yield_now().await` between them.".to_owned(),
        ],
        tradeoffs: "The work itself takes as long; what goes is the delay of others. What is given away must be `'static`."
            .to_owned(),
        confidence: Confidence::Medium,
        effort: META.effort,
        gain: Some(Gain {
            claims: vec![Claim { function: index, site: WHOLE_FUNCTION, saved, of: Measure::Wait }],
            allocs: None,
            alloc_bytes: None,
            basis: format!(
                "own time of polls beyond {}: {} on {workers:.0} threads in use {:.0} % (likely half of that, high all, low none)",
                units::time(BEARABLE_NS),
                units::time(late),
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
    use crate::profile::Polls;
    use crate::rules::testing::{best_wait_ns, hot, run};

    fn found(calls: u64, polls: u64, sites: Vec<SiteFacts>) -> Vec<Candidate> {
        let mut facts = run(sites);
        facts.polling_threads = 1;
        facts.edges.push(Edge { caller: None, callee: 0, calls, total_ns: 0 });
        let function = &mut facts.functions[0];
        function.is_async = true;
        function.calls = calls;
        function.polls = Some(Polls { polls, ..Polls::default() });
        LongPoll.check(&facts, &Thresholds::default())
    }

    #[test]
    fn fires_on_polls_that_compute_for_long() {
        let found = found(100, 300, Vec::new());
        assert_eq!(found[0].title, "polls of `app::run` take 3.00 ms");
        let best = best_wait_ns(&found[0]).unwrap();
        assert!((best - 0.9 * 870e6 / 2.0).abs() < 1.0, "{best}");
    }

    #[test]
    fn silent_on_short_polls_single_calls_and_what_blocks() {
        assert!(found(100, 3_000, Vec::new()).is_empty());
        assert!(found(1, 3, Vec::new()).is_empty());
        let block = SiteFacts { self_ns: 890_000_000, ..hot(Kind::Block, "fs::read(p)", "u8") };
        assert!(found(100, 300, vec![block]).is_empty());
    }
}
