//! Manifests in the copy: paths that still lead where they led, and the runtime as a dependency.

mod members;
mod runtime;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, TableLike, value};

use super::error::OverlayError;
use super::files::Entry;
use super::{Recipe, place};
use crate::profile::path::normal;

/// A dependency to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Name of the package.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Its features.
    pub features: Vec<String>,
}

/// What all manifests of one copy share.
pub(super) struct Manifests<'a> {
    recipe: &'a Recipe<'a>,
    /// Every file of the copy.
    names: &'a BTreeSet<&'a Path>,
    /// Dependencies on the runtime that members inherit from the workspace: by key, the features.
    inherited: BTreeMap<String, Vec<String>>,
}

/// Keys of dependency tables, the old spellings too.
const DEPENDENCIES: [&str; 5] = [
    "dependencies",
    "dev-dependencies",
    "build-dependencies",
    "dev_dependencies",
    "build_dependencies",
];

impl<'a> Manifests<'a> {
    pub(super) fn new(
        recipe: &'a Recipe<'a>,
        names: &'a BTreeSet<&'a Path>,
    ) -> Result<Self, OverlayError> {
        let root = read(&recipe.from.join("Cargo.toml"))?;
        let inherited = runtime::inherited(&root, &recipe.runtime.name);
        Ok(Self { recipe, names, inherited })
    }

    /// The manifest as the copy has it; `None` where it is no manifest at all (test data may be
    /// called so).
    pub(super) fn adapted(&self, entry: &Entry) -> Result<Option<String>, OverlayError> {
        let is_root = entry.name == Path::new("Cargo.toml");
        let member = self.recipe.members.get(&entry.path);
        let mut document = match read(&entry.path) {
            Ok(document) => document,
            Err(OverlayError::Manifest { .. }) if !is_root && member.is_none() => return Ok(None),
            Err(error) => return Err(error),
        };
        let directory = entry.path.parent().unwrap_or(self.recipe.from);
        self.fix_paths(document.as_table_mut(), directory);
        if is_root && !document.contains_key("workspace") {
            // Else cargo looks for one further out, and finds the user's.
            document.insert("workspace", Item::Table(Table::new()));
        }
        if is_root {
            members::keep_those_inside(&mut document, self.recipe);
        }
        runtime::redirect(document.as_table_mut(), self.recipe.runtime, &self.inherited);
        if let Some(name) = member {
            runtime::add(document.as_table_mut(), name, self.recipe.runtime);
        }
        Ok(Some(document.to_string()))
    }

    /// Makes relative paths that leave the copy absolute, wherever a manifest has them.
    fn fix_paths(&self, root: &mut Table, directory: &Path) {
        self.fix_dependency_tables(root, directory);
        if let Some(targets) = table(root, "target") {
            for (_, target) in targets.iter_mut() {
                if let Some(target) = target.as_table_like_mut() {
                    self.fix_dependency_tables(target, directory);
                }
            }
        }
        if let Some(dependencies) =
            table(root, "workspace").and_then(|workspace| table(workspace, "dependencies"))
        {
            self.fix_dependencies(dependencies, directory);
        }
        if let Some(patches) = table(root, "patch") {
            for (_, source) in patches.iter_mut() {
                if let Some(source) = source.as_table_like_mut() {
                    self.fix_dependencies(source, directory);
                }
            }
        }
        if let Some(replaced) = table(root, "replace") {
            self.fix_dependencies(replaced, directory);
        }
        self.fix_targets(root, directory);
    }

    fn fix_dependency_tables(&self, parent: &mut dyn TableLike, directory: &Path) {
        for key in DEPENDENCIES {
            if let Some(dependencies) = table(parent, key) {
                self.fix_dependencies(dependencies, directory);
            }
        }
    }

    fn fix_dependencies(&self, dependencies: &mut dyn TableLike, directory: &Path) {
        for (_, dependency) in dependencies.iter_mut() {
            if let Some(dependency) = dependency.as_table_like_mut() {
                self.fix_path(dependency, "path", directory, "Cargo.toml");
            }
        }
    }

    /// Crate roots and the build script may lie outside of the package.
    fn fix_targets(&self, root: &mut Table, directory: &Path) {
        if let Some(package) = table(root, "package") {
            self.fix_path(package, "build", directory, "");
        }
        if let Some(library) = table(root, "lib") {
            self.fix_path(library, "path", directory, "");
        }
        for key in ["bin", "example", "test", "bench"] {
            let Some(list) = root.get_mut(key).and_then(Item::as_array_of_tables_mut) else {
                continue;
            };
            for target in list.iter_mut() {
                self.fix_path(target, "path", directory, "");
            }
        }
    }

    /// Makes one path absolute, unless it leads to a file of the copy: `file`, below it.
    fn fix_path(&self, table: &mut dyn TableLike, key: &str, directory: &Path, file: &str) {
        let Some(item) = table.get_mut(key) else { return };
        let Some(path) = item.as_str() else { return };
        let whole = normal(&directory.join(path));
        let wanted = if file.is_empty() { whole.clone() } else { whole.join(file) };
        let inside =
            wanted.strip_prefix(self.recipe.from).is_ok_and(|name| self.names.contains(name));
        if inside && Path::new(path).is_relative() {
            return;
        }
        let target = match whole.strip_prefix(self.recipe.from) {
            // An absolute path into the workspace leads to the copy as well.
            Ok(name) if inside => self.recipe.to.join(name),
            _ => whole,
        };
        *item = value(target.to_string_lossy().into_owned());
    }
}

fn read(path: &Path) -> Result<DocumentMut, OverlayError> {
    let parsed = String::from_utf8(place::read(path)?)
        .map_err(|error| error.to_string())
        .and_then(|text| text.parse::<DocumentMut>().map_err(|error| error.to_string()));
    parsed.map_err(|reason| OverlayError::Manifest { path: path.to_owned(), reason })
}

fn table<'t>(parent: &'t mut dyn TableLike, key: &str) -> Option<&'t mut dyn TableLike> {
    parent.get_mut(key)?.as_table_like_mut()
}
