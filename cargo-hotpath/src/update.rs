//! `check --update`: sets limits to what was measured, in the configuration's own formatting.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hotpath_runtime_syntax::budget::{Limit, Metric, Unit};
use toml_edit::{DocumentMut, Item, TableLike, Value};

use crate::config::BudgetEntry;
use crate::error::Error;
use crate::judge;
use crate::replace::{self, Staged};
use crate::schema::{Budget, BudgetOrigin, BudgetStatus};

/// Room that a limit of time gets above what was measured.
const ROOM: f64 = 1.25;

/// A limit that is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The file that it stands in.
    pub file: PathBuf,
    /// Its table, with dots.
    pub table: String,
    /// The key of the entry.
    pub key: String,
    /// The metric.
    pub metric: Metric,
    /// As it was.
    pub old: Limit,
    /// As it is now.
    pub new: Limit,
}

impl Change {
    /// ``hotpath.toml: `orders::parse` allocs_per_call 3 -> 4``.
    pub fn describe(&self, root: &Path) -> String {
        let unit = self.metric.unit();
        let file = self.file.strip_prefix(root).unwrap_or(&self.file);
        format!(
            "{}: `{}` {} {} -> {}",
            file.display(),
            self.key,
            self.metric,
            self.old.written(unit),
            self.new.written(unit)
        )
    }
}

/// What the configuration would have to say: counts as they were in the repetition with the most, times
/// that are exceeded with some room. Percentages stay, as the baseline moves.
pub fn changes(entries: &BTreeMap<String, BudgetEntry>, budgets: &[Budget]) -> Vec<Change> {
    let mut wanted: BTreeMap<(&str, Metric), f64> = BTreeMap::new();
    let configured = budgets.iter().filter(|it| it.origin == BudgetOrigin::Configuration);
    for budget in configured {
        let Ok(metric) = budget.metric.parse::<Metric>() else { continue };
        let Some(entry) = judge::of_entry(entries, &budget.target, metric) else { continue };
        let Some(Limit::AtMost(old)) = entry.budget.get(metric) else { continue };
        let is_broken = budget.status == BudgetStatus::Fail;
        let value = match metric.unit() {
            Unit::Count => tight(budget.actual_most),
            Unit::Bytes => budget.actual_most.ceil(),
            Unit::Nanoseconds if is_broken => three_digits(budget.actual * ROOM),
            Unit::Nanoseconds => old,
        };
        let most = wanted.entry((&entry.key, metric)).or_insert(value);
        *most = most.max(value);
    }
    let change = |((key, metric), value): ((&str, Metric), f64)| {
        let entry = entries.get(key)?;
        let (old, new) = (entry.budget.get(metric)?, Limit::AtMost(value));
        (old != new).then(|| Change {
            file: entry.file.clone(),
            table: entry.table.clone(),
            key: key.to_owned(),
            metric,
            old,
            new,
        })
    };
    wanted.into_iter().filter_map(change).collect()
}

/// Writes what the files would hold beside them.
///
/// # Errors
///
/// A file that can't be read or written, or that has changed since it was read.
pub fn stage(changes: &[Change]) -> Result<Vec<Staged>, Error> {
    let mut files: BTreeMap<&Path, DocumentMut> = BTreeMap::new();
    for change in changes {
        if !files.contains_key(change.file.as_path()) {
            files.insert(&change.file, read(&change.file)?);
        }
        let placed = files.get_mut(change.file.as_path()).and_then(|document| {
            let entry = change.table.split('.').try_fold(document.as_item_mut(), below)?;
            let limit = below(below(entry, &change.key)?, change.metric.name())?;
            put(limit, change)
        });
        placed.ok_or_else(|| unusable(&change.file, "its budgets have changed meanwhile"))?;
    }
    let stage = |(file, document): (&Path, DocumentMut)| {
        let staged = replace::stage(file, document.to_string().as_bytes());
        staged.map_err(|source| Error::output(file.display(), source))
    };
    files.into_iter().map(stage).collect()
}

