//! A directory of segments, one per process of the workload, to one [`Profile`].

mod clock;
mod directory;
mod heap;
mod histogram;
mod identity;
mod outside;
mod processor;
mod rows;
mod timeline;
mod tree;

use std::io;
use std::path::{Path, PathBuf};

use hotpath_runtime::hotpath;
use hotpath_runtime::segment::reader::{Anchor, Node, ReadError, Segment};
use hotpath_runtime_syntax::Budget;

use crate::profile::{Function, Memory, PROFILE_VERSION, ProbeCosts, Profile};
use crate::sampler::Samples;
use clock::Rate;
use timeline::Looks;

/// What the command line saw of the workload from outside.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Elapsed time from spawn to exit.
    pub wall_ns: u64,
    /// CPU time of the workload's processes from the system, where it has it to give.
    pub cpu_ns: Option<u64>,
    /// `CLOCK_MONOTONIC` just before the spawn.
    pub spawned_monotonic_ns: Option<u64>,
    /// Readings of this machine's native counter and of `CLOCK_MONOTONIC` after the exit.
    pub exited: Option<Anchor>,
    /// Root of the workspace: files of the profile are relative to it.
    pub workspace_root: PathBuf,
    /// What the sampler saw; `None` where there was none.
    pub samples: Option<Samples>,
}

/// Why no profile could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectError {
    /// The directory, or an entry of it, can't be listed.
    #[error("can't list the counters in {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There are segments, and not one of them could be read.
    #[error(
        "none of the {count} segments in {} could be read; the first, {}: {source}; \
         build the workload with the hotpath-runtime of this cargo-hotpath's version",
        directory.display(), file.display()
    )]
    Unreadable {
        /// The directory.
        directory: PathBuf,
        /// The first segment.
        file: PathBuf,
        /// How many there are.
        count: usize,
        /// What is wrong with the first.
        source: ReadError,
    },
}

/// Reads every segment in `dir` and merges them.
///
/// What is missing (processes without a segment, damaged segments) is said in [`Profile::notes`].
/// A directory without any segment gives a profile without functions.
///
/// # Errors
///
/// [`CollectError`] when the directory can't be listed, or when there are segments and none can be
/// read.
#[hotpath]
pub fn collect(dir: &Path, outcome: &Outcome) -> Result<Profile, CollectError> {
    let found = directory::read(dir, outcome)?;
    Ok(merge(&found.segments, found.notes, outcome))
}

/// Merges segments that have been read; `notes` are those of the reading.
///
/// A segment whose figures can't be (damage that its reader had no way to see) is left out, and
/// said in [`Profile::notes`].
pub fn merge(segments: &[Segment], notes: Vec<String>, outcome: &Outcome) -> Profile {
    let profile = combine(segments, notes.clone(), outcome);
    if profile.is_possible() {
        return profile;
    }
    let mut notes = notes;
    let mut kept: Vec<Segment> = Vec::new();
    for segment in segments {
        kept.push(segment.clone());
        if !combine(&kept, Vec::new(), outcome).is_possible() {
            kept.pop();
            notes.push(format!(
                "process {} is missing from this profile: its counters are damaged: they are more \
                 than any run can measure",
                segment.process.pid
            ));
        }
    }
    combine(&kept, notes, outcome)
}

fn combine(segments: &[Segment], notes: Vec<String>, outcome: &Outcome) -> Profile {
    let mut notes = notes;
    let rates = clock::rates(segments, outcome.exited, &mut notes);
    clock::caveats(segments, &mut notes);
    let identities = identity::merge(segments, &outcome.workspace_root);
    let mut contexts = tree::Contexts::default();
    let mut rows = rows::Rows::default();
    let mut outside = outside::Outside::new(segments, outcome);
    let mut processors = processor::Processors::default();
    let mut cold_ns = 0_u64;
    let mut histograms = histogram::Histograms::default();
    let mut live = heap::Live::default();
    for (index, segment) in segments.iter().enumerate() {
        let looks = outcome.samples.as_ref().and_then(|samples| Looks::of(samples, segment));
        let local = Local { rate: rates[index], functions: &identities.of_segment[index], looks };
        live.add(segment, local);
        for slab in &segment.slabs {
            let own = contexts.add(&slab.nodes, &segment.functions, local, &mut notes);
            outside.add(slab, own, local.rate, &mut notes);
            processors.add(segment, slab, own, local.rate);
            cold_ns = cold_ns.saturating_add(local.rate.ns(slab.cold.min(slab.lifetime)));
            rows.add(&slab.rows, &segment.functions, local);
            histograms.add(&slab.histograms, segment.clock.kind, local);
        }
    }
    let seen_outside = contexts.seen_outside();
    let mut contexts = contexts.finish();
    let timeline = timeline::of(outcome, seen_outside, &mut contexts);
    let mut functions = identities.functions;
    histograms.store(&mut functions);
    drop_damaged_budgets(&mut functions, &mut notes);
    Profile {
        version: PROFILE_VERSION,
        wall_ns: outcome.wall_ns,
        cpu_ns: outcome.cpu_ns,
        outside_ns: outside.ns(),
        processes: segments.len() as u64,
        threads: sum(segments.iter().flat_map(|segment| &segment.slabs).map(|slab| slab.threads)),
        polling_threads: polling_threads(segments),
        memory: memory(segments, &rates, &mut notes),
        probes: probes(segments, &rates),
        functions,
        contexts,
        rows: rows.finish(),
        lost_bytes: sum(segments.iter().map(|segment| segment.private_bytes)),
        overflowed: sum(segments.iter().map(|segment| segment.overflowed)),
        unclean_exits: unclean_exits(segments),
        notes,
        timeline,
        allocator: heap::allocator(segments, &rates),
        retained: live.finish(),
        cold_ns,
        processor: processors.finish(),
    }
}

