//! Whether a thread runs: a question to the system.

use hotpath_runtime::segment::reader::Process;

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "no other system answers yet"))]
pub(super) enum State {
    /// It runs, or is ready to.
    Running,
    /// It waits for something.
    Blocked,
}

/// What the system says of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "no other system answers yet"))]
pub(super) enum Answer {
    Is(State),
    /// There is no such thread any more.
    Gone,
    Unknown,
}

/// A system that can be asked.
pub(super) trait States {
    /// Whether it has a process with this id that is the one meant: in a container ids may be
    /// others, and an id may have been given away again.
    fn knows(&mut self, process: &Process) -> bool;

    /// What one of its threads does.
    fn state(&mut self, pid: u32, tid: u32) -> Answer;
}

/// This system.
#[cfg(target_os = "linux")]
pub(super) fn system() -> impl States {
    linux::Proc::default()
}

/// This system: one that nothing is known of.
#[cfg(not(target_os = "linux"))]
pub(super) fn system() -> impl States {
    Silent
}

/// Knows nothing.
#[cfg(any(test, not(target_os = "linux")))]
pub(super) struct Silent;

#[cfg(any(test, not(target_os = "linux")))]
impl States for Silent {
    fn knows(&mut self, _: &Process) -> bool {
        false
    }

    fn state(&mut self, _: u32, _: u32) -> Answer {
        Answer::Unknown
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::fs::{self, File};
    use std::io::ErrorKind;
    use std::os::unix::fs::FileExt;

    use nix::libc;

    use super::{Answer, Process, State, States};

    /// Files that are kept open, far below the usual limit of 1,024: opening costs about as much
    /// as reading does.
    const OPEN: usize = 128;

    /// `/proc`.
    #[derive(Default)]
    pub(super) struct Proc {
        /// `stat` by process and thread. One that is open never speaks of another thread, even
        /// where the id was given away again.
        stats: HashMap<(u32, u32), File>,
    }

    impl States for Proc {
        fn knows(&mut self, process: &Process) -> bool {
            let Ok(command) = fs::read(format!("/proc/{}/cmdline", process.pid)) else {
                return false;
            };
            // The segment holds the beginning only.
            String::from_utf8_lossy(&command)
                .starts_with(process.command.trim_end_matches('\u{fffd}'))
        }

        fn state(&mut self, pid: u32, tid: u32) -> Answer {
            let answer = self.read(pid, tid);
            if answer == Answer::Gone {
                self.stats.remove(&(pid, tid));
            }
            answer
        }
    }

    impl Proc {
        fn read(&mut self, pid: u32, tid: u32) -> Answer {
            if !self.stats.contains_key(&(pid, tid)) {
                if self.stats.len() >= OPEN {
                    self.stats.clear();
                }
                match File::open(format!("/proc/{pid}/task/{tid}/stat")) {
                    Ok(file) => self.stats.insert((pid, tid), file),
                    Err(error) if error.kind() == ErrorKind::NotFound => return Answer::Gone,
                    Err(_) => return Answer::Unknown,
                };
            }
            let Some(file) = self.stats.get(&(pid, tid)) else { return Answer::Unknown };
            // The state stands behind the name, which has at most 64 bytes.
            let mut text = [0; 128];
            match file.read_at(&mut text, 0) {
                Ok(len) => parse(&text[..len]),
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Answer::Gone,
                Err(_) => Answer::Unknown,
            }
        }
    }

    /// The state in the start of a `stat` file: `id (name) S ...`, where the name may hold anything.
    pub(super) fn parse(stat: &[u8]) -> Answer {
        let after = stat.iter().rposition(|byte| *byte == b')').and_then(|at| stat.get(at + 2));
        match after {
            Some(b'R') => Answer::Is(State::Running),
            Some(b'S' | b'D' | b'T' | b't' | b'I') => Answer::Is(State::Blocked),
            Some(b'Z' | b'X' | b'x') => Answer::Gone,
            _ => Answer::Unknown,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::linux::{Proc, parse};
    use super::*;

    #[test]
    fn states_are_read_behind_any_name() {
        let of = |text: &str| parse(text.as_bytes());
        assert_eq!(of("7 (cat) R 1 2"), Answer::Is(State::Running));
        assert_eq!(of("7 (a) S (b) D 1 2"), Answer::Is(State::Blocked));
        assert_eq!(of("7 (x) Z 1"), Answer::Gone);
        for text in ["", "7 (cat", "7 (cat)", "7 (cat) ", "7 (cat) ?"] {
            assert_eq!(of(text), Answer::Unknown, "{text}");
        }
    }

    #[test]
    fn a_sleeping_child_is_blocked_and_a_dead_one_gone() {
        let mut child = Command::new("cat")
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut proc = Proc::default();
        let pid = child.id();
        // It starts, and then waits for its input.
        while proc.state(pid, pid) != Answer::Is(State::Blocked) {
            std::thread::yield_now();
        }
        let process = |command: &str| Process {
            pid,
            parent_pid: 0,
            command: command.to_owned(),
            exited: false,
            forked: false,
        };
        while !proc.knows(&process("cat\0-\0")) {
            std::thread::yield_now();
        }
        assert!(proc.knows(&process("cat\0")), "what is kept of a longer command");
        assert!(!proc.knows(&process("dog\0")), "another process");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(proc.state(pid, pid), Answer::Gone);
        assert_eq!(Proc::default().state(pid, pid), Answer::Gone);
        assert!(!proc.knows(&process("cat\0")));
    }

    #[test]
    fn this_thread_runs() {
        let own = nix::unistd::gettid().as_raw() as u32;
        let answer = Proc::default().state(std::process::id(), own);
        assert_eq!(answer, Answer::Is(State::Running));
    }

    #[test]
    fn a_silent_system_knows_nothing() {
        assert_eq!(Silent.state(1, 1), Answer::Unknown);
    }
}
