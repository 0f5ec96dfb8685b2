//! Repeats the workload, and judges what the repetitions say together.

mod counted;
mod often;

use std::path::Path;

use crate::cargo::process::{Ended, Launch};
use crate::cargo::stdin::Input;
use crate::collect::{self, Outcome};
use crate::counters;
use crate::error::Error;
use crate::instructions::Counted;
use crate::interrupt::Interrupts;
use crate::profile::Profile;
use crate::run_dir::{Repetition, RunDir};
use crate::sampler::Sampler;
use crate::schema::Warning;
use crate::term::Term;

pub use often::{LEAST_FOR_VERDICT, Often};

use often::AT_MOST_TIMES;

/// What is asked while a workload is repeated.
pub struct Ask<'a> {
    /// After the first repetition, if another one could follow: whether it was enough.
    pub is_enough: &'a mut dyn FnMut(&Repetitions) -> bool,
    /// After all that were wanted: whether as many again may tell something else.
    pub is_doubtful: &'a mut dyn FnMut(&Repetitions) -> bool,
}

/// What all repetitions gave.
#[derive(Debug, Default)]
pub struct Repetitions {
    /// Each as stored.
    pub stored: Vec<Repetition>,
    /// Each one's profile.
    pub profiles: Vec<Profile>,
    /// Each one's instructions, where they were asked for.
    pub counted: Vec<Counted>,
    /// What to know before reading the figures.
    pub warnings: Vec<Warning>,
}

/// Runs the workload as often as wanted; a failure or Ctrl-C ends it.
pub fn repeat(
    launch: &Launch,
    often: Often,
    (dir, root): (&RunDir, &Path),
    input: &mut Input,
    ask: &mut Ask<'_>,
    (interrupts, term): (&Interrupts, &Term),
) -> Result<Repetitions, Error> {
    let mut all = Repetitions::default();
    let mut wanted = often.runs.unwrap_or(often.short);
    let (mut step, mut most) = (wanted, wanted);
    while all.stored.len() < wanted as usize {
        let index = all.stored.len();
        announce(term, launch, index);
        let (mut ended, profile) = once(launch, dir, root, input, interrupts)?;
        let same_input = input.end();
        let (name, path) = dir.profile(index);
        // What was measured is reported all the same.
        if let Err(error) = profile.write(&path) {
            all.warnings.push(not_stored(&error));
        }
        let repetition = stored(name, &ended, &profile);
        let ended_well = succeeded(&repetition);
        all.stored.push(repetition);
        all.profiles.push(profile);
        let is_last = interrupts.received() || !ended_well || !all.hit();
        if !is_last && index == 0 && same_input && (ask.is_enough)(&all) {
            return Ok(all);
        }
        let counted =
            counted::count(launch, (&mut ended, same_input), dir, input, (interrupts, term));
        if let (Some(counted), Some(stored)) = (counted, all.stored.last_mut()) {
            stored.instructions = counted.as_ref().ok().copied();
            all.counted.push(counted);
        }
        if is_last || interrupts.received() {
            break;
        }
        if index == 0 && often.runs.is_none() && ended.wall_ns >= often.long_ns {
            wanted = often.long;
        }
        if index == 0 {
            (step, most) = (wanted, wanted.saturating_mul(AT_MOST_TIMES));
        }
        let is_enough = all.stored.len() >= wanted as usize;
        if is_enough && same_input && wanted < most && (ask.is_doubtful)(&all) {
            wanted = wanted.saturating_add(step).min(most);
        }
        if !same_input && all.stored.len() < wanted as usize {
            all.warnings.push(fewer_repetitions());
            break;
        }
    }
    all.warnings.extend(differing_counts(&all.profiles));
    Ok(all)
}

/// The warning that a run can't be reported again.
pub fn not_stored(error: &impl std::error::Error) -> Warning {
    Warning {
        id: "not-stored".to_owned(),
        message: format!("this run could not be stored, `report` won't find it: {error}"),
    }
}

fn announce(term: &Term, launch: &Launch, index: usize) {
    if index == 0 {
        term.status("Running", format_args!("`{}`", launch.display()));
    } else {
        term.status("Running", format_args!("again (repetition {})", index + 1));
    }
}

fn once(
    launch: &Launch,
    dir: &RunDir,
    root: &Path,
    input: &mut Input,
    interrupts: &Interrupts,
) -> Result<(Ended, Profile), Error> {
    let counters = counters::directory(&dir.path)
        .map_err(|source| Error::output("a directory for the counters", source))?;
    let sampler = Sampler::start(counters.path());
    let ended = launch.run(counters.path(), input, interrupts)?;
    let looks = sampler.stop();
    let outcome = Outcome {
        wall_ns: ended.wall_ns,
        cpu_ns: ended.cpu_ns,
        spawned_monotonic_ns: ended.spawned_monotonic_ns,
        exited: ended.exited,
        workspace_root: root.to_owned(),
        samples: looks,
    };
    let profile = collect::collect(counters.path(), &outcome)?;
    Ok((ended, profile))
}

fn stored(profile_name: String, ended: &Ended, profile: &Profile) -> Repetition {
    Repetition {
        profile: profile_name,
        wall_ns: ended.wall_ns,
        cpu_ns: ended.cpu_ns,
        allocs: allocations(profile),
        instructions: None,
        exit: ended.exit.clone(),
        timed_out: ended.timed_out,
        stopped: ended.driven.stopped,
        failure: ended.driven.failure.clone(),
    }
}

