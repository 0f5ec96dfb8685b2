//! Runs on disk: `target/hotpath/runs/<time>-<id>/` with a record and a profile per repetition.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::date;
use crate::error::Error;
use crate::replace::write_atomically;
use crate::schema::{Environment, Exit, InstructionSource, Warning, Workload};

/// Version of `run.json`; readers refuse newer ones.
pub const RECORD_VERSION: u32 = 4;

const RECORD: &str = "run.json";
const RUNS: &str = "runs";
const NAMES: &str = "names";

/// What `run.json` says of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    /// [`RECORD_VERSION`] of the writer.
    pub version: u32,
    /// Name of the run's directory.
    pub id: String,
    /// When it began, UTC.
    pub started: String,
    /// Our command line.
    pub command: Vec<String>,
    /// Machine, toolchain and source state.
    pub environment: Environment,
    /// What ran, and how the reported repetition ended.
    pub workload: Workload,
    /// How it was built.
    pub build: Build,
    /// Crates whose sources hold the measured functions.
    pub roots: Vec<CrateRoot>,
    /// Every repetition, in order.
    pub repetitions: Vec<Repetition>,
    /// Index of the repetition that the figures are from.
    pub reported: usize,
    /// How instructions were counted, where they were asked for; `None` in records of version 3.
    #[serde(default)]
    pub instructions: Option<Counting>,
    /// Whether Ctrl-C ended it.
    pub interrupted: bool,
    /// What to know before reading the figures.
    pub warnings: Vec<Warning>,
}

impl RunRecord {
    /// The command line without the program: cargo calls `cargo-hotpath hotpath ..`, a user perhaps
    /// `cargo-hotpath ..`.
    pub fn arguments(&self) -> &[String] {
        match self.command.get(1..).unwrap_or_default() {
            [first, rest @ ..] if first == "hotpath" => rest,
            all => all,
        }
    }
}

/// How instructions were counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counting {
    /// What was to count them.
    pub source: InstructionSource,
    /// Why a repetition has no count.
    pub reason: Option<String>,
}

/// How the workload was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// `opt-level`.
    pub opt_level: String,
    /// Debug assertions.
    pub debug_assertions: bool,
    /// Manifest of the workload's package, relative to the workspace root where it lies there.
    pub manifest: String,
    /// How code is generated; `None` where it can't be found out, and in records of version 2.
    #[serde(default)]
    pub codegen: Option<Codegen>,
    /// Whether the program has a global allocator of its own; `None` in records of version 2.
    #[serde(default)]
    pub own_allocator: Option<bool>,
}

/// Settings of the profile; `None` where cargo's default holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Codegen {
    /// `fat`, `thin`, `off` or `false`.
    pub lto: Option<String>,
    /// `codegen-units`.
    pub codegen_units: Option<u64>,
}

/// Where the source of a crate begins.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrateRoot {
    /// Package.
    pub package: String,
    /// Target, by its crate name.
    pub target: String,
    /// Edition.
    pub edition: String,
    /// File, relative to the workspace root where it lies there.
    pub file: String,
    /// Whether its functions were measured though they carry no attribute.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub implicit: bool,
}

/// One repetition.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repetition {
    /// File name of its profile.
    pub profile: String,
    /// From spawn to exit.
    pub wall_ns: u64,
    /// CPU time from the system.
    pub cpu_ns: Option<u64>,
    /// Allocations of the process; `null` when not measured.
    pub allocs: Option<u64>,
    /// Instructions that it ran; `None` where they were not counted, and in records of version 3.
    #[serde(default)]
    pub instructions: Option<u64>,
    /// How it ended.
    pub exit: Exit,
    /// Whether `--timeout` ended it.
    pub timed_out: bool,
    /// Whether it was stopped as planned (`--drive`, `--duration`): how it ended is then no failure.
    #[serde(default)]
    pub stopped: bool,
    /// What of the plan failed, to follow "the workload".
    #[serde(default)]
    pub failure: Option<String>,
}

/// A run's directory.
#[derive(Clone, Debug)]
pub struct RunDir {
    /// Its path.
    pub path: PathBuf,
    /// Its name.
    pub id: String,
    /// When it was made, UTC.
    pub started: String,
}

