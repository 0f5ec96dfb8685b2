//! `spawn-per-item`: a task for each of many tiny pieces of work.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, FunctionFacts, SiteFacts};
use crate::impact::Saved;
use crate::rules::site::{Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Tasks from which it is spoken of.
const MIN_TASKS: Threshold = Threshold::new("min_tasks", 1_000.0, "tasks that the site spawned");

/// Time of a task below which spawning it costs more.
const MAX_BUSY_NS: Threshold = Threshold::new(
    "max_busy_ns",
    10_000.0,
    "mean time that a task computes, below which spawning it costs more than it brings",
);

/// What a task costs beside its spawn call: queues, waking a worker, its end, its free. Measured with
/// tokio 1.45 on two threads: 0.3 to 1.5 us.
const ASIDE_NS: (f64, f64, f64) = (100.0, 500.0, 1_500.0);

/// The rule.
pub(super) struct SpawnPerItem;

static META: Meta = Meta {
    id: "spawn-per-item",
    summary: "a task for each of many tiny pieces of work",
    category: Category::Async,
    effort: Effort::Local,
    evidence: "number and time of the spawns, in a loop; time that the spawned block computes",
    thresholds: &[MIN_TASKS, MAX_BUSY_NS],
    docs: "https://docs.rs/tokio/latest/tokio/task/fn.spawn.html",
    explain: Explain {
        means: "A task costs an allocation, a place in a queue, often the waking of a thread, and the await of its handle: about\n\
                a microsecond. Work that takes less is faster done in place.",
        found: "The spawns of a loop are counted and timed, and the spawned async block is measured by itself.",
        not_when: "The task waits for something: then it is spawned so as not to wait here. Several large parts are worth\n\
                   a task each.",
        before: "for item in items {\n    tasks.push(tokio::spawn(async move { price(item) }));\n}",
        after: "let prices: Vec<_> = items.iter().map(|item| price(item)).collect();",
    },
};

impl Rule for SpawnPerItem {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let is_spawn = |row: &SiteFacts| {
            let gives_handle =
                row.type_name.as_deref().is_some_and(|name| name.contains("::JoinHandle<"));
            gives_handle && row.label.contains("spawn")
        };
        let found = sites(facts, thresholds, &[Kind::Call], is_spawn);
        found.iter().filter_map(|site| candidate(facts, site)).collect()
    }
}

/// The async block that the call spawns: the one that stands in it.
fn spawned<'a>(facts: &'a Facts, site: &Site<'_>) -> Option<&'a FunctionFacts> {
    let span = site.source()?.span;
    let start = format!("{}::{{async#", site.of.path);
    let lies_in = |function: &&FunctionFacts| {
        let at = (function.line, function.column);
        function.path.starts_with(&start)
            && function.file == site.of.file
            && (span.line, span.column) <= at
            && at <= (span.end_line, span.end_column)
    };
    facts.functions.iter().find(lies_in)
}

fn candidate(facts: &Facts, site: &Site<'_>) -> Option<Candidate> {
    let source = site.source()?;
    let task = spawned(facts, site)?;
    let (ns, count) = (site.ns()?, site.count() as f64);
    let busy = task.total_ns as f64 / task.calls.max(1) as f64;
    let waits = task.polls.is_some_and(|polls| polls.polls > task.calls);
    if source.loop_depth == 0
        || !site.ran(&MIN_TASKS)
        || busy >= site.threshold(&MAX_BUSY_NS)
        || waits
    {
        return None;
    }
    let free = site.frees_ns();
    let (low, best, high) = ASIDE_NS;
    let gone = |aside: f64| ns + free + aside * count;
    let (allocs, alloc_bytes) = site.gone_allocs();
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("{} spawned that compute {} each", units::counted(site.count(), "task"), units::time(busy)),
        problem: format!(
            "{}. What each task computes takes {}.",
            site.measured(),
            units::time(busy)
        ),
        solution: "Do it in place, or in a few larger parts.".to_owned(),
        steps: vec![
            "Call what the task computes right in the loop.".to_owned(),
            "Where all of it takes long: one task for each part of some hundred items, or a `rayon` iterator in `spawn_blocking`."
                .to_owned(),
        ],
        tradeoffs: "In place the items don't run on several threads, and a panic is the caller's. All together they must not \
                    take longer than other tasks can wait (some 100 µs)."
            .to_owned(),
        confidence: Confidence::High,
        effort: META.effort,
        gain: Some(Gain {
            claims: vec![site.claim(Saved::new(gone(low), gone(best), gone(high)))],
            allocs,
            alloc_bytes,
            basis: format!(
                "spawns {} + frees {} + {} x {} to queue, wake and end a task (low {}, high {})",
                units::time(ns),
                units::time(free),
                units::count(site.count()),
                units::time(best),
                units::time(low),
                units::time(high)
            ),
        }),
        fix: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Span;
    use crate::profile::Polls;
    use crate::rules::testing::{best_ns, hot, run, with_source};

    const HANDLE: &str = "tokio::runtime::task::join::JoinHandle<app::Offer>";

    fn found(busy_ns: u64, polls: u64, loop_depth: u32) -> Vec<Candidate> {
        let site = with_source(hot(Kind::Call, "tokio::spawn(..)", HANDLE), |source| {
            source.span =
                Span { line: 5, column: 7, end_line: 7, end_column: 3, ..Span::default() };
            source.loop_depth = loop_depth;
        });
        let mut facts = run(vec![site]);
        facts.functions.push(FunctionFacts {
            path: "app::run::{async#0}".to_owned(),
            file: "src/main.rs".to_owned(),
            line: 6,
            column: 1,
            is_async: true,
            calls: 1_000_000,
            total_ns: busy_ns * 1_000_000,
            polls: Some(Polls { polls, ..Polls::default() }),
            ..FunctionFacts::default()
        });
        SpawnPerItem.check(&facts, &Thresholds::default())
    }

    #[test]
    fn fires_on_tasks_that_are_shorter_than_their_spawn() {
        let found = found(200, 1_000_000, 1);
        assert_eq!(found[0].title, "1 000 000 tasks spawned that compute 200 ns each");
        // 400 ms of spawns, 10 ns for each free, 500 ns aside.
        assert_eq!(best_ns(&found[0]), Some(400e6 + 10e6 + 500e6));
        assert_eq!(found[0].gain.as_ref().and_then(|gain| gain.allocs), Some(1_000_000));
    }

    #[test]
    fn silent_on_long_tasks_tasks_that_wait_and_outside_of_loops() {
        assert!(found(20_000, 1_000_000, 1).is_empty());
        assert!(found(200, 2_000_000, 1).is_empty());
        assert!(found(200, 1_000_000, 0).is_empty());
        let other = hot(Kind::Call, "other::spawn(..)", "other::Child");
        assert!(SpawnPerItem.check(&run(vec![other]), &Thresholds::default()).is_empty());
    }
}
