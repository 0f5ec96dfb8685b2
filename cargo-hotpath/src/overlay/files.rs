//! The files of a workspace, as its ignore rules leave them.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use ignore::{DirEntry, WalkBuilder};

use super::Recipe;
use super::error::OverlayError;

/// What cargo needs whatever an ignore rule says of it.
const NEVER_IGNORED: [&str; 4] =
    ["Cargo.lock", "Cargo.toml", "rust-toolchain", "rust-toolchain.toml"];
/// Directories that are no source: histories, and cargo's settings, which it finds in the parents.
const LEFT_OUT: [&str; 5] = [".git", ".hg", ".svn", ".jj", ".cargo"];
/// Marks directories that tools keep their output in, cargo's target directory among them.
const CACHE_MARK: &str = "CACHEDIR.TAG";

/// One file or link of the workspace.
pub(super) struct Entry {
    /// Relative to the root.
    pub(super) name: PathBuf,
    pub(super) path: PathBuf,
    pub(super) kind: EntryKind,
    pub(super) len: u64,
    pub(super) modified_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Link,
}

/// Lists the files and links of the workspace, by name, without those where the copy goes.
pub(super) fn list(recipe: &Recipe<'_>) -> Result<Vec<Entry>, OverlayError> {
    let Recipe { from: root, to, without, needed, .. } = recipe;
    let mut entries = walk(root, to, without, true)?;
    let all = walk(root, to, without, false)?;
    entries.extend(all.into_iter().filter(|entry| {
        let named = |name| NEVER_IGNORED.iter().any(|kept| name == *kept);
        entry.name.file_name().is_some_and(named) || needed.contains(&entry.path)
    }));
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries.dedup_by(|a, b| a.name == b.name);
    Ok(entries)
}

fn walk(
    root: &Path,
    to: &Path,
    without: &[PathBuf],
    honour_rules: bool,
) -> Result<Vec<Entry>, OverlayError> {
    let excluded: Vec<PathBuf> = without.iter().cloned().chain([to.to_owned()]).collect();
    let mut builder = WalkBuilder::new(root);
    builder
        .standard_filters(false)
        // Rules further out may well ignore the whole workspace: it is copied all the same.
        .parents(false)
        .require_git(false)
        .git_ignore(honour_rules)
        .git_exclude(honour_rules)
        .ignore(honour_rules)
        .filter_entry(move |entry| is_source(entry, &excluded));
    let mut entries = Vec::new();
    for entry in builder.build() {
        let entry = entry?;
        let Some(kind) = kind(&entry) else { continue };
        let metadata = entry.metadata()?;
        let name = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_owned();
        entries.push(Entry {
            name,
            kind,
            len: metadata.len(),
            modified_ns: modified_ns(&metadata),
            path: entry.into_path(),
        });
    }
    Ok(entries)
}

/// Sockets, pipes and devices are nobody's source.
fn kind(entry: &DirEntry) -> Option<EntryKind> {
    let kind = entry.file_type()?;
    match (kind.is_symlink(), kind.is_file()) {
        (true, _) => Some(EntryKind::Link),
        (_, true) => Some(EntryKind::File),
        _ => None,
    }
}

fn is_source(entry: &DirEntry, excluded: &[PathBuf]) -> bool {
    if entry.depth() == 0 || !entry.file_type().is_some_and(|kind| kind.is_dir()) {
        return true;
    }
    let named = LEFT_OUT.iter().any(|name| entry.file_name() == *name);
    let path = entry.path();
    !named && !excluded.iter().any(|other| other == path) && !path.join(CACHE_MARK).is_file()
}

/// Nanoseconds since 1970; 0 where the system doesn't say.
fn modified_ns(metadata: &Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |time| time.as_nanos() as u64)
}
