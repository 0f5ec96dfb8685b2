//! What Linux says in `/proc` of whether a thread runs.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

use nix::libc;

use super::{Answer, Process, State, States};

/// Files that are kept open, far below the usual limit of 1,024: opening costs about as much
/// as reading does.
const OPEN: usize = 128;

/// `/proc`.
#[derive(Default)]
pub(super) struct Proc {
    asked: Asked,
    /// The file asked, by process and thread. One that is open never speaks of another thread,
    /// even where the id was given away again.
    files: HashMap<(u32, u32), File>,
}

/// The file of a thread that says whether it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Asked {
    /// Takes half the time of `stat` or less: it adds nothing up. Not every system has it, or
    /// shows it.
    #[default]
    Syscall,
    Stat,
}

impl Asked {
    fn name(self) -> &'static str {
        match self {
            Self::Syscall => "syscall",
            Self::Stat => "stat",
        }
    }

    pub(super) fn parse(self, text: &[u8]) -> Answer {
        match self {
            Self::Syscall => parse_syscall(text),
            Self::Stat => parse_stat(text),
        }
    }
}

impl States for Proc {
    fn knows(&mut self, process: &Process) -> bool {
        let Ok(command) = fs::read(format!("/proc/{}/cmdline", process.pid)) else {
            return false;
        };
        // The segment holds the beginning only.
        String::from_utf8_lossy(&command).starts_with(process.command.trim_end_matches('\u{fffd}'))
    }

    fn state(&mut self, pid: u32, tid: u32) -> Answer {
        let mut answer = self.read(pid, tid);
        if answer.is_err() && self.asked == Asked::Syscall {
            self.asked = Asked::Stat;
            self.files.clear();
            answer = self.read(pid, tid);
        }
        let answer = answer.unwrap_or(Answer::Unknown);
        if answer == Answer::Gone {
            self.files.remove(&(pid, tid));
        }
        answer
    }
}

impl Proc {
    /// One that asks another file.
    #[cfg(test)]
    fn asking(asked: Asked) -> Self {
        Self { asked, files: HashMap::new() }
    }

    /// Takes `file` for that of a thread.
    #[cfg(test)]
    fn replace(&mut self, pid: u32, tid: u32, file: File) {
        self.files.insert((pid, tid), file);
    }

    #[cfg(test)]
    fn asked(&self) -> Asked {
        self.asked
    }

    /// # Errors
    ///
    /// Where the file can't be read though the thread is there.
    fn read(&mut self, pid: u32, tid: u32) -> io::Result<Answer> {
        let (asked, key) = (self.asked, (pid, tid));
        if let Some(file) = self.files.get(&key) {
            return ask(file, asked);
        }
        let task = format!("/proc/{pid}/task/{tid}");
        let file = match File::open(format!("{task}/{}", asked.name())) {
            Ok(file) => file,
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            // Is it the thread that is missing, or only this file of it?
            Err(error) if fs::exists(&task).unwrap_or(false) => return Err(error),
            Err(_) => return Ok(Answer::Gone),
        };
        if self.files.len() >= OPEN {
            self.files.clear();
        }
        ask(self.files.entry(key).or_insert(file), asked)
    }
}

fn ask(file: &File, asked: Asked) -> io::Result<Answer> {
    // In `stat` the state stands behind the name, which has at most 64 bytes.
    let mut text = [0; 128];
    match file.read_at(&mut text, 0) {
        Ok(len) => Ok(asked.parse(&text[..len])),
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(Answer::Gone),
        Err(error) => Err(error),
    }
}

/// The state in `syscall`: `running`; of one that is blocked the number of the call and its
/// arguments, or -1 and where its stack and its code are, which is nowhere once it has ended.
fn parse_syscall(text: &[u8]) -> Answer {
    match text {
        [b'r', ..] => Answer::Is(State::Running),
        [b'-', b'1', b' ', b'0', b'x', b'0', b' ', ..] => Answer::Gone,
        [b'-' | b'0'..=b'9', ..] => Answer::Is(State::Blocked),
        _ => Answer::Unknown,
    }
}

/// The state in the start of a `stat` file: `id (name) S ...`, where the name may hold anything.
fn parse_stat(stat: &[u8]) -> Answer {
    let after = stat.iter().rposition(|byte| *byte == b')').and_then(|at| stat.get(at + 2));
    match after {
        Some(b'R') => Answer::Is(State::Running),
        Some(b'S' | b'D' | b'T' | b't' | b'I') => Answer::Is(State::Blocked),
        Some(b'Z' | b'X' | b'x') => Answer::Gone,
        _ => Answer::Unknown,
    }
}

#[cfg(test)]
mod tests;
