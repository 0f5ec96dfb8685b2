//! `report`: the report of a stored run again.

use crate::advise;
use crate::cargo::metadata::Workspace;
use crate::cli::ReportArgs;
use crate::config::Config;
use crate::deliver;
use crate::error::{Error, Exit};
use crate::gate;
use crate::options::ReportOptions;
use crate::run_dir;
use crate::stored;
use crate::term::Term;

/// Reads the run and reports it as `run` did; sources are those of the workspace now.
pub fn report(args: ReportArgs, term: &Term) -> Result<Exit, Error> {
    let options = ReportOptions::try_from(args.report)?;
    deliver::check_all(&options)?;
    let workspace = Workspace::load(&args.manifest, args.target_dir.as_deref())?;
    let dir = run_dir::find(&workspace.data_dir, &args.run)?;
    let (record, profile) = stored::load(&dir)?;
    let config = Config::load(&workspace, &record.workload.package)?;
    let advice = advise::advise(&record, &profile, workspace.root(), &options, &config.rules);
    deliver::deliver(&advice, &options, term)?;
    Ok(gate::judge(&advice.report, term))
}
