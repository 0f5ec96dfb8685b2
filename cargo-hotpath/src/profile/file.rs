//! Reading and writing `profile.json`.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use hotpath_runtime::hotpath;
use serde::Deserialize;

use super::{PROFILE_VERSION, Profile, check};

/// Why a profile file could not be read or written. Each names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// The file is missing or can't be opened.
    #[error("can't read the profile {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is from a later version of this tool.
    #[error(
        "the profile {} has format version {found}, this cargo-hotpath reads up to {PROFILE_VERSION}: \
         update cargo-hotpath, or run the workload again",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version that it states.
        found: u32,
    },
    /// The file is no JSON, is cut, or doesn't have the fields of a profile.
    #[error("the profile {} is damaged: {source}; run the workload again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// The file is well-formed but contradicts itself.
    #[error("the profile {} is damaged: {what}; run the workload again", path.display())]
    Inconsistent {
        /// The file.
        path: PathBuf,
        /// Which entry, and what is wrong with it.
        what: String,
    },
    /// The file could not be written; what was there before is untouched.
    #[error("can't write the profile {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Read before anything else, so that a newer file is refused by its version and not by its fields.
#[derive(Deserialize)]
struct Header {
    version: u32,
}

impl Profile {
    /// Reads a profile and checks that it can be relied upon.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Read`] without a readable file, [`ProfileError::Newer`] for one of a later
    /// version, [`ProfileError::Damaged`] and [`ProfileError::Inconsistent`] for one that is
    /// broken.
    #[hotpath]
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        let bytes = fs::read(path)
            .map_err(|source| ProfileError::Read { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes, path)
    }

    /// Takes the bytes of the profile file at `path`, which only errors name, and checks that they
    /// can be relied upon.
    ///
    /// # Errors
    ///
    /// Those of [`Profile::read`] but for [`ProfileError::Read`].
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, ProfileError> {
        let damaged = |source| ProfileError::Damaged { path: path.to_owned(), source };
        let header: Header = serde_json::from_slice(bytes).map_err(damaged)?;
        if header.version > PROFILE_VERSION {
            return Err(ProfileError::Newer { path: path.to_owned(), found: header.version });
        }
        let inconsistent = |what| ProfileError::Inconsistent { path: path.to_owned(), what };
        if header.version == 0 {
            return Err(inconsistent("version is 0, the first one is 1".to_owned()));
        }
        let profile: Self = serde_json::from_slice(bytes).map_err(damaged)?;
        check::check(&profile).map_err(inconsistent)?;
        Ok(profile)
    }

    /// Writes the profile beside `path` and renames it there, so that a reader never sees a half.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Write`], with an older file at `path` left as it was.
    #[hotpath]
    pub fn write(&self, path: &Path) -> Result<(), ProfileError> {
        self.write_beside(path)
            .map_err(|source| ProfileError::Write { path: path.to_owned(), source })
    }

    fn write_beside(&self, path: &Path) -> io::Result<()> {
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".profile-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As `File::create` would: the umask decides, not the temporary file's 0600.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(directory)?;
        let mut out = BufWriter::new(file.as_file_mut());
        serde_json::to_writer(&mut out, self)?;
        out.write_all(b"\n")?;
        out.flush()?;
        drop(out);
        file.persist(path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
