//! Stored runs, and snapshots of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::advise;
use crate::baseline::Baselines;
use crate::error::Error;
use crate::facts::{self, Facts};
use crate::profile::Profile;
use crate::run_dir::{self, Repetition, RunRecord};
use crate::schema::Run;
use crate::snapshot::{self, Fingerprint, Identity, InstructionCounts, Repeated, Snapshot};

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
/// whole; runs that aren't of the same program, or one that is named twice.
pub fn snapshot(dirs: &[PathBuf], root: &Path) -> Result<Snapshot, Error> {
    let mut all: Vec<Profile> = Vec::new();
    let mut records: Vec<RunRecord> = Vec::new();
    let mut ids: BTreeSet<String> = BTreeSet::new();
    for dir in dirs {
        let record = run_dir::read(dir)?;
        whole(&record)?;
        if let Some(first) = records.first() {
            alike(first, &record)?;
        }
        if !ids.insert(record.id.clone()) {
            return Err(Error::usage(
                format!("run `{}` is named twice, and would count twice", record.id),
                "name each run once",
            ));
        }
        for repetition in &record.repetitions {
            all.push(Profile::read(&dir.join(&repetition.profile))?);
        }
        records.push(record);
    }
    let first =
        records.first().ok_or_else(|| Error::Internal("a snapshot of no run".to_owned()))?;
    let mut snapshot = of_profiles(first, &all, root);
    snapshot.totals.instructions = instructions(&records);
    Ok(snapshot)
}

/// Every repetition of these runs.
///
/// # Errors
///
/// A record that is missing, damaged or newer.
pub fn runs(dirs: &[PathBuf]) -> Result<Vec<Run>, Error> {
    let records: Vec<RunRecord> =
        dirs.iter().map(|dir| run_dir::read(dir)).collect::<Result<_, _>>()?;
    Ok(records.iter().flat_map(advise::runs).collect())
}

/// A snapshot of these repetitions.
pub fn of_profiles(record: &RunRecord, profiles: &[Profile], root: &Path) -> Snapshot {
    let source = advise::scan(&record.roots, root);
    let join = |profile| facts::join(profile, &source, advise::build(record));
    let all: Vec<Facts> = profiles.iter().map(join).collect();
    let repeated: Vec<Repeated<'_>> = all.iter().map(|facts| Repeated { facts }).collect();
    let mut snapshot = snapshot::gather(&record.workload, &record.environment, &repeated);
    snapshot.totals.instructions = instructions(std::slice::from_ref(record));
    snapshot
}

/// The counts of all repetitions, where they were counted in one way.
fn instructions(records: &[RunRecord]) -> Option<InstructionCounts> {
    let mut sources = records.iter().filter_map(|record| record.instructions.as_ref());
    let source = sources.next()?.source;
    let counts: Vec<u64> = records
        .iter()
        .flat_map(|record| record.repetitions.iter().filter_map(|it| it.instructions))
        .collect();
    let is_one = sources.all(|other| other.source == source) && !counts.is_empty();
    is_one.then_some(InstructionCounts { source, counts })
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

/// Repetitions of one thing only say together how it is: not of two programs, inputs, builds or
/// commits.
fn alike(first: &RunRecord, other: &RunRecord) -> Result<(), Error> {
    let of = |record: &RunRecord| Identity::from(&record.workload);
    let (ours, theirs) = (of(first), of(other));
    let mut differences = Vec::new();
    if !ours.is_target_of(&theirs) {
        differences.push(format!("{} and {}", ours.describe(), theirs.describe()));
    }
    if ours.args != theirs.args {
        let args = |identity: &Identity| format!("`{}`", identity.args.join(" "));
        differences.push(format!("arguments {} and {}", args(&ours), args(&theirs)));
    }
    let print = |record: &RunRecord| Fingerprint::from(&record.environment);
    differences.extend(print(first).differences(&print(other)));
    let commit = |record: &RunRecord| record.environment.git.as_ref().map(|git| git.commit.clone());
    if let (Some(ours), Some(theirs)) = (commit(first), commit(other))
        && ours != theirs
    {
        differences.push(format!("commits {ours} and {theirs}"));
    }
    if first.build != other.build {
        differences.push("settings of the build".to_owned());
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::usage(
        format!(
            "runs `{}` and `{}` aren't of the same thing: {}",
            first.id,
            other.id,
            differences.join("; ")
        ),
        "name runs of one program as it is now, or each by itself",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_dir::tests::record;
    use crate::schema::Git;

    type Change = &'static dyn Fn(&mut RunRecord);

    #[test]
    fn runs_of_different_things_are_not_taken_together() {
        let first = record("a");
        let refused = |change: &dyn Fn(&mut RunRecord)| {
            let mut other = record("b");
            change(&mut other);
            alike(&first, &other).err().map(|error| error.to_string())
        };
        assert_eq!(refused(&|_| {}), None);
        let git = |commit: &str| Some(Git { commit: commit.to_owned(), dirty: false });
        assert_eq!(refused(&|it| it.environment.git = git("1")), None, "of one nobody knows");
        let cases: [(Change, &str); 4] = [
            (&|it| it.workload.name = "q".to_owned(), "bin `p` of package `p` and bin `q`"),
            (&|it| it.workload.args = vec!["x".to_owned()], "arguments `` and `x`"),
            (&|it| it.environment.profile = "dev".to_owned(), "profile `dev`"),
            (&|it| it.build.opt_level = "0".to_owned(), "settings of the build"),
        ];
        for (change, expected) in cases {
            let error = refused(change).expect(expected);
            assert!(error.contains(expected) && error.contains("`a` and `b`"), "{error}");
        }
        let mut committed = record("a");
        committed.environment.git = git("1");
        let mut other = committed.clone();
        assert!(alike(&committed, &other).is_ok());
        other.environment.git = git("2");
        assert!(alike(&committed, &other).unwrap_err().to_string().contains("commits 1 and 2"));
    }
}
