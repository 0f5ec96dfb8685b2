//! The overlay: a synchronised copy of a workspace that we may change; the user's tree is only read.

mod edit;
mod error;
mod files;
mod lock;
mod manifest;
mod place;
pub mod runtime;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

pub use self::edit::{Edit, Edits};
pub use self::error::OverlayError;
use self::files::{Entry, EntryKind};
pub use self::lock::is_locked;
pub use self::manifest::Dependency;
use self::manifest::Manifests;
use self::state::{Stamp, State};
use crate::source::Source;

/// What the copy is of, and how it differs.
pub struct Recipe<'a> {
    /// Root of the workspace; absolute.
    pub from: &'a Path,
    /// Where the copy lies; made if need be.
    pub to: &'a Path,
    /// Directories that are not part of the workspace's source: its target directory.
    pub without: &'a [PathBuf],
    /// Files that are copied whatever an ignore rule says of them.
    pub needed: &'a BTreeSet<PathBuf>,
    /// Manifests of the packages that get the runtime as a dependency, each with the name that it
    /// has there.
    pub members: &'a BTreeMap<PathBuf, String>,
    /// That dependency. Dependencies on another version of it, wherever in the workspace, become
    /// this one: there is one in the build.
    pub runtime: &'a Dependency,
    /// What changes in which file.
    pub edits: &'a BTreeMap<PathBuf, Edits>,
}

/// What a synchronisation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// Files of the copy.
    pub files: usize,
    /// Files that were written.
    pub written: usize,
    /// Files that were taken away, as the workspace has them no more.
    pub removed: usize,
}

/// The files that targets consist of and that can be annotated. Those that `foreign` targets use
/// too (build scripts, which the dependency doesn't reach) are left out.
pub fn files_of(targets: &Source, foreign: &Source) -> BTreeSet<PathBuf> {
    targets.files().difference(foreign.files()).cloned().collect()
}

/// Brings the copy up to date: only what differs is written, so that builds stay incremental.
///
/// # Errors
///
/// [`OverlayError`] names the file that can't be read, written or understood. The copy is then
/// partly done; the next call goes on.
pub fn sync(recipe: &Recipe<'_>) -> Result<Synced, OverlayError> {
    // What stands above the copy is the user's, and so is a link to another place: neither gives way.
    fs::create_dir_all(recipe.to).map_err(OverlayError::write(recipe.to))?;
    let to = if recipe.to.is_symlink() {
        fs::canonicalize(recipe.to).map_err(OverlayError::read(recipe.to))?
    } else {
        recipe.to.to_owned()
    };
    let recipe = &Recipe { to: &to, ..*recipe };
    let entries = files::list(recipe)?;
    let names: BTreeSet<&Path> = entries.iter().map(|entry| entry.name.as_path()).collect();
    let manifests = Manifests::new(recipe, &names)?;
    let mut before = State::load(recipe.to, &recipe.identity());
    let mut state = State::new(recipe.identity());
    let mut synced = Synced { files: entries.len(), ..Synced::default() };
    // First: a name may come back as another kind of thing.
    for name in before.names().filter(|name| !names.contains(*name)) {
        place::remove(recipe.to, name)?;
        synced.removed += 1;
    }
    let mut changing = Vec::new();
    for entry in &entries {
        let edits = recipe.edits.get(&entry.path);
        let stamp = entry.stamp(edits);
        // What a manifest becomes hangs on which other files there are.
        if entry.is_manifest() || !before.is_current(&entry.name, stamp, recipe.to) {
            changing.push((entry, edits));
        }
        state.add(&entry.name, stamp);
    }
    // Should we be ended on the way, the next call must not take these for what they were.
    // A manifest is looked at each time; of a new one it must be known that the copy may have it.
    let trusted = changing.iter().filter(|(it, _)| !it.is_manifest() || !before.knows(&it.name));
    let trusted: Vec<_> = trusted.collect();
    before.forget(trusted.iter().map(|(entry, _)| entry.name.as_path()), recipe.to)?;
    for (entry, edits) in changing {
        synced.written += usize::from(bring(recipe, &manifests, entry, edits)?);
    }
    state.store(recipe.to)?;
    Ok(synced)
}

/// Brings one entry over; says whether the copy had another.
fn bring(
    recipe: &Recipe<'_>,
    manifests: &Manifests<'_>,
    entry: &Entry,
    edits: Option<&Edits>,
) -> Result<bool, OverlayError> {
    let to = recipe.to.join(&entry.name);
    if entry.kind == EntryKind::Link {
        return place::link(recipe.from, entry, &to);
    }
    let text = match edits {
        _ if entry.is_manifest() => manifests.adapted(entry)?,
        Some(edits) => Some(edits.apply(&entry.path, place::read(&entry.path)?)?),
        None if entry.name == Path::new("Cargo.lock") => {
            let text = String::from_utf8(place::read(&entry.path)?).unwrap_or_default();
            lock::raised(&text, &runtime::needs())
        }
        None => None,
    };
    match text {
        Some(text) => place::write(&to, &text, &entry.path),
        None => place::copy(&entry.path, &to),
    }
}

impl Recipe<'_> {
    /// What all files of the copy depend on beside their source.
    fn identity(&self) -> String {
        format!("{}\n{}\n", env!("CARGO_PKG_VERSION"), self.from.display())
    }
}

impl Entry {
    fn is_manifest(&self) -> bool {
        self.kind == EntryKind::File && self.name.file_name() == Some("Cargo.toml".as_ref())
    }

    fn stamp(&self, edits: Option<&Edits>) -> Stamp {
        let edits = edits.map_or(0, Edits::identity);
        Stamp { len: self.len, modified_ns: self.modified_ns, edits }
    }
}

#[cfg(test)]
mod tests;
