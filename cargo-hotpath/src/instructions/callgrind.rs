//! Counts by valgrind's callgrind, which runs a program on a processor of its own: exact, and some fifty
//! times slower.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, io};

use super::Counted;

const PROGRAM: &str = "valgrind";

/// The words that go before a command line to have it counted into files of this directory.
///
/// # Errors
///
/// Why it can't be, in words.
pub fn words(directory: &Path) -> Result<Vec<OsString>, String> {
    let mut version = Command::new(PROGRAM);
    version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match version.status() {
        Ok(status) if status.success() => {}
        Ok(_) => return Err("`valgrind --version` fails".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err("valgrind is not installed".to_owned());
        }
        Err(error) => return Err(format!("valgrind can't be started: {error}")),
    }
    let mut file = OsString::from("--callgrind-out-file=");
    file.push(directory.join("counts.%p"));
    let fixed = [PROGRAM, "--tool=callgrind", "--quiet", "--trace-children=yes", "--cache-sim=no"];
    Ok(fixed.into_iter().map(OsString::from).chain([file]).collect())
}

/// What it left in the directory: the sum over all processes.
///
/// # Errors
///
/// Why there is no count, in words.
pub fn read(directory: &Path) -> Counted {
    let unreadable = |error: io::Error| format!("what callgrind counted can't be read: {error}");
    let mut sum: Option<u64> = None;
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let text = fs::read_to_string(entry.map_err(unreadable)?.path()).map_err(unreadable)?;
        if let Some(count) = total(&text) {
            sum = Some(sum.unwrap_or(0) + count);
        }
    }
    sum.ok_or_else(|| "callgrind left no count".to_owned())
}

/// Of `totals: 123`, the first of the events that are counted.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().rev().find_map(|line| line.strip_prefix("totals:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_all_processes_are_summed() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(read(directory.path()), Err("callgrind left no count".to_owned()));
        let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
        write("counts.1", "events: Ir\nsummary: 7\n\nfn=(1) main\n3 4\n\ntotals: 120\n");
        write("counts.2", "totals: 3 9 9\n");
        write("counts.3", "cut short");
        assert_eq!(read(directory.path()), Ok(123));
    }
}