/// A budget that can't be read is judged by nobody, which has to be said.
fn drop_damaged_budgets(functions: &mut [Function], notes: &mut Vec<String>) {
    for function in functions {
        if let Err(error) = function.budget.parse::<Budget>() {
            function.budget.clear();
            let Function { module, name, .. } = function;
            notes.push(format!(
                "the budget of {module}::{name} is missing: it is damaged ({error})"
            ));
        }
    }
}

/// Slabs that polled: a thread has one, and leaves it to the next.
fn polling_threads(segments: &[Segment]) -> u64 {
    let slabs = segments.iter().flat_map(|segment| &segment.slabs);
    slabs.filter(|slab| slab.nodes.iter().any(|node| node.polls > 0)).count() as u64
}

/// Processes that did not end as they should. One that became another program ended well; so, for
/// all that is known, did a forked one.
fn unclean_exits(segments: &[Segment]) -> u64 {
    let is_unclean = |segment: &&Segment| {
        let process = &segment.process;
        !process.exited && !process.forked && successor(segment, segments).is_none()
    };
    segments.iter().filter(is_unclean).count() as u64
}

/// What a process that called `exec` became: the next segment of the same process.
fn successor<'a>(of: &Segment, segments: &'a [Segment]) -> Option<&'a Segment> {
    let start = |segment: &Segment| segment.clock.start.monotonic_ns;
    let is_later =
        |later: &&Segment| later.process.pid == of.process.pid && start(later) > start(of);
    segments.iter().filter(is_later).min_by_key(|later| start(later))
}

/// The bytes of a damaged segment may say anything: no sum may overflow.
fn sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

/// What turns a segment's own ticks and indices into those of the profile.
#[derive(Clone, Copy)]
struct Local<'a> {
    rate: Rate,
    functions: &'a [usize],
    /// What was seen of its nodes while it ran.
    looks: Option<Looks<'a>>,
}

/// Index of the process that was there first: the one that the command line started, or the first
/// annotated one below it.
fn first_process(segments: &[Segment]) -> Option<usize> {
    (0..segments.len()).min_by_key(|&index| segments[index].clock.start.monotonic_ns)
}

/// The first process's calibration: its descendants ran on the same machine.
fn probes(segments: &[Segment], rates: &[Rate]) -> ProbeCosts {
    let Some(first) = first_process(segments) else {
        return ProbeCosts::default();
    };
    let (costs, rate) = (segments[first].calibration, rates[first]);
    ProbeCosts {
        inside_ns: rate.exact_ns(costs.inside),
        function_ns: rate.exact_ns(costs.function),
        expression_ns: rate.exact_ns(costs.expression),
        counted_ns: rate.exact_ns(costs.counted),
        alloc_ns: rate.exact_ns(costs.alloc),
        free_ns: rate.exact_ns(costs.free),
        function_inside_ns: rate.exact_ns(costs.function_inside),
        function_untimed_ns: rate.exact_ns(costs.function_untimed),
        expression_inside_ns: rate.exact_ns(costs.expression_inside),
        expression_untimed_ns: rate.exact_ns(costs.expression_untimed),
        poll_ns: rate.exact_ns(costs.poll),
        poll_untimed_ns: rate.exact_ns(costs.poll_untimed),
        awaited_ns: rate.exact_ns(costs.awaited),
        charge_ns: rate.exact_ns(costs.charge),
        charge_open_ns: rate.exact_ns(costs.charge_open),
        hash_ns: rate.exact_ns(costs.hash),
        hidden_ns: rate.exact_ns(costs.hidden),
    }
}

fn memory(segments: &[Segment], rates: &[Rate], notes: &mut Vec<String>) -> Option<Memory> {
    let mut sum = None;
    let mut without = 0_u64;
    for (segment, rate) in segments.iter().zip(rates) {
        let Some(figures) = segment.memory else {
            without += 1;
            continue;
        };
        let memory = sum.get_or_insert_with(Memory::default);
        memory.live_bytes = memory.live_bytes.saturating_add(figures.live_bytes);
        memory.peak_live_bytes = memory.peak_live_bytes.saturating_add(figures.peak_live_bytes);
        memory.error_bytes = memory.error_bytes.saturating_add(figures.error_bytes);
        // The root, and the overflow node below it: operations of no function that is known.
        let unknown = |node: &&Node| node.function.is_none() && node.parent.unwrap_or(0) == 0;
        for node in segment.slabs.iter().flat_map(|slab| &slab.nodes).filter(unknown) {
            memory.outside.add(&rate.allocs(&node.allocs));
        }
    }
    if sum.is_some() && without > 0 {
        notes.push(format!(
            "{without} of {} processes ran without the counting allocator: their allocations are \
             missing",
            segments.len()
        ));
    }
    sum
}

#[cfg(test)]
mod tests;
