//! Ctrl-C and SIGTERM: noted here, and passed on to a child that has not got them; a second one kills it.

use std::io;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::error::Error;

/// How long it may take until a signal that cargo has got is noted here too.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often that is looked for.
const PAUSE: Duration = Duration::from_millis(10);

/// What arrived, and who has to know.
#[derive(Clone, Debug, Default)]
pub struct Interrupts {
    received: Arc<AtomicBool>,
    known: Arc<Mutex<Known>>,
}

/// What is needed to pass a signal on: whichever of the two comes last does so.
#[derive(Debug, Default)]
struct Known {
    child: Option<Watched>,
    /// The first signal; nothing where the system didn't say which it was.
    signal: Option<system::Received>,
}

/// A running child.
#[derive(Clone, Copy, Debug)]
struct Watched {
    pid: u32,
    /// Whether it leads a process group of its own, which the terminal's Ctrl-C doesn't reach.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there are no groups to pass signals to"))]
    group: bool,
}

/// Keeps signals going to a child; drop it once the child has ended, before its id is free again.
#[derive(Debug)]
pub struct Watch(Interrupts);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.known().child = None;
    }
}

impl Interrupts {
    /// Takes over Ctrl-C and SIGTERM for this process; to be called before it starts any thread.
    pub fn install() -> Self {
        let interrupts = Self::default();
        system::install(&interrupts);
        let noted = interrupts.clone();
        // A second handler in the same process can't be set; the defaults end it then.
        let _ = ctrlc::set_handler(move || noted.note());
        interrupts
    }

