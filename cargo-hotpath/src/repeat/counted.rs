//! The instructions of a repetition: what its own counter says, or a run of its own under callgrind.

use super::{ending, stored, succeeded};
use crate::cargo::process::{Ended, Launch};
use crate::cargo::stdin::Input;
use crate::counters;
use crate::instructions::{Counted, callgrind};
use crate::interrupt::Interrupts;
use crate::profile::Profile;
use crate::run_dir::RunDir;
use crate::schema::InstructionSource;
use crate::term::Term;

/// Counts the instructions of a repetition that has ended; `None` where nobody asked.
pub(super) fn count(
    launch: &Launch,
    (ended, same_input): (&mut Ended, bool),
    dir: &RunDir,
    input: &mut Input,
    (interrupts, term): (&Interrupts, &Term),
) -> Option<Counted> {
    match launch.instructions? {
        InstructionSource::Hardware => ended.instructions.take(),
        InstructionSource::Callgrind => {
            let possible = may_run_again(launch, ended, same_input, interrupts);
            Some(possible.and_then(|()| {
                term.status("Counting", "instructions with callgrind");
                under_callgrind(launch, dir, input, interrupts)
            }))
        }
    }
}

fn may_run_again(
    launch: &Launch,
    ended: &Ended,
    same_input: bool,
    interrupts: &Interrupts,
) -> Result<(), String> {
    let why = match () {
        () if interrupts.received() => "the run was interrupted",
        () if launch.plan.is_some() => {
            "a workload that is driven or stopped from outside does something else under callgrind"
        }
        () if launch.has_runner() => "the workload is started by a configured `runner`",
        () if !same_input => "the standard input couldn't be kept for another run",
        () if ended.exit.code != Some(0) || ended.timed_out => "the workload failed",
        () => return Ok(()),
    };
    Err(why.to_owned())
}

fn under_callgrind(
    launch: &Launch,
    dir: &RunDir,
    input: &mut Input,
    interrupts: &Interrupts,
) -> Counted {
    let unusable =
        |error: std::io::Error| format!("there is no room for callgrind's files: {error}");
    let files = tempfile::tempdir_in(&dir.path).map_err(unusable)?;
    let counters = counters::directory(&dir.path).map_err(unusable)?;
    let words = callgrind::words(files.path())?;
    let ended = launch
        .run_under(&words, counters.path(), input, interrupts)
        .map_err(|error| error.to_string())?;
    input.end();
    let repetition = stored(String::new(), &ended, &Profile::default());
    if !succeeded(&repetition) {
        return Err(format!("under callgrind the workload {}", ending(&repetition)));
    }
    callgrind::read(files.path())
}
