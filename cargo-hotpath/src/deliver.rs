//! Brings the report where it was asked for.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::advise::Advice;
use crate::cli::{Also, Format};
use crate::error::Error;
use crate::options::ReportOptions;
use crate::replace::write_atomically;
use crate::report::{self, prose::Limits};
use crate::term::{self, Term};

/// Finds out before the run whether all that was asked for can be written.
pub fn check_all(options: &ReportOptions) -> Result<(), Error> {
    let also = options.also.iter().map(|also| also.path.as_path());
    options.output.as_deref().into_iter().chain(also).try_for_each(|path| check(Some(path)))
}

/// Finds out before the run whether the output file can be written.
pub fn check(output: Option<&Path>) -> Result<(), Error> {
    let Some(path) = output else { return Ok(()) };
    let failed = |source| Error::output(path.display(), source);
    if path.is_dir() {
        return Err(failed(io::Error::from(io::ErrorKind::IsADirectory)));
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if is_special(path) {
        // Opening a pipe and closing it again would tell its reader that it is at its end.
        return Ok(());
    }
    tempfile::tempfile_in(dir).map(drop).map_err(failed)?;
    match fs::metadata(path) {
        Ok(data) if data.permissions().readonly() => {
            Err(failed(io::Error::from(io::ErrorKind::PermissionDenied)))
        }
        _ => Ok(()),
    }
}

/// Renders and writes, in each format that was asked for.
pub fn deliver(advice: &Advice, options: &ReportOptions, term: &Term) -> Result<(), Error> {
    each(options, term, &|format, is_file| render(advice, options, (format, is_file), term))
}

/// Writes what `render` makes for each format and place that was asked for; it is told whether the
/// place is a file.
pub fn each(
    options: &ReportOptions,
    term: &Term,
    render: &dyn Fn(Format, bool) -> Result<String, Error>,
) -> Result<(), Error> {
    // First the files: standard output may be closed early.
    for also in &options.also {
        put(&render(also.format, true)?, Some(&also.path), term)?;
    }
    let output = options.output.as_deref();
    put(&render(options.format, output.is_some())?, output, term)
}

/// The report in a format.
pub fn render(
    advice: &Advice,
    options: &ReportOptions,
    (format, is_file): (Format, bool),
    term: &Term,
) -> Result<String, Error> {
    let Advice { report, sources, prefix, .. } = advice;
    Ok(match format {
        Format::Json => report::json::render(report),
        Format::Github => {
            summary(&report::markdown::render(report, sources, &limits(options)))?;
            report::github::render(report, prefix)
        }
        Format::Sarif => report::sarif::render(report, prefix),
        Format::Junit => report::junit::render(report),
        Format::Markdown => report::markdown::render(report, sources, &limits(options)),
        Format::Human => {
            let style = report::human::Options {
                color: !is_file && term.color_stdout(),
                width: term.width(),
                limits: limits(options),
            };
            report::human::render(report, sources, &style)
        }
    })
}

/// Says what went wrong in each place and format that a report was asked for in, for machines; people read
/// standard error.
pub fn failure(error: &Error, format: Format, output: Option<&Path>, also: &[Also]) {
    // The exit code and standard error say it already, should any of this fail too.
    for also in also {
        if let Some(text) = document(error, also.format) {
            let _ = write(&also.path, text.as_bytes());
        }
    }
    let Some(text) = document(error, format) else { return };
    let is_written = output.is_some_and(|path| write(path, text.as_bytes()).is_ok());
    if !is_written {
        let _ = term::write_stdout(&text);
    }
}

/// The error as machines read it, in formats that have a form for it.
fn document(error: &Error, format: Format) -> Option<String> {
    let document = error.document();
    Some(match format {
        Format::Human | Format::Markdown => return None,
        Format::Json => serde_json::to_string_pretty(&document).unwrap_or_default() + "\n",
        Format::Github => report::github::failure(&document.error),
        Format::Sarif => report::sarif::failure(&document.error),
        Format::Junit => report::junit::failure(&document.error),
    })
}

/// Adds Markdown to the job's summary, where a workflow of GitHub says which file that is.
pub fn summary(markdown: &str) -> Result<(), Error> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let mut options = fs::OpenOptions::new();
    let file = options.create(true).append(true).open(&path);
    file.and_then(|mut file| file.write_all(format!("{markdown}\n").as_bytes()))
        .map_err(|source| Error::output(Path::new(&path).display(), source))
}

/// Writes what is rendered to the file, or to standard output without one.
pub fn put(text: &str, output: Option<&Path>, term: &Term) -> Result<(), Error> {
    let Some(path) = output else { return term::write_stdout(text) };
    write(path, text.as_bytes()).map_err(|e| Error::output(path.display(), e))?;
    term.status("Wrote", path.display());
    Ok(())
}

fn limits(options: &ReportOptions) -> Limits {
    let floor_pct = if options.all { Some(0.0) } else { options.min_impact_pct };
    Limits::new(options.top, floor_pct)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if is_special(path) {
        return fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    write_atomically(path, bytes)
}

/// Devices, pipes and the like (`/dev/stdout`, `/dev/null`, `>(cmd)`) are written to, never replaced.
fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|data| !data.is_file() && !data.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_cannot_be_written_is_known_before() {
        let dir = tempfile::tempdir().unwrap();
        assert!(check(None).is_ok());
        assert!(check(Some(&dir.path().join("report.json"))).is_ok());
        assert!(matches!(check(Some(dir.path())), Err(Error::Output { .. })));
        let missing = dir.path().join("no/such/report.json");
        assert!(matches!(check(Some(&missing)), Err(Error::Output { .. })));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_plain_file_is_written_to_and_not_replaced() {
        use std::io::Read;
        use std::os::unix::fs::{FileTypeExt, symlink};

        let dir = tempfile::tempdir().unwrap();
        let (pipe, file, link) =
            (dir.path().join("pipe"), dir.path().join("file"), dir.path().join("link"));
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut both = fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        assert!(check(Some(&pipe)).is_ok());
        write(&pipe, b"report").unwrap();
        let mut read = [0; 6];
        both.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"report");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
        fs::write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        write(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }
}
