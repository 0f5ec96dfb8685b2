//! `clean`: removes what is kept under `target/hotpath`.

use std::fs;
use std::io;
use std::path::Path;

use crate::cargo::metadata::Workspace;
use crate::cli::CleanArgs;
use crate::error::{Error, Exit};
use crate::term::Term;
use crate::units;

/// Removes builds and runs, or says how large they are.
pub fn clean(args: &CleanArgs, term: &Term) -> Result<Exit, Error> {
    let workspace = Workspace::load(&args.manifest, args.target_dir.as_deref())?;
    let dir = &workspace.data_dir;
    if !dir.exists() {
        term.status("Removed", "nothing: nothing is kept here");
        return Ok(Exit::Success);
    }
    let failed = |source| Error::output(dir.display(), source);
    let size = size(dir).map_err(failed)?;
    let verb = if args.dry_run { "Keeping" } else { "Removed" };
    if !args.dry_run {
        fs::remove_dir_all(dir).map_err(failed)?;
    }
    term.status(verb, format_args!("{} ({})", dir.display(), units::bytes(size)));
    Ok(Exit::Success)
}

/// Bytes of all files below; links are not followed.
fn size(path: &Path) -> io::Result<u64> {
    let mut total = 0;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        total += if kind.is_dir() { size(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_add_up_over_directories() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        fs::write(dir.path().join("a/x"), [0; 300]).unwrap();
        fs::write(dir.path().join("y"), [0; 24]).unwrap();
        assert_eq!(size(dir.path()).unwrap(), 324);
    }
}
