//! Runs the workload as `cargo run`, `cargo test` or `cargo bench` would.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use hotpath_runtime::segment::reader::{self, Anchor};

use super::build::Built;
use super::config::Config;
use super::executable::Executable;
use super::select::{Kind, Selection};
use super::stdin::Input;
use super::variables;
use crate::drive::{Driven, Log, Plan, Ready};
use crate::error::Error;
use crate::instructions::{Counted, Counter};
use crate::interrupt::Interrupts;
use crate::schema::{Exit, InstructionSource};

/// What a workload gets to end by itself, once asked by `--timeout`.
const GRACE: Duration = Duration::from_secs(3);

/// Everything that starts one repetition.
#[derive(Debug)]
pub struct Launch {
    runner: Vec<OsString>,
    executable: Executable,
    args: Vec<OsString>,
    directory: Option<PathBuf>,
    env: Vec<(OsString, OsString)>,
    /// Whether its standard output goes to standard error, because a document goes to ours.
    pub stdout_to_stderr: bool,
    /// Longest time.
    pub timeout: Option<Duration>,
    /// What is done with it while it runs.
    pub plan: Option<Plan>,
    /// Bytes of which one is drawn to sample live blocks, where they are.
    pub retained: Option<u64>,
    /// What counts instructions, where they were asked for.
    pub instructions: Option<InstructionSource>,
}

/// How one repetition went.
#[derive(Debug)]
pub struct Ended {
    /// Code or signal.
    pub exit: Exit,
    /// From spawn to exit.
    pub wall_ns: u64,
    /// CPU time of the process and of the children that it waited for.
    pub cpu_ns: Option<u64>,
    /// `CLOCK_MONOTONIC` just before the spawn.
    pub spawned_monotonic_ns: Option<u64>,
    /// Taken once it had ended.
    pub exited: Option<Anchor>,
    /// Whether `--timeout` ended it.
    pub timed_out: bool,
    /// How the plan for it went.
    pub driven: Driven,
    /// Instructions by the processor's counter, where that was asked for.
    pub instructions: Option<Counted>,
}

impl Launch {
    /// Composes command line, directory and environment.
    pub fn new(
        selection: &Selection<'_>,
        built: &Built,
        executable: Executable,
        config: &Config,
        args: &[OsString],
    ) -> Self {
        let harness = (selection.kind == Kind::Bench).then(|| OsString::from("--bench"));
        let words = harness.into_iter().chain(args.iter().cloned()).collect();
        let package_root =
            || selection.package.manifest_path.parent().map(|p| p.as_std_path().to_owned());
        Self {
            runner: config.runner.clone(),
            executable,
            args: words,
            directory: selection.kind.is_harness().then(package_root).flatten(),
            env: variables::of_workload(selection, built, config),
            stdout_to_stderr: false,
            timeout: None,
            plan: None,
            retained: None,
            instructions: None,
        }
    }

