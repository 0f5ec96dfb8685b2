//! Copies of `fixtures/`, at a place that stays the same so that builds are reused.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::binary;

/// A copy of a fixture, under a path with a space and a letter beyond ASCII.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Root of the copy.
    pub root: PathBuf,
}

impl Workspace {
    /// Brings the copy of a fixture up to date; what cargo built there stays.
    ///
    /// # Panics
    /// When files can't be copied.
    pub fn shared(fixture: &str) -> Self {
        Self::shared_as(fixture, fixture)
    }

    /// The same under another name, for a suite that does more to it than others could bear.
    ///
    /// # Panics
    /// When files can't be copied.
    pub fn shared_as(fixture: &str, name: &str) -> Self {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let target = binary::path().parent().expect("the binary lies in a directory");
        let root = target.join("end to énd").join(name);
        let source = binary::repository().join("tests/fixtures").join(fixture);
        let wanted = files(&source);
        for file in files(&root).difference(&wanted) {
            fs::remove_file(root.join(file)).expect("a file that left the fixture goes");
        }
        for file in &wanted {
            let text = fs::read_to_string(source.join(file)).expect("fixtures are text");
            let repository = binary::repository().to_str().expect("the repository's path is UTF-8");
            update(&root.join(file), &text.replace("@REPOSITORY@", repository));
        }
        lock(&root);
        Self { root }
    }

    /// A file of the workspace.
    pub fn join(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

/// The repository's own lock file: its versions are there without a network.
fn lock(root: &Path) {
    let text = fs::read_to_string(binary::repository().join("Cargo.lock")).expect("a lock file");
    // Cargo rewrites the lock file, so what it came from is kept beside.
    if update(&root.join("target/origin.lock"), &text) {
        update(&root.join("Cargo.lock"), &text);
    }
}

/// Writes where the text differs, so that cargo sees no change where there is none.
fn update(path: &Path, text: &str) -> bool {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return false;
    }
    fs::create_dir_all(path.parent().expect("a file lies in a directory")).expect("a directory");
    fs::write(path, text).expect("a file is written");
    true
}

/// Files below, relative, without what cargo makes.
fn files(root: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let relative = path.strip_prefix(root).expect("entries lie below the root").to_owned();
            if relative == Path::new("target") || relative == Path::new("Cargo.lock") {
                continue;
            }
            if path.is_dir() {
                directories.push(path);
            } else {
                found.insert(relative);
            }
        }
    }
    found
}
