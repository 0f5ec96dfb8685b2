//! The configuration: `[workspace.metadata.hotpath]` and `[package.metadata.hotpath]`, or
//! `hotpath.toml` at the workspace root.

mod budget;
mod entry;
mod error;
mod rules;

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::cargo::metadata::Workspace;
use crate::rules::Settings;

pub use budget::BudgetEntry;
pub use error::ConfigError;

use entry::Entry;

/// The file at the workspace root.
const FILE: &str = "hotpath.toml";

/// The key in the tables of manifests that are others' to use.
const TABLE: &str = "hotpath";

/// What is configured.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What is said of rules.
    pub rules: Settings,
    /// Limits, by what they are for.
    pub budgets: BTreeMap<String, BudgetEntry>,
}

impl Config {
    /// What holds for a workload of this package: its own words go before the workspace's.
    ///
    /// # Errors
    /// The first entry that can't be used.
    pub fn load(workspace: &Workspace, package: &str) -> Result<Self, ConfigError> {
        let root = workspace.root();
        let mut tables: Vec<(PathBuf, &str, &Value)> = Vec::new();
        if let Some(table) = workspace.metadata().get(TABLE) {
            tables.push((root.join("Cargo.toml"), "workspace.metadata.hotpath", table));
        }
        let members = workspace.members();
        let of_members = members.iter().filter_map(|member| {
            let table = member.metadata.get(TABLE)?;
            Some((member, (member.manifest_path.clone().into(), "package.metadata.hotpath", table)))
        });
        let of_members: Vec<_> = of_members.collect();
        let mut config = Self::default();
        if let Some(file) = read(&root.join(FILE))? {
            let other = tables.first().or(of_members.first().map(|(_, table)| table));
            if let Some((manifest, table, _)) = other {
                return Err(ConfigError::Both {
                    file: root.join(FILE),
                    manifest: manifest.clone(),
                    table: (*table).to_owned(),
                });
            }
            config.take(&Entry::new(&root.join(FILE), "", &Value::Object(file)))?;
        }
        let own = of_members.into_iter().filter(|(member, _)| *member.name == package);
        tables.extend(own.map(|(_, table)| table));
        for (manifest, table, value) in &tables {
            config.take(&Entry::new(manifest, table, value))?;
        }
        Ok(config)
    }

    fn take(&mut self, root: &Entry<'_>) -> Result<(), ConfigError> {
        root.only(&["budget", "rules"])?;
        if let Some(table) = root.get("rules")? {
            rules::take(&mut self.rules, &table)?;
        }
        if let Some(table) = root.get("budget")? {
            budget::take(&mut self.budgets, &table)?;
        }
        Ok(())
    }
}

/// The file's table; `None` where there is no such file.
fn read(file: &Path) -> Result<Option<Map<String, Value>>, ConfigError> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ConfigError::Read { file: file.to_owned(), source }),
    };
    let table = toml_edit::de::from_str(&text);
    table.map(Some).map_err(|error| ConfigError::Syntax {
        file: file.to_owned(),
        line: error.span().map_or(1, |span| 1 + line_breaks(&text, span.start)),
        reason: error.message().to_owned(),
    })
}

fn line_breaks(text: &str, end: usize) -> usize {
    text.bytes().take(end).filter(|byte| *byte == b'\n').count()
}

#[cfg(test)]
pub(crate) mod tests;
