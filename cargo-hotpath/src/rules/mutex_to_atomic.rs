//! `mutex-to-atomic`: a lock around one number or flag.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, SiteFacts};
use crate::impact::Saved;
use crate::rules::site::{MIN_EXECUTIONS, MIN_SHARE_PCT, Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Thresholds, types};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// What an atomic operation takes.
const ATOMIC_NS: f64 = 6.0;

/// What releasing the lock takes, after the measured span.
const UNLOCK_NS: f64 = 8.0;

/// Types that have an atomic of their own.
const ATOMICS: &[(&str, &str)] = &[
    ("bool", "AtomicBool"),
    ("i16", "AtomicI16"),
    ("i32", "AtomicI32"),
    ("i64", "AtomicI64"),
    ("i8", "AtomicI8"),
    ("isize", "AtomicIsize"),
    ("u16", "AtomicU16"),
    ("u32", "AtomicU32"),
    ("u64", "AtomicU64"),
    ("u8", "AtomicU8"),
    ("usize", "AtomicUsize"),
];

/// The rule.
pub(super) struct MutexToAtomic;

static META: Meta = Meta {
    id: "mutex-to-atomic",
    summary: "a lock is taken for a single number or flag",
    category: Category::Lock,
    effort: Effort::Local,
    evidence: "time and count of the acquisitions; the receiver is a lock around an integer or bool; in the source: its guard is dereferenced at once",
    thresholds: &[MIN_EXECUTIONS, MIN_SHARE_PCT],
    docs: "https://doc.rust-lang.org/std/sync/atomic/",
    explain: Explain {
        means: "An atomic adds to a counter or sets a flag in one instruction, without anybody waiting for it.",
        found: "Acquisitions are measured with the lock's concrete type. The source says that the statement uses the\n\
                guard for one read or write: `*total.lock().unwrap() += 1`. A lock of the same name and type whose\n\
                guard another measured place keeps, or lends, is left out.",
        not_when: "The lock also orders something else (a `Condvar`, other data that has to fit the number), or the\n\
                   new value is computed from the old one in several steps: `fetch_update` can do that, if repeating\n\
                   it is harmless.",
        before: "*total.lock().unwrap() += bytes;",
        after: "total.fetch_add(bytes, Ordering::Relaxed);",
    },
};

impl Rule for MutexToAtomic {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let guards_number =
            |row: &SiteFacts| row.type_name.as_deref().is_some_and(|it| atomic(it).is_some());
        let all = sites(facts, thresholds, &[Kind::Lock], guards_number);
        all.iter()
            .filter(|site| site.is_exercised() && is_nowhere_kept(facts, site, &all))
            .filter_map(candidate)
            .collect()
    }
}

/// What could stand in place of the lock.
fn atomic(lock: &str) -> Option<&'static str> {
    let lock = types::pointee(lock);
    let is_std = lock.starts_with("std::sync::");
    let is_lock = is_std || lock.starts_with("lock_api::");
    if !is_lock || !["Mutex", "RwLock"].contains(&types::last_segment(lock)) {
        return None;
    }
    let guarded = *types::arguments(lock).last()?;
    ATOMICS.iter().find(|(name, _)| *name == guarded).map(|(_, atomic)| *atomic)
}

/// Whether the statement dereferences the guard where it is made: `*x.lock().unwrap() += 1`.
fn is_used_at_once(facts: &Facts, site: &Site<'_>) -> bool {
    let span = site.source().map(|source| source.span);
    let text = facts.sources.get(&site.of.file);
    let (Some(span), Some(text)) = (span, text) else { return false };
    let before = text.get(..span.byte_start).unwrap_or_default();
    let behind = text.get(span.byte_end..).unwrap_or_default().trim_start();
    let expected = || behind.strip_prefix(".expect(\"")?.split_once("\")").map(|(_, rest)| rest);
    let rest = behind
        .strip_prefix(".unwrap()")
        .or_else(|| behind.strip_prefix('?'))
        .or_else(expected)
        .unwrap_or(behind);
    let Some(before) = before.trim_end().strip_suffix('*') else { return false };
    // `&mut *x.lock()` is handed to somebody who does more with it.
    let before = before.trim_end();
    let is_lent = before.ends_with('&') && !before.ends_with("&&") || before.ends_with("&mut");
    !is_lent && !rest.trim_start().starts_with('.')
}

