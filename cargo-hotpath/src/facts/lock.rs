//! Which lock a site takes, from the type that was measured there: of the lock itself, of its guard, or of the
//! future that takes it.

/// What is locked: sites with equal ones may wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock<'a> {
    /// Crate of the lock: `std`, `tokio`, `lock_api`.
    pub home: &'a str,
    /// Whether several may read at once.
    pub is_shared: bool,
    /// The type of what it guards.
    pub content: &'a str,
}

/// Pointers that a method call looks through.
const POINTERS: &[&str] = &["Arc", "Box", "LazyLock", "OnceLock", "Pin", "Rc"];

/// Names of locks, their guards and their futures. `Lock`, `Read` and `Write` are names of much else: they
/// have to lie in a module of this name.
const MUTEX: (&[&str], &[&str], &str) = (
    &[
        "ArcMutexGuard",
        "FairMutex",
        "MappedMutexGuard",
        "Mutex",
        "MutexGuard",
        "MutexGuardArc",
        "MutexLockFuture",
        "OwnedMutexGuard",
        "OwnedMutexLockFuture",
        "ReentrantMutex",
        "ReentrantMutexGuard",
    ],
    &["Lock", "LockArc"],
    "mutex",
);
const RWLOCK: (&[&str], &[&str], &str) = (
    &[
        "ArcRwLockReadGuard",
        "ArcRwLockWriteGuard",
        "OwnedRwLockReadGuard",
        "OwnedRwLockWriteGuard",
        "RwLock",
        "RwLockReadGuard",
        "RwLockReadGuardArc",
        "RwLockWriteGuard",
        "RwLockWriteGuardArc",
    ],
    &["Read", "ReadArc", "Write", "WriteArc"],
    "rwlock",
);

/// Crates whose locks are awaited: a call alone takes none.
const AWAITED: &[&str] = &["async_lock", "futures_util", "tokio"];

impl<'a> Lock<'a> {
    /// The lock of a type; `None` for all others, whatever they hold.
    pub fn of(type_name: &'a str) -> Option<Self> {
        let mut rest = type_name.trim();
        for method in ["lock", "lock_owned", "read", "read_owned", "write", "write_owned"] {
            let taken = rest.strip_suffix("::{{closure}}").and_then(|it| it.strip_suffix(method));
            if let Some(lock) = taken.and_then(|it| it.strip_suffix("::")) {
                rest = lock;
                break;
            }
        }
        loop {
            if let Some(inner) = rest.strip_prefix('&') {
                rest = inner.strip_prefix("mut ").unwrap_or(inner);
                continue;
            }
            let (path, arguments) = generic(rest)?;
            let (module, name) = path.rsplit_once("::").unwrap_or(("", path));
            let is_std = ["alloc::", "core::", "std::"].iter().any(|home| path.starts_with(home));
            if is_std && (POINTERS.contains(&name) || name == "Result") {
                rest = arguments.first()?;
                continue;
            }
            let is_one = |(names, short, home): (&[&str], &[&str], &str)| {
                names.contains(&name)
                    || short.contains(&name) && module.rsplit("::").any(|part| part == home)
            };
            let is_shared = is_one(RWLOCK);
            if !is_shared && !is_one(MUTEX) {
                return None;
            }
            // Before it, `lock_api` has the lock that it is made of.
            let content = arguments.last()?;
            return Some(Self { home: path.split("::").next()?, is_shared, content });
        }
    }

    /// Whether it has to be awaited to be taken.
    pub fn is_awaited(&self) -> bool {
        AWAITED.contains(&self.home)
    }
}

/// Path and arguments, lifetimes left out, of a type with nothing behind them.
fn generic(type_name: &str) -> Option<(&str, Vec<&str>)> {
    let (path, rest) = type_name.split_once('<')?;
    let inner = rest.strip_suffix('>')?;
    if path.is_empty() || !path.chars().all(|it| it.is_alphanumeric() || matches!(it, '_' | ':')) {
        return None;
    }
    let (mut arguments, mut start, mut depth, mut before) = (Vec::new(), 0, 0_i32, ' ');
    for (at, character) in inner.char_indices() {
        match character {
            '<' | '(' | '[' => depth += 1,
            // Not that of `fn() -> T`.
            '>' if before == '-' => {}
            '>' | ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                arguments.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        if depth < 0 {
            return None;
        }
        before = character;
    }
    arguments.push(&inner[start..]);
    Some((path, arguments.into_iter().map(str::trim).filter(|it| !it.starts_with('\'')).collect()))
}

#[cfg(test)]
mod tests {
    use super::Lock;

    fn lock(home: &str, is_shared: bool) -> Lock<'_> {
        Lock { home, is_shared, content: "app::Db" }
    }

    #[test]
    fn a_lock_is_the_same_by_all_that_a_site_may_know_of_it() {
        for name in [
            "std::sync::poison::mutex::Mutex<app::Db>",
            "alloc::sync::Arc<std::sync::poison::mutex::Mutex<app::Db>>",
            "&&mut std::sync::poison::mutex::Mutex<app::Db>",
            "std::sync::poison::mutex::MutexGuard<'_, app::Db>",
            "core::result::Result<std::sync::poison::mutex::MutexGuard<app::Db>, std::sync::poison::PoisonError<std::sync::poison::mutex::MutexGuard<app::Db>>>",
        ] {
            assert_eq!(Lock::of(name), Some(lock("std", false)), "{name}");
        }
        for name in [
            "tokio::sync::rwlock::RwLock<app::Db>",
            "tokio::sync::rwlock::RwLock<app::Db>::read::{{closure}}",
            "tokio::sync::rwlock::RwLock<app::Db>::write_owned::{{closure}}",
            "tokio::sync::rwlock::read_guard::RwLockReadGuard<'_, app::Db>",
        ] {
            assert_eq!(Lock::of(name), Some(lock("tokio", true)), "{name}");
        }
        for name in [
            "&lock_api::mutex::Mutex<parking_lot::raw_mutex::RawMutex, app::Db>",
            "lock_api::mutex::MutexGuard<'_, parking_lot::raw_mutex::RawMutex, app::Db>",
        ] {
            assert_eq!(Lock::of(name), Some(lock("lock_api", false)), "{name}");
        }
        let name = "async_lock::mutex::Lock<'_, app::Db>";
        assert_eq!(Lock::of(name), Some(lock("async_lock", false)));
        let name = "async_lock::rwlock::futures::Write<'_, app::Db>";
        assert_eq!(Lock::of(name), Some(lock("async_lock", true)));
    }

    #[test]
    fn what_only_holds_a_lock_is_none() {
        for name in [
            "app::Store<std::sync::poison::mutex::Mutex<app::Db>>",
            "app::Store<tokio::sync::rwlock::RwLock<app::Db>>::read::{{closure}}",
            "core::option::Option<std::sync::poison::mutex::MutexGuard<app::Db>>",
            "app::Result<std::sync::poison::mutex::MutexGuard<app::Db>>",
            "(std::sync::poison::mutex::Mutex<app::Db>, u8)",
            "std::io::stdio::Stdin",
            "app::file::Read<u8>",
            "tokio::io::util::read::Read<'_, tokio::fs::file::File>",
            "Mutex",
            "",
        ] {
            assert_eq!(Lock::of(name), None, "{name}");
        }
    }

    #[test]
    fn it_says_whether_it_is_awaited() {
        assert!(lock("tokio", true).is_awaited());
        assert!(!lock("std", true).is_awaited());
    }
}
