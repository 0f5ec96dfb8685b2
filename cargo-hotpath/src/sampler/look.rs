//! One look after another at all threads: who is where, who runs, what that adds.

use std::time::Duration;

use hotpath_runtime::segment::reader::{self, Thread};

use super::process::{Followed, Motion, View};
use super::random::Random;
use super::state::{Answer, State, States};
use super::tally::{Samples, Tally};

/// Questions to the system at one look: some microseconds each. Of threads beyond them the last
/// answer about their node stands.
const QUESTIONS: usize = 16;

/// One in so many threads that moved is asked about all the same, and the first in each node: it
/// ran, but may be blocked now.
const MOVED_ASKED: usize = 4;

/// Looks in a row without any of the threads asked about, after which a process counts as dead.
const LOST: u32 = 3;

/// Share of the time for which it must be known whether threads ran.
const KNOWN: f64 = 0.95;

/// Looks at processes, and adds up what it sees.
pub(super) struct Looks<S> {
    system: S,
    random: Random,
    processes: Vec<Followed>,
    samples: Samples,
    /// Sum of the squares of the weights of the looks before the last one.
    squares: f64,
    /// Weight of the last look so far: what it has of the time before it.
    last_weight: f64,
    /// Time of threads of which it is not known whether they ran.
    unknown_ns: u64,
    told_ns: u64,
    /// What the last look saw; empty where that no longer holds.
    threads: Vec<Seen>,
    // Kept for their memory.
    seen: Vec<Thread>,
    found: Vec<(u32, u32)>,
}

/// A thread at one look.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Index into the processes.
    process: usize,
    thread: Thread,
    state: Option<State>,
    is_gone: bool,
}

