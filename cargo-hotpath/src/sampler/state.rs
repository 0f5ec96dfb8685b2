//! Whether a thread runs: a question to the system.

#[cfg(target_os = "linux")]
mod linux;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_system_knows_nothing() {
        assert_eq!(Silent.state(1, 1), Answer::Unknown);
    }
}
