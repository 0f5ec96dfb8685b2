//! `guard-across-await`: a lock that is held while its holder waits for something else.

use std::collections::BTreeMap;

use hotpath_runtime_syntax::Kind;

use crate::facts::lock::Lock;
use crate::facts::{Facts, SiteFacts};
use crate::impact::{Measure, Saved, wall_of_wait};
use crate::rules::awaits::{Await, awaits, shared};
use crate::rules::site::{Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds, holders};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Wait for the lock, of all tasks together, from which it is spoken of.
const MIN_LOCK_WAIT_PCT: Threshold = Threshold::new(
    "min_lock_wait_pct",
    1.0,
    "wait of all tasks for the lock, in percent of the wall time",
);

/// Part of the wait for the lock that surely goes.
const SURE: f64 = 0.5;

/// Part of it that is likely to go: some of what the lock guards stays.
const LIKELY: f64 = 0.9;

/// The rule.
pub(super) struct GuardAcrossAwait;

static META: Meta = Meta {
    id: "guard-across-await",
    summary: "a lock is held while its holder waits for something else",
    category: Category::Async,
    effort: Effort::Local,
    evidence: "wait for the lock, and how long its guard lives and what the awaits wait meanwhile; in the source: which awaits these are",
    thresholds: &[MIN_LOCK_WAIT_PCT],
    docs: "https://docs.rs/tokio/latest/tokio/sync/struct.Mutex.html",
    explain: Explain {
        means: "While a task that holds a lock waits for an answer from elsewhere, all others that want the lock wait for that\n\
                answer too: one request at a time.",
        found: "The wait for each lock is measured, and so are the awaits that stand between the guard's `let` and\n\
                the end of its block (or its `drop`). What others wait for the lock is taken for these in the\n\
                proportion of waiting to holding.",
        not_when: "What the lock guards must not change until the answer is there. Then reserve first, and take it back if\n\
                   the answer is no.",
        before: "let mut stock = self.stock.lock().await;\nlet shelf = warehouse.lay_aside(item).await?;\nstock.take(item)?;",
        after: "self.stock.lock().await.take(item)?;\nlet shelf = warehouse.lay_aside(item).await;\nif shelf.is_err() {\n    self.stock.lock().await.put_back(item);\n}",
    },
};

impl Rule for GuardAcrossAwait {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let all = awaits(facts, thresholds);
        let locks = sites(facts, thresholds, &[Kind::Await, Kind::Lock], is_lock);
        let mut held: BTreeMap<(usize, usize), Vec<&Await<'_>>> = BTreeMap::new();
        for it in &all {
            for &lock in &it.source.held {
                held.entry((it.site.function, lock)).or_default().push(it);
            }
        }
        let candidates = held.iter().filter_map(|(&(function, index), inside)| {
            let lock = locks.iter().find(|it| (it.function, it.index()) == (function, index))?;
            candidate(facts, lock, &locks, inside)
        });
        candidates.collect()
    }
}

/// Whether this is a lock, its guard, or the future that takes one: many types have a `read` or `write`.
fn is_lock(row: &SiteFacts) -> bool {
    row.type_name.as_deref().and_then(Lock::of).is_some()
}

/// What tasks wait for a lock: there, and at all other sites of a lock of this type.
fn waits(lock: &Site<'_>, locks: &[Site<'_>]) -> f64 {
    let is_same = |other: &&Site<'_>| {
        let is_same_site = (other.function, other.index()) == (lock.function, lock.index());
        is_same_site || holders::locked(lock).is_some_and(|it| holders::locked(other) == Some(it))
    };
    locks.iter().filter(is_same).map(wait_of).sum()
}

fn wait_of(lock: &Site<'_>) -> f64 {
    match lock.kind() {
        Kind::Await => lock.awaits().wait_ns as f64 + lock.awaits().nested_wait_ns as f64,
        _ => lock.ns().unwrap_or_default(),
    }
}