impl RunDir {
    /// Makes a directory of its own for this run: two runs at once never share one.
    pub fn create(data_dir: &Path) -> Result<Self, Error> {
        let runs = data_dir.join(RUNS);
        let failed = |source| Error::output(runs.display(), source);
        fs::create_dir_all(&runs).map_err(failed)?;
        let now = date::Utc::now();
        let dir = tempfile::Builder::new()
            .prefix(&format!("{}-", now.compact()))
            .rand_bytes(6)
            .tempdir_in(&runs)
            .map_err(failed)?;
        let path = dir.keep();
        let id = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { path, id, started: now.to_string() })
    }

    /// File name and path of a repetition's profile.
    pub fn profile(&self, repetition: usize) -> (String, PathBuf) {
        let name = format!("profile-{}.json", repetition + 1);
        let path = self.path.join(&name);
        (name, path)
    }

    /// Writes the record; the run counts from now on.
    pub fn finish(&self, record: &RunRecord) -> Result<(), Error> {
        let path = self.path.join(RECORD);
        let text = serde_json::to_string_pretty(record)
            .map_err(|error| Error::Internal(error.to_string()))?;
        write_atomically(&path, text.as_bytes())
            .map_err(|source| Error::output(path.display(), source))
    }

    /// Takes the directory away again: the run came to nothing.
    pub fn discard(&self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Gives a run a name.
pub fn save_as(data_dir: &Path, name: &str, id: &str) -> Result<(), Error> {
    let path = data_dir.join(NAMES).join(name);
    let write = || {
        fs::create_dir_all(data_dir.join(NAMES))?;
        write_atomically(&path, id.as_bytes())
    };
    write().map_err(|source| Error::output(path.display(), source))
}

/// Finds a run by name, id, directory, or `last`.
pub fn find(data_dir: &Path, run: &str) -> Result<PathBuf, Error> {
    let runs = data_dir.join(RUNS);
    if run == "last" {
        return newest(&runs).ok_or_else(|| no_run("nothing has run here yet".to_owned()));
    }
    let plain = Path::new(run).components().count() == 1 && run != "." && run != "..";
    if plain {
        let named = fs::read_to_string(data_dir.join(NAMES).join(run)).ok();
        let candidates = [named.map(|id| runs.join(id.trim())), Some(runs.join(run))];
        if let Some(found) = candidates.into_iter().flatten().find(|dir| dir.join(RECORD).is_file())
        {
            return Ok(found);
        }
    }
    let path = PathBuf::from(run);
    let dir = if path.ends_with(RECORD) { path.parent().map(Path::to_owned) } else { Some(path) };
    dir.filter(|dir| dir.join(RECORD).is_file())
        .ok_or_else(|| no_run(format!("no run is called `{run}`")))
}

fn no_run(message: String) -> Error {
    Error::NoRun {
        message,
        hint: "`cargo hotpath run` makes one; `--save NAME` names it".to_owned(),
    }
}

/// Names begin with the time, so they sort by it.
fn newest(runs: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(runs).ok()?.flatten().map(|entry| entry.path());
    entries.filter(|path| path.join(RECORD).is_file()).max()
}

/// Reads a run's record.
pub fn read(dir: &Path) -> Result<RunRecord, Error> {
    let path = dir.join(RECORD);
    let unusable = |reason: String| Error::Data { path: path.clone(), reason };
    let text = fs::read_to_string(&path).map_err(|error| unusable(error.to_string()))?;
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| unusable(format!("it is damaged: {error}")))?;
    match value["version"].as_u64() {
        Some(version) if version > u64::from(RECORD_VERSION) => {
            return Err(unusable(format!("it is of the newer version {version}")));
        }
        Some(_) => {}
        None => return Err(unusable("it is no record of a run".to_owned())),
    }
    let record: RunRecord = serde_json::from_value(value)
        .map_err(|error| unusable(format!("it is damaged: {error}")))?;
    let plain = |repetition: &Repetition| Path::new(&repetition.profile).components().count() == 1;
    if record.reported >= record.repetitions.len() || !record.repetitions.iter().all(plain) {
        return Err(unusable("it is damaged: it names a repetition that it hasn't".to_owned()));
    }
    Ok(record)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn record(id: &str) -> RunRecord {
        RunRecord {
            version: RECORD_VERSION,
            id: id.to_owned(),
            started: String::new(),
            command: Vec::new(),
            environment: Environment::default(),
            workload: Workload {
                kind: "bin".to_owned(),
                package: "p".to_owned(),
                name: "p".to_owned(),
                args: Vec::new(),
                exit: Exit::default(),
            },
            build: Build {
                opt_level: "3".to_owned(),
                debug_assertions: false,
                manifest: "Cargo.toml".to_owned(),
                codegen: None,
                own_allocator: None,
            },
            roots: Vec::new(),
            repetitions: vec![Repetition {
                profile: "profile-1.json".to_owned(),
                wall_ns: 1,
                cpu_ns: None,
                allocs: None,
                instructions: None,
                exit: Exit { code: Some(0), signal: None },
                timed_out: false,
                stopped: false,
                failure: None,
            }],
            reported: 0,
            instructions: None,
            interrupted: false,
            warnings: Vec::new(),
        }
    }

    fn stored(data_dir: &Path) -> RunDir {
        let dir = RunDir::create(data_dir).unwrap();
        dir.finish(&record(&dir.id)).unwrap();
        dir
    }

    #[test]
    fn a_run_is_found_by_every_name_it_has() {
        let data = tempfile::tempdir().unwrap();
        let dir = stored(data.path());
        save_as(data.path(), "before", &dir.id).unwrap();
        for name in ["last", "before", &dir.id, dir.path.to_str().unwrap()] {
            assert_eq!(find(data.path(), name).unwrap(), dir.path, "{name}");
        }
        assert_eq!(read(&dir.path).unwrap().id, dir.id);
    }

    #[test]
    fn a_run_without_a_record_does_not_count() {
        let data = tempfile::tempdir().unwrap();
        let first = stored(data.path());
        let unfinished = RunDir::create(data.path()).unwrap();
        assert_ne!(first.path, unfinished.path);
        assert_eq!(find(data.path(), "last").unwrap(), first.path);
        assert!(matches!(find(data.path(), &unfinished.id), Err(Error::NoRun { .. })));
    }

    #[test]
    fn names_do_not_lead_out_of_their_directory() {
        let data = tempfile::tempdir().unwrap();
        for name in ["..", ".", "../..", ""] {
            assert!(matches!(find(data.path(), name), Err(Error::NoRun { .. })), "{name}");
        }
    }

    #[test]
    fn records_of_the_version_before_can_be_read() {
        let data = tempfile::tempdir().unwrap();
        let dir = stored(data.path());
        let path = dir.path.join(RECORD);
        let mut old: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        old["version"] = 2.into();
        for added in ["codegen", "own_allocator"] {
            old["build"].as_object_mut().unwrap().remove(added).expect("it is there");
        }
        old.as_object_mut().unwrap().remove("instructions").expect("it is there");
        let repetition = old["repetitions"][0].as_object_mut().unwrap();
        repetition.remove("instructions").expect("it is there");
        fs::write(&path, old.to_string()).unwrap();
        assert_eq!(read(&dir.path).unwrap().build.own_allocator, None);
    }

    #[test]
    fn unusable_records_are_refused_by_name() {
        let data = tempfile::tempdir().unwrap();
        let dir = stored(data.path());
        let path = dir.path.join(RECORD);
        let good = fs::read_to_string(&path).unwrap();
        let cases = [
            (good[..good.len() / 2].to_owned(), "damaged"),
            (good.replacen("\"version\": 4", "\"version\": 5", 1), "newer version 5"),
            ("{}".to_owned(), "no record"),
            (good.replace("\"reported\": 0", "\"reported\": 7"), "damaged"),
            (good.replace("profile-1.json", "../profile-1.json"), "damaged"),
        ];
        for (text, expected) in cases {
            fs::write(&path, text).unwrap();
            let error = read(&dir.path).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("run.json"), "{error}");
        }
    }
}
