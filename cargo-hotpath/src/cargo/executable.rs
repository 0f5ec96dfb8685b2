//! The workload's executable, secured against another build that replaces it between repetitions.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::TempDir;

/// An executable where cargo put it, and a second link to the same file.
#[derive(Debug)]
pub struct Executable {
    path: PathBuf,
    identity: Identity,
    kept: PathBuf,
    _dir: TempDir,
}

/// What tells one build of an executable from the next.
type Identity = (Option<SystemTime>, u64, u64);

impl Executable {
    /// Keeps it under its own name in a directory below `dir`, until this is dropped. Where there is
    /// no room for that, cargo's own is all there is: it only goes if another build comes between.
    pub fn keep(path: &Path, dir: &Path) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("executable-").tempdir_in(dir)?;
        let kept = dir.path().join(path.file_name().unwrap_or(path.as_os_str()));
        let is_kept = fs::hard_link(path, &kept).is_ok() || fs::copy(path, &kept).is_ok();
        if !is_kept {
            let _ = fs::remove_file(&kept);
        }
        let identity = identity(&fs::metadata(path)?);
        let kept = if is_kept { kept } else { path.to_owned() };
        Ok(Self { path: path.to_owned(), identity, kept, _dir: dir })
    }

    /// The path to run: cargo's own as long as the same file is there.
    pub fn path(&self) -> &Path {
        let same = fs::metadata(&self.path).is_ok_and(|data| identity(&data) == self.identity);
        if same { &self.path } else { &self.kept }
    }
}

fn identity(data: &Metadata) -> Identity {
    #[cfg(unix)]
    let file = std::os::unix::fs::MetadataExt::ino(data);
    #[cfg(not(unix))]
    let file = 0;
    (data.modified().ok(), data.len(), file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_executable_is_still_run_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("workload");
        fs::write(&path, "first").unwrap();
        let executable = Executable::keep(&path, dir.path()).unwrap();
        assert_eq!(executable.path(), path);
        // As cargo does: never in place.
        fs::remove_file(&path).unwrap();
        fs::write(&path, "second build").unwrap();
        assert_ne!(executable.path(), path);
        assert_eq!(fs::read_to_string(executable.path()).unwrap(), "first");
        assert_eq!(executable.path().file_name(), path.file_name());
    }
}
