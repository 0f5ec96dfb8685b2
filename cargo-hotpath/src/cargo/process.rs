//! Runs the workload as `cargo run`, `cargo test` or `cargo bench` would.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use cargo_metadata::Package;
use hotpath_runtime::segment::reader::{self, Anchor};

use super::build::Built;
use super::config::Config;
use super::select::{Kind, Selection};
use super::stdin::Input;
use crate::error::Error;
use crate::interrupt::Interrupts;
use crate::schema::Exit;

/// What a workload gets to end by itself, once asked by `--timeout`.
const GRACE: Duration = Duration::from_secs(3);

/// Everything that starts one repetition.
#[derive(Debug)]
pub struct Launch {
    words: Vec<OsString>,
    executable: PathBuf,
    directory: Option<PathBuf>,
    env: Vec<(OsString, OsString)>,
    /// Whether its standard output goes to standard error, because a document goes to ours.
    pub stdout_to_stderr: bool,
    /// Longest time.
    pub timeout: Option<Duration>,
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
}

impl Launch {
    /// Composes command line, directory and environment.
    pub fn new(
        selection: &Selection<'_>,
        built: &Built,
        config: &Config,
        args: &[OsString],
    ) -> Self {
        let mut words = config.runner.clone();
        words.push(built.executable.clone().into_os_string());
        if selection.kind == Kind::Bench {
            words.push("--bench".into());
        }
        words.extend(args.iter().cloned());
        let package_root =
            || selection.package.manifest_path.parent().map(|p| p.as_std_path().to_owned());
        Self {
            words,
            executable: built.executable.clone(),
            directory: selection.kind.is_harness().then(package_root).flatten(),
            env: environment(selection, built, config),
            stdout_to_stderr: false,
            timeout: None,
        }
    }

