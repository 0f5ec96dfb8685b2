//! Limits in the files of the configuration, whose formatting stays.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hotpath_runtime_syntax::budget::{Limit, Metric, Unit};
use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::Change;
use crate::error::Error;
use crate::replace::{self, Staged};

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
        placed.ok_or_else(|| meanwhile(change))?;
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

fn meanwhile(change: &Change) -> Error {
    Error::usage(
        format!(
            "{}: {} of `{}` has changed since it was read",
            change.file.display(),
            change.metric,
            change.key
        ),
        "run it again, to judge by what it is now; nothing was overwritten",
    )
}

fn below<'d>(item: &'d mut Item, key: &str) -> Option<&'d mut Item> {
    let table: &mut dyn TableLike = item.as_table_like_mut()?;
    table.get_mut(key)
}

/// Replaces the value and nothing around it, unless it isn't the one that was judged.
fn put(item: &mut Item, change: &Change) -> Option<()> {
    let old = item.as_value_mut()?;
    if limit(old, change.metric)? != change.old {
        return None;
    }
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

/// The limit as it stands in a file.
fn limit(value: &Value, metric: Metric) -> Option<Limit> {
    let limit = match value {
        Value::String(text) => Limit::from_text(metric, text.value()),
        Value::Integer(number) => Limit::from_number(metric, *number.value() as f64),
        Value::Float(number) => Limit::from_number(metric, *number.value()),
        _ => return None,
    };
    limit.ok()
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
        let error = stage(&[change("*", Metric::AllocBytes, 1024.0, 2048.0)]).unwrap_err();
        assert!(error.to_string().contains("alloc_bytes of `*` has changed"), "{error}");
    }
}
