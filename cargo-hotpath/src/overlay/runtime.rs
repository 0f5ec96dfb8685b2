//! The runtime as this program carries it: what instrumented copies are built against, of the very
//! version that reads what they measure.

mod manifest;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::semver::Version;
use hotpath_runtime::SOURCES;
use toml_edit::{DocumentMut, Item, Table};

use super::error::OverlayError;
use super::place;

/// The oldest Rust that builds the runtime.
pub const RUST_VERSION: &str = env!("CARGO_PKG_RUST_VERSION");

/// Below the data directory; all of it is ours.
const DIRECTORY: &str = "runtime";
/// The package that programs depend on.
const PACKAGE: &str = "hotpath-runtime";
/// As a dependency by path it doesn't have the capped lints of one from the registry, and whoever
/// denies warnings in `RUSTFLAGS` means their own. On the first line, so that lines stay the same.
const SILENCE: &str = "#![allow(warnings)] ";

/// Writes the runtime's packages below `data_dir`, and gives the directory of the one that programs
/// depend on, by path: `hotpath-runtime`. What they depend on themselves comes from the registry.
///
/// Only what differs is written, so that cargo builds it once. The caller holds the build lock.
///
/// # Errors
///
/// [`OverlayError`] names the file that can't be read or written. The next call goes on.
pub fn install(data_dir: &Path) -> Result<PathBuf, OverlayError> {
    let root = data_dir.join(DIRECTORY);
    let wanted = files();
    // First: a name may come back as another kind of thing.
    for name in present(&root)?.iter().filter(|name| !wanted.contains_key(*name)) {
        place::remove(&root, name)?;
    }
    // Made here, so that nothing gives way above what is ours: neither a file nor a link.
    fs::create_dir_all(&root).map_err(OverlayError::write(&root))?;
    for (name, text) in &wanted {
        place::create(&root.join(name), text)?;
    }
    Ok(root.join(PACKAGE))
}

/// What the packages depend on, with the oldest version that will do.
pub(super) fn needs() -> BTreeMap<String, Version> {
    let mut needs = BTreeMap::new();
    for (_, manifest) in manifest::PACKAGES {
        let Ok(manifest) = manifest.parse::<DocumentMut>() else { continue };
        let tables = |of: &Table| of.get("dependencies").and_then(Item::as_table).cloned();
        let targets = manifest.get("target").and_then(Item::as_table).cloned();
        let targets = targets.iter().flat_map(Table::iter).filter_map(|(_, it)| it.as_table());
        for table in targets.chain([manifest.as_table()]).filter_map(tables) {
            for (name, dependency) in &table {
                let version = dependency.get("version").unwrap_or(dependency);
                // Siblings are pinned (`=`) and no matter of the registry.
                if let Some(version) = version.as_str().and_then(|text| text.parse().ok()) {
                    needs.insert(name.to_owned(), version);
                }
            }
        }
    }
    needs
}

/// Every file by its path below the root.
fn files() -> BTreeMap<PathBuf, Cow<'static, str>> {
    let mut files = BTreeMap::from([(PathBuf::from("Cargo.toml"), manifest::WORKSPACE.into())]);
    for (package, manifest) in manifest::PACKAGES {
        files.insert(Path::new(package).join("Cargo.toml"), manifest.into());
    }
    for (package, sources) in SOURCES {
        let directory = Path::new(package).join("src");
        for (name, text) in *sources {
            let text = match *name {
                "lib.rs" => [SILENCE, text].concat().into(),
                _ => Cow::Borrowed(*text),
            };
            files.insert(directory.join(name), text);
        }
    }
    files
}

/// What lies below the root, directories aside: links count as themselves, as what they lead to is
/// not ours.
fn present(root: &Path) -> Result<Vec<PathBuf>, OverlayError> {
    let mut found = Vec::new();
    match fs::symlink_metadata(root) {
        Err(_) => return Ok(found),
        Ok(metadata) if !metadata.is_dir() => {
            fs::remove_file(root).map_err(OverlayError::write(root))?;
            return Ok(found);
        }
        Ok(_) => {}
    }
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).map_err(OverlayError::read(&directory))? {
            let entry = entry.map_err(OverlayError::read(&directory))?;
            let path = entry.path();
            if entry.file_type().map_err(OverlayError::read(&path))?.is_dir() {
                directories.push(path);
            } else if let Ok(name) = path.strip_prefix(root) {
                found.push(name.to_owned());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
