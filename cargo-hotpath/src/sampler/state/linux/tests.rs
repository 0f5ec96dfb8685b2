use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::channel;
use std::{hint, thread};

use super::*;

#[test]
fn states_are_read_behind_any_name() {
    let of = |text: &str| Asked::Stat.parse(text.as_bytes());
    assert_eq!(of("7 (cat) R 1 2"), Answer::Is(State::Running));
    assert_eq!(of("7 (a) S (b) D 1 2"), Answer::Is(State::Blocked));
    assert_eq!(of("7 (x) Z 1"), Answer::Gone);
    for text in ["", "7 (cat", "7 (cat)", "7 (cat) ", "7 (cat) ?"] {
        assert_eq!(of(text), Answer::Unknown, "{text}");
    }
}

#[test]
fn a_call_that_a_thread_is_blocked_in_is_read() {
    let of = |text: &str| Asked::Syscall.parse(text.as_bytes());
    assert_eq!(of("running\n"), Answer::Is(State::Running));
    assert_eq!(of("0 0x3 0x7f01 0x10 0x0 0x0 0x0 0x7ffc 0x7f"), Answer::Is(State::Blocked));
    assert_eq!(of("202 0x7f01 0x80 0x0"), Answer::Is(State::Blocked));
    // Blocked outside of a call: it waits for a page of its memory.
    assert_eq!(of("-1 0x7ffc10 0x55d0\n"), Answer::Is(State::Blocked));
    assert_eq!(of("-1 0x0 0x0\n"), Answer::Gone);
    for text in ["", "?", " 0"] {
        assert_eq!(of(text), Answer::Unknown, "{text}");
    }
}

fn process(pid: u32, command: &str) -> Process {
    Process { pid, parent_pid: 0, command: command.to_owned(), exited: false, forked: false }
}

#[test]
fn a_sleeping_child_is_blocked_and_a_dead_one_gone() {
    for asked in [Asked::Syscall, Asked::Stat] {
        let mut child = Command::new("cat")
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut proc = Proc::asking(asked);
        let pid = child.id();
        // It starts, and then waits for its input.
        while proc.state(pid, pid) != Answer::Is(State::Blocked) {
            thread::yield_now();
        }
        while !proc.knows(&process(pid, "cat\0-\0")) {
            thread::yield_now();
        }
        assert!(proc.knows(&process(pid, "cat\0")), "what is kept of a longer command");
        assert!(!proc.knows(&process(pid, "dog\0")), "another process");
        child.kill().unwrap();
        // Dead, but its parent has not asked for its exit code yet.
        while proc.state(pid, pid) != Answer::Gone {
            thread::yield_now();
        }
        child.wait().unwrap();
        assert_eq!(proc.state(pid, pid), Answer::Gone);
        assert_eq!(Proc::asking(asked).state(pid, pid), Answer::Gone);
        assert!(!proc.knows(&process(pid, "cat\0")));
    }
}

#[test]
fn a_thread_that_computes_runs() {
    let (tell, told) = channel();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        // It runs or is ready to until it is stopped, once it has told.
        scope.spawn(|| {
            tell.send(nix::unistd::gettid().as_raw() as u32).unwrap();
            while !stop.load(Relaxed) {
                hint::spin_loop();
            }
        });
        let tid = told.recv().unwrap();
        for asked in [Asked::Syscall, Asked::Stat] {
            let mut proc = Proc::asking(asked);
            while proc.state(std::process::id(), tid) != Answer::Is(State::Running) {
                thread::yield_now();
            }
            assert_eq!(proc.state(std::process::id(), tid), Answer::Is(State::Running));
        }
        stop.store(true, Relaxed);
    });
}

#[test]
fn where_the_cheaper_file_is_not_shown_the_other_is_asked() {
    let own = nix::unistd::gettid().as_raw() as u32;
    let mut proc = Proc::default();
    // A file that cannot be read, as of a process that may not be traced.
    proc.replace(std::process::id(), own, std::fs::File::open("/").unwrap());
    assert_eq!(proc.state(std::process::id(), own), Answer::Is(State::Running));
    assert_eq!(proc.asked(), Asked::Stat);
    // A thread that is gone is no reason to do so.
    let mut proc = Proc::default();
    assert_eq!(proc.state(std::process::id(), u32::MAX), Answer::Gone);
    assert_eq!(proc.asked(), Asked::Syscall);
}
