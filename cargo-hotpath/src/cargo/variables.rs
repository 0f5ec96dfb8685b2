//! The environment that cargo gives to programs which it runs.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};

use cargo_metadata::Package;
use cargo_metadata::camino::Utf8PathBuf;

use super::build::Built;
use super::config::{self, Config};
use super::select::Selection;

/// What cargo sets for programs that it runs; `[env]` of its configuration included.
pub fn of_workload(
    selection: &Selection<'_>,
    built: &Built,
    config: &Config,
) -> Vec<(OsString, OsString)> {
    let mut env: Vec<(OsString, OsString)> = Vec::new();
    let unset = |name: &str, force: bool| force || std::env::var_os(name).is_none();
    for (name, value, force) in &config.env {
        if unset(name, *force) {
            env.push((name.into(), value.clone()));
        }
    }
    let mut set = |name: &str, value: &OsStr| env.push((name.into(), value.to_owned()));
    set("CARGO", &super::program());
    for (name, value) in package_variables(selection.package) {
        set(name, value.as_ref());
    }
    for (name, value) in &built.script_env {
        set(name, value.as_ref());
    }
    if selection.kind.is_harness() {
        for (name, path) in &built.binaries {
            set(&format!("CARGO_BIN_EXE_{name}"), path.as_os_str());
        }
    }
    if let Some((name, value)) = library_path(built) {
        set(name, &value);
    }
    env
}

fn package_variables(package: &Package) -> Vec<(&'static str, String)> {
    let version = &package.version;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let path = |value: Option<&Utf8PathBuf>| value.map(ToString::to_string).unwrap_or_default();
    let root = package.manifest_path.parent().map(ToString::to_string).unwrap_or_default();
    vec![
        ("CARGO_MANIFEST_DIR", root),
        ("CARGO_MANIFEST_PATH", package.manifest_path.to_string()),
        ("CARGO_PKG_VERSION", version.to_string()),
        ("CARGO_PKG_VERSION_MAJOR", version.major.to_string()),
        ("CARGO_PKG_VERSION_MINOR", version.minor.to_string()),
        ("CARGO_PKG_VERSION_PATCH", version.patch.to_string()),
        ("CARGO_PKG_VERSION_PRE", version.pre.to_string()),
        ("CARGO_PKG_AUTHORS", package.authors.join(":")),
        ("CARGO_PKG_NAME", package.name.to_string()),
        ("CARGO_PKG_DESCRIPTION", text(&package.description)),
        ("CARGO_PKG_HOMEPAGE", text(&package.homepage)),
        ("CARGO_PKG_REPOSITORY", text(&package.repository)),
        ("CARGO_PKG_LICENSE", text(&package.license)),
        ("CARGO_PKG_LICENSE_FILE", path(package.license_file.as_ref())),
        ("CARGO_PKG_README", path(package.readme.as_ref())),
        (
            "CARGO_PKG_RUST_VERSION",
            package.rust_version.as_ref().map(ToString::to_string).unwrap_or_default(),
        ),
    ]
}

/// The loader's search path with the build's shared libraries before what is set.
fn library_path(built: &Built) -> Option<(&'static str, OsString)> {
    let name = if cfg!(windows) {
        "PATH"
    } else if cfg!(target_os = "macos") {
        "DYLD_FALLBACK_LIBRARY_PATH"
    } else {
        "LD_LIBRARY_PATH"
    };
    let mut dirs = built.library_dirs.clone();
    if let Some(dir) = built.executable.parent() {
        dirs.extend([dir.to_owned(), dir.join("deps")]);
    }
    dirs.extend(config::target_libraries());
    let set = std::env::var_os(name).unwrap_or_default();
    dirs.extend(std::env::split_paths(&set));
    let mut seen = HashSet::new();
    dirs.retain(|dir| seen.insert(dir.clone()));
    std::env::join_paths(dirs).ok().map(|value| (name, value))
}
