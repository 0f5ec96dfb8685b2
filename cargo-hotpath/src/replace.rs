//! Replaces files: each whole or not at all, several together or none.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// What a file is to hold, written beside it and ready to take its place.
#[derive(Debug)]
pub struct Staged {
    file: NamedTempFile,
    path: PathBuf,
}

impl Staged {
    /// The file that it replaces: what a link points to, never the link.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the file's place: a reader sees the old content or the new one.
    ///
    /// # Errors
    ///
    /// The system's, with the file as it was.
    pub fn commit(self) -> io::Result<()> {
        self.file.persist(&self.path).map(drop).map_err(|error| error.error)
    }
}

/// Writes beside the file, which stays as it is. The mode is that of the file, else what the process
/// gives to new ones.
///
/// # Errors
///
/// The system's, and one for a file that nobody may write: renaming would not ask.
pub fn stage(path: &Path, bytes: &[u8]) -> io::Result<Staged> {
    let path = followed(path);
    let old = fs::metadata(&path).ok().map(|old| old.permissions());
    if old.as_ref().is_some_and(fs::Permissions::readonly) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hotpath-");
    let mut file = readable_as_usual(&mut builder).tempfile_in(dir)?;
    file.write_all(bytes)?;
    if let Some(old) = old {
        file.as_file().set_permissions(old)?;
    }
    file.as_file().sync_all()?;
    Ok(Staged { file, path })
}

/// Replaces one file.
///
/// # Errors
///
/// The system's, with the file as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    stage(path, bytes)?.commit()
}

/// Replaces them all; where one can't be, those before it get their old content back. A process that is
/// killed in between leaves some replaced.
///
/// # Errors
///
/// The file that couldn't be replaced, and why.
pub fn commit_all(all: Vec<Staged>) -> Result<(), (PathBuf, io::Error)> {
    let mut replaced: Vec<(PathBuf, Option<Vec<u8>>)> = Vec::new();
    for staged in all {
        let (path, old) = (staged.path.clone(), fs::read(&staged.path).ok());
        if let Err(error) = staged.commit() {
            for (path, old) in replaced.into_iter().rev() {
                // Nothing is left to be done should this fail too; the error names a file as it is.
                let _ = match old {
                    Some(bytes) => write_atomically(&path, &bytes),
                    None => fs::remove_file(&path),
                };
            }
            return Err((path, error));
        }
        replaced.push((path, old));
    }
    Ok(())
}

/// Where links lead, also to a file that isn't there yet.
fn followed(path: &Path) -> PathBuf {
    // As many as Linux follows.
    const LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&path) else { break };
        path = path.parent().map_or(target.clone(), |dir| dir.join(&target));
    }
    path
}

/// Temporary files are private; others should be as readable as any that the user makes.
#[cfg(unix)]
fn readable_as_usual<'b, 'c>(
    builder: &'b mut tempfile::Builder<'c, 'c>,
) -> &'b mut tempfile::Builder<'c, 'c> {
    use std::os::unix::fs::PermissionsExt;
    // The system takes the process's mask from it.
    builder.permissions(fs::Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn readable_as_usual<'b, 'c>(
    builder: &'b mut tempfile::Builder<'c, 'c>,
) -> &'b mut tempfile::Builder<'c, 'c> {
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap().map(|it| it.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|it| it.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_replaced_together_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let [old, new, third] = ["old", "new", "third"].map(|name| dir.path().join(name));
        fs::write(&old, "before").unwrap();
        let staged = |bytes: &[u8]| [&old, &new, &third].map(|path| stage(path, bytes).unwrap());
        let all = Vec::from(staged(b"after"));
        assert_eq!(fs::read_to_string(&old).unwrap(), "before", "only prepared");
        // No file can take the place of a directory.
        fs::create_dir(&third).unwrap();
        let (path, _) = commit_all(all).unwrap_err();
        assert_eq!(path, third);
        assert_eq!(fs::read_to_string(&old).unwrap(), "before");
        assert_eq!(names(dir.path()), ["old", "third"], "what was made is gone again");
        fs::remove_dir(&third).unwrap();
        commit_all(Vec::from(staged(b"after"))).unwrap();
        assert_eq!(names(dir.path()), ["new", "old", "third"]);
        assert_eq!(fs::read_to_string(&old).unwrap(), "after");
    }

    #[test]
    fn what_is_read_only_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "old").unwrap();
        let usual = fs::metadata(&file).unwrap().permissions();
        let mut read_only = usual.clone();
        read_only.set_readonly(true);
        fs::set_permissions(&file, read_only).unwrap();
        let error = write_atomically(&file, b"new").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        assert_eq!(names(dir.path()), ["file"], "nothing is left beside it");
        fs::set_permissions(&file, usual).unwrap();
        write_atomically(&file, b"new").unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_links_and_modes_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let dir = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let [file, link, missing, dangling, usual] =
            ["file", "link", "missing", "dangling", "usual"].map(|name| dir.path().join(name));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        symlink(&missing, &dangling).unwrap();
        write_atomically(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!((fs::read(&file).unwrap(), mode(&file)), (b"new".to_vec(), 0o640));
        write_atomically(&dangling, b"made").unwrap();
        assert!(fs::symlink_metadata(&dangling).unwrap().is_symlink());
        // As the process's mask has it, whichever that is.
        fs::write(&usual, "").unwrap();
        assert_eq!((fs::read(&missing).unwrap(), mode(&missing)), (b"made".to_vec(), mode(&usual)));
    }
}
