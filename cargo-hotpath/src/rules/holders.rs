//! How long a lock is held: where longest, in words, and by whom, in parts.

use crate::facts::FunctionFacts;
use crate::facts::lock::Lock;
use crate::rules::site::Site;
use crate::units;

/// Sentences on how long the guard of `lock` lives and which of `locks`, those of the same type, holds it
/// longest; empty where that was not measured.
pub(super) fn told(lock: &Site<'_>, locks: &[Site<'_>]) -> String {
    let own = lock.hold().map(|hold| {
        format!(
            " It is held for {} each time, {} at most.",
            units::time(hold.ns / hold.count as f64),
            units::time(hold.max_ns)
        )
    });
    let is_other = |site: &&Site<'_>| {
        locked(site).is_some()
            && locked(site) == locked(lock)
            && (site.function, site.index()) != (lock.function, lock.index())
    };
    let held = locks.iter().filter(is_other).filter_map(|site| Some((site, site.hold()?.ns)));
    let other = held
        .max_by(|(_, a), (_, b)| a.total_cmp(b))
        .filter(|(_, ns)| lock.hold().is_none_or(|own| own.ns < *ns))
        .map(|(site, ns)| {
            let FunctionFacts { path, file, .. } = site.of;
            format!(
                " Most of all it is held by `{}` in `{path}` ({file}:{}), {} together.",
                site.label(),
                site.line(),
                units::time(ns)
            )
        });
    [own, other].into_iter().flatten().collect()
}

/// What a site locks; `None` where that is not one type.
pub(super) fn locked<'a>(site: &Site<'a>) -> Option<Lock<'a>> {
    let mut locks = site.type_names().map(|name| name.and_then(Lock::of));
    let first = locks.next()??;
    locks.all(|lock| lock == Some(first)).then_some(first)
}

/// Whether two sites may take the same lock.
pub(super) fn is_same(one: &Site<'_>, other: &Site<'_>) -> bool {
    (one.function, one.index()) == (other.function, other.index())
        || locked(one).is_some_and(|lock| locked(other) == Some(lock))
}

/// Which part of the waits for the locks that `lock` may be is due to its guards: that of the time which all
/// of them are held, by `held_ns` of each site. Of `locks` it is one, and their parts are 1 together.
pub(super) fn part(lock: &Site<'_>, locks: &[Site<'_>], held_ns: impl Fn(&Site<'_>) -> f64) -> f64 {
    let all: f64 = locks.iter().filter(|it| is_same(lock, it)).map(&held_ns).sum();
    if all > 0.0 { (held_ns(lock) / all).clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use hotpath_runtime_syntax::Kind;

    use super::*;
    use crate::facts::SiteFacts;
    use crate::profile::Hold;
    use crate::rules::Thresholds;
    use crate::rules::site::sites;
    use crate::rules::testing::{hot, run};

    const MUTEX: &str = "alloc::sync::Arc<std::sync::poison::mutex::Mutex<app::Stats>>";

    fn lock(index: usize, type_name: &str, hold: Option<Hold>) -> SiteFacts {
        SiteFacts {
            index,
            hold,
            line: 5 + index as u32,
            ..hot(Kind::Lock, "stats.lock()", type_name)
        }
    }

    fn held(ns: u64) -> Hold {
        Hold { count: 1_000, timed: 1_000, ns, max_ns: 90_000 }
    }

    /// What is said of the first lock.
    fn said(locks: Vec<SiteFacts>) -> String {
        let facts = run(locks);
        let thresholds = Thresholds::default();
        let locks = sites(&facts, &thresholds, &[Kind::Lock], |_| true);
        told(&locks[0], &locks)
    }

    #[test]
    fn its_own_guard_is_told() {
        let said = said(vec![lock(0, MUTEX, Some(held(2_000_000)))]);
        assert_eq!(said, " It is held for 2.00 µs each time, 90.0 µs at most.");
    }

    #[test]
    fn who_holds_it_longest_is_told() {
        let shared = MUTEX.replace("alloc::sync::Arc<", "&").replace(">>", ">");
        let other = || lock(1, &shared, Some(held(7_000_000)));
        let longest = " Most of all it is held by `stats.lock()` in `app::run` (src/main.rs:6), 7.00 ms together.";
        assert_eq!(said(vec![lock(0, MUTEX, None), other()]), longest);
        assert!(said(vec![lock(0, MUTEX, Some(held(2_000_000))), other()]).ends_with(longest));
        let own = " It is held for 9.00 µs each time, 90.0 µs at most.";
        assert_eq!(said(vec![lock(0, MUTEX, Some(held(9_000_000))), other()]), own);
    }

    #[test]
    fn readers_and_writers_guards_and_futures_are_of_one_lock() {
        let pairs = [
            (
                "tokio::sync::rwlock::RwLock<S>::read::{{closure}}",
                "tokio::sync::rwlock::RwLock<S>::write_owned::{{closure}}",
            ),
            (
                MUTEX,
                "core::result::Result<std::sync::poison::mutex::MutexGuard<'_, app::Stats>, E>",
            ),
        ];
        for (one, other) in pairs {
            let said = said(vec![lock(0, one, None), lock(1, other, Some(held(7_000_000)))]);
            assert!(said.starts_with(" Most of all it is held by"), "{one}: {said}");
        }
    }

    #[test]
    fn who_takes_locks_of_several_types_holds_none_of_them_for_sure() {
        let shared = || lock(1, MUTEX, Some(held(7_000_000)));
        let generic = SiteFacts {
            hold: None,
            self_ns: 1,
            ..lock(1, "std::sync::poison::mutex::Mutex<u8>", None)
        };
        assert_eq!(said(vec![lock(0, MUTEX, None), shared(), generic]), "");
    }

    /// The parts of the locks by how long each was measured.
    fn parts(locks: Vec<SiteFacts>) -> Vec<f64> {
        let facts = run(locks);
        let thresholds = Thresholds::default();
        let locks = sites(&facts, &thresholds, &[Kind::Lock], |_| true);
        let held = |it: &Site<'_>| it.hold().map_or(0.0, |hold| hold.ns);
        locks.iter().map(|lock| part(lock, &locks, held)).collect()
    }

    #[test]
    fn each_has_the_part_of_how_long_it_holds_the_lock() {
        let own = || lock(0, MUTEX, Some(held(2_000_000)));
        assert_eq!(parts(vec![own()]), [1.0]);
        assert_eq!(parts(vec![own(), lock(1, MUTEX, Some(held(6_000_000)))]), [0.25, 0.75]);
        // Of one that was not followed nothing is known: it is not held for long.
        assert_eq!(parts(vec![own(), lock(1, MUTEX, None)]), [1.0, 0.0]);
        let other = "std::sync::poison::mutex::Mutex<u8>";
        assert_eq!(parts(vec![own(), lock(1, other, Some(held(6_000_000)))]), [1.0, 1.0]);
    }

    #[test]
    fn who_takes_locks_of_several_types_has_a_part_of_none_of_them() {
        let generic = |type_name| lock(1, type_name, Some(held(6_000_000)));
        let locks = vec![
            lock(0, MUTEX, Some(held(2_000_000))),
            generic(MUTEX),
            SiteFacts { hold: None, ..generic("std::sync::poison::mutex::Mutex<u8>") },
        ];
        assert_eq!(parts(locks), [1.0, 1.0]);
    }

    #[test]
    fn what_was_not_measured_is_not_told() {
        let other = lock(1, "std::sync::poison::mutex::Mutex<u8>", Some(held(7_000_000)));
        assert_eq!(said(vec![lock(0, MUTEX, None), other]), "");
    }
}
