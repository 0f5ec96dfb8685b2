//! The copy that is built in place of the workspace.

use std::fs;
use std::path::Path;

use cargo_metadata::semver::VersionReq;

use super::Plan;
use crate::cargo::metadata::{self, RUNTIME, Workspace};
use crate::cargo::select::{self, Selection};
use crate::cli::ManifestArgs;
use crate::error::Error;
use crate::overlay::{self, Dependency, Recipe};
use crate::term::Term;

/// Below the data directory.
const DIRECTORY: &str = "overlay";

/// A copy that is up to date.
#[derive(Debug)]
pub struct Copy {
    /// The workspace that it is.
    pub workspace: Workspace,
    /// How cargo is to read it.
    pub manifest: ManifestArgs,
}

impl Copy {
    /// Writes what differs, the runtime included, for this workload. The caller holds the build lock.
    ///
    /// # Errors
    ///
    /// Files can't be read or written, or the user's lock file doesn't fit `--locked`.
    pub fn make(
        plan: &Plan,
        workspace: &Workspace,
        selection: &Selection<'_>,
        asked: &ManifestArgs,
        term: &Term,
    ) -> Result<Self, Error> {
        if asked.locked || asked.frozen {
            // The copy's own lock file gets the runtime's packages.
            metadata::check_locked(asked, selection.package)?;
        }
        let to = workspace.data_dir.join(DIRECTORY);
        let runtime = match &plan.own_runtime {
            Some(directory) => match directory.strip_prefix(workspace.root()) {
                Ok(inside) => to.join(inside),
                Err(_) => directory.clone(),
            },
            None => overlay::runtime::install(&workspace.data_dir)?,
        };
        let offline = asked.offline || asked.frozen;
        plan.sync(workspace, &to, &runtime, offline, term)?;
        let manifest = ManifestArgs {
            manifest_path: Some(to.join("Cargo.toml")),
            locked: false,
            offline,
            frozen: false,
        };
        let copy = Workspace::load(&manifest, workspace.data_dir.parent())?;
        Ok(Self { workspace: copy, manifest })
    }

    /// What was selected in the user's workspace, here.
    ///
    /// # Errors
    ///
    /// The workload's package lies outside of the workspace's directory.
    pub fn selection(
        &self,
        workspace: &Workspace,
        selection: &Selection<'_>,
    ) -> Result<Selection<'_>, Error> {
        select::counterpart(&self.workspace, workspace, selection)
    }
}

impl Plan {
    /// Brings the copy at `to` up to date, with the runtime from this directory.
    ///
    /// # Errors
    ///
    /// Files can't be read or written.
    pub fn sync(
        &self,
        workspace: &Workspace,
        to: &Path,
        runtime: &Path,
        offline: bool,
        term: &Term,
    ) -> Result<(), Error> {
        let synced = overlay::sync(&Recipe {
            from: workspace.root(),
            to,
            without: &[workspace.data_dir.clone(), workspace.target_directory().to_owned()],
            needed: &self.files,
            members: &self.members,
            runtime: &Dependency {
                name: RUNTIME.to_owned(),
                path: runtime.to_owned(),
                features: features(workspace, offline),
            },
            edits: &self.edits,
        })?;
        term.detail(
            "Copied",
            format_args!("{} of {} files to {}", synced.written, synced.files, to.display()),
        );
        Ok(())
    }
}

/// Of the runtime: what measures streams needs a package that those who have streams have. What is locked
/// for another platform only may never have been fetched.
fn features(workspace: &Workspace, offline: bool) -> Vec<String> {
    let mut features = vec!["enabled".to_owned()];
    let lock = fs::read_to_string(workspace.root().join("Cargo.lock")).unwrap_or_default();
    let streams = VersionReq::parse("0.3").unwrap_or_default();
    let offline = offline || std::env::var_os("CARGO_NET_OFFLINE").is_some_and(|it| it == "true");
    if !offline && overlay::is_locked(&lock, "futures-core", &streams) {
        features.push("stream".to_owned());
    }
    features
}
