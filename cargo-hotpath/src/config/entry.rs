//! One entry of the configuration, which knows its place for messages.

use std::path::Path;

use serde_json::{Map, Value};

use super::ConfigError;
use crate::cargo::select::suggestion;

/// A value with its file and the keys that lead to it.
pub(super) struct Entry<'a> {
    file: &'a Path,
    /// `workspace.metadata.hotpath.rules`; empty for the whole file.
    path: String,
    value: &'a Value,
}

impl<'a> Entry<'a> {
    pub(super) fn new(file: &'a Path, path: &str, value: &'a Value) -> Self {
        Self { file, path: path.to_owned(), value }
    }

    /// Refuses keys of a table that are not among these.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ConfigError> {
        let Some(key) = self.table()?.keys().find(|key| !known.contains(&key.as_str())) else {
            return Ok(());
        };
        let known: Vec<String> = known.iter().map(|&name| name.to_owned()).collect();
        let place =
            if self.path.is_empty() { String::new() } else { format!(" in `[{}]`", self.path) };
        Err(self.refuse(format!("unknown key `{key}`{place}"), suggestion(key, &known)))
    }

    /// What stands under a key of a table.
    pub(super) fn get(&self, key: &str) -> Result<Option<Entry<'a>>, ConfigError> {
        let value = self.table()?.get(key);
        Ok(value.map(|value| Entry { file: self.file, path: self.below(key), value }))
    }

    /// All entries of a table.
    pub(super) fn entries(
        &self,
    ) -> Result<impl Iterator<Item = (&'a str, Entry<'a>)>, ConfigError> {
        let entry = |(key, value): (&'a String, &'a Value)| {
            (key.as_str(), Entry { file: self.file, path: self.below(key), value })
        };
        Ok(self.table()?.iter().map(entry))
    }

    /// The file that it stands in.
    pub(super) fn file(&self) -> &'a Path {
        self.file
    }

    /// The keys that lead to it, with dots.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// A number, unless it is something else.
    pub(super) fn as_number(&self) -> Option<f64> {
        self.value.as_f64()
    }

    /// A text, unless it is something else.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// One of these names.
    pub(super) fn choice<T: Copy>(
        &self,
        what: &str,
        names: &[(&str, T)],
    ) -> Result<T, ConfigError> {
        let known: Vec<String> = names.iter().map(|(name, _)| (*name).to_owned()).collect();
        let given = self.text().unwrap_or_default();
        let found = names.iter().find(|(name, _)| *name == given);
        found.map(|(_, value)| *value).ok_or_else(|| {
            self.refuse(
                format!("`{}` is {}, which is no {what}", self.path, self.value),
                suggestion(given, &known),
            )
        })
    }

    /// A number from 0 on, up to `most`.
    pub(super) fn number(&self, most: f64) -> Result<f64, ConfigError> {
        let number = self.value.as_f64().filter(|number| (0.0..=most).contains(number));
        number.ok_or_else(|| {
            let range =
                if most.is_finite() { format!("from 0 to {most}") } else { "from 0 on".to_owned() };
            self.refuse(
                format!("`{}` is {}, which is no such number", self.path, self.value),
                format!("write a number {range}, without quotes: `2.5`"),
            )
        })
    }

    /// An error at this place.
    pub(super) fn refuse(&self, what: String, hint: String) -> ConfigError {
        ConfigError::Entry { file: self.file.to_owned(), what, hint }
    }

    fn table(&self) -> Result<&'a Map<String, Value>, ConfigError> {
        self.value.as_object().ok_or_else(|| {
            self.refuse(
                format!("`{}` is {}, which is no table", self.path, self.value),
                format!("write its entries under `[{}]`", self.path),
            )
        })
    }

    fn below(&self, key: &str) -> String {
        let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let key = if key.chars().all(is_bare) { key.to_owned() } else { format!("{key:?}") };
        if self.path.is_empty() { key } else { format!("{}.{key}", self.path) }
    }
}
