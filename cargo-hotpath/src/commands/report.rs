//! `report`: the report of a stored run again.

use std::path::Path;

use crate::advise;
use crate::cargo::metadata::Workspace;
use crate::cli::ReportArgs;
use crate::config::Config;
use crate::deliver;
use crate::error::{Error, Exit};
use crate::gate;
use crate::options::ReportOptions;
use crate::profile::Profile;
use crate::run_dir;
use crate::term::Term;

/// Reads the run and reports it as `run` did; sources are those of the workspace now.
pub fn report(args: ReportArgs, term: &Term) -> Result<Exit, Error> {
    let options = ReportOptions::try_from(args.report)?;
    deliver::check(options.output.as_deref())?;
    let workspace = Workspace::load(&args.manifest, args.target_dir.as_deref())?;
    let dir = run_dir::find(&workspace.data_dir, &args.run)?;
    let (record, profile) = load(&dir)?;
    let config = Config::load(&workspace, &record.workload.package)?;
    let advice = advise::advise(&record, &profile, workspace.root(), &options, &config.rules);
    deliver::deliver(&advice, &options, term)?;
    Ok(gate::judge(&advice.report, term))
}

/// What is stored of a run: its record, and the profile that is reported.
pub(super) fn load(dir: &Path) -> Result<(run_dir::RunRecord, Profile), Error> {
    let record = run_dir::read(dir)?;
    let profile = Profile::read(&dir.join(&record.repetitions[record.reported].profile))?;
    Ok((record, profile))
}
