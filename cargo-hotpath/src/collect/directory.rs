//! The files that the workload's processes left: segments, and notes of those that have none.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hotpath_runtime::segment::reader::{self, ReadError, Segment};

use super::clock;
use super::{CollectError, Outcome};

/// What the directory held.
pub(super) struct Found {
    /// The segments that could be read, by file name.
    pub(super) segments: Vec<Segment>,
    /// What is missing and why.
    pub(super) notes: Vec<String>,
}

/// Reads everything in `dir` that a process of the workload left there.
pub(super) fn read(dir: &Path, outcome: &Outcome) -> Result<Found, CollectError> {
    let mut found = Found { segments: Vec::new(), notes: Vec::new() };
    let (mut unreadable, mut read) = (Vec::new(), Vec::new());
    for file in list(dir)? {
        let Some(extension) = file.extension().and_then(OsStr::to_str) else { continue };
        if extension == "segment" {
            match read_segment(&file, outcome) {
                Ok(segment) => {
                    read.push(file);
                    found.segments.push(segment);
                }
                Err(Unread::Segment(source)) => unreadable.push((file, source)),
                Err(Unread::File(why)) => found.notes.push(missing(&file, &why)),
            }
        } else if let Some(code) = extension.strip_prefix("failed-") {
            found.notes.push(missing(&file, &failure(code)));
        }
    }
    end_at_exec(&read, &mut found.segments);
    let notes = unreadable.iter().map(|(file, source)| missing(file, &source.to_string()));
    found.notes.extend(notes);
    let count = unreadable.len();
    match unreadable.into_iter().next() {
        Some((file, source)) if found.segments.is_empty() => {
            Err(CollectError::Unreadable { directory: dir.to_owned(), file, count, source })
        }
        _ => Ok(found),
    }
}

/// Why a segment is missing.
enum Unread {
    /// Its bytes are no segment of this version.
    Segment(ReadError),
    /// There is nothing to read.
    File(String),
}

fn read_segment(file: &Path, outcome: &Outcome) -> Result<Segment, Unread> {
    let bytes = fs::read(file).map_err(|error| Unread::File(format!("can't be read: {error}")))?;
    // The file is made, then given its length, then filled: zeros are as little as nothing.
    if bytes.iter().all(|&byte| byte == 0) {
        return Err(Unread::File("it ended before it had set up its counters".to_owned()));
    }
    let segment = reader::read(&bytes, outcome.exited).map_err(Unread::Segment)?;
    if segment.clock.kind == reader::native_clock() {
        return Ok(segment);
    }
    // The anchor was one of another clock; only now is it known which this one has.
    let end = clock::exit_anchor(segment.clock.kind, outcome.exited);
    reader::read(&bytes, end).map_err(Unread::Segment)
}

/// Closes what was open in processes that called `exec` when they did, not when the last one ended.
fn end_at_exec(files: &[PathBuf], segments: &mut [Segment]) {
    for (index, file) in files.iter().enumerate() {
        let segment = &segments[index];
        let Some(end) = super::successor(segment, segments).map(|later| later.clock.start) else {
            continue;
        };
        let closed = fs::read(file).ok().and_then(|bytes| reader::read(&bytes, Some(end)).ok());
        if let Some(closed) = closed.filter(|_| !segment.process.exited) {
            segments[index] = closed;
        }
    }
}

/// Files of the directory by name, so that the same files give the same profile.
fn list(dir: &Path) -> Result<Vec<PathBuf>, CollectError> {
    let failed = |source| CollectError::Directory { path: dir.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        files.push(entry.map_err(failed)?.path());
    }
    files.sort();
    Ok(files)
}

/// What is missing from the profile for this file, and why.
fn missing(file: &Path, why: &str) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    match name.split_once('-').and_then(|(pid, _)| pid.parse::<u32>().ok()) {
        Some(pid) => format!("process {pid} is missing from this profile: {why} ({name})"),
        None => format!("a process is missing from this profile: {why} ({name})"),
    }
}

fn failure(code: &str) -> String {
    match code.parse::<i32>() {
        Ok(errno) => format!(
            "it could not put its counters into a file: {}",
            io::Error::from_raw_os_error(errno)
        ),
        Err(_) => "it could not put its counters into a file, for a reason unknown".to_owned(),
    }
}
