//! Real segments and profiles, for damage to start from.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::digest::Digest;
use crate::{Hotpath, Workspace, binary};

/// Segments that programs of the fixture `truth` leave: recursion, panics and allocations; futures
/// on four threads; a call that is open when the process aborts. Built for this version's layout,
/// which is why they are made and not kept.
///
/// # Panics
/// When the programs can't be built or run.
pub fn segments() -> Vec<Vec<u8>> {
    let workspace = Workspace::shared("truth");
    let programs = [("calls", None), ("tasks", None), ("endings", Some("abort"))];
    programs.into_iter().flat_map(|(name, argument)| run(&workspace, name, argument)).collect()
}

fn run(workspace: &Workspace, program: &str, argument: Option<&str>) -> Vec<Vec<u8>> {
    let flags = ["run", "--format", "json", "--runs", "1", "--bin", program, "--"];
    let built = Hotpath::new(&workspace.root, &flags).args(argument).run();
    assert!(matches!(built.code, 0 | 3), "{}", built.stderr);
    let executable = workspace
        .join("target/hotpath/build/release")
        .join(format!("{program}{}", std::env::consts::EXE_SUFFIX));
    let directory = tempfile::tempdir().expect("a temporary directory");
    Command::new(executable)
        .args(argument)
        .env("CARGO_HOTPATH_DIR", directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("the program starts");
    let files = fs::read_dir(directory.path()).expect("the directory is there");
    let segments: Vec<Vec<u8>> = files
        .map(|file| fs::read(file.expect("an entry").path()).expect("a segment"))
        .map(without_room)
        .collect();
    assert!(!segments.is_empty(), "{program} left no segment");
    segments
}

/// A segment without the room at its end that nothing was put into.
fn without_room(mut bytes: Vec<u8>) -> Vec<u8> {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(used.next_multiple_of(4096));
    bytes
}

/// Profiles: one of each version of the file format, and one in which all is hot.
///
/// # Panics
/// When the committed ones can't be read.
pub fn profiles(digest: &Digest) -> Vec<Vec<u8>> {
    let committed = binary::repository().join("cargo-hotpath/tests/data/profile-v1.json");
    let sample = serde_json::to_vec(&digest.sample()).expect("string keys");
    vec![fs::read(committed).expect("the committed profile"), sample]
}

/// Writes all of them, for a fuzzer, to `segment/` and `profile/` in this directory.
///
/// # Panics
/// When they can't be made or written.
pub fn write(directory: &Path) {
    for (name, seeds) in [("segment", segments()), ("profile", profiles(&Digest::new()))] {
        let directory = directory.join(name);
        fs::create_dir_all(&directory).expect("a directory can be made");
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(directory.join(format!("seed-{number}")), seed).expect("a file is written");
        }
    }
}
