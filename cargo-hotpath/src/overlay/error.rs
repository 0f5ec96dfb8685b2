//! Why a copy can't be brought up to date.

use std::io;
use std::path::{Path, PathBuf};

/// What went wrong, with the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OverlayError {
    /// A file or directory of the workspace can't be read.
    #[error("can't read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file or directory of the copy can't be written.
    #[error("can't write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The workspace can't be listed.
    #[error("can't list the workspace: {0}")]
    Walk(#[from] ignore::Error),
    /// The edits are of another text.
    #[error("{} changed while it was read: run it again", path.display())]
    Changed {
        /// Which.
        path: PathBuf,
    },
    /// A manifest is no TOML, or not what cargo takes.
    #[error("can't use {}: {reason}", path.display())]
    Manifest {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl OverlayError {
    pub(super) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Read { path: path.to_owned(), source }
    }

    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Write { path: path.to_owned(), source }
    }
}