/// Whether every place that takes this lock, going by its type and name, uses the guard at once: one that
/// keeps it may do several things that belong together.
fn is_nowhere_kept(facts: &Facts, site: &Site<'_>, all: &[Site<'_>]) -> bool {
    let name = |site: &Site<'_>| {
        let receiver = site.source()?.receiver.as_deref()?;
        receiver.rsplit('.').next().map(str::to_owned)
    };
    let lock = |site: &Site<'_>| (site.receiver_type().map(str::to_owned), name(site));
    let same = lock(site);
    all.iter().filter(|other| lock(other) == same).all(|other| is_used_at_once(facts, other))
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let ns = site.ns()?;
    let atomic = site.type_name().and_then(atomic)?;
    let lock = site.source()?.receiver.as_deref()?;
    let count = site.count() as f64;
    let kept = ATOMIC_NS * count;
    let best = ns + UNLOCK_NS * count - kept;
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("a lock for what `{atomic}` does alone"),
        problem: format!("{}. `{lock}` guards a single value, which is used at once.", site.measured()),
        solution: format!("Make `{lock}` an `{atomic}`."),
        steps: vec![
            format!("Change its type to `std::sync::atomic::{atomic}`, without the lock."),
            "Use `fetch_add(n, Ordering::Relaxed)`, `load` and `store`; other orderings only where other data \
             depends on it."
                .to_owned(),
        ],
        tradeoffs: "Several operations in a row are no longer one: other threads may come between.".to_owned(),
        confidence: Confidence::Medium,
        effort: META.effort,
        gain: Some(Gain {
            claims: vec![site.claim(Saved::new(
                0.5 * (site.sure_ns() - kept),
                best,
                site.most_ns() + 2.0 * UNLOCK_NS * count,
            ))],
            allocs: None,
            alloc_bytes: None,
            basis: format!(
                "acquisitions {} + 8 ns for each release, less 6 ns for each atomic operation; low half of what is \
                 sure without the releases, high without the atomics, with releases at twice that \
                 and all that may have hidden behind the clock",
                units::time(ns)
            ),
        }),
        fix: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Span;
    use crate::rules::testing::{best_ns, hot, run, with_source};

    const COUNTER: &str = "&std::sync::poison::mutex::Mutex<u64>";

    fn found(type_name: &str, statement: &str) -> Vec<Candidate> {
        let start = statement.find("total").unwrap_or_default();
        let site = with_source(hot(Kind::Lock, "total.lock()", type_name), |source| {
            source.receiver = Some("total".to_owned());
            source.span = Span { byte_start: start, byte_end: start + 12, ..Span::default() };
        });
        let mut facts = run(vec![site]);
        facts.sources.insert("src/main.rs".to_owned(), statement.to_owned());
        MutexToAtomic.check(&facts, &Thresholds::default())
    }

    const ADDED: &str = "*total.lock().unwrap() += 1;";

    #[test]
    fn fires_on_numbers_that_are_used_at_once() {
        let first = found(COUNTER, ADDED);
        assert_eq!(first[0].title, "a lock for what `AtomicU64` does alone");
        assert_eq!(best_ns(&first[0]), Some(402e6));
        let parking =
            "alloc::sync::Arc<lock_api::mutex::Mutex<parking_lot::raw_mutex::RawMutex, bool>>";
        assert!(found(parking, "let is = *total.lock();")[0].solution.contains("`AtomicBool`"));
    }

    #[test]
    fn silent_on_guards_that_are_kept() {
        for statement in [
            "let mut guard = total.lock().unwrap();",
            "*total.lock().unwrap().field() += 1;",
            "total.lock().unwrap().add(1);",
            "*total.lock().map(f) += 1;",
            "add(&mut *total.lock().unwrap());",
            "show(&*total.lock().unwrap());",
        ] {
            assert!(found(COUNTER, statement).is_empty(), "{statement}");
        }
        assert_eq!(found(COUNTER, "if a && *total.lock().unwrap() > 1 {}").len(), 1);
        assert_eq!(found(COUNTER, "*total.lock().expect(\"no poison\") = 1;").len(), 1);
    }

    #[test]
    fn silent_where_another_place_keeps_the_guard() {
        let found = |statement: &str| {
            let text = format!("{ADDED} {statement}");
            let at = |index: usize, start: usize| {
                let site = SiteFacts { index, ..hot(Kind::Lock, "total.lock()", COUNTER) };
                with_source(site, |source| {
                    source.receiver = Some(text[start..].split(".lock").next().unwrap().to_owned());
                    let byte_end = text[start..].find("()").unwrap() + start + 2;
                    source.span = Span { byte_start: start, byte_end, ..Span::default() };
                })
            };
            let second = ADDED.len() + 1 + statement.find(['t', 's']).unwrap();
            let mut facts = run(vec![at(0, 1), at(1, second)]);
            facts.sources.insert("src/main.rs".to_owned(), text.clone());
            MutexToAtomic.check(&facts, &Thresholds::default()).len()
        };
        assert_eq!(found("*total.lock().unwrap() = 0;"), 2);
        assert_eq!(found("*self.total.lock().unwrap() = 0;"), 2);
        assert_eq!(found("(total.lock().unwrap(), 1);"), 0);
        assert_eq!(found("(self.total.lock().unwrap(), 1);"), 0);
        assert_eq!(found("(self.sum.lock().unwrap(), 1);"), 1, "another lock");
    }

    #[test]
    fn silent_on_other_types() {
        for name in [
            "std::sync::poison::mutex::Mutex<alloc::string::String>",
            "std::sync::poison::mutex::Mutex<(u64, u64)>",
            "std::sync::poison::mutex::Mutex<f64>",
            "app::Mutex<u64>",
            "std::io::stdio::Stdout",
        ] {
            assert!(found(name, ADDED).is_empty(), "{name}");
        }
    }
}
