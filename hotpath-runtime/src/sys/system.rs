//! What each system does in its own way, and what is made of that on all of them alike.

use core::ffi::c_int;

/// A system.
pub(super) trait System {
    /// Flag of a mapping that takes no memory until it is touched; 0 where none is needed.
    const NO_RESERVE: c_int;

    /// Id of this thread; 0 where it has none that is an integer.
    fn tid(&self) -> u32;

    /// The clock of a thread's CPU time, by its id; `None` where that can't be told.
    fn cpu_clock_of(&self, tid: u32) -> Option<libc::clockid_t> {
        let _ = tid;
        None
    }

    /// Where this thread's `errno` lies; null where that can't be known.
    fn errno_place(&self) -> *mut c_int;

    /// A file without a name, in memory.
    fn anonymous_file(&self) -> Result<c_int, c_int>;

    /// The size past which no file of this process may grow; `None` where that can't be known.
    fn file_limit(&self) -> Option<u64>;

    /// Makes `file` really have `len` bytes from `start` on, below the limit. May be interrupted.
    fn reserve(&self, file: c_int, start: u64, len: u64) -> Result<(), c_int>;
}

/// Interruptions that a reservation survives: signals of a timer must not end it.
const INTERRUPTIONS: u32 = 100;

/// Reserves, unless that would send a signal.
pub(super) fn allocate(
    system: &impl System,
    file: c_int,
    start: usize,
    len: usize,
) -> Result<(), c_int> {
    let (start, len) = (start as u64, len as u64);
    let end = start.checked_add(len).ok_or(libc::EOVERFLOW)?;
    // Past the limit the system does not refuse, it sends SIGXFSZ.
    if system.file_limit().is_none_or(|limit| limit < end) {
        return Err(libc::EFBIG);
    }
    for _ in 0..INTERRUPTIONS {
        match system.reserve(file, start, len) {
            Err(libc::EINTR) => {}
            result => return result,
        }
    }
    Err(libc::EINTR)
}

/// What `getrlimit` says; the same on every Unix.
pub(super) fn file_limit() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid place.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) } == 0;
    #[allow(clippy::useless_conversion, reason = "signed on some systems")]
    known.then(|| u64::try_from(limit.rlim_cur).unwrap_or(u64::MAX))
}

/// An offset in a file as the system takes it.
pub(super) fn offset(bytes: u64) -> Result<libc::off_t, c_int> {
    libc::off_t::try_from(bytes).map_err(|_| libc::EOVERFLOW)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// A system that answers as told, the last answer again and again.
    struct Fake {
        limit: Option<u64>,
        answers: RefCell<Vec<Result<(), c_int>>>,
        asked: Cell<u32>,
    }

    impl Fake {
        fn new(limit: Option<u64>, answers: &[Result<(), c_int>]) -> Self {
            let answers = RefCell::new(answers.iter().rev().copied().collect());
            Self { limit, answers, asked: Cell::new(0) }
        }
    }

    impl System for Fake {
        const NO_RESERVE: c_int = 0;

        fn tid(&self) -> u32 {
            7
        }

        fn errno_place(&self) -> *mut c_int {
            std::ptr::null_mut()
        }

        fn anonymous_file(&self) -> Result<c_int, c_int> {
            Err(libc::ENOSYS)
        }

        fn file_limit(&self) -> Option<u64> {
            self.limit
        }

        fn reserve(&self, _: c_int, _: u64, _: u64) -> Result<(), c_int> {
            self.asked.set(self.asked.get() + 1);
            let mut answers = self.answers.borrow_mut();
            if answers.len() > 1 { answers.pop().unwrap() } else { answers[0] }
        }
    }

    #[test]
    fn nothing_is_reserved_past_a_limit_or_an_unknown_one() {
        for limit in [None, Some(0), Some(2_999)] {
            let fake = Fake::new(limit, &[Ok(())]);
            assert_eq!(allocate(&fake, 3, 1_000, 2_000), Err(libc::EFBIG));
            assert_eq!(fake.asked.get(), 0);
        }
        let fake = Fake::new(Some(3_000), &[Ok(())]);
        assert_eq!(allocate(&fake, 3, 1_000, 2_000), Ok(()));
        assert_eq!(allocate(&fake, 3, usize::MAX, 2), Err(libc::EOVERFLOW));
    }

    #[test]
    fn an_interrupted_reservation_is_made_again_but_not_for_ever() {
        let fake = Fake::new(Some(u64::MAX), &[Err(libc::EINTR), Err(libc::EINTR), Ok(())]);
        assert_eq!(allocate(&fake, 3, 0, 1), Ok(()));
        assert_eq!(fake.asked.get(), 3);
        let fake = Fake::new(Some(u64::MAX), &[Err(libc::EINTR)]);
        assert_eq!(allocate(&fake, 3, 0, 1), Err(libc::EINTR));
        assert_eq!(fake.asked.get(), INTERRUPTIONS);
    }

    #[test]
    fn what_the_system_refuses_is_said() {
        let fake = Fake::new(Some(u64::MAX), &[Err(libc::ENOSPC)]);
        assert_eq!(allocate(&fake, 3, 0, 1), Err(libc::ENOSPC));
        assert_eq!(fake.asked.get(), 1);
    }

    #[test]
    fn offsets_that_the_system_has_no_number_for_are_refused() {
        assert_eq!(offset(5), Ok(5));
        assert_eq!(offset(u64::MAX), Err(libc::EOVERFLOW));
    }
}
