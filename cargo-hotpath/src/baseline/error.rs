//! What can be wrong with a file of baselines.

use std::io;
use std::path::PathBuf;

use super::VERSION;
use crate::cargo::select::suggestion;

/// A file of baselines that can't be used or written, or that hasn't what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The file is there and can't be read.
    #[error("can't read the baselines {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is from a later version of this tool.
    #[error(
        "the baselines {} have format version {found}, this cargo-hotpath reads up to {VERSION}",
        path.display()
    )]
    Newer {
        /// Which.
        path: PathBuf,
        /// The version that it states.
        found: u32,
    },
    /// The file is no JSON, is cut, or hasn't the fields that it should.
    #[error("the baselines {} are damaged: {source}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// There is none of this name.
    #[error("there is no baseline `{name}` in {}", path.display())]
    Unknown {
        /// In which file.
        path: PathBuf,
        /// As asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It has allocations, and what was to replace it has none.
    #[error(
        "baseline `{name}` in {} has allocations, and this run measured none to replace them",
        path.display()
    )]
    Unmeasured {
        /// In which file.
        path: PathBuf,
        /// The baseline.
        name: String,
    },
    /// Somebody else has replaced it since it was read.
    #[error("baseline `{name}` in {} has changed since it was read", path.display())]
    Changed {
        /// In which file.
        path: PathBuf,
        /// The baseline.
        name: String,
    },
    /// The file could not be written; what was there before is untouched.
    #[error("can't write the baselines {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl BaselineError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } => Some("make it readable, or move it away".to_owned()),
            Self::Newer { .. } => {
                Some("update cargo-hotpath; nothing was overwritten".to_owned())
            }
            Self::Damaged { .. } => Some(
                "take it from version control again, or remove it and `cargo hotpath baseline save` \
                 a run; nothing was overwritten"
                    .to_owned(),
            ),
            Self::Unknown { known, .. } if known.is_empty() => {
                Some("`cargo hotpath baseline save` makes one of the last run".to_owned())
            }
            Self::Unknown { name, known, .. } => Some(suggestion(name, known)),
            Self::Unmeasured { name, .. } => Some(format!(
                "where the program has an allocator of its own, wrap it: \
                 `hotpath_runtime::Allocator::new(..)`; to do without allocations, \
                 `cargo hotpath baseline rm {name}` first"
            )),
            Self::Changed { .. } => Some(
                "run it again, to judge by what it is now; nothing was overwritten".to_owned(),
            ),
            Self::Write { .. } => None,
        }
    }
}
