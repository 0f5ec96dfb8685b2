//! `compare BASE [NEW]`: two runs or baselines against each other.

use crate::cargo::metadata::Workspace;
use crate::cli::{CompareArgs, Format};
use crate::compare::compare as compare_snapshots;
use crate::deliver;
use crate::error::{Error, Exit};
use crate::report::comparison;
use crate::stored;
use crate::term::Term;

/// Reads both and prints what differs.
pub fn compare(args: &CompareArgs, term: &Term) -> Result<Exit, Error> {
    deliver::check(args.output.as_deref())?;
    let workspace = Workspace::load(&args.manifest, args.target_dir.as_deref())?;
    let read = |name: &str| stored::named(name, &workspace.data_dir, workspace.root());
    let (base, new) = (read(&args.base)?, read(&args.new)?);
    let compared = compare_snapshots(&base, &new);
    let names = (args.base.as_str(), args.new.as_str());
    let top = args.top.map_or(20, |top| top as usize);
    let text = match args.format {
        Format::Json => comparison::json(&compared, names)?,
        Format::Markdown => comparison::markdown(&compared, names, top),
        Format::Human => comparison::human(&compared, names, top),
        other => return Err(no_such_format(other)),
    };
    deliver::put(&text, args.output.as_deref(), term)?;
    Ok(Exit::Success)
}

fn no_such_format(format: Format) -> Error {
    Error::usage(
        format!("a comparison has no format `{}`", format.name()),
        "there are `human`, `json` and `markdown`; `check` judges in the formats of CI systems",
    )
}
