//! Stored runs, and snapshots of them.

use std::path::{Path, PathBuf};

use crate::advise;
use crate::baseline::Baselines;
use crate::error::Error;
use crate::facts::{self, Facts};
use crate::profile::Profile;
use crate::run_dir::{self, Repetition, RunRecord};
use crate::snapshot::{self, Repeated, Snapshot};

/// What is stored of a run: its record, and the profile that is reported.
///
/// # Errors
///
/// A file that is missing, damaged or newer.
pub fn load(dir: &Path) -> Result<(RunRecord, Profile), Error> {
    let record = run_dir::read(dir)?;
    let profile = Profile::read(&dir.join(&record.repetitions[record.reported].profile))?;
    Ok((record, profile))
}

/// A snapshot of runs of one workload, all their repetitions taken together.
///
/// # Errors
///
/// A file that is missing, damaged or newer; a repetition that didn't end well, whose counts are not
/// whole; runs of different workloads.
pub fn snapshot(dirs: &[PathBuf], root: &Path) -> Result<Snapshot, Error> {
    let mut all: Vec<Profile> = Vec::new();
    let mut first: Option<RunRecord> = None;
    for dir in dirs {
        let record = run_dir::read(dir)?;
        whole(&record)?;
        if let Some(first) = &first {
            alike(first, &record)?;
        }
        for repetition in &record.repetitions {
            all.push(Profile::read(&dir.join(&repetition.profile))?);
        }
        first.get_or_insert(record);
    }
    let record = first.ok_or_else(|| Error::Internal("a snapshot of no run".to_owned()))?;
    Ok(of_profiles(&record, &all, root))
}

/// A snapshot of these repetitions.
pub fn of_profiles(record: &RunRecord, profiles: &[Profile], root: &Path) -> Snapshot {
    let source = advise::scan(&record.roots, root);
    let join = |profile| facts::join(profile, &source, advise::build(record));
    let all: Vec<Facts> = profiles.iter().map(join).collect();
    let repeated: Vec<Repeated<'_>> = all.iter().map(|facts| Repeated { facts }).collect();
    snapshot::gather(&record.workload, &record.environment, &repeated)
}

/// A snapshot by name: of a run (`last`, its name, id or directory), a baseline, or a file of them.
///
/// # Errors
///
/// Nothing is called so; what is can't be used.
pub fn named(name: &str, data_dir: &Path, root: &Path) -> Result<Snapshot, Error> {
    let missing = match run_dir::find(data_dir, name) {
        Ok(dir) => return snapshot(&[dir], root),
        Err(error) => error,
    };
    if Path::new(name).extension().is_some_and(|extension| extension == "json")
        && Path::new(name).is_file()
    {
        let baselines = Baselines::read(Path::new(name))?;
        let mut all = baselines.all();
        return match (all.next(), all.next()) {
            (Some((_, only)), None) => Ok(only.clone()),
            _ => Ok(baselines.find(crate::baseline::DEFAULT)?.clone()),
        };
    }
    let baselines = Baselines::load(root)?;
    match baselines.get(name) {
        Some(found) => Ok(found.clone()),
        None if name == "last" => Err(missing),
        None => Err(Error::NoRun {
            message: format!("neither a run nor a baseline is called `{name}`"),
            hint: hint(&baselines, name),
        }),
    }
}

fn hint(baselines: &Baselines, name: &str) -> String {
    let known: Vec<String> = baselines.all().map(|(name, _)| name.to_owned()).collect();
    if known.is_empty() {
        return "`cargo hotpath run --save NAME` names a run, `cargo hotpath baseline save NAME` \
                keeps one as a baseline"
            .to_owned();
    }
    format!("of baselines, {}", crate::cargo::select::suggestion(name, &known))
}

/// Counts of a run that was cut short are no limit for those of a whole one.
fn whole(record: &RunRecord) -> Result<(), Error> {
    let is_whole = |it: &Repetition| {
        (it.exit.code == Some(0) || it.stopped) && !it.timed_out && it.failure.is_none()
    };
    if !record.interrupted && record.repetitions.iter().all(is_whole) {
        return Ok(());
    }
    Err(Error::usage(
        format!("run `{}` didn't end well, so its counts aren't whole", record.id),
        "run the workload again: `cargo hotpath run`",
    ))
}

fn alike(first: &RunRecord, other: &RunRecord) -> Result<(), Error> {
    let target = |record: &RunRecord| snapshot::Identity::from(&record.workload);
    if target(first).is_target_of(&target(other)) {
        return Ok(());
    }
    Err(Error::usage(
        format!(
            "runs `{}` and `{}` are of different programs: {} and {}",
            first.id,
            other.id,
            target(first).describe(),
            target(other).describe()
        ),
        "name runs of one workload",
    ))
}
