//! What `cargo metadata` says of the workspace.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::{Metadata, MetadataCommand, Package, PackageId};

use crate::cli::ManifestArgs;
use crate::error::Error;

/// The package that users depend on.
pub const RUNTIME: &str = "hotpath-runtime";

/// The workspace, with where we keep our data.
#[derive(Debug)]
pub struct Workspace {
    metadata: Metadata,
    /// `target/hotpath`.
    pub data_dir: PathBuf,
    /// Package in whose directory the command was started.
    current: Option<PackageId>,
}

impl Workspace {
    /// Asks cargo; `target_dir` is the user's `--target-dir`.
    pub fn load(manifest: &ManifestArgs, target_dir: Option<&Path>) -> Result<Self, Error> {
        let mut command = MetadataCommand::new();
        command.cargo_path(super::program()).no_deps();
        if let Some(path) = &manifest.manifest_path {
            command.manifest_path(path);
        }
        command.other_options(manifest_flags(manifest));
        let metadata = command.exec().map_err(|error| Error::Metadata(reason(&error)))?;
        let target = match target_dir {
            Some(dir) => std::path::absolute(dir).map_err(|e| Error::output(dir.display(), e))?,
            None => metadata.target_directory.clone().into_std_path_buf(),
        };
        let mut workspace = Self { metadata, data_dir: target.join("hotpath"), current: None };
        workspace.current = workspace.find_current(manifest.manifest_path.as_deref());
        Ok(workspace)
    }

    /// Root directory of the workspace.
    pub fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// What the workspace's manifest says to other tools.
    pub fn metadata(&self) -> &serde_json::Value {
        &self.metadata.workspace_metadata
    }

    /// Where cargo puts what it builds for the user.
    pub fn target_directory(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// Members, by name.
    pub fn members(&self) -> Vec<&Package> {
        let mut members = self.metadata.workspace_packages();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        members
    }

    /// The packages that cargo selects without `-p`: the current one, else the default members.
    pub fn default_packages(&self) -> Vec<&Package> {
        if let Some(id) = &self.current {
            return vec![&self.metadata[id]];
        }
        if self.metadata.workspace_default_members.is_available() {
            self.metadata.workspace_default_packages()
        } else {
            self.members()
        }
    }

    /// Members that a package's normal, build or dev dependencies lead to, itself first.
    pub fn reachable<'a>(&'a self, package: &'a Package) -> Vec<&'a Package> {
        let members = self.members();
        let mut seen = BTreeSet::from([&package.id]);
        let mut queue = VecDeque::from([package]);
        let mut found = Vec::new();
        while let Some(package) = queue.pop_front() {
            found.push(package);
            for dependency in &package.dependencies {
                let Some(path) = &dependency.path else { continue };
                let member = members.iter().find(|m| m.manifest_path.parent() == Some(path));
                if let Some(member) = member.filter(|member| seen.insert(&member.id)) {
                    queue.push_back(member);
                }
            }
        }
        found
    }

    /// A package other than the root's default selection, when the directory is inside of it.
    fn find_current(&self, manifest: Option<&Path>) -> Option<PackageId> {
        let start = if let Some(path) = manifest {
            path.canonicalize().ok()?
        } else {
            let here = std::env::current_dir().ok()?.canonicalize().ok()?;
            here.ancestors().map(|dir| dir.join("Cargo.toml")).find(|path| path.is_file())?
        };
        let same = |path: &Path| path.canonicalize().is_ok_and(|path| path == start);
        if same(&self.root().join("Cargo.toml")) {
            return None;
        }
        let member = self.members().into_iter().find(|m| same(m.manifest_path.as_std_path()))?;
        Some(member.id.clone())
    }
}

/// Has cargo hold the lock file against the manifests, as `--locked` means it.
///
/// Not by its metadata: that wants the crates of all platforms fetched, where a build wants those of one.
/// A tree without development dependencies or features wants none that the build of this package doesn't.
pub fn check_locked(manifest: &ManifestArgs, package: &Package) -> Result<(), Error> {
    let mut command = Command::new(super::program());
    command.args(["tree", "--quiet", "--no-default-features", "--edges=normal", "--depth=0"]);
    command.arg("--package").arg(spec(package)).args(manifest_flags(manifest));
    if let Some(path) = &manifest.manifest_path {
        command.arg("--manifest-path").arg(path);
    }
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| Error::Metadata(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Metadata(words(&String::from_utf8_lossy(&output.stderr))))
}

/// The names under which a package's manifest depends on the runtime.
pub fn runtime_names(package: &Package) -> Vec<String> {
    let mut names: Vec<String> = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.name == RUNTIME)
        .map(|dependency| dependency.rename.clone().unwrap_or_else(|| dependency.name.clone()))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// Name and version: a name alone may also be that of a dependency.
pub fn spec(package: &Package) -> String {
    format!("{}@{}", package.name, package.version)
}

/// `--locked`, `--offline` and `--frozen`, as given.
pub fn manifest_flags(manifest: &ManifestArgs) -> Vec<String> {
    let flags = [
        ("--locked", manifest.locked),
        ("--offline", manifest.offline),
        ("--frozen", manifest.frozen),
    ];
    flags.iter().filter(|(_, given)| *given).map(|(flag, _)| (*flag).to_owned()).collect()
}

fn reason(error: &cargo_metadata::Error) -> String {
    match error {
        cargo_metadata::Error::CargoMetadata { stderr } => words(stderr),
        other => other.to_string(),
    }
}

/// Cargo's words without its `error:`, which ours has already.
fn words(stderr: &str) -> String {
    // With RUST_BACKTRACE set, rustup shows where in itself it gave up.
    let text = stderr.split("\nStack backtrace:").next().unwrap_or(stderr).trim();
    text.strip_prefix("error: ").unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_what_cargo_or_rustup_says_of_it() {
        for (stderr, expected) in [
            ("error: no `Cargo.toml`\n", "no `Cargo.toml`"),
            (
                "error: toolchain 'x' is not installed\n\nStack backtrace:\n   0: main\n",
                "toolchain 'x' is not installed",
            ),
            ("", ""),
        ] {
            let error = cargo_metadata::Error::CargoMetadata { stderr: stderr.to_owned() };
            assert_eq!(reason(&error), expected);
        }
    }
}
