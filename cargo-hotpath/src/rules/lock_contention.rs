//! `lock-contention`: threads wait for a lock that others hold.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, SiteFacts};
use crate::impact::Saved;
use crate::profile::Bucket;
use crate::rules::site::{Site, sites};
use crate::rules::{
    Candidate, Explain, Gain, LOCK_CONTENTION, Meta, Rule, Threshold, Thresholds, holders, types,
};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Share of all threads' time that is spent waiting for the lock.
const MIN_WAIT_PCT: Threshold = Threshold::new(
    "min_wait_pct",
    1.0,
    "share of all threads' time that is spent waiting at the site",
);

/// Time of one acquisition from which it waited.
const MIN_WAIT_NS: Threshold = Threshold::new(
    "min_wait_ns",
    500.0,
    "time of one acquisition, over that of a free lock, from which it waited",
);

/// Which of the acquisitions is taken for that of a free lock.
const FREE_QUANTILE: f64 = 0.1;

/// The most that an acquisition of a free lock takes.
const FREE_NS: f64 = 100.0;

/// Part of the wait that is likely to go: some of what the lock guards has to come one after the other.
const LIKELY: f64 = 0.5;

/// Locks of the standard library and of `parking_lot`.
const LOCKS: &[&str] = &["Mutex", "ReentrantMutex", "RwLock"];

/// The rule.
pub(super) struct LockContention;

static META: Meta = Meta {
    id: LOCK_CONTENTION,
    summary: "threads wait for a lock that others hold",
    category: Category::Lock,
    effort: Effort::Design,
    evidence: "distribution of the time that `.lock()`, `.read()` and `.write()` take, on several threads; the receiver's type is a lock; how long its guards live",
    thresholds: &[MIN_WAIT_PCT, MIN_WAIT_NS],
    docs: "https://doc.rust-lang.org/std/sync/struct.Mutex.html",
    explain: Explain {
        means: "Taking a free lock takes some 20 ns; what is longer is waiting for another thread. Threads that wait\n\
                do nothing: more of them make it worse.",
        found: "Each acquisition is measured, and their distribution is kept. The fastest tenth says what a free lock\n\
                takes; what others took beyond that is wait. How long it is held is measured apart: from there to\n\
                the end of the variable that holds the guard.",
        not_when: "Threads wait because there is nothing else to do, or the order that the lock makes is needed. A\n\
                   thread that the system put aside while it took the lock looks the same: with more threads\n\
                   than cores some of the wait is that.",
        before: "let mut stats = shared.lock().unwrap();\nstats.add(parse(line));",
        after: "let parsed = parse(line);\nshared.lock().unwrap().add(parsed);",
    },
};

impl Rule for LockContention {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        if facts.threads < 2 {
            return Vec::new();
        }
        let is_lock = |row: &SiteFacts| row.type_name.as_deref().is_some_and(is_lock);
        let found = sites(facts, thresholds, &[Kind::Lock], is_lock);
        found.iter().filter_map(|site| candidate(facts, site, &found)).collect()
    }
}

/// Whether this is a lock, or what taking one gives.
fn is_lock(name: &str) -> bool {
    const GUARDS: [&str; 3] = ["MutexGuard<", "RwLockReadGuard<", "RwLockWriteGuard<"];
    const PREFIXES: [&str; 3] = ["core::result::Result<std::sync::", "std::sync::", "lock_api::"];
    let lock = types::pointee(name);
    let guards = PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        && GUARDS.iter().any(|guard| name.contains(guard));
    guards || is_lock_type(lock)
}

fn is_lock_type(name: &str) -> bool {
    ["std::sync::", "lock_api::"].iter().any(|home| name.starts_with(home))
        && LOCKS.contains(&types::last_segment(name))
}

/// What the acquisitions waited, all together, and how many of them did.
fn waited(histogram: &[Bucket], min_wait_ns: f64) -> (f64, u64) {
    let middle = |bucket: &Bucket| f64::midpoint(bucket.low_ns as f64, bucket.high_ns as f64);
    let all: u64 = histogram.iter().map(|bucket| bucket.count).sum();
    let mut below = 0;
    let free = histogram.iter().find(|bucket| {
        below += bucket.count;
        below as f64 >= FREE_QUANTILE * all as f64
    });
    let free = free.map_or(0.0, middle).min(FREE_NS);
    let long = histogram.iter().filter(|bucket| middle(bucket) - free >= min_wait_ns);
    long.fold((0.0, 0), |(ns, count), bucket| {
        (ns + (middle(bucket) - free) * bucket.count as f64, count + bucket.count)
    })
}

