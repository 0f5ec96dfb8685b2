//! One build at a time under `target/hotpath`: cargo's own lock ends before the executable is secured.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use crate::error::Error;
use crate::interrupt::Interrupts;
use crate::term::Term;

/// How often a lock that another run holds is asked for again.
const PAUSE: Duration = Duration::from_millis(50);

/// Held from the build until the executable is secured.
#[derive(Debug)]
pub struct BuildLock {
    _held: system::Held,
}

impl BuildLock {
    /// Waits for other runs' builds; Ctrl-C ends the wait.
    pub fn take(data_dir: &Path, interrupts: &Interrupts, term: &Term) -> Result<Self, Error> {
        let path = data_dir.join("build.lock");
        let failed = |source| Error::output(path.display(), source);
        fs::create_dir_all(data_dir).map_err(failed)?;
        let mut file = File::create(&path).map_err(failed)?;
        let mut waiting = false;
        loop {
            match system::try_lock(file) {
                system::Attempt::Held(held) => return Ok(Self { _held: held }),
                system::Attempt::Busy(again) => file = again,
            }
            if !waiting {
                term.status("Blocking", "waiting for another run to finish its build");
                waiting = true;
            }
            if interrupts.received() {
                return Err(Error::Interrupted);
            }
            std::thread::sleep(PAUSE);
        }
    }
}

#[cfg(unix)]
mod system {
    use std::fs::File;

    use nix::errno::Errno;
    use nix::fcntl::{Flock, FlockArg};

    /// The lock, or the file where the file system has none.
    #[derive(Debug)]
    #[expect(dead_code, reason = "held for its drop")]
    pub(super) enum Held {
        Lock(Flock<File>),
        Unlocked(File),
    }

    pub(super) enum Attempt {
        Held(Held),
        Busy(File),
    }

    pub(super) fn try_lock(file: File) -> Attempt {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => Attempt::Held(Held::Lock(lock)),
            Err((file, Errno::EWOULDBLOCK | Errno::EINTR)) => Attempt::Busy(file),
            Err((file, _)) => Attempt::Held(Held::Unlocked(file)),
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::fs::File;

    /// There an executable that runs can't be replaced.
    pub(super) type Held = File;

    #[expect(dead_code, reason = "never busy here")]
    pub(super) enum Attempt {
        Held(Held),
        Busy(File),
    }

    pub(super) fn try_lock(file: File) -> Attempt {
        Attempt::Held(file)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_waits_until_the_first_lets_go() {
        let dir = tempfile::tempdir().unwrap();
        let open = || File::create(dir.path().join("build.lock")).unwrap();
        let first = BuildLock::take(dir.path(), &Interrupts::default(), &Term::default()).unwrap();
        assert!(matches!(system::try_lock(open()), system::Attempt::Busy(_)));
        drop(first);
        assert!(matches!(system::try_lock(open()), system::Attempt::Held(_)));
    }
}
