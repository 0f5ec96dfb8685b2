//! `run`: build, run, collect, join, rules, rank, report.

use crate::advise;
use crate::cargo::metadata::Workspace;
use crate::cargo::select;
use crate::commands::measure;
use crate::config::Config;
use crate::deliver;
use crate::error::{Error, Exit};
use crate::gate;
use crate::options::RunOptions;
use crate::term::Term;

/// Does it all; the exit code says how the workload went.
pub fn run(options: &RunOptions, term: &Term) -> Result<Exit, Error> {
    deliver::check_all(&options.report)?;
    let workspace = Workspace::load(&options.manifest, options.build.target_dir.as_deref())?;
    let selection = select::select(&workspace, options.package.as_deref(), &options.choice)?;
    let rules = Config::load(&workspace, &selection.package.name)?.rules;
    let outcome = measure::carry_out(options, &workspace, &selection, (&rules, None), term)?;
    let record = &outcome.record;
    let profile = &outcome.repetitions.profiles[record.reported];
    let step = term.step("Analysing", "what was measured");
    let advice = advise::advise(record, profile, workspace.root(), &options.report, &rules);
    drop(step);
    deliver::deliver(&advice, &options.report, term)?;
    let judged = gate::judge(&advice.report, term);
    Ok(outcome.failure(term).unwrap_or(judged))
}