    /// Starts a child that takes signals as if we didn't.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        system::unblocked(|| command.spawn())
    }

    /// Whether one has arrived.
    pub fn received(&self) -> bool {
        self.received.load(Ordering::Relaxed)
    }

    /// The error as it is to be told: where cargo failed because everyone in our group was to end,
    /// that is what happened.
    pub fn explain(&self, error: Error) -> Error {
        if !matches!(error, Error::Build | Error::Metadata(_)) {
            return error;
        }
        // It may be that cargo has ended by it before we were given a processor.
        let mut waited = Duration::ZERO;
        while !self.received() && waited < PATIENCE {
            thread::sleep(PAUSE);
            waited += PAUSE;
        }
        if self.received() { Error::Interrupted } else { error }
    }

    /// Asks the watched child to end, as Ctrl-C would.
    pub fn interrupt(&self) {
        self.with_child(system::interrupt);
    }

    /// Asks the watched child to end.
    pub fn terminate(&self) {
        self.with_child(system::terminate);
    }

    /// Ends the watched child.
    pub fn kill(&self) {
        self.with_child(system::kill);
    }

    fn with_child(&self, act: impl Fn(Watched)) {
        // Locked meanwhile: the child's id is its own until it is no longer watched.
        let known = self.known();
        if let Some(watched) = known.child {
            act(watched);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes what arrives from now on to `child`, or to the group that it leads; also what came while
    /// it was being started, before there was anyone to pass it to.
    pub fn watch(&self, child: &Child, group: bool) -> Watch {
        let watched = Watched { pid: child.id(), group };
        let mut known = self.known();
        known.child = Some(watched);
        match known.signal {
            Some(received) => system::pass_on(received, watched),
            None if self.received() => system::pass_on_any(watched),
            None => {}
        }
        drop(known);
        Watch(self.clone())
    }

    /// Notes that a signal came, not which: the handler has it from a thread that was starting a child.
    fn note(&self) {
        let known = self.known();
        let is_first = !self.received.swap(true, Ordering::Relaxed);
        if let Some(child) = known.child.filter(|_| is_first) {
            system::pass_on_any(child);
        }
    }
}

#[cfg(unix)]
mod system {
    use super::{Interrupts, Ordering, Watched};
    use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill as send, killpg};
    use nix::unistd::Pid;

    /// A signal, and whether the terminal sent it.
    #[derive(Clone, Copy, Debug)]
    pub(super) struct Received {
        pub(super) signal: Signal,
        pub(super) terminal: bool,
    }

    fn signals() -> SigSet {
        [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect()
    }

    /// A child inherits the mask: it must not. What arrives meanwhile goes to the handler.
    pub(super) fn unblocked<T>(act: impl FnOnce() -> T) -> T {
        let old = signals().thread_swap_mask(SigmaskHow::SIG_UNBLOCK);
        let result = act();
        if let Ok(old) = old {
            let _ = old.thread_set_mask();
        }
        result
    }

    /// Signals are blocked and taken by a thread, which can tell who sent them.
    pub(super) fn install(interrupts: &Interrupts) {
        let set = signals();
        let interrupts = interrupts.clone();
        // Without a mask or thread the system's defaults stay, which end this process.
        if set.thread_block().is_err() {
            return;
        }
        let source = Source::new(&set);
        let thread = std::thread::Builder::new().name("signals".to_owned());
        let spawned = thread.spawn(move || {
            while let Some((signal, terminal)) = source.next() {
                if !interrupts.take(Received { signal, terminal }) {
                    // Asked once in vain: the child ignores it, or takes too long.
                    interrupts.kill();
                }
            }
        });
        if spawned.is_err() {
            let _ = set.thread_unblock();
        }
    }

    impl Interrupts {
        /// Notes a signal and passes it on, if it is the first; tells whether it is.
        pub(super) fn take(&self, received: Received) -> bool {
            let mut known = self.known();
            let is_first = !self.received.swap(true, Ordering::Relaxed);
            if is_first {
                known.signal = Some(received);
                if let Some(child) = known.child {
                    pass_on(received, child);
                }
            }
            is_first
        }
    }

    /// A terminal sends to everyone in its foreground group, so only a group of its own needs it.
    pub(super) fn pass_on(received: Received, child: Watched) {
        if child.group || !received.terminal {
            child.signal(received.signal);
        }
    }

    /// The same of one that isn't known: the terminal may have sent it.
    pub(super) fn pass_on_any(child: Watched) {
        if child.group {
            terminate(child);
        }
    }

    impl Watched {
        fn signal(self, signal: Signal) {
            let pid = Pid::from_raw(self.pid.cast_signed());
            // It may have ended meanwhile.
            let _ = if self.group { killpg(pid, signal) } else { send(pid, signal) };
        }
    }

    pub(super) fn interrupt(child: Watched) {
        child.signal(Signal::SIGINT);
    }

    pub(super) fn terminate(child: Watched) {
        child.signal(Signal::SIGTERM);
    }

    pub(super) fn kill(child: Watched) {
        child.signal(Signal::SIGKILL);
    }

    #[cfg(target_os = "linux")]
    struct Source(Option<nix::sys::signalfd::SignalFd>, SigSet);

    #[cfg(target_os = "linux")]
    impl Source {
        fn new(set: &SigSet) -> Self {
            use nix::sys::signalfd::{SfdFlags, SignalFd};
            Self(SignalFd::with_flags(set, SfdFlags::SFD_CLOEXEC).ok(), *set)
        }

        /// The next signal, and whether the kernel itself sent it: a terminal's Ctrl-C.
        fn next(&self) -> Option<(Signal, bool)> {
            let Some(file) = &self.0 else {
                return self.1.wait().ok().map(|s| (s, s == Signal::SIGINT));
            };
            loop {
                match file.read_signal() {
                    Ok(Some(info)) => {
                        let signal = Signal::try_from(info.ssi_signo.cast_signed()).ok()?;
                        return Some((signal, info.ssi_code == nix::libc::SI_KERNEL));
                    }
                    Ok(None) | Err(nix::errno::Errno::EINTR) => {}
                    Err(_) => return None,
                }
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    struct Source(SigSet);

    #[cfg(not(target_os = "linux"))]
    impl Source {
        fn new(set: &SigSet) -> Self {
            Self(*set)
        }

        /// The next signal; SIGINT is taken for the terminal's, the sender isn't known.
        fn next(&self) -> Option<(Signal, bool)> {
            self.0.wait().ok().map(|signal| (signal, signal == Signal::SIGINT))
        }
    }
}

#[cfg(not(unix))]
mod system {
    use super::{Interrupts, Watched};
    use std::process::Command;

    /// There are none to be told apart.
    #[derive(Clone, Copy, Debug)]
    pub(super) enum Received {}

    /// The console's Ctrl-C reaches every process that is attached to it.
    pub(super) fn install(_: &Interrupts) {}

    pub(super) fn pass_on(received: Received, _: Watched) {
        match received {}
    }

    pub(super) fn pass_on_any(_: Watched) {}

    pub(super) fn unblocked<T>(act: impl FnOnce() -> T) -> T {
        act()
    }

    /// There is no asking: a process without a window can only be ended.
    pub(super) fn interrupt(child: Watched) {
        kill(child);
    }

    pub(super) fn terminate(child: Watched) {
        kill(child);
    }

    pub(super) fn kill(child: Watched) {
        let _ =
            Command::new("taskkill").args(["/T", "/F", "/PID", &child.pid.to_string()]).output();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_because_of_a_signal_was_interrupted() {
        let interrupts = Interrupts::default();
        assert!(matches!(interrupts.explain(Error::Build), Error::Build));
        interrupts.received.store(true, Ordering::Relaxed);
        assert!(matches!(interrupts.explain(Error::Build), Error::Interrupted));
        let other = Error::NoExecutable("bin `x`".to_owned());
        assert!(matches!(interrupts.explain(other), Error::NoExecutable(_)));
    }

    /// Neither SIGINT nor SIGHUP: whoever started the tests may have them ignored, and a child inherits that.
    #[cfg(unix)]
    #[test]
    fn what_came_while_a_child_was_started_is_passed_on_as_it_is() {
        use std::os::unix::process::{CommandExt, ExitStatusExt};

        use nix::sys::signal::Signal;

        for (group, terminal) in [(true, true), (true, false), (false, false)] {
            let interrupts = Interrupts::default();
            assert!(interrupts.take(system::Received { signal: Signal::SIGUSR1, terminal }));
            assert!(!interrupts.take(system::Received { signal: Signal::SIGUSR2, terminal }));
            let mut sleep = Command::new("sleep");
            sleep.arg("100");
            if group {
                sleep.process_group(0);
            }
            let mut child = sleep.spawn().unwrap();
            let watch = interrupts.watch(&child, group);
            let status = child.wait().unwrap();
            drop(watch);
            assert_eq!(status.signal(), Some(Signal::SIGUSR1 as i32), "{group} {terminal}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_signal_that_is_not_known_ends_a_child_that_it_did_not_reach() {
        use std::os::unix::process::{CommandExt, ExitStatusExt};

        for is_before in [true, false] {
            let interrupts = Interrupts::default();
            if is_before {
                interrupts.note();
            }
            let mut child = Command::new("sleep").arg("100").process_group(0).spawn().unwrap();
            let watch = interrupts.watch(&child, true);
            interrupts.note();
            let status = child.wait().unwrap();
            drop(watch);
            assert_eq!(status.signal(), Some(nix::sys::signal::Signal::SIGTERM as i32));
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_the_terminal_sent_to_all_is_not_passed_on_again() {
        let interrupts = Interrupts::default();
        let mut child = Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let signal = nix::sys::signal::Signal::SIGUSR1;
        assert!(interrupts.take(system::Received { signal, terminal: true }));
        let watch = interrupts.watch(&child, false);
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
        drop(watch);
    }
}
