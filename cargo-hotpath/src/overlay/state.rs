//! What the last synchronisation left: so that the next one need not read what hasn't changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::OverlayError;
use crate::replace::write_atomically;

/// Beside the copy's files; a name that no workspace has.
const FILE: &str = ".hotpath-overlay.json";

/// When a file was last seen to change, and what its copy differs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) len: u64,
    pub(super) modified_ns: u64,
    /// What changes in it.
    pub(super) edits: u64,
}

/// The files of the copy.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// What the copy was made for.
    identity: String,
    files: BTreeMap<PathBuf, Stamp>,
    /// Whether `files` may be taken for the present state.
    #[serde(skip)]
    same_recipe: bool,
}

impl State {
    pub(super) fn new(identity: String) -> Self {
        Self { identity, ..Self::default() }
    }

    /// The state that was stored; an empty one where there is none that can be used.
    pub(super) fn load(root: &Path, identity: &str) -> Self {
        let text = fs::read_to_string(root.join(FILE)).unwrap_or_default();
        let mut state: Self = serde_json::from_str(&text).unwrap_or_default();
        state.same_recipe = state.identity == identity;
        state
    }

    /// Whether the copy's file is that of a source which hasn't changed since.
    pub(super) fn is_current(&self, name: &Path, stamp: Stamp, root: &Path) -> bool {
        self.same_recipe
            && stamp.modified_ns != 0
            && self.files.get(name) == Some(&stamp)
            && fs::symlink_metadata(root.join(name)).is_ok()
    }

    pub(super) fn add(&mut self, name: &Path, stamp: Stamp) {
        self.files.insert(name.to_owned(), stamp);
    }

    /// Whether the copy may have such a file.
    pub(super) fn knows(&self, name: &Path) -> bool {
        self.files.contains_key(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// Stores that nothing is known of these files but their names: they are about to change.
    pub(super) fn forget<'a>(
        &mut self,
        names: impl Iterator<Item = &'a Path>,
        root: &Path,
    ) -> Result<(), OverlayError> {
        let unknown = Stamp { len: 0, modified_ns: 0, edits: 0 };
        let forgotten = names.map(|name| self.files.insert(name.to_owned(), unknown)).count();
        if forgotten > 0 { self.store(root) } else { Ok(()) }
    }

    pub(super) fn store(&self, root: &Path) -> Result<(), OverlayError> {
        let path = root.join(FILE);
        let text = serde_json::to_vec(self).unwrap_or_default();
        write_atomically(&path, &text).map_err(OverlayError::write(&path))
    }
}