fn candidate(
    facts: &Facts,
    lock: &Site<'_>,
    locks: &[Site<'_>],
    inside: &[&Await<'_>],
) -> Option<Candidate> {
    let wait = waits(lock, locks);
    let held: f64 = inside.iter().map(|it| it.wait_ns()).sum();
    // Where the guard was not followed: beside the waits, the holder computes no more than its function does.
    let whole = lock.hold().map_or(held + lock.of.self_ns as f64, |hold| hold.ns);
    let part = (held / whole.max(1.0)).min(1.0);
    let longest = inside.iter().max_by(|a, b| a.wait_ns().total_cmp(&b.wait_ns()))?;
    if 100.0 * wait < lock.threshold(&MIN_LOCK_WAIT_PCT) * facts.wall_ns as f64 || held <= 0.0 {
        return None;
    }
    let saved = Saved::new(SURE * part * wait, LIKELY * part * wait, wait);
    let wall = wall_of_wait(facts, lock.function, saved);
    Some(Candidate {
        anchor: Some(lock.anchor()),
        title: format!("`{}` is held while `{}` waits", lock.label(), longest.site.label()),
        problem: format!(
            "{}, with the guard of `{}` alive. Tasks waited {} for locks of this type.{}",
            longest.measured(),
            lock.label(),
            units::time(wait),
            holders::told(lock, locks)
        ),
        solution: "Let go of the guard before the await.".to_owned(),
        steps: vec![
            format!("Take what `{}` needs out of the guard, in a block that ends before it.", longest.site.label()),
            "Where the data must not change meanwhile, reserve it first and take that back if the await fails.".to_owned(),
        ],
        tradeoffs: "Others see the data between the two: what was checked before the await may no longer hold after it."
            .to_owned(),
        confidence: Confidence::High,
        effort: META.effort,
        gain: Some(Gain {
            claims: vec![lock.claim_of(wall, Measure::Wait)],
            allocs: None,
            alloc_bytes: None,
            basis: format!(
                "wait for the lock {} (high; likely {:.0} %, low {:.0} % of the {:.0} % of holding it that its holder waits){}",
                units::time(wait),
                100.0 * LIKELY,
                100.0 * SURE,
                100.0 * part,
                shared(facts, lock.function)
            ),
        }),
        fix: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Hold;
    use crate::rules::testing::{awaited, best_wait_ns, run, with_await};

    fn found(lock_wait: u64, held: Vec<usize>, inside_wait: u64) -> Vec<Candidate> {
        found_with(None, lock_wait, held, inside_wait)
    }

    fn found_with(
        measured: Option<Hold>,
        lock_wait: u64,
        held: Vec<usize>,
        inside_wait: u64,
    ) -> Vec<Candidate> {
        let lock = SiteFacts {
            hold: measured,
            type_name: Some("tokio::sync::mutex::Mutex<Stock>::lock::{{closure}}".to_owned()),
            ..awaited("stock.lock().await", 100, lock_wait)
        };
        let inside = awaited("warehouse.lay_aside(p).await", 100, inside_wait);
        let inside = SiteFacts { index: 1, ..with_await(inside, |it| it.held = held) };
        let mut facts = run(vec![lock, inside]);
        facts.functions[0].self_ns = 1_000_000;
        GuardAcrossAwait.check(&facts, &Thresholds::default())
    }

    #[test]
    fn what_others_wait_for_the_lock_goes() {
        let found = found(300_000_000, vec![0], 200_000_000);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].title,
            "`stock.lock().await` is held while `warehouse.lay_aside(p).await` waits"
        );
        // Of 201 ms with the lock the holder waits 200.
        let best = best_wait_ns(&found[0]).unwrap();
        assert!((best - 270e6 * 200.0 / 201.0).abs() < 1.0, "{best}");
    }

    #[test]
    fn the_part_is_that_of_the_measured_hold() {
        let hold = Hold { count: 100, timed: 100, ns: 400_000_000, max_ns: 9_000_000 };
        let found = found_with(Some(hold), 300_000_000, vec![0], 200_000_000);
        let best = best_wait_ns(&found[0]).unwrap();
        assert!((best - 270e6 / 2.0).abs() < 1.0, "{best}");
        let told = "It is held for 4.00 ms each time, 9.00 ms at most.";
        assert!(found[0].problem.ends_with(told), "{found:?}");
    }

    #[test]
    fn those_who_only_read_wait_for_those_who_write() {
        let of = |method: &str| {
            Some(format!("tokio::sync::rwlock::RwLock<Stock>::{method}::{{{{closure}}}}"))
        };
        let write =
            SiteFacts { type_name: of("write"), ..awaited("stock.write().await", 100, 1_000_000) };
        let inside = awaited("warehouse.lay_aside(p).await", 100, 200_000_000);
        let inside = SiteFacts { index: 1, ..with_await(inside, |it| it.held = vec![0]) };
        let read = SiteFacts {
            index: 2,
            type_name: of("read"),
            ..awaited("stock.read().await", 100, 300_000_000)
        };
        let mut facts = run(vec![write, inside, read]);
        facts.functions[0].self_ns = 1_000_000;
        let found = GuardAcrossAwait.check(&facts, &Thresholds::default());
        assert_eq!(found.len(), 1);
        assert!(
            found[0].problem.contains("Tasks waited 301 ms for locks of this type."),
            "{found:?}"
        );
    }

    #[test]
    fn silent_without_a_guard_a_wait_for_it_or_one_inside() {
        assert!(found(300_000_000, vec![], 200_000_000).is_empty());
        assert!(found(1_000_000, vec![0], 200_000_000).is_empty());
        assert!(found(300_000_000, vec![0], 0).is_empty());
        assert!(found(300_000_000, vec![7], 200_000_000).is_empty(), "a lock that never ran");
    }
}