/// Allocations of the whole process.
fn allocations(profile: &Profile) -> Option<u64> {
    let memory = profile.memory.as_ref()?;
    let functions: u64 = profile.contexts.iter().map(|context| context.allocs.count).sum();
    Some(memory.outside.count + functions)
}

fn fewer_repetitions() -> Warning {
    Warning {
        id: "fewer-repetitions".to_owned(),
        message: "the standard input couldn't be kept for another repetition: no more were made"
            .to_owned(),
    }
}

impl Repetitions {
    /// The repetition with the median wall time, of those that ended well where there are any.
    pub fn median(&self) -> usize {
        let mut order: Vec<usize> = (0..self.stored.len()).collect();
        let good = |index: &usize| succeeded(&self.stored[*index]);
        if order.iter().any(good) {
            order.retain(good);
        }
        order.sort_by_key(|index| self.stored[*index].wall_ns);
        order[(order.len() - 1) / 2]
    }

    /// The repetition that didn't end well, with its index.
    pub fn failed(&self) -> Option<(usize, &Repetition)> {
        self.stored.iter().enumerate().find(|(_, repetition)| !succeeded(repetition))
    }

    /// Whether any function was reached in the repetition that is reported.
    pub fn hit(&self) -> bool {
        self.profiles[self.median()].contexts.iter().any(|context| context.calls > 0)
    }
}

/// Whether all went as it should.
fn succeeded(repetition: &Repetition) -> bool {
    let ended_well = repetition.exit.code == Some(0) || repetition.stopped;
    ended_well && !repetition.timed_out && repetition.failure.is_none()
}

/// How a repetition ended, to follow "the workload".
pub fn ending(repetition: &Repetition) -> String {
    if let Some(failure) = &repetition.failure {
        return failure.clone();
    }
    let how = match (repetition.exit.code, repetition.exit.signal) {
        (_, Some(signal)) => format!("was ended by {}", signal_name(signal)),
        (Some(code), None) => format!("exited with code {code}"),
        (None, None) => "ended without an exit code".to_owned(),
    };
    if repetition.timed_out { format!("ran into --timeout and {how}") } else { how }
}

#[cfg(unix)]
fn signal_name(number: i32) -> String {
    nix::sys::signal::Signal::try_from(number)
        .map_or_else(|_| format!("signal {number}"), |signal| format!("signal {number} ({signal})"))
}

#[cfg(not(unix))]
fn signal_name(number: i32) -> String {
    format!("signal {number}")
}

/// Names what should be the same in every repetition and isn't: calls and allocations.
fn differing_counts(profiles: &[Profile]) -> Option<Warning> {
    const NAMED: usize = 5;
    let [first, others @ ..] = profiles else { return None };
    let expected = counts(first);
    let mut names: Vec<String> = Vec::new();
    for other in others.iter().map(counts) {
        let all = expected.keys().chain(other.keys());
        names.extend(all.filter(|key| expected.get(*key) != other.get(*key)).cloned());
    }
    names.sort();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let mut listed = names.join(", ");
    if more > 0 {
        listed = format!("{listed} and {more} more");
    }
    (!names.is_empty()).then(|| Warning {
        id: "counts-differ".to_owned(),
        message: format!("counts differ between repetitions: {listed}"),
    })
}

fn counts(profile: &Profile) -> std::collections::BTreeMap<String, u64> {
    let mut counts = std::collections::BTreeMap::new();
    for context in &profile.contexts {
        let function = &profile.functions[context.function];
        let path = format!("`{}::{}`", function.module, function.name);
        *counts.entry(format!("calls of {path}")).or_default() += context.calls;
        if profile.memory.is_some() {
            *counts.entry(format!("allocations of {path}")).or_default() += context.allocs.count;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Context, Function};
    use crate::schema::Exit;

    fn repetition(wall_ns: u64, code: i32) -> Repetition {
        Repetition {
            profile: String::new(),
            wall_ns,
            cpu_ns: None,
            allocs: None,
            instructions: None,
            exit: Exit { code: Some(code), signal: None },
            timed_out: false,
            stopped: false,
            failure: None,
        }
    }

    fn repetitions(stored: Vec<Repetition>) -> Repetitions {
        Repetitions { stored, ..Repetitions::default() }
    }

    #[test]
    fn figures_are_of_the_median_repetition_that_ended_well() {
        let three = vec![repetition(30, 0), repetition(10, 0), repetition(20, 0)];
        assert_eq!(repetitions(three).median(), 2);
        let failed = vec![repetition(30, 0), repetition(10, 0), repetition(20, 1)];
        assert_eq!(repetitions(failed).median(), 1);
        assert_eq!(repetitions(vec![repetition(5, 1)]).median(), 0);
    }

    #[test]
    fn an_ending_says_what_happened() {
        assert_eq!(ending(&repetition(1, 3)), "exited with code 3");
        let mut killed = repetition(1, 0);
        killed.exit = Exit { code: None, signal: Some(9) };
        assert!(ending(&killed).starts_with("was ended by signal 9"));
        killed.timed_out = true;
        assert!(ending(&killed).starts_with("ran into --timeout and was ended by"));
    }

    #[test]
    fn differing_counts_are_named() {
        let profile = |calls| Profile {
            functions: vec![Function {
                module: "m".to_owned(),
                name: "f".to_owned(),
                ..Function::default()
            }],
            contexts: vec![Context { calls, ..Context::default() }],
            ..Profile::default()
        };
        assert_eq!(differing_counts(&[profile(1), profile(1)]), None);
        let warning = differing_counts(&[profile(1), profile(2)]).unwrap();
        assert_eq!(warning.message, "counts differ between repetitions: calls of `m::f`");
    }
}
