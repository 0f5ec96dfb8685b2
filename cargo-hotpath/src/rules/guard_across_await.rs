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
                the end of its block (or its `drop`). What others wait for the lock falls to those who hold\n\
                one of its type by how long each does, and of that to these awaits in the proportion of waiting\n\
                to holding.",
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
        let inside = |lock: &Site<'_>| {
            held.get(&(lock.function, lock.index())).map_or(&[][..], Vec::as_slice)
        };
        let held_by = |lock: &Site<'_>| held_ns(lock, inside(lock));
        let over_awaits = locks.iter().filter(|lock| !inside(lock).is_empty());
        let candidates = over_awaits.filter_map(|lock| {
            let part = holders::part(lock, &locks, held_by);
            candidate(facts, lock, &locks, inside(lock), part)
        });
        candidates.collect()
    }
}

/// How long the guards of a lock are held: no less than what waits meanwhile.
fn held_ns(lock: &Site<'_>, inside: &[&Await<'_>]) -> f64 {
    let waiting = waiting_ns(inside);
    match lock.hold() {
        Some(hold) => hold.ns.max(waiting),
        // Where the guard was not followed: beside the waits, the holder computes no more than its function does.
        None if waiting > 0.0 => waiting + lock.of.self_ns as f64,
        None => 0.0,
    }
}

fn waiting_ns(inside: &[&Await<'_>]) -> f64 {
    inside.iter().map(|it| it.wait_ns()).sum()
}

/// Whether this is a lock, its guard, or the future that takes one: many types have a `read` or `write`.
fn is_lock(row: &SiteFacts) -> bool {
    row.type_name.as_deref().and_then(Lock::of).is_some()
}

/// What tasks wait for a lock: there, and at all other sites of a lock of this type.
fn waits(lock: &Site<'_>, locks: &[Site<'_>]) -> f64 {
    locks.iter().filter(|other| holders::is_same(lock, other)).map(wait_of).sum()
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
    own: f64,
) -> Option<Candidate> {
    let longest = inside.iter().max_by(|a, b| a.wait_ns().total_cmp(&b.wait_ns()))?;
    let (wait, waiting) = (waits(lock, locks), waiting_ns(inside));
    if 100.0 * wait < lock.threshold(&MIN_LOCK_WAIT_PCT) * facts.wall_ns as f64 || waiting <= 0.0 {
        return None;
    }
    let part = waiting / held_ns(lock, inside).max(1.0);
    let due = own * wait;
    let saved = Saved::new(SURE * part * due, LIKELY * part * due, due);
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
                "wait for the lock {}{} (high; likely {:.0} %, low {:.0} % of the {:.0} % of holding it that its holder waits){}",
                units::time(due),
                of_all(own, wait),
                100.0 * LIKELY,
                100.0 * SURE,
                100.0 * part,
                shared(facts, lock.function)
            ),
        }),
        fix: None,
    })
}

/// What the part of one guard is a part of, where others hold such a lock too.
fn of_all(own: f64, wait: f64) -> String {
    if own < 0.995 {
        let (all, pct) = (units::time(wait), 100.0 * own);
        format!(" of {all}, by its {pct:.0} % of the time that locks of this type are held")
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::impact::union;
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

    /// Two guards of one type in one function, each over an await of its own, and who else waits for such a
    /// lock.
    fn two_holders(first: Option<Hold>, second: Option<Hold>) -> Vec<Candidate> {
        let lock = |index: usize, hold: Option<Hold>, wait_ns: u64| SiteFacts {
            index,
            hold,
            type_name: Some("tokio::sync::mutex::Mutex<Stock>::lock::{{closure}}".to_owned()),
            ..awaited("stock.lock().await", 100, wait_ns)
        };
        let inside = |index: usize, held: usize, wait_ns: u64| {
            let inside = awaited("warehouse.lay_aside(p).await", 100, wait_ns);
            SiteFacts { index, ..with_await(inside, |it| it.held = vec![held]) }
        };
        let mut facts = run(vec![
            lock(0, first, 50_000_000),
            inside(1, 0, 100_000_000),
            lock(2, second, 50_000_000),
            inside(3, 2, 200_000_000),
            lock(4, None, 300_000_000),
        ]);
        facts.functions[0].self_ns = 0;
        GuardAcrossAwait.check(&facts, &Thresholds::default())
    }

    fn held(ns: u64) -> Hold {
        Hold { count: 100, timed: 100, ns, max_ns: ns }
    }

    #[test]
    fn the_waits_are_divided_among_those_who_hold_the_lock() {
        // A quarter of holding, all of it waiting, and three quarters, a third of it waiting.
        let found = two_holders(Some(held(200_000_000)), Some(held(600_000_000)));
        let best: Vec<f64> = found.iter().filter_map(best_wait_ns).collect();
        for (best, expected) in best.iter().zip([90e6 / 2.0, 270e6 / 3.0]) {
            assert!((best - expected).abs() < 1.0, "{best} for {expected}");
        }
        assert_eq!(best.len(), 2);
        let basis = &found[0].gain.as_ref().unwrap().basis;
        let told = "wait for the lock 100 ms of 400 ms, by its 25 % of the time that locks of this type are held (high;";
        assert!(basis.starts_with(told), "{basis}");
    }

    #[test]
    fn together_they_claim_no_more_than_the_waits() {
        let measured = [
            (None, None),
            (Some(held(200_000_000)), None),
            (Some(held(150_000_000)), Some(held(900_000_000))),
        ];
        for (first, second) in measured {
            let found = two_holders(first, second);
            assert_eq!(found.len(), 2);
            let claims = found.iter().filter_map(|it| it.gain.as_ref()).flat_map(|it| &it.claims);
            let gone = union(claims).waits;
            assert!((gone.high - 400e6).abs() < 1.0, "{gone:?}");
            assert!(gone.best <= LIKELY * 400e6 + 1.0, "{gone:?}");
        }
    }

    #[test]
    fn who_holds_it_without_an_await_has_its_part_too() {
        let lock = |index: usize, hold: Option<Hold>| SiteFacts {
            index,
            hold,
            type_name: Some("tokio::sync::mutex::Mutex<Stock>::lock::{{closure}}".to_owned()),
            ..awaited("stock.lock().await", 100, 100_000_000)
        };
        let inside = awaited("warehouse.lay_aside(p).await", 100, 100_000_000);
        let inside = SiteFacts { index: 1, ..with_await(inside, |it| it.held = vec![0]) };
        let facts =
            run(vec![lock(0, Some(held(100_000_000))), inside, lock(2, Some(held(300_000_000)))]);
        let found = GuardAcrossAwait.check(&facts, &Thresholds::default());
        assert_eq!(found.len(), 1);
        assert!((best_wait_ns(&found[0]).unwrap() - LIKELY * 50e6).abs() < 1.0, "{found:?}");
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
