//! What can go wrong while indexing.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why an index could not be built or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// There is no folder to look for the registry in: no `CARGO_HOME` and no home directory.
    NoHome,
    /// No Rust source lies under the folder.
    NoSources(PathBuf),
    /// A file or folder can't be read.
    Read(PathBuf, io::Error),
    /// A file or folder can't be written.
    Write(PathBuf, io::Error),
}

impl Error {
    /// Turns a failed read of `path` into an [`Error::Read`].
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read(path.to_owned(), source)
    }

    /// Turns a failed write of `path` into an [`Error::Write`].
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write(path.to_owned(), source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHome => f.write_str(
                "no cargo home: neither CARGO_HOME nor a home directory is set; \
                 name a folder of Rust sources instead",
            ),
            Self::NoSources(folder) => write!(
                f,
                "no Rust sources under {}; name another folder, or make some with \
                 `srcindex --generate DIR`",
                folder.display()
            ),
            Self::Read(path, _) => write!(f, "can't read {}", path.display()),
            Self::Write(path, _) => write!(f, "can't write {}", path.display()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoHome | Self::NoSources(_) => None,
            Self::Read(_, source) | Self::Write(_, source) => Some(source),
        }
    }
}
