//! `run --auto` that is ended at any moment: the user's tree is as it was, and the next run works.
//!
//! Every time a few moments; `cargo test -p hotpath-tests --test auto_ended -- --ignored` tries many.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use hotpath_tests::{Hotpath, Workspace, binary};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

#[test]
fn a_run_that_is_ended_leaves_the_tree_as_it_was() {
    end_runs(4);
}

#[test]
#[ignore = "a quarter of an hour"]
fn whenever_a_run_is_ended_the_tree_is_as_it_was() {
    end_runs(100);
}

/// How a run ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Ctrl-C, which everyone in the group gets.
    Interrupt,
    /// The tool alone, what it started goes on.
    Kill,
    KillAll,
}

const ENDS: [End; 4] = [End::Kill, End::Interrupt, End::KillAll, End::Interrupt];

fn end_runs(rounds: usize) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let space = Space::new();
    let expected = space.report(&[]);
    let mut random = Random(RandomState::new().hash_one(rounds) | 1);
    for round in 0..rounds {
        let end = ENDS[round % ENDS.len()];
        space.change(round);
        let before = tree(&space.all);
        let options: &[&str] = if round % 2 == 0 { &[] } else { &["--auto=texts/**"] };
        let at = random.below(space.usual.as_millis() as u64 * 11 / 10);
        let what = format!("round {round}: {end:?} {options:?} after {at} ms");
        space.end_one(end, options, Duration::from_millis(at));
        assert_eq!(tree(&space.all), before, "{what}");
        assert_eq!(space.report(&[]), expected, "{what}");
        assert_eq!(tree(&space.all), before, "{what}, and run once more");
    }
}

/// The workspace, and what lies around it.
struct Space {
    root: PathBuf,
    all: PathBuf,
    /// How long a run takes when something has changed.
    usual: Duration,
}

impl Space {
    fn new() -> Self {
        let all = Workspace::shared_as("plain", "plain, ended").root;
        let root = all.join("space");
        fs::copy(binary::repository().join("Cargo.lock"), root.join("Cargo.lock")).unwrap();
        let settled = Command::new(binary::cargo())
            .args(["metadata", "--offline", "--format-version=1", "--quiet"])
            .current_dir(&root)
            .output()
            .unwrap();
        assert!(settled.status.success(), "{}", String::from_utf8_lossy(&settled.stderr));
        let mut space = Self { root, all, usual: Duration::ZERO };
        let _ = space.report(&[]);
        space.change(usize::MAX);
        let started = Instant::now();
        let _ = space.report(&[]);
        space.usual = started.elapsed();
        space
    }

    fn run(&self, options: &[&str]) -> Hotpath {
        let auto = if options.is_empty() { &["--auto"][..] } else { options };
        Hotpath::new(&self.root, &["run", "-p", "app", "--runs", "2", "--format", "json"])
            .args(auto)
    }

    /// Functions with their calls and places.
    fn report(&self, options: &[&str]) -> Vec<String> {
        let report = self.run(options).run().expect_code(0).report();
        let functions = report.functions().iter();
        let mut functions: Vec<String> = functions
            .map(|it| format!("{} {}:{} {}", it["path"], it["file"], it["line"], it["calls"]))
            .collect();
        functions.sort();
        functions
    }

    /// Gives the next run something to copy and to build; now and then everything.
    fn change(&self, round: usize) {
        let file = self.root.join("texts/src/lib.rs");
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split("// round").next().unwrap().trim_end();
        fs::write(&file, format!("{text}\n// round {round}\n")).unwrap();
        if round % 3 == 2 {
            for name in ["overlay", "runtime"] {
                let directory = self.all.join("target/hotpath").join(name);
                fs::remove_dir_all(directory).unwrap();
            }
        }
    }

    fn end_one(&self, end: End, options: &[&str], after: Duration) {
        let mut child = self.run(options).spawn_as_group();
        let tool = Pid::from_raw(child.id().cast_signed());
        sleep(after);
        match end {
            End::Interrupt => killpg(tool, Signal::SIGINT),
            End::Kill => kill(tool, Signal::SIGKILL),
            End::KillAll => killpg(tool, Signal::SIGKILL),
        }
        .expect("it is there until it is waited for");
        let status = child.wait().unwrap();
        if let End::Interrupt = end {
            // Before it took the signal over the system's default ends it; after its end is too late.
            assert!(matches!(status.code(), None | Some(0 | 130)), "{status}");
        }
    }
}

/// Every file outside of target directories, with what is in it.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_dir() {
                files.insert(path.clone(), fs::read(&path).unwrap());
            } else if path.file_name() != Some("target".as_ref()) {
                directories.push(path);
            }
        }
    }
    files
}

/// Xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}
