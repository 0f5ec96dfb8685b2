//! Putting files into the copy: beside and renamed, never through a link into the user's tree.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::OverlayError;
use super::files::Entry;

/// Reads a whole file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, OverlayError> {
    fs::read(path).map_err(OverlayError::read(path))
}

/// Makes `to` a file of this text with the permissions of `like`; says whether it was another.
pub(super) fn write(to: &Path, text: &str, like: &Path) -> Result<bool, OverlayError> {
    if is_file(to) && fs::read(to).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(false);
    }
    let permissions = fs::metadata(like).map_err(OverlayError::read(like))?.permissions();
    replace(to, |beside| {
        let mut file = fs::File::create_new(beside)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(permissions)
    })?;
    Ok(true)
}

/// Makes `to` a file of this text, with the permissions of any new file, where it isn't one.
pub(super) fn create(to: &Path, text: &str) -> Result<(), OverlayError> {
    if is_file(to) && fs::read(to).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    replace(to, |beside| fs::File::create_new(beside)?.write_all(text.as_bytes()))
}

/// Makes `to` a copy of `from`, sharing its blocks where the file system can; says whether it was
/// anything else.
pub(super) fn copy(from: &Path, to: &Path) -> Result<bool, OverlayError> {
    if is_file(to) && is_same(from, to).unwrap_or(false) {
        return Ok(false);
    }
    replace(to, |beside| {
        reflink_copy::reflink_or_copy(from, beside)?;
        fs::set_permissions(beside, fs::metadata(from)?.permissions())
    })?;
    Ok(true)
}

/// Makes `to` a link to what the entry links to: inside of the workspace to the copy's own, outside
/// to the very thing.
pub(super) fn link(root: &Path, entry: &Entry, to: &Path) -> Result<bool, OverlayError> {
    let target = fs::read_link(&entry.path).map_err(OverlayError::read(&entry.path))?;
    let whole = entry.path.parent().unwrap_or(root).join(&target);
    let whole = crate::profile::path::normal(&whole);
    let target = if target.is_absolute() || !whole.starts_with(root) { whole } else { target };
    if fs::read_link(to).is_ok_and(|old| old == target) {
        return Ok(false);
    }
    replace(to, |beside| make_link(&target, beside))?;
    Ok(true)
}

/// Takes a file of the copy away, and the directories that it leaves empty.
pub(super) fn remove(root: &Path, name: &Path) -> Result<(), OverlayError> {
    let path = root.join(name);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(OverlayError::Write { path, source: error });
        }
        _ => {}
    }
    let mut parent = path.parent();
    while let Some(directory) = parent.filter(|directory| *directory != root) {
        if fs::remove_dir(directory).is_err() {
            break;
        }
        parent = directory.parent();
    }
    Ok(())
}

/// Makes a file beside and moves it to its place. Whatever stands there, a directory too, gives way.
fn replace(to: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), OverlayError> {
    let beside = beside(to);
    let put = || {
        if let Some(directory) = to.parent() {
            make_directory(directory)?;
        }
        if fs::symlink_metadata(to).is_ok_and(|old| old.is_dir()) {
            fs::remove_dir_all(to)?;
        }
        let _ = fs::remove_file(&beside);
        make(&beside)?;
        fs::rename(&beside, to)
    };
    put().map_err(|source| {
        let _ = fs::remove_file(&beside);
        OverlayError::Write { path: to.to_owned(), source }
    })
}

/// As `create_dir_all`, but a file or link where a directory has to be gives way.
fn make_directory(directory: &Path) -> io::Result<()> {
    match fs::symlink_metadata(directory) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => fs::remove_file(directory)?,
        Err(_) => {
            if let Some(parent) = directory.parent() {
                make_directory(parent)?;
            }
        }
    }
    fs::create_dir(directory)
}

/// A name that only this program gives.
fn beside(to: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".hotpath-");
    name.push(to.file_name().unwrap_or_default());
    to.with_file_name(name)
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

fn is_same(from: &Path, to: &Path) -> io::Result<bool> {
    let (one, other) = (fs::metadata(from)?, fs::metadata(to)?);
    Ok(one.len() == other.len()
        && one.permissions() == other.permissions()
        && fs::read(from)? == fs::read(to)?)
}

#[cfg(unix)]
fn make_link(target: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(windows)]
fn make_link(target: &Path, at: &Path) -> io::Result<()> {
    let whole = at.parent().unwrap_or(at).join(target);
    if whole.is_dir() {
        std::os::windows::fs::symlink_dir(target, at)
    } else {
        std::os::windows::fs::symlink_file(target, at)
    }
}

#[cfg(not(any(unix, windows)))]
fn make_link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
