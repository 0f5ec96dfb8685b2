//! `hotpath-baseline.json`: runs under names, to be committed and compared with.

mod error;
mod layout;
mod times;

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::replace::{self, Staged};
use crate::snapshot::Snapshot;

pub use error::BaselineError;

/// The file at the workspace root.
pub const FILE: &str = "hotpath-baseline.json";

/// The baseline that is meant where none is named.
pub const DEFAULT: &str = "default";

/// Version of the file; readers refuse newer ones.
pub const VERSION: u32 = 1;

/// All that is kept in one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Baselines {
    path: PathBuf,
    content: Content,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    baselines: BTreeMap<String, Snapshot>,
}

/// Read before anything else, so that a newer file is refused by its version and not by its fields.
#[derive(Deserialize)]
struct Header {
    version: u32,
}

impl Baselines {
    /// Reads the workspace's file; one that isn't there holds none.
    ///
    /// # Errors
    ///
    /// [`BaselineError::Read`], [`BaselineError::Newer`] and [`BaselineError::Damaged`] name the file
    /// and what is wrong with it.
    pub fn load(root: &Path) -> Result<Self, BaselineError> {
        Self::read(&root.join(FILE))
    }

    /// Reads a file, likewise.
    ///
    /// # Errors
    ///
    /// Those of [`Baselines::load`].
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let path = path.to_owned();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let content = Content { version: VERSION, ..Content::default() };
                return Ok(Self { path, content });
            }
            Err(source) => return Err(BaselineError::Read { path, source }),
        };
        let damaged = |source| BaselineError::Damaged { path: path.clone(), source };
        let header: Header = serde_json::from_slice(&bytes).map_err(damaged)?;
        if header.version > VERSION {
            return Err(BaselineError::Newer { path, found: header.version });
        }
        if header.version == 0 {
            return Err(damaged(serde::de::Error::custom("versions are counted from 1")));
        }
        let content = serde_json::from_slice(&bytes).map_err(damaged)?;
        Ok(Self { path, content })
    }

    /// Where they are kept.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<&Snapshot> {
        self.content.baselines.get(name)
    }

    /// One of them, or an error that names the nearest.
    ///
    /// # Errors
    ///
    /// [`BaselineError::Unknown`].
    pub fn find(&self, name: &str) -> Result<&Snapshot, BaselineError> {
        self.get(name).ok_or_else(|| BaselineError::Unknown {
            path: self.path.clone(),
            name: name.to_owned(),
            known: self.content.baselines.keys().cloned().collect(),
        })
    }

    /// All of them, by name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Snapshot)> {
        self.content.baselines.iter().map(|(name, snapshot)| (name.as_str(), snapshot))
    }

    /// Reads the file again, which others may have changed since: what they made of other baselines is
    /// kept, where this one is still what it was.
    ///
    /// # Errors
    ///
    /// [`BaselineError::Changed`] where it isn't, and those of [`Baselines::read`].
    pub fn refresh(&mut self, name: &str) -> Result<(), BaselineError> {
        let now = Self::read(&self.path)?;
        if now.get(name) != self.get(name) {
            let (path, name) = (self.path.clone(), name.to_owned());
            return Err(BaselineError::Changed { path, name });
        }
        *self = now;
        Ok(())
    }

    /// Puts one in, in place of another of this name, whose times stay where they only differ by noise.
    ///
    /// # Errors
    ///
    /// [`BaselineError::Unmeasured`] where that would take the allocations out of the file.
    pub fn set(&mut self, name: &str, mut snapshot: Snapshot) -> Result<(), BaselineError> {
        let is_measured = |old: &Snapshot| old.measures_allocations();
        if self.get(name).is_some_and(is_measured) && !snapshot.measures_allocations() {
            return Err(BaselineError::Unmeasured {
                path: self.path.clone(),
                name: name.to_owned(),
            });
        }
        if let Some(old) = self.get(name) {
            times::keep(old, &mut snapshot);
        }
        self.content.baselines.insert(name.to_owned(), snapshot);
        Ok(())
    }

    /// Takes one out.
    ///
    /// # Errors
    ///
    /// [`BaselineError::Unknown`].
    pub fn remove(&mut self, name: &str) -> Result<(), BaselineError> {
        self.find(name)?;
        self.content.baselines.remove(name);
        Ok(())
    }

    /// Writes beside the file and renames; without any baseline the file goes.
    ///
    /// # Errors
    ///
    /// [`BaselineError::Write`], with the file as it was.
    pub fn write(&mut self) -> Result<(), BaselineError> {
        let written = if self.content.baselines.is_empty() {
            fs::remove_file(&self.path)
        } else {
            self.stage()?.commit()
        };
        written.map_err(|source| BaselineError::Write { path: self.path.clone(), source })
    }

    /// Writes beside the file only, to be put in its place together with others.
    ///
    /// # Errors
    ///
    /// [`BaselineError::Write`].
    pub fn stage(&mut self) -> Result<Staged, BaselineError> {
        self.content.version = VERSION;
        let stage = || {
            let value = serde_json::to_value(&self.content)?;
            replace::stage(&self.path, layout::text(&value).as_bytes())
        };
        stage().map_err(|source| BaselineError::Write { path: self.path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{Count, Each, Figures};

    fn of_calls(calls: u64) -> Figures {
        Figures::of_each(vec![Each { calls, ..Each::default() }], true, false)
    }

    fn snapshot(calls: u64) -> Snapshot {
        let figures = of_calls(calls);
        let mut snapshot = Snapshot::default();
        snapshot.functions.insert("app::b".to_owned(), figures.clone());
        snapshot.functions.insert("app::a".to_owned(), figures);
        snapshot
    }

    #[test]
    fn what_is_written_is_read_again_and_one_function_is_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let mut baselines = Baselines::load(dir.path()).unwrap();
        assert_eq!(baselines.all().count(), 0);
        baselines.set(DEFAULT, snapshot(3)).unwrap();
        baselines.write().unwrap();
        let text = fs::read_to_string(dir.path().join(FILE)).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("\"app::")).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].contains("\"app::a\": {"), "sorted: {text}");
        let again = Baselines::load(dir.path()).unwrap();
        assert_eq!(again.find(DEFAULT).unwrap(), &snapshot(3));
        baselines.write().unwrap();
        assert_eq!(fs::read_to_string(dir.path().join(FILE)).unwrap(), text);
    }

    #[test]
    fn a_change_of_one_function_changes_one_line() {
        let dir = tempfile::tempdir().unwrap();
        let mut baselines = Baselines::load(dir.path()).unwrap();
        let mut write = |snapshot| {
            baselines.set(DEFAULT, snapshot).unwrap();
            baselines.write().unwrap();
            fs::read_to_string(dir.path().join(FILE)).unwrap()
        };
        let before = write(snapshot(3));
        let mut changed = snapshot(3);
        changed.functions.insert("app::a".to_owned(), of_calls(4));
        let after = write(changed);
        let differing = before.lines().zip(after.lines()).filter(|(a, b)| a != b).count();
        assert_eq!((differing, before.lines().count()), (1, after.lines().count()));
    }

    #[test]
    fn a_run_that_only_took_another_time_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut baselines = Baselines::load(dir.path()).unwrap();
        let mut write = |self_ns: u64| {
            let mut timed = snapshot(3);
            let each = vec![self_ns, 1_010, 990, 1_005];
            timed.totals.wall_ns.clone_from(&each);
            timed.functions.get_mut("app::a").unwrap().self_ns = each;
            baselines.set(DEFAULT, timed).unwrap();
            baselines.write().unwrap();
            fs::read_to_string(dir.path().join(FILE)).unwrap()
        };
        assert_eq!(write(1_000), write(1_001));
        let text = write(1_002);
        let line = text.lines().find(|line| line.contains("\"calls\": 3")).unwrap();
        assert!(!line.contains("_ns"), "counts and times apart: {line}");
    }

    #[test]
    fn an_unusable_file_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        for (text, expected) in [
            ("{\"version\": 1, \"baselines\": {", "damaged"),
            ("<<<<<<< HEAD", "damaged"),
            ("{\"version\": 99, \"other\": 1}", "version 99"),
            ("{\"version\": 0, \"baselines\": {}}", "damaged"),
            ("{\"version\": 1, \"baselines\": {\"a\": {\"oops\": 1}}}", "damaged"),
        ] {
            fs::write(&path, text).unwrap();
            let error = Baselines::load(dir.path()).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(error.to_string().contains(FILE), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn what_others_wrote_meanwhile_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let load = || Baselines::load(dir.path()).unwrap();
        let put = |mut baselines: Baselines, name: &str, calls| {
            baselines.refresh(name)?;
            baselines.set(name, snapshot(calls))?;
            baselines.write()
        };
        let (first, late) = (load(), load());
        put(first, "first", 1).unwrap();
        put(late, "late", 2).unwrap();
        assert_eq!(load().all().map(|(name, _)| name).collect::<Vec<_>>(), ["first", "late"]);
        let (first, late) = (load(), load());
        put(first, "first", 3).unwrap();
        let error = put(late, "first", 4).unwrap_err();
        assert!(error.to_string().contains("`first`") && error.hint().is_some(), "{error}");
        assert_eq!(load().get("first"), Some(&snapshot(3)), "as the other left it");
    }

    #[test]
    fn allocations_are_not_replaced_by_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut baselines = Baselines::load(dir.path()).unwrap();
        let mut measured = snapshot(1);
        measured.totals.allocs = Some(Count::exact(5));
        baselines.set(DEFAULT, snapshot(1)).unwrap();
        baselines.set(DEFAULT, measured.clone()).unwrap();
        let error = baselines.set(DEFAULT, snapshot(1)).unwrap_err();
        assert!(error.to_string().contains("`default`"), "{error}");
        assert!(error.hint().unwrap().contains("hotpath_runtime::Allocator"), "{error}");
        assert_eq!(baselines.get(DEFAULT), Some(&measured));
        baselines.set("other", snapshot(1)).unwrap();
    }

    #[test]
    fn unknown_names_lead_to_the_nearest_and_the_last_takes_the_file_along() {
        let dir = tempfile::tempdir().unwrap();
        let mut baselines = Baselines::load(dir.path()).unwrap();
        baselines.set("server", snapshot(1)).unwrap();
        baselines.write().unwrap();
        let error = baselines.find("sever").unwrap_err();
        assert_eq!(error.hint().unwrap(), "did you mean `server`?");
        assert!(baselines.remove("sever").is_err());
        baselines.remove("server").unwrap();
        baselines.write().unwrap();
        assert!(!dir.path().join(FILE).exists());
        let none = baselines.find("server").unwrap_err();
        assert!(none.hint().unwrap().contains("cargo hotpath baseline save"));
    }
}
