//! Manifests in the copy: paths that still lead where they led, and the runtime as a dependency.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike, Value, value};

use super::error::OverlayError;
use super::files::Entry;
use super::{Recipe, place};
use crate::profile::path::normal;

/// A dependency to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Name of the package, which is the key too.
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
    pub(super) fn new(recipe: &'a Recipe<'a>, names: &'a BTreeSet<&'a Path>) -> Self {
        Self { recipe, names }
    }

    /// The manifest as the copy has it; `None` where it is no manifest at all (test data may be
    /// called so).
    pub(super) fn adapted(&self, entry: &Entry) -> Result<Option<String>, OverlayError> {
        let is_root = entry.name == Path::new("Cargo.toml");
        let is_member = self.recipe.members.contains(&entry.path);
        let bytes = place::read(&entry.path)?;
        let parsed = String::from_utf8(bytes)
            .map_err(|error| error.to_string())
            .and_then(|text| text.parse::<DocumentMut>().map_err(|error| error.to_string()));
        let mut document = match parsed {
            Ok(document) => document,
            Err(_) if !is_root && !is_member => return Ok(None),
            Err(reason) => {
                return Err(OverlayError::Manifest { path: entry.path.clone(), reason });
            }
        };
        let directory = entry.path.parent().unwrap_or(self.recipe.from);
        self.fix_paths(document.as_table_mut(), directory);
        if is_root && !document.contains_key("workspace") {
            // Else cargo looks for one further out, and finds the user's.
            document.insert("workspace", Item::Table(Table::new()));
        }
        if is_member {
            self.add_runtime(document.as_table_mut());
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

    fn add_runtime(&self, root: &mut Table) {
        let Dependency { name, path, features } = self.recipe.runtime;
        let mut dependency = InlineTable::new();
        dependency.insert("path", Value::from(path.to_string_lossy().into_owned()));
        if !features.is_empty() {
            dependency.insert("features", Value::Array(features.iter().collect()));
        }
        let dependencies = root.entry("dependencies").or_insert_with(|| Item::Table(Table::new()));
        let Some(dependencies) = dependencies.as_table_like_mut() else { return };
        if !dependencies.contains_key(name) {
            dependencies.insert(name, value(dependency));
        }
    }
}

fn table<'t>(parent: &'t mut dyn TableLike, key: &str) -> Option<&'t mut dyn TableLike> {
    parent.get_mut(key)?.as_table_like_mut()
}