    /// The command line, for people.
    pub fn display(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|word| word.to_string_lossy()).collect();
        words.join(" ")
    }

    /// What changes when the executable is built anew.
    pub fn executable_state(&self) -> Option<(SystemTime, u64)> {
        let data = std::fs::metadata(&self.executable).ok()?;
        Some((data.modified().ok()?, data.len()))
    }

    /// Runs it once; its counters go to `counters`.
    pub fn run(
        &self,
        counters: &Path,
        input: &mut Input,
        interrupts: &Interrupts,
    ) -> Result<Ended, Error> {
        let start = |source| Error::Start { program: self.display(), source };
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).envs(self.env.iter().map(|(name, value)| (name, value)));
        command.env("CARGO_HOTPATH_DIR", counters);
        command.stdin(input.stdio().map_err(start)?);
        if self.stdout_to_stderr {
            command.stdout(io::stderr());
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let group = lead_group(&mut command);
        let cpu_before = system::cpu_of_children();
        let spawned_monotonic_ns = system::monotonic_ns();
        let began = Instant::now();
        let mut child = interrupts.spawn(&mut command).map_err(start)?;
        input.feed(&mut child);
        let (status, wall, timed_out) =
            self.wait(&mut child, began, group, interrupts).map_err(start)?;
        let exited = reader::anchor(reader::native_clock());
        let cpu_after = system::cpu_of_children();
        Ok(Ended {
            exit: exit(status),
            wall_ns: u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX),
            cpu_ns: cpu_before.zip(cpu_after).map(|(before, after)| after.saturating_sub(before)),
            spawned_monotonic_ns,
            exited,
            timed_out,
        })
    }

    fn wait(
        &self,
        child: &mut Child,
        began: Instant,
        group: bool,
        interrupts: &Interrupts,
    ) -> io::Result<(ExitStatus, Duration, bool)> {
        let watch = interrupts.watch(child, group);
        let (ended, timer) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let timer =
                self.timeout.map(|limit| scope.spawn(move || enforce(limit, &timer, interrupts)));
            system::wait_without_reaping(child);
            let wall = began.elapsed();
            drop(watch);
            drop(ended);
            let timed_out = timer.is_some_and(|timer| timer.join().unwrap_or(false));
            Ok((child.wait()?, wall, timed_out))
        })
    }
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
    if !io::stdin().is_terminal() {
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

/// What cargo sets for programs that it runs; `[env]` of its configuration included.
fn environment(
    selection: &Selection<'_>,
    built: &Built,
    config: &Config,
) -> Vec<(OsString, OsString)> {
    let mut env: Vec<(OsString, OsString)> = Vec::new();
    let unset = |name: &str, force: bool| force || std::env::var_os(name).is_none();
    for (name, value, force) in &config.env {
        if unset(name, *force) {
            env.push((name.into(), value.clone()));
        }
    }
    let mut set = |name: &str, value: &OsStr| env.push((name.into(), value.to_owned()));
    set("CARGO", &super::program());
    for (name, value) in package_variables(selection.package) {
        set(name, value.as_ref());
    }
    for (name, value) in &built.script_env {
        set(name, value.as_ref());
    }
    if selection.kind.is_harness() {
        for (name, path) in &built.binaries {
            set(&format!("CARGO_BIN_EXE_{name}"), path.as_os_str());
        }
    }
    if let Some((name, value)) = library_path(built) {
        set(name, &value);
    }
    env
}

fn package_variables(package: &Package) -> Vec<(&'static str, String)> {
    let version = &package.version;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let path = |value: Option<&cargo_metadata::camino::Utf8PathBuf>| {
        value.map(|path| path.to_string()).unwrap_or_default()
    };
    let root = package.manifest_path.parent().map(ToString::to_string).unwrap_or_default();
    vec![
        ("CARGO_MANIFEST_DIR", root),
        ("CARGO_MANIFEST_PATH", package.manifest_path.to_string()),
        ("CARGO_PKG_VERSION", version.to_string()),
        ("CARGO_PKG_VERSION_MAJOR", version.major.to_string()),
        ("CARGO_PKG_VERSION_MINOR", version.minor.to_string()),
        ("CARGO_PKG_VERSION_PATCH", version.patch.to_string()),
        ("CARGO_PKG_VERSION_PRE", version.pre.to_string()),
        ("CARGO_PKG_AUTHORS", package.authors.join(":")),
        ("CARGO_PKG_NAME", package.name.to_string()),
        ("CARGO_PKG_DESCRIPTION", text(&package.description)),
        ("CARGO_PKG_HOMEPAGE", text(&package.homepage)),
        ("CARGO_PKG_REPOSITORY", text(&package.repository)),
        ("CARGO_PKG_LICENSE", text(&package.license)),
        ("CARGO_PKG_LICENSE_FILE", path(package.license_file.as_ref())),
        ("CARGO_PKG_README", path(package.readme.as_ref())),
        (
            "CARGO_PKG_RUST_VERSION",
            package.rust_version.as_ref().map(ToString::to_string).unwrap_or_default(),
        ),
    ]
}

/// The loader's search path with the build's shared libraries before what is set.
fn library_path(built: &Built) -> Option<(&'static str, OsString)> {
    let name = if cfg!(windows) {
        "PATH"
    } else if cfg!(target_os = "macos") {
        "DYLD_FALLBACK_LIBRARY_PATH"
    } else {
        "LD_LIBRARY_PATH"
    };
    let mut dirs = built.library_dirs.clone();
    if let Some(dir) = built.executable.parent() {
        dirs.extend([dir.to_owned(), dir.join("deps")]);
    }
    dirs.extend(super::config::target_libraries());
    let set = std::env::var_os(name).unwrap_or_default();
    dirs.extend(std::env::split_paths(&set));
    let mut seen = std::collections::HashSet::new();
    dirs.retain(|dir| seen.insert(dir.clone()));
    std::env::join_paths(dirs).ok().map(|value| (name, value))
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
        let pid = nix::unistd::Pid::from_raw(child.id() as i32);
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
