//! The overlay: a synchronised copy of a workspace that we may change; the user's tree is only read.

mod error;
mod files;
mod manifest;
mod place;
pub mod runtime;
mod state;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub use self::error::OverlayError;
use self::files::{Entry, EntryKind};
pub use self::manifest::Dependency;
use self::manifest::Manifests;
use self::state::{Stamp, State};
use crate::source::Source;
use crate::source::annotate::{self, Bare};

/// What the copy is of, and how it differs.
pub struct Recipe<'a> {
    /// Root of the workspace; absolute.
    pub from: &'a Path,
    /// Where the copy lies; made if need be.
    pub to: &'a Path,
    /// Directories that are not part of the workspace's source: its target directory.
    pub without: &'a [PathBuf],
    /// Manifests of the packages that get the runtime as a dependency.
    pub members: &'a [PathBuf],
    /// That dependency.
    pub runtime: &'a Dependency,
    /// Files whose functions are annotated, of [`files_of`].
    pub annotated: &'a BTreeSet<PathBuf>,
    /// What is inserted: `#[path::hotpath]`.
    pub attribute: &'a str,
    /// Which functions get it; `None` for all.
    pub choice: Option<Choice<'a>>,
}

/// Which functions get the attribute.
#[derive(Clone, Copy)]
pub struct Choice<'a> {
    /// What the choice depends on: a copy that was made for another text is made anew.
    pub name: &'a str,
    /// Whether a function of this file, by its name below the root, gets it.
    pub takes: &'a dyn Fn(&Path, &Bare) -> bool,
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
    /// Functions that carry an inserted attribute, in files that were written.
    pub functions: usize,
    /// What was left alone, and why.
    pub notes: Vec<String>,
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
    let entries = files::list(recipe.from, recipe.to, recipe.without)?;
    let names: BTreeSet<&Path> = entries.iter().map(|entry| entry.name.as_path()).collect();
    let manifests = Manifests::new(recipe, &names);
    let before = State::load(recipe.to, &recipe.identity());
    let mut state = State::new(recipe.identity());
    let mut synced = Synced { files: entries.len(), ..Synced::default() };
    // First: a name may come back as another kind of thing.
    for name in before.names().filter(|name| !names.contains(*name)) {
        place::remove(recipe.to, name)?;
        synced.removed += 1;
    }
    for entry in &entries {
        let stamp = entry.stamp();
        // What a manifest becomes hangs on which other files there are.
        if !entry.is_manifest() && before.is_current(&entry.name, stamp, recipe.to) {
            state.add(&entry.name, stamp, before.functions(&entry.name));
            continue;
        }
        let functions = bring(recipe, &manifests, entry, &mut synced)?;
        synced.functions += functions;
        state.add(&entry.name, stamp, functions);
    }
    state.store(recipe.to)?;
    Ok(synced)
}

/// Brings one entry over; gives the number of attributes inserted.
fn bring(
    recipe: &Recipe<'_>,
    manifests: &Manifests<'_>,
    entry: &Entry,
    synced: &mut Synced,
) -> Result<usize, OverlayError> {
    let to = recipe.to.join(&entry.name);
    if entry.kind == EntryKind::Link {
        synced.written += usize::from(place::link(recipe.from, entry, &to)?);
        return Ok(0);
    }
    let text = if entry.is_manifest() {
        manifests.adapted(entry)?.map(|text| (text, 0))
    } else if recipe.annotated.contains(&entry.path) {
        annotated(recipe, entry, synced)?
    } else {
        None
    };
    let (is_written, functions) = match text {
        Some((text, functions)) => (place::write(&to, &text, &entry.path)?, functions),
        None => (place::copy(&entry.path, &to)?, 0),
    };
    synced.written += usize::from(is_written);
    Ok(functions)
}

/// The text with the attribute inserted, and how often; `None` where it stays as it is.
fn annotated(
    recipe: &Recipe<'_>,
    entry: &Entry,
    synced: &mut Synced,
) -> Result<Option<(String, usize)>, OverlayError> {
    let bytes = place::read(&entry.path)?;
    let Ok(text) = String::from_utf8(bytes) else { return Ok(None) };
    let mut functions = match annotate::bare_functions(&text) {
        Ok(functions) => functions,
        Err(error) => {
            let line = error.span().start().line;
            synced.notes.push(format!(
                "{}:{line}: not instrumented, as it can't be parsed: {error}",
                entry.name.display()
            ));
            return Ok(None);
        }
    };
    if let Some(choice) = recipe.choice {
        functions.retain(|function| (choice.takes)(&entry.name, function));
    }
    if functions.is_empty() {
        return Ok(None);
    }
    Ok(Some((annotate::insert(&text, recipe.attribute, &functions), functions.len())))
}

impl Recipe<'_> {
    /// What all files of the copy depend on beside their source.
    fn identity(&self) -> String {
        let mut identity = format!(
            "{}\n{}\n{}\n{}\n{:?}\n",
            env!("CARGO_PKG_VERSION"),
            self.from.display(),
            self.attribute,
            self.choice.map_or("", |choice| choice.name),
            self.runtime,
        );
        for path in self.members.iter().chain(self.annotated) {
            identity.push_str(&path.to_string_lossy());
            identity.push('\n');
        }
        identity
    }
}

impl Entry {
    fn is_manifest(&self) -> bool {
        self.kind == EntryKind::File && self.name.file_name() == Some("Cargo.toml".as_ref())
    }

    fn stamp(&self) -> Stamp {
        Stamp { len: self.len, modified_ns: self.modified_ns }
    }
}

#[cfg(test)]
mod tests;
