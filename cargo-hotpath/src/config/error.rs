//! What can be wrong with the configuration, with the place and the next step.

use std::io;
use std::path::PathBuf;

/// A configuration that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Two places speak.
    #[error("{} and `[{table}]` of {} both configure cargo-hotpath", file.display(), manifest.display())]
    Both {
        /// The file of its own.
        file: PathBuf,
        /// The manifest.
        manifest: PathBuf,
        /// The table in it.
        table: String,
    },
    /// The file is there and can't be read.
    #[error("can't read {}: {source}", file.display())]
    Read {
        /// Which.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is no TOML.
    #[error("{}:{line}: {reason}", file.display())]
    Syntax {
        /// Which.
        file: PathBuf,
        /// Where, 1-based.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// An entry that says nothing to us.
    #[error("{}: {what}", file.display())]
    Entry {
        /// In which file.
        file: PathBuf,
        /// Which, and what is wrong with it.
        what: String,
        /// What to write.
        hint: String,
    },
}

impl ConfigError {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::Both { .. } => "keep one of them, with the entries of both".to_owned(),
            Self::Read { .. } => "make it readable, or move it away".to_owned(),
            Self::Syntax { .. } => "it is read as TOML: mend that line".to_owned(),
            Self::Entry { hint, .. } => hint.clone(),
        }
    }
}