impl<S: States> Looks<S> {
    pub(super) fn new(system: S, random: Random) -> Self {
        Self {
            system,
            random,
            processes: Vec::new(),
            samples: Samples::default(),
            squares: 0.0,
            last_weight: 0.0,
            unknown_ns: 0,
            told_ns: 0,
            threads: Vec::new(),
            seen: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Looks at one more process from now on.
    pub(super) fn follow(
        &mut self,
        view: Box<dyn View>,
        process: reader::Process,
        start_ticks: u64,
    ) {
        let has_states = self.system.knows(&process);
        self.processes.push(Followed::new(view, process, start_ticks, has_states));
    }

    /// How many processes it looks at.
    pub(super) fn following(&self) -> usize {
        self.processes.len()
    }

    /// Leaves processes that have run their exit hook.
    pub(super) fn leave_those_that_are_over(&mut self) {
        self.leave(|followed| followed.view.is_over());
    }

    /// Looks once, `since` the look before.
    ///
    /// Half of that time counts as the look before it saw it, half as this one does: pauses of
    /// unequal lengths make the sums less uncertain than if each look had all of the time before.
    pub(super) fn look(&mut self, since: Duration) {
        let since = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        let half = if self.threads.is_empty() { 0 } else { since / 2 };
        self.add(half);
        self.threads.clear();
        for (process, followed) in self.processes.iter().enumerate() {
            followed.view.threads(&mut self.seen);
            let seen = |&thread| Seen { process, thread, state: None, is_gone: false };
            self.threads.extend(self.seen.iter().map(seen));
        }
        if self.threads.is_empty() {
            return;
        }
        // The questions go to others first each time.
        let first = self.random.below(self.threads.len());
        self.threads.rotate_left(first);
        self.ask();
        self.samples.looks += 1;
        self.squares += self.last_weight.powi(2);
        self.last_weight = 0.0;
        self.add(since - half);
        self.leave(|followed| followed.lost >= LOST);
    }

    /// Finds out which of the threads run.
    fn ask(&mut self) {
        let mut questions = QUESTIONS;
        self.found.clear();
        self.found.resize(self.processes.len(), (0, 0));
        for seen in &mut self.threads {
            let followed = &mut self.processes[seen.process];
            let motion = followed.motion(&seen.thread);
            let asks = match motion {
                Motion::Moved => {
                    let is_first =
                        followed.place(seen.thread.node).is_some_and(|p| p.moved.is_none());
                    is_first || self.random.below(MOVED_ASKED) == 0
                }
                Motion::New | Motion::Still => true,
            };
            let answer = if asks && questions > 0 && followed.has_states {
                questions -= 1;
                Some(self.system.state(followed.process.pid, seen.thread.tid))
            } else {
                None
            };
            let (here, gone) = &mut self.found[seen.process];
            let is_here = motion == Motion::Moved || matches!(answer, Some(Answer::Is(_)));
            *here += u32::from(is_here);
            *gone += u32::from(answer == Some(Answer::Gone));
            seen.is_gone = answer == Some(Answer::Gone);
            seen.state = conclude(followed, &seen.thread, motion, answer);
        }
        for (followed, (here, gone)) in self.processes.iter_mut().zip(self.found.drain(..)) {
            if here > 0 {
                followed.lost = 0;
            } else if gone > 0 {
                followed.lost += 1;
            }
        }
    }

    /// Adds what the last look saw, for so much time.
    fn add(&mut self, weight: u64) {
        if weight == 0 {
            return;
        }
        let count = |counted: &dyn Fn(&&Seen) -> bool| {
            self.threads.iter().filter(|seen| !seen.is_gone).filter(counted).count() as u64
        };
        let is = |state| move |seen: &&Seen| seen.state == Some(state);
        let running = count(&is(State::Running));
        let waiting = count(&|seen| is(State::Blocked)(seen) && !seen.thread.is_outside);
        let samples = &mut self.samples;
        samples.covered_ns = samples.covered_ns.saturating_add(weight);
        samples.running_ns = samples.running_ns.saturating_add(weight.saturating_mul(running));
        samples.busy_ns += if running > 0 { weight } else { 0 };
        self.last_weight += weight as f64;
        for seen in self.threads.iter().filter(|seen| !seen.is_gone) {
            let mut tally = Tally { self_ns: weight, ..Tally::default() };
            match seen.state {
                Some(State::Running) => {
                    tally.running_ns = weight;
                    tally.wall_ns = weight / running.max(1);
                    tally.alone_ns = if running == 1 { weight } else { 0 };
                }
                Some(State::Blocked) => {
                    tally.blocked_ns = weight;
                    if running == 0 && !seen.thread.is_outside {
                        tally.wall_ns = weight / waiting.max(1);
                    }
                }
                None => {}
            }
            let all = if seen.state.is_some() { &mut self.told_ns } else { &mut self.unknown_ns };
            *all = all.saturating_add(weight);
            if let Some(place) = self.processes[seen.process].place(seen.thread.node) {
                place.tally.add(&tally);
            }
        }
    }

    fn leave(&mut self, is_over: impl Fn(&Followed) -> bool) {
        let before = self.processes.len();
        for followed in self.processes.extract_if(.., |followed| is_over(followed)) {
            keep(&mut self.samples, followed);
        }
        if self.processes.len() < before {
            // Its threads say where their process stood in the list.
            self.threads.clear();
        }
    }

    /// What was seen in all.
    pub(super) fn finish(mut self, elapsed: Duration, spent: Option<Duration>) -> Samples {
        for followed in self.processes.drain(..) {
            keep(&mut self.samples, followed);
        }
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let all = (self.told_ns as f64) + (self.unknown_ns as f64);
        let mut samples = self.samples;
        samples.elapsed_ns = nanos(elapsed);
        samples.cpu_ns = spent.map(nanos);
        samples.states_known = all > 0.0 && self.told_ns as f64 >= KNOWN * all;
        let squares = self.squares + self.last_weight.powi(2);
        if squares > 0.0 {
            samples.effective_looks = (samples.covered_ns as f64).powi(2) / squares;
        }
        samples
    }
}

fn keep(samples: &mut Samples, followed: Followed) {
    let process = (followed.process.pid, followed.start_ticks);
    samples.add(process, followed.tallies());
}

/// Whether a thread runs: by the answer, else by the last one about a thread that was as it is.
fn conclude(
    followed: &mut Followed,
    thread: &Thread,
    motion: Motion,
    answer: Option<Answer>,
) -> Option<State> {
    let has_states = followed.has_states;
    let place = followed.place(thread.node)?;
    let known = if motion == Motion::Moved { &mut place.moved } else { &mut place.still };
    if let Some(Answer::Is(state)) = answer {
        *known = Some(state);
    }
    // One that moved has run a moment ago; where nobody can be asked that says nothing of now.
    let likely = (motion == Motion::Moved && has_states).then_some(State::Running);
    known.or(likely)
}

#[cfg(test)]
mod tests;