fn candidate(facts: &Facts, site: &Site<'_>, locks: &[Site<'_>]) -> Option<Candidate> {
    let (wait, count) = waited(site.histogram(), site.threshold(&MIN_WAIT_NS));
    let threads = facts.wall_ns as f64 * facts.threads as f64;
    let share = 100.0 * wait / threads.max(1.0);
    if share < site.threshold(&MIN_WAIT_PCT) {
        return None;
    }
    let source = site.source();
    let lock = source.and_then(|source| source.receiver.as_deref()).unwrap_or("the lock");
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("threads wait for `{lock}`"),
        problem: format!(
            "{}. {} of the acquisitions waited, {} together: {} of all threads' time.{}",
            site.measured(),
            units::count(count),
            units::time(wait),
            units::percent(share.min(100.0)),
            holders::told(site, locks)
        ),
        solution: "Hold the lock for less, or split what it guards.".to_owned(),
        steps: vec![
            "Move what doesn't need the data (parsing, formatting, output) out of the locked section, and drop the \
             guard as soon as it is done."
                .to_owned(),
            "Gather in each thread, and lock once for many.".to_owned(),
            "Split the data by key into several locks (`dashmap` does), or use atomics for counters, or an `RwLock` \
             where nearly all only read."
                .to_owned(),
        ],
        tradeoffs: "Several locks have to be taken in one order everywhere, and no longer give one consistent view."
            .to_owned(),
        confidence: Confidence::Medium,
        effort: META.effort,
        gain: Some(Gain {
            claims: vec![site.claim(Saved::new(0.0, LIKELY * wait, wait))],
            allocs: None,
            alloc_bytes: None,
            basis: format!(
                "acquisitions beyond that of a free lock {}; high all of it, likely half (some has to come one \
                 after the other), low none",
                units::time(wait)
            ),
        }),
        fix: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Hold;
    use crate::rules::testing::{best_ns, hot, run, with_source};

    const MUTEX: &str = "alloc::sync::Arc<std::sync::poison::mutex::Mutex<app::Stats>>";

    fn bucket(ns: u64, count: u64) -> Bucket {
        Bucket { low_ns: ns, high_ns: ns, count }
    }

    /// A second on two threads in which a hundred thousand of a million acquisitions wait 2 µs.
    fn found(type_name: &str, histogram: Vec<Bucket>, threads: u64) -> Vec<Candidate> {
        let site = SiteFacts { histogram, ..hot(Kind::Lock, "stats.lock()", type_name) };
        let site = with_source(site, |source| source.receiver = Some("stats".to_owned()));
        LockContention.check(&Facts { threads, ..run(vec![site]) }, &Thresholds::default())
    }

    fn contended() -> Vec<Bucket> {
        vec![bucket(20, 900_000), bucket(2_020, 100_000)]
    }

    #[test]
    fn fires_on_what_is_beyond_a_free_lock() {
        let found = found(MUTEX, contended(), 2);
        assert_eq!(found[0].title, "threads wait for `stats`");
        assert!(
            found[0].problem.contains("100 000 of the acquisitions waited, 200 ms together"),
            "{found:?}"
        );
        assert_eq!(best_ns(&found[0]), Some(100e6));
        assert_eq!(found[0].gain.as_ref().map(|gain| gain.claims[0].saved.low), Some(0.0));
    }

    #[test]
    fn it_says_how_long_the_lock_is_held() {
        let site = SiteFacts {
            histogram: contended(),
            hold: Some(Hold { count: 1_000_000, timed: 1_000_000, ns: 300_000_000, max_ns: 5_000 }),
            ..hot(Kind::Lock, "stats.lock()", MUTEX)
        };
        let facts = Facts { threads: 2, ..run(vec![site]) };
        let found = LockContention.check(&facts, &Thresholds::default());
        let held = "It is held for 300 ns each time, 5.00 µs at most.";
        assert!(found[0].problem.ends_with(held), "{found:?}");
    }

    #[test]
    fn a_lock_that_is_never_free_waits_too() {
        let (wait, count) = waited(&[bucket(5_000, 10)], 500.0);
        assert!((wait - 49_000.0).abs() < 1.0 && count == 10, "{wait}");
        assert_eq!(waited(&[], 500.0), (0.0, 0));
    }

    #[test]
    fn fires_on_guards_where_the_lock_itself_was_not_told() {
        for name in [
            "core::result::Result<std::sync::poison::mutex::MutexGuard<'_, u8>, E>",
            "lock_api::mutex::MutexGuard<'_, parking_lot::raw_mutex::RawMutex, u8>",
            "&lock_api::rwlock::RwLock<parking_lot::raw_rwlock::RawRwLock, u8>",
        ] {
            assert_eq!(found(name, contended(), 2).len(), 1, "{name}");
        }
    }

    #[test]
    fn silent_on_free_locks_one_thread_and_other_types() {
        assert!(found(MUTEX, vec![bucket(20, 1_000_000)], 2).is_empty());
        assert!(found(MUTEX, vec![bucket(20, 900_000), bucket(400, 100_000)], 2).is_empty());
        assert!(found(MUTEX, contended(), 1).is_empty());
        assert!(found(MUTEX, contended(), 64).is_empty(), "a small share of 64 threads");
        for name in ["std::io::stdio::Stdin", "app::Mutex<u8>", "app::MutexGuard<u8>"] {
            assert!(found(name, contended(), 2).is_empty(), "{name}");
        }
    }
}
