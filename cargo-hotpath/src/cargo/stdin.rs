//! The workload's standard input, the same for every repetition.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// Where the workload's standard input comes from.
#[derive(Debug)]
pub enum Input {
    /// Ours: one repetition, a terminal, or nothing at all.
    Inherited,
    /// Ours is a file: every repetition starts at the same place.
    Rewound(File, u64),
    /// Ours is a pipe: passed on to the first repetition and kept for the next ones.
    Spooled(Spool),
}

/// What the first repetition was given.
#[derive(Debug)]
pub struct Spool {
    file: Arc<Mutex<Kept>>,
    started: bool,
}

#[derive(Debug)]
struct Kept {
    file: File,
    open: bool,
    failed: bool,
}

impl Input {
    /// Plans for one repetition, or for several; what has to be kept lies in `dir`.
    pub fn plan(repeated: bool, dir: &Path) -> io::Result<Self> {
        if !repeated {
            return Ok(Self::Inherited);
        }
        if let Some(input) = system::without_spool() {
            return Ok(input);
        }
        let kept = Kept { file: tempfile::tempfile_in(dir)?, open: true, failed: false };
        Ok(Self::Spooled(Spool { file: Arc::new(Mutex::new(kept)), started: false }))
    }

    /// What to start the next repetition with.
    pub fn stdio(&mut self) -> io::Result<Stdio> {
        match self {
            Self::Inherited => Ok(Stdio::inherit()),
            Self::Rewound(file, start) => {
                file.seek(SeekFrom::Start(*start))?;
                Ok(file.try_clone()?.into())
            }
            Self::Spooled(spool) if spool.started => {
                let kept = spool.file.lock().unwrap_or_else(PoisonError::into_inner);
                let mut file = kept.file.try_clone()?;
                file.rewind()?;
                Ok(file.into())
            }
            Self::Spooled(_) => Ok(Stdio::piped()),
        }
    }

    /// Feeds the repetition that was just started.
    pub fn feed(&mut self, child: &mut Child) {
        let Self::Spooled(spool) = self else { return };
        let Some(stdin) = child.stdin.take() else { return };
        spool.started = true;
        let kept = Arc::clone(&spool.file);
        // The thread isn't joined: it may wait for input that never comes.
        let thread = std::thread::Builder::new().name("stdin".to_owned());
        if thread.spawn(move || pump(stdin, &kept)).is_err() {
            spool.file.lock().unwrap_or_else(PoisonError::into_inner).failed = true;
        }
    }

    /// Ends a repetition: what comes later is nobody's. Tells whether another can have the same input.
    pub fn end(&mut self) -> bool {
        let Self::Spooled(spool) = self else { return true };
        let mut kept = spool.file.lock().unwrap_or_else(PoisonError::into_inner);
        kept.open = false;
        !kept.failed
    }
}

/// Keeps every chunk before it is passed on, so that what was read can be read again.
fn pump(mut child: ChildStdin, kept: &Mutex<Kept>) {
    let mut chunk = vec![0; 64 * 1024];
    let mut stdin = io::stdin().lock();
    loop {
        let length = match stdin.read(&mut chunk) {
            Ok(0) => return,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.open {
            return;
        }
        kept.failed |= kept.file.write_all(&chunk[..length]).is_err();
        drop(kept);
        if child.write_all(&chunk[..length]).is_err() {
            return;
        }
    }
}

#[cfg(unix)]
mod system {
    use std::fs::File;
    use std::io::Seek;
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;

    use super::Input;

    /// Files can be rewound; terminals and `/dev/null` give every repetition what they have.
    pub(super) fn without_spool() -> Option<Input> {
        let Ok(descriptor) = std::io::stdin().as_fd().try_clone_to_owned() else {
            return Some(Input::Inherited);
        };
        let mut file = File::from(descriptor);
        let kind = file.metadata().ok()?.file_type();
        if kind.is_file() {
            let start = file.stream_position().ok()?;
            return Some(Input::Rewound(file, start));
        }
        kind.is_char_device().then_some(Input::Inherited)
    }
}

#[cfg(not(unix))]
mod system {
    use std::io::IsTerminal;

    use super::Input;

    /// A console gives every repetition what it has.
    pub(super) fn without_spool() -> Option<Input> {
        std::io::stdin().is_terminal().then_some(Input::Inherited)
    }
}
