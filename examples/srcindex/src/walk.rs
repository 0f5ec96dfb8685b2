//! Finds the sources: which files, in which order, up to which total size.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use hotpath_runtime::hotpath;

use crate::error::Error;

/// One source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it lies.
    pub path: PathBuf,
    /// Its path below the root, with `/`, as results name it.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The files to index, sorted by name.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The files that are indexed.
    pub files: Vec<SourceFile>,
    /// The sum of their sizes in bytes.
    pub bytes: u64,
    /// How many files were left out because of the cap.
    pub left_out: usize,
}

/// The folder in which cargo keeps the sources of registry packages.
///
/// # Errors
///
/// [`Error::NoHome`] when neither `CARGO_HOME` nor the home directory is known.
pub fn registry() -> Result<PathBuf, Error> {
    let home = env::var_os("CARGO_HOME")
        .filter(|home| !home.is_empty())
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .ok_or(Error::NoHome)?;
    Ok(home.join("registry").join("src"))
}

/// Lists the `.rs` files below `root` in the order of their names, up to `cap_bytes` in total.
///
/// The first file that would exceed the cap and all after it are left out. Links are not followed.
///
/// # Errors
///
/// When a folder can't be read, or when no Rust source lies below `root`.
#[hotpath]
pub fn sources(root: &Path, cap_bytes: u64) -> Result<Sources, Error> {
    if !root.is_dir() {
        return Err(Error::NoSources(root.to_owned()));
    }
    let mut files = Vec::new();
    visit(root, "", &mut files)?;
    files.sort_unstable_by(|a, b| a.name.cmp(&b.name));

    let mut bytes = 0;
    let kept = files
        .iter()
        .take_while(|file| {
            let fits = bytes + file.bytes <= cap_bytes;
            bytes += if fits { file.bytes } else { 0 };
            fits
        })
        .count();
    let left_out = files.len() - kept;
    files.truncate(kept);
    if files.is_empty() {
        return Err(Error::NoSources(root.to_owned()));
    }
    Ok(Sources { files, bytes, left_out })
}

fn visit(folder: &Path, prefix: &str, files: &mut Vec<SourceFile>) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::read(folder))? {
        let entry = entry.map_err(Error::read(folder))?;
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type().map_err(Error::read(&path))?;
        if kind.is_dir() {
            visit(&path, &format!("{name}/"), files)?;
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
            let bytes = entry.metadata().map_err(Error::read(&path))?.len();
            files.push(SourceFile { path, name, bytes });
        }
    }
    Ok(())
}