fn read(file: &Path) -> Result<DocumentMut, Error> {
    let text = fs::read_to_string(file).map_err(|error| unusable(file, &error.to_string()))?;
    text.parse().map_err(|error: toml_edit::TomlError| unusable(file, error.message()))
}

fn unusable(file: &Path, reason: &str) -> Error {
    Error::Data { path: file.to_owned(), reason: reason.to_owned() }
}

fn below<'d>(item: &'d mut Item, key: &str) -> Option<&'d mut Item> {
    let table: &mut dyn TableLike = item.as_table_like_mut()?;
    table.get_mut(key)
}

/// Replaces the value and nothing around it.
fn put(item: &mut Item, change: &Change) -> Option<()> {
    let old = item.as_value_mut()?;
    let Limit::AtMost(number) = change.new else { return None };
    let mut new = match change.metric.unit() {
        Unit::Count if number.fract() == 0.0 => Value::from(number as i64),
        Unit::Count => Value::from(number),
        unit => Value::from(change.new.written(unit)),
    };
    *new.decor_mut() = old.decor().clone();
    *old = new;
    Some(())
}

/// With as few decimals as say it: a limit lets nothing through that a few calls more would do.
fn tight(value: f64) -> f64 {
    const MOST: i32 = 9;
    let scaled = |digits: i32| (value * 10_f64.powi(digits), 10_f64.powi(digits));
    let is_near = |digits: &i32| {
        let (value, scale) = scaled(*digits);
        (value - value.round()).abs() / scale <= 1e-10
    };
    let (value, scale) = match (0..=MOST).find(is_near).map(scaled) {
        Some((value, scale)) => (value.round(), scale),
        None => (scaled(MOST).0.ceil(), scaled(MOST).1),
    };
    value / scale
}

/// Rounded up to three digits.
fn three_digits(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let scale = 10_f64.powf(value.log10().floor() - 2.0).max(1.0);
    (value / scale).ceil() * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_change_and_comments_stay() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("hotpath.toml");
        let text = "# ours\n[budget] # limits\n\"a::b\" = { allocs_per_call = 3, p99 = \"50 us\" } # why\n\n\
                    [budget.\"*\"]\nalloc_bytes   = \"1 KiB\"   # room\n";
        fs::write(&file, text).unwrap();
        let change = |key: &str, metric, old, new| Change {
            file: file.clone(),
            table: "budget".to_owned(),
            key: key.to_owned(),
            metric,
            old: Limit::AtMost(old),
            new: Limit::AtMost(new),
        };
        let changes = [
            change("a::b", Metric::AllocsPerCall, 3.0, 4.0),
            change("*", Metric::AllocBytes, 1024.0, 1025.0),
        ];
        let staged = stage(&changes).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "not before it is told");
        replace::commit_all(staged).unwrap();
        let expected = text.replace("call = 3", "call = 4").replace("\"1 KiB\"", "\"1025 B\"");
        assert_eq!(fs::read_to_string(&file).unwrap(), expected);
        assert_eq!(changes[0].describe(dir.path()), "hotpath.toml: `a::b` allocs_per_call 3 -> 4");
        let lost = change("a::c", Metric::AllocsPerCall, 3.0, 4.0);
        assert!(stage(&[change("a::b", Metric::AllocsPerCall, 4.0, 9.0), lost]).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), expected, "all or nothing");
    }

    #[test]
    fn counts_get_no_room() {
        for (actual, limit) in
            [(4.0, "4"), (3.1, "3.1"), (0.0, "0"), (1.0 / 3.0, "0.333333334"), (2.0005, "2.0005")]
        {
            assert_eq!(tight(actual).to_string(), limit);
            assert!(tight(actual) >= actual);
        }
    }

    #[test]
    fn limits_of_time_are_rounded_up() {
        assert_eq!(three_digits(123_456.0).to_string(), "124000");
        assert_eq!(three_digits(0.0).to_string(), "0");
        assert_eq!(three_digits(7.2).to_string(), "8");
    }
}
