//! What can go wrong, and where.

use std::fmt;
use std::io;
use std::path::PathBuf;

#[derive(Debug)]
pub(crate) enum Error {
    /// The program can't be started.
    Start { program: String, error: io::Error },
    /// It ended badly.
    Failed { program: String, status: String, said: String },
    /// It printed what isn't a figure.
    Figure { program: String, line: String },
    /// A file can't be read or written.
    File { path: PathBuf, error: io::Error },
    /// The README has no place for the table.
    Markers { path: PathBuf, section: &'static str },
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { program, error } => write!(out, "can't start {program}: {error}"),
            Self::Failed { program, status, said } => {
                write!(out, "{program} failed ({status})")?;
                let said = said.trim_end();
                if said.is_empty() { Ok(()) } else { write!(out, ":\n{said}") }
            }
            Self::Figure { program, line } => write!(out, "{program} printed no figure: {line:?}"),
            Self::File { path, error } => write!(out, "{}: {error}", path.display()),
            Self::Markers { path, section } => write!(
                out,
                "{}: no line `<!-- {section}:begin -->` with `<!-- {section}:end -->` after it; \
                 add both where the table belongs",
                path.display()
            ),
        }
    }
}

impl std::error::Error for Error {}