    /// The command line, for people.
    pub fn display(&self) -> String {
        let words = self.words(&[]);
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    fn words<'w>(&'w self, under: &'w [OsString]) -> Vec<&'w OsStr> {
        let before = self.runner.iter().chain(under).map(OsString::as_os_str);
        let args = self.args.iter().map(OsString::as_os_str);
        before.chain([self.executable.path().as_os_str()]).chain(args).collect()
    }

    /// Whether cargo's configuration names a program that starts it.
    pub fn has_runner(&self) -> bool {
        !self.runner.is_empty()
    }

    /// Runs it once; its counters go to `counters`.
    pub fn run(
        &self,
        counters: &Path,
        input: &mut Input,
        interrupts: &Interrupts,
    ) -> Result<Ended, Error> {
        self.run_under(&[], counters, input, interrupts)
    }

    /// Runs it once more, below the program of these words; what it prints was seen before.
    pub fn run_under(
        &self,
        under: &[OsString],
        counters: &Path,
        input: &mut Input,
        interrupts: &Interrupts,
    ) -> Result<Ended, Error> {
        let start = |source| Error::Start { program: self.display(), source };
        let words = self.words(under);
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).envs(self.env.iter().map(|(name, value)| (name, value)));
        command.env("CARGO_HOTPATH_DIR", counters);
        match self.retained {
            Some(period) => command.env("CARGO_HOTPATH_RETAINED", period.to_string()),
            None => command.env_remove("CARGO_HOTPATH_RETAINED"),
        };
        command.stdin(input.stdio().map_err(start)?);
        let pattern = self.plan.as_ref().and_then(|plan| match &plan.ready {
            Ready::Log(pattern) => Some(pattern),
            _ => None,
        });
        if pattern.is_some() {
            Log::tap(&mut command);
        } else if !under.is_empty() {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        } else if self.stdout_to_stderr {
            command.stdout(io::stderr());
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let group = lead_group(&mut command);
        let cpu_before = system::cpu_of_children();
        let spawned_monotonic_ns = system::monotonic_ns();
        let began = Instant::now();
        let (mut child, counter) = self.spawn(&mut command, interrupts).map_err(start)?;
        input.feed(&mut child);
        let log = Log::default();
        let pumps = pattern.map(|pattern| log.pump(&mut child, pattern, self.stdout_to_stderr));
        let waited = self.wait(&mut child, began, group, (&log, interrupts)).map_err(start)?;
        let exited = reader::anchor(reader::native_clock());
        let cpu_after = system::cpu_of_children();
        if let Some(pumps) = pumps {
            pumps.finish();
        }
        Ok(Ended {
            exit: exit(waited.status),
            wall_ns: u64::try_from(waited.wall.as_nanos()).unwrap_or(u64::MAX),
            cpu_ns: cpu_before.zip(cpu_after).map(|(before, after)| after.saturating_sub(before)),
            spawned_monotonic_ns,
            exited,
            timed_out: waited.timed_out,
            driven: waited.driven,
            instructions: counter.map(Counter::read),
        })
    }

    /// Starts it, with the processor's counter on it where that was asked for: on a thread of its own,
    /// as all that the thread starts counts, also what drives the workload later.
    fn spawn(
        &self,
        command: &mut Command,
        interrupts: &Interrupts,
    ) -> io::Result<(Child, Option<Counter>)> {
        if self.instructions != Some(InstructionSource::Hardware) {
            return Ok((interrupts.spawn(command)?, None));
        }
        std::thread::scope(|scope| {
            let started = scope.spawn(|| {
                let counter = Counter::open();
                Ok((interrupts.spawn(command)?, Some(counter)))
            });
            started.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn wait(
        &self,
        child: &mut Child,
        began: Instant,
        group: bool,
        (log, interrupts): (&Log, &Interrupts),
    ) -> io::Result<Waited> {
        let watch = interrupts.watch(child, group);
        let (ended, timer) = mpsc::channel::<()>();
        let (also_ended, pilot) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let timer =
                self.timeout.map(|limit| scope.spawn(move || enforce(limit, &timer, interrupts)));
            let pilot = self.plan.as_ref().map(|plan| {
                scope.spawn(move || plan.carry_out(&pilot, log, interrupts, self.stdout_to_stderr))
            });
            system::wait_without_reaping(child);
            let wall = began.elapsed();
            drop(watch);
            drop((ended, also_ended));
            let timed_out = timer.is_some_and(|timer| timer.join().unwrap_or(false));
            let driven = pilot.and_then(|pilot| pilot.join().ok()).unwrap_or_default();
            Ok(Waited { status: child.wait()?, wall, timed_out, driven })
        })
    }
}

/// What there is to know once the child has ended.
struct Waited {
    status: ExitStatus,
    wall: Duration,
    timed_out: bool,
    driven: Driven,
}

/// Ends the child when its time is up; tells whether it had to.
fn enforce(limit: Duration, ended: &mpsc::Receiver<()>, interrupts: &Interrupts) -> bool {
    let up = |limit| ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
    if !up(limit) {
        return false;
    }
    interrupts.terminate();
    if up(GRACE) {
        interrupts.kill();
    }
    true
}

/// Lets the child lead a process group, so that ending it ends what it started too. Not where it may
/// read from a terminal: only the terminal's foreground group may.
fn lead_group(command: &mut Command) -> bool {
    #[cfg(unix)]
    if !io::IsTerminal::is_terminal(&io::stdin()) {
        std::os::unix::process::CommandExt::process_group(command, 0);
        return true;
    }
    let _ = command;
    false
}

fn exit(status: ExitStatus) -> Exit {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    Exit { code: status.code(), signal }
}

#[cfg(unix)]
mod system {
    use std::process::Child;

    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::{TimeVal, TimeValLike};
    use nix::time::{ClockId, clock_gettime};

    /// CPU time of all children that have been waited for.
    pub(super) fn cpu_of_children() -> Option<u64> {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
        let nanos = |time: TimeVal| u64::try_from(time.num_nanoseconds()).unwrap_or(0);
        Some(nanos(usage.user_time()) + nanos(usage.system_time()))
    }

    pub(super) fn monotonic_ns() -> Option<u64> {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).ok()?;
        u64::try_from(now.num_nanoseconds()).ok()
    }

    /// Returns once the child has ended, with its id still taken: a signal can't hit another process.
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    pub(super) fn wait_without_reaping(child: &mut Child) {
        use nix::sys::wait::{Id, WaitPidFlag, waitid};
        let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        while waitid(Id::Pid(pid), flags) == Err(nix::errno::Errno::EINTR) {}
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    pub(super) fn wait_without_reaping(child: &mut Child) {
        let _ = child.wait();
    }
}

#[cfg(not(unix))]
mod system {
    use std::process::Child;

    pub(super) fn cpu_of_children() -> Option<u64> {
        None
    }

    pub(super) fn monotonic_ns() -> Option<u64> {
        None
    }

    pub(super) fn wait_without_reaping(child: &mut Child) {
        let _ = child.wait();
    }
}
