//! `baseline save|list|rm`: the runs kept in `hotpath-baseline.json`.

use std::fmt::Write as _;

use serde::Serialize;

use crate::baseline::Baselines;
use crate::cargo::metadata::Workspace;
use crate::cli::{BaselineArgs, BaselineCommand, Format};
use crate::compare;
use crate::error::{Error, Exit};
use crate::options::check_name;
use crate::replace::{self, Staged};
use crate::report::comparison;
use crate::run_dir;
use crate::schema::SCHEMA_VERSION;
use crate::snapshot::{Fingerprint, Identity, Snapshot};
use crate::stored;
use crate::term::{self, Term};
use crate::units;

/// Keeps, lists or removes baselines.
pub fn baseline(args: &BaselineArgs, term: &Term) -> Result<Exit, Error> {
    let workspace = Workspace::load(&args.manifest, args.target_dir.as_deref())?;
    let mut baselines = Baselines::load(workspace.root())?;
    match &args.command {
        BaselineCommand::Save { name, run } => {
            check_name(name)?;
            let dir = run_dir::find(&workspace.data_dir, run)?;
            let snapshot = stored::snapshot(&[dir], workspace.root())?;
            let staged = stage(&mut baselines, (name, run), snapshot, term)?;
            commit(vec![staged])?;
        }
        BaselineCommand::List { format } => {
            let text = match format {
                Format::Json => json(&baselines)?,
                Format::Human => human(&baselines),
                other => {
                    return Err(Error::usage(
                        format!("a list of baselines has no format `{}`", other.name()),
                        "there are `human` and `json`",
                    ));
                }
            };
            term::write_stdout(&text)?;
        }
        BaselineCommand::Rm { name } => {
            baselines.remove(name)?;
            baselines.write()?;
            term.change("Removed", format_args!("baseline `{name}`"));
        }
    }
    Ok(Exit::Success)
}

/// Makes ready the file with this baseline in it, and says what that changes: nothing is accepted
/// silently.
pub(super) fn stage(
    baselines: &mut Baselines,
    (name, run): (&str, &str),
    snapshot: Snapshot,
    term: &Term,
) -> Result<Staged, Error> {
    baselines.refresh(name)?;
    let before = baselines.get(name);
    if let Some(before) = before {
        alike((name, before), &snapshot)?;
        let compared = compare::compare(before, &snapshot);
        let text = comparison::human(&compared, (name, run), usize::MAX);
        text.lines().for_each(|line| term.change("", line));
    }
    if snapshot.totals.allocs.is_none() {
        term.warning(format_args!("baseline `{name}` has no allocations: they were not measured"));
    }
    let functions = units::counted(snapshot.functions.len() as u64, "function");
    let what = snapshot.workload.describe();
    let verb = if before.is_some() { "Replacing" } else { "Saving" };
    baselines.set(name, snapshot)?;
    let staged = baselines.stage()?;
    let path = baselines.path().display();
    term.change(verb, format_args!("baseline `{name}` in {path}: {what}, {functions}"));
    Ok(staged)
}

/// Puts files in their places, all or none.
pub(super) fn commit(staged: Vec<Staged>) -> Result<(), Error> {
    replace::commit_all(staged).map_err(|(path, source)| Error::output(path.display(), source))
}

/// A baseline is replaced by one of the same program only.
fn alike((name, before): (&str, &Snapshot), new: &Snapshot) -> Result<(), Error> {
    if before.workload.is_target_of(&new.workload) {
        return Ok(());
    }
    Err(Error::usage(
        format!(
            "baseline `{name}` is of {}, and the run is of {}",
            before.workload.describe(),
            new.workload.describe()
        ),
        format!(
            "give it a name of its own, `cargo hotpath baseline save NAME`, or take the other out \
             first: `cargo hotpath baseline rm {name}`"
        ),
    ))
}

fn human(baselines: &Baselines) -> String {
    let mut text = String::new();
    for (name, snapshot) in baselines.all() {
        let Snapshot { workload, environment, totals, functions, .. } = snapshot;
        let allocs = totals.allocs.map_or_else(
            || "allocations not measured".to_owned(),
            |allocs| units::counted(allocs.least, "allocation"),
        );
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "{name}  {}, {}, {allocs}, {}, {}",
            workload.describe(),
            units::counted(functions.len() as u64, "function"),
            units::counted(snapshot.repetitions() as u64, "repetition"),
            environment.rustc
        );
    }
    if text.is_empty() {
        text.push_str(
            "no baseline is kept: `cargo hotpath baseline save` makes one of the last run\n",
        );
    }
    text
}

/// The list for machines.
#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    baselines: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    workload: &'a Identity,
    environment: &'a Fingerprint,
    repetitions: usize,
    functions: usize,
    allocs: Option<crate::snapshot::Count>,
}

fn json(baselines: &Baselines) -> Result<String, Error> {
    let rows = baselines.all().map(|(name, snapshot)| Row {
        name,
        workload: &snapshot.workload,
        environment: &snapshot.environment,
        repetitions: snapshot.repetitions(),
        functions: snapshot.functions.len(),
        allocs: snapshot.totals.allocs,
    });
    let document = Document { schema_version: SCHEMA_VERSION, baselines: rows.collect() };
    let text = serde_json::to_string_pretty(&document);
    text.map(|text| text + "\n").map_err(|error| Error::Internal(error.to_string()))
}
