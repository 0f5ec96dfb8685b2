//! Whatever ends a process, its counters can be read; whatever fails, the process goes on.
#![cfg(unix)]

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Barrier;
use std::{env, fs, process, thread};

use hotpath_runtime::__private::{Function, Site, call, exit, site};
use hotpath_runtime::segment::reader::Segment;

mod ended;

static WORK: Function = Function::new(
    Some("faults"),
    Some("faults"),
    "faults",
    "work",
    "",
    1,
    1,
    false,
    &[Site::new("clone", 1, 1, "")],
);
static OPEN: Function = Function::new(None, None, "faults", "open", "", 1, 1, false, &[]);

fn work(times: u64) {
    for _ in 0..times {
        let _call = call(&WORK);
        drop(exit(site(&WORK, 0), vec![0u8; 100]));
    }
}

/// What a child process does, by name.
fn scenario(name: &str) {
    work(1000);
    let _open = call(&OPEN);
    match name {
        // SAFETY: a signal to ourselves.
        "kill" => unsafe {
            libc::kill(libc::getpid(), libc::SIGKILL);
        },
        "abort" => process::abort(),
        "exit" => process::exit(7),
        "full" => {
            // More slabs at once than the first megabyte holds.
            let all = Barrier::new(100);
            thread::scope(|scope| {
                for _ in 0..100 {
                    scope.spawn(|| {
                        work(10);
                        all.wait();
                    });
                }
            });
        }
        // More than what is still uncounted of a thread's live bytes.
        "hold" => drop(std::hint::black_box(vec![1_u8; 1 << 20])),
        _ => {}
    }
}

/// Runs inside of children only.
#[test]
fn child() {
    if let Ok(name) = env::var("FAULTS_SCENARIO") {
        scenario(&name);
    }
}

struct Ran {
    directory: PathBuf,
    output: Output,
}

impl Drop for Ran {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn command(name: &str, directory: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "child", "--test-threads=1"])
        .env("FAULTS_SCENARIO", name)
        .env("CARGO_HOTPATH_DIR", directory);
    command
}

fn run(name: &str) -> Ran {
    let directory = env::temp_dir().join(format!("hotpath-{name}-{}", process::id()));
    fs::create_dir_all(&directory).unwrap();
    let output = command(name, &directory).output().unwrap();
    Ran { directory, output }
}

impl Ran {
    fn files(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.directory).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    fn segment(&self) -> Segment {
        let ends = |path: &PathBuf| path.extension().is_some_and(|e| e == "segment");
        let files: Vec<_> = self.files().into_iter().filter(ends).collect();
        assert_eq!(files.len(), 1, "{:?}", self.output);
        ended::read(&fs::read(&files[0]).unwrap()).unwrap()
    }
}

/// Calls, allocations of the site, and open calls.
fn counts(segment: &Segment) -> (u64, u64, u64) {
    let name = |i: usize| segment.functions[i].name.as_str();
    let nodes = || segment.slabs.iter().flat_map(|slab| &slab.nodes);
    let of = |wanted: &'static str| {
        nodes().filter(move |node| node.function.is_some_and(|i| name(i) == wanted))
    };
    let rows = segment.slabs.iter().flat_map(|slab| &slab.rows);
    (
        of("work").map(|node| node.calls).sum(),
        rows.map(|row| row.allocs.count).sum(),
        of("open").map(|node| node.open).sum(),
    )
}

#[test]
fn a_killed_process_leaves_its_counters() {
    let ran = run("kill");
    assert_eq!(ran.output.status.signal(), Some(libc::SIGKILL));
    let segment = ran.segment();
    assert_eq!(counts(&segment), (1000, 1000, 1));
    assert!(!segment.process.exited);
    assert!(segment.slabs.iter().all(|slab| slab.lifetime > 0));
    assert!(
        segment.process.command.contains("FAULTS") || segment.process.command.contains("child")
    );
}

#[test]
fn an_aborted_process_leaves_its_counters() {
    let ran = run("abort");
    assert_eq!(ran.output.status.signal(), Some(libc::SIGABRT));
    assert_eq!(counts(&ran.segment()), (1000, 1000, 1));
}

#[test]
fn process_exit_closes_the_segment() {
    let ran = run("exit");
    assert_eq!(ran.output.status.code(), Some(7));
    let segment = ran.segment();
    assert_eq!(counts(&segment), (1000, 1000, 1));
    assert!(segment.process.exited);
    assert!(ran.output.stderr.is_empty());
}

#[test]
fn a_regular_end_closes_all() {
    let ran = run("hold");
    assert!(ran.output.status.success());
    let segment = ran.segment();
    assert_eq!(counts(&segment), (1000, 1000, 0));
    let memory = segment.memory.unwrap();
    assert!(memory.peak_live_bytes >= (1 << 20) - (64 << 10), "{}", memory.peak_live_bytes);
    let costs = segment.calibration;
    assert!(costs.function > 0 && costs.alloc > 0);
    // Other counters may be too coarse for it.
    assert!(costs.hash > 0 || !cfg!(target_arch = "x86_64"));
}

/// Runs `name` under a limit of file sizes, which kills whoever writes past it.
fn run_limited(name: &str, bytes: libc::rlim_t) -> Ran {
    use std::os::unix::process::CommandExt;
    let directory = env::temp_dir().join(format!("hotpath-{name}-{bytes}-{}", process::id()));
    fs::create_dir_all(&directory).unwrap();
    let mut command = command(name, &directory);
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: `setrlimit` may be called between fork and exec.
    unsafe {
        command.pre_exec(move || {
            libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit);
            Ok(())
        });
    }
    let output = command.output().unwrap();
    Ran { directory, output }
}

#[test]
fn no_room_for_the_file_is_said_by_a_note() {
    let ran = run_limited("none", 4096);
    assert!(ran.output.status.success(), "{:?}", ran.output);
    let note = format!(".failed-{}", libc::EFBIG);
    let files = ran.files();
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(files[0].to_string_lossy().ends_with(&note), "{files:?}");
}

#[test]
fn what_has_no_room_in_the_file_is_counted_as_lost() {
    let ran = run_limited("full", 1 << 20);
    assert!(ran.output.status.success(), "{:?}", ran.output);
    let segment = ran.segment();
    assert!(segment.private_bytes > 0);
    let (calls, ..) = counts(&segment);
    assert!((1000..2000).contains(&calls), "{calls}");
}

#[test]
fn a_directory_that_is_not_there_changes_nothing() {
    let missing = env::temp_dir().join("hotpath-no-such-directory");
    let output = command("exit", &missing).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(output.stderr.is_empty());
    assert!(!missing.exists());
}

#[test]
fn without_a_directory_a_summary_goes_to_stderr() {
    let summary = |silenced: &str| {
        let mut command = command("exit", Path::new(""));
        command.env("CARGO_HOTPATH_SUMMARY", silenced).output().unwrap().stderr
    };
    let text = String::from_utf8(summary("1")).unwrap();
    assert!(text.contains("faults::work") && text.contains("1000"), "{text}");
    assert!(summary("0").is_empty());
}
