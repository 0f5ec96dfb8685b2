//! A workload that doesn't end by itself: waits until it is ready, drives it, and stops it.

mod log;
mod ready;

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

pub use self::log::Log;
pub use self::ready::Ready;
use crate::interrupt::Interrupts;

/// How long a workload may take to be ready.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// What it gets to end by itself after each way of being asked.
const GRACE: Duration = Duration::from_secs(5);

/// How often it is looked whether anything has changed.
const LOOK: Duration = Duration::from_millis(20);

/// What is done with the workload while it runs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Command for the shell that gives it work; it is stopped when that ends.
    pub command: Option<String>,
    /// When it can take work.
    pub ready: Ready,
    /// Longest time from there to its end.
    pub duration: Option<Duration>,
}

/// How a plan went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Driven {
    /// Whether the workload was stopped as planned: then it doesn't matter how it ended.
    pub stopped: bool,
    /// What went wrong, to follow "the workload".
    pub failure: Option<String>,
}

/// What everything here waits for beside its own purpose: the end of the workload, or Ctrl-C.
struct Watcher<'a> {
    ended: &'a Receiver<()>,
    interrupts: &'a Interrupts,
}

/// Why waiting was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Ended,
    Interrupted,
}

impl Plan {
    /// Carries the plan out on the watched child; `ended` closes when that has ended. `log` is what
    /// it prints, where [`Ready::Log`] asks for it.
    pub fn carry_out(
        &self,
        ended: &Receiver<()>,
        log: &Log,
        interrupts: &Interrupts,
        own_stdout: bool,
    ) -> Driven {
        let watcher = Watcher { ended, interrupts };
        match self.ready.wait(READY_LIMIT, log, |pause| watcher.pause(pause)) {
            Ok(()) => {}
            Err(ready::Failed::Over) => return Driven::default(),
            Err(ready::Failed::Late) => {
                watcher.stop();
                let failure = format!(
                    "{} within {} s, so it was stopped",
                    self.ready.unmet(),
                    READY_LIMIT.as_secs()
                );
                return Driven { stopped: true, failure: Some(failure) };
            }
        }
        let limit = self.duration.map(|duration| Instant::now() + duration);
        let driven = match &self.command {
            Some(command) => drive(command, limit, &watcher, own_stdout),
            None => Ok(wait(limit, &watcher).map(|()| None)),
        };
        let failure = match (driven, &self.command) {
            (Ok(Ok(failure)), _) => failure,
            (Ok(Err(Over::Ended)), Some(_)) => {
                let failure = "ended before the command of --drive did".to_owned();
                return Driven { stopped: false, failure: Some(failure) };
            }
            (Ok(Err(_)), _) => return Driven::default(),
            (Err(error), command) => {
                let command = command.as_deref().unwrap_or_default();
                Some(format!("could not be driven by `{command}`: {error}"))
            }
        };
        Driven { stopped: watcher.stop(), failure }
    }
}

impl Watcher<'_> {
    /// Waits; gives up at once when the workload has ended or Ctrl-C came.
    fn pause(&self, pause: Duration) -> Result<(), Over> {
        if self.interrupts.received() {
            return Err(Over::Interrupted);
        }
        match self.ended.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            _ => Err(Over::Ended),
        }
    }

    /// Asks the workload to end, ever more firmly; tells whether it still ran.
    fn stop(&self) -> bool {
        let up = |limit| self.ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
        if !up(Duration::ZERO) {
            return false;
        }
        for ask in [Interrupts::interrupt, Interrupts::terminate, Interrupts::kill] {
            ask(self.interrupts);
            if !up(GRACE) {
                break;
            }
        }
        true
    }
}

/// Waits for the limit; without one, for the workload's own end.
fn wait(limit: Option<Instant>, watcher: &Watcher<'_>) -> Result<(), Over> {
    while limit.is_none_or(|limit| Instant::now() < limit) {
        watcher.pause(LOOK)?;
    }
    Ok(())
}

/// Runs the command to its end, or to the limit; says what of it failed.
fn drive(
    command: &str,
    limit: Option<Instant>,
    watcher: &Watcher<'_>,
    own_stdout: bool,
) -> io::Result<Result<Option<String>, Over>> {
    let mut shell = shell(command);
    shell.stdin(Stdio::null());
    if own_stdout {
        // Ours is for the report.
        shell.stdout(io::stderr());
    }
    let mut child = watcher.interrupts.spawn(&mut shell)?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ok(failure(command, status)));
        }
        if limit.is_some_and(|limit| Instant::now() >= limit) {
            end(&mut child)?;
            return Ok(Ok(None));
        }
        if let Err(over) = watcher.pause(LOOK) {
            // It may just be the one that ended the workload.
            for _ in 0..GRACE.as_millis() / LOOK.as_millis() {
                if over == Over::Interrupted || child.try_wait()?.is_some() {
                    break;
                }
                std::thread::sleep(LOOK);
            }
            let ended_well = child.try_wait()?.is_some_and(|status| status.success());
            end(&mut child)?;
            return Ok(if ended_well { Ok(None) } else { Err(over) });
        }
    }
}

fn failure(command: &str, status: ExitStatus) -> Option<String> {
    (!status.success()).then(|| format!("was driven by `{command}`, which failed: {status}"))
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    // A group of its own: ending it ends what it started too.
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    shell
}

#[cfg(windows)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    // As it stands: the shell has rules of its own for quotes.
    std::os::windows::process::CommandExt::raw_arg(&mut shell, format!("/C {command}"));
    shell
}

#[cfg(not(any(unix, windows)))]
fn shell(command: &str) -> Command {
    Command::new(command)
}

/// Ends the command and what it started.
fn end(child: &mut Child) -> io::Result<()> {
    #[cfg(unix)]
    {
        use nix::sys::signal::{Signal, killpg};
        let group = nix::unistd::Pid::from_raw(child.id().cast_signed());
        // It may have ended meanwhile; its id stays taken until the wait below.
        let _ = killpg(group, Signal::SIGTERM);
        for _ in 0..50 {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
        let _ = killpg(group, Signal::SIGKILL);
    }
    let _ = child.kill();
    child.wait().map(|_| ())
}

#[cfg(test)]
mod tests;
