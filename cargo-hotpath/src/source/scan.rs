//! From crate roots to every file of the crate, in parallel.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use hotpath_runtime::hotpath;

use super::model::{self, Scanned};
use super::module::Place;
use super::{Root, Source, SourceFunction};
use crate::profile::path;

/// Parsing and walking recurse with the nesting of the source: generated code goes deep.
const STACK: usize = 64 << 20;

/// A file to read.
pub(super) struct Job<'r> {
    pub(super) root: &'r Root,
    pub(super) file: PathBuf,
    /// Module path of the file's top level.
    pub(super) module: String,
    /// Whether its modules lie beside it.
    pub(super) owns_directory: bool,
    pub(super) in_test: bool,
    /// The files that led here: one of them again would go on forever.
    pub(super) above: Vec<PathBuf>,
}

/// Scans all targets: files of one depth of the module tree at a time.
pub(super) fn scan(roots: &[Root]) -> Source {
    let mut source = Source::default();
    let mut jobs: Vec<Job<'_>> = roots.iter().map(root_job).collect();
    while !jobs.is_empty() {
        let mut next = Vec::new();
        for (job, result) in jobs.iter().zip(in_parallel(&jobs)) {
            source.files.insert(path::normal(&job.file));
            match result {
                Ok(scanned) => take(&mut source, &mut next, job, scanned),
                Err(why) => source.notes.push(format!("{}: {why}", shown(job))),
            }
        }
        jobs = next;
    }
    number(&mut source.functions);
    source.allowances.sort();
    source.allowances.dedup();
    source.notes.sort();
    source.notes.dedup();
    source
}

fn root_job(root: &Root) -> Job<'_> {
    Job {
        root,
        file: root.workspace_root.join(&root.file),
        module: root.target.replace('-', "_"),
        owns_directory: true,
        in_test: false,
        above: Vec::new(),
    }
}

fn take<'r>(source: &mut Source, next: &mut Vec<Job<'r>>, job: &Job<'r>, scanned: Scanned) {
    source.functions.extend(scanned.functions);
    source.allowances.extend(scanned.allowances);
    if let Some((file, text)) = scanned.text {
        source.texts.insert(file, text);
    }
    source.notes.extend(scanned.notes.into_iter().map(|note| format!("{}: {note}", shown(job))));
    let mut above = job.above.clone();
    above.push(path::normal(&job.file));
    for child in scanned.modules {
        if above.contains(&path::normal(&child.file)) {
            source.notes.push(format!("{}: module `{}` holds itself", shown(job), child.name));
            continue;
        }
        next.push(Job {
            root: job.root,
            file: child.file,
            module: child.name,
            owns_directory: child.owns_directory,
            in_test: child.in_test,
            above: above.clone(),
        });
    }
}

/// Results in the order of the jobs. Positions of parsed tokens are only known to the thread that
/// parsed them: each file is parsed and modelled by one.
fn in_parallel(jobs: &[Job<'_>]) -> Vec<Result<Scanned, String>> {
    let results: Vec<Mutex<Option<Result<Scanned, String>>>> =
        jobs.iter().map(|_| Mutex::new(None)).collect();
    let taken = AtomicUsize::new(0);
    let work = || {
        loop {
            let index = taken.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { break };
            let result = read(job);
            if let Ok(mut slot) = results[index].lock() {
                *slot = Some(result);
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores.min(jobs.len()) {
            let spawned = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
            if spawned.is_err() {
                // No threads to be had: this one does it.
                work();
                break;
            }
        }
    });
    results
        .into_iter()
        .map(|slot| slot.into_inner().ok().flatten().unwrap_or_else(|| Err("not read".to_owned())))
        .collect()
}

#[hotpath]
fn read(job: &Job<'_>) -> Result<Scanned, String> {
    let text = fs::read_to_string(&job.file).map_err(|error| format!("can't be read: {error}"))?;
    let place = Place::of_file(&job.file, job.owns_directory);
    let scanned = model::of_file(job, &text, &shown(job), &place);
    proc_macro2::extra::invalidate_current_thread_spans();
    scanned
}

fn shown(job: &Job<'_>) -> String {
    path::relative(&job.root.workspace_root, Path::new(&job.file))
}

/// Puts the functions into order and numbers those of one name.
fn number(functions: &mut [SourceFunction]) {
    fn key(f: &SourceFunction) -> (&str, &str, &str, &str, &str, u32, u32) {
        (&f.package, &f.target, &f.module, &f.name, &f.file, f.line, f.column)
    }
    functions.sort_by(|a, b| key(a).cmp(&key(b)));
    for index in 1..functions.len() {
        let (before, from) = functions.split_at_mut(index);
        let (before, function) = (&before[index - 1], &mut from[0]);
        let same = (&before.package, &before.target, &before.module, &before.name)
            == (&function.package, &function.target, &function.module, &function.name);
        function.ordinal = if same { before.ordinal + 1 } else { 0 };
    }
}
