use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::*;
use crate::sampler::state::Silent;

const MILLISECOND: Duration = Duration::from_millis(1);
const MS: u64 = 1_000_000;
const ROOT: u64 = 64;

/// A thread as it is now.
#[derive(Clone, Copy)]
struct Now {
    node: u64,
    entered: u64,
    answer: Answer,
}

const RUNS: Answer = Answer::Is(State::Running);
const BLOCKED: Answer = Answer::Is(State::Blocked);

/// A process whose threads do what a test says, and a system that knows of it.
#[derive(Clone, Default)]
struct World {
    threads: Rc<RefCell<BTreeMap<u32, Now>>>,
    questions: Rc<RefCell<usize>>,
    is_over: Rc<RefCell<bool>>,
}

impl World {
    fn set(&self, tid: u32, node: u64, entered: u64, answer: Answer) {
        self.threads.borrow_mut().insert(tid, Now { node, entered, answer });
    }

    fn looks(&self) -> Looks<World> {
        looks(self, self.clone())
    }
}

fn looks<S: States>(world: &World, system: S) -> Looks<S> {
    let mut looks = Looks::new(system, Random::from_seed(11));
    looks.follow(Box::new(world.clone()), process(), 5);
    looks
}

fn process() -> reader::Process {
    reader::Process { pid: 9, parent_pid: 1, command: String::new(), exited: false, forked: false }
}

impl View for World {
    fn threads(&self, seen: &mut Vec<Thread>) {
        seen.clear();
        seen.extend(self.threads.borrow().iter().map(|(&tid, now)| Thread {
            tid,
            slab: u64::from(tid) * 320,
            attached: 1,
            node: now.node,
            is_outside: now.node == ROOT,
        }));
    }

    fn entered(&self, thread: &Thread) -> Option<u64> {
        Some(self.threads.borrow()[&thread.tid].entered)
    }

    fn is_over(&self) -> bool {
        *self.is_over.borrow()
    }
}

impl States for World {
    fn knows(&mut self, _: &reader::Process) -> bool {
        true
    }

    fn state(&mut self, pid: u32, tid: u32) -> Answer {
        assert_eq!(pid, 9);
        *self.questions.borrow_mut() += 1;
        self.threads.borrow()[&tid].answer
    }
}

fn finish<S: States>(looks: Looks<S>) -> (Samples, HashMap<u64, Tally>) {
    let samples = looks.finish(Duration::from_secs(1), Some(MILLISECOND));
    let nodes = samples.of(9, 5).cloned().unwrap_or_default();
    (samples, nodes)
}

#[test]
fn a_moment_is_divided_among_the_threads_that_run() {
    let world = World::default();
    world.set(1, 128, 1, RUNS);
    world.set(2, 192, 1, RUNS);
    world.set(3, ROOT, 0, BLOCKED);
    let mut looks = world.looks();
    looks.look(4 * MILLISECOND);
    world.set(2, 192, 1, BLOCKED);
    looks.look(2 * MILLISECOND);
    let (samples, nodes) = finish(looks);
    // 4 ms and half of the 2 to the next look, which has the other half.
    assert_eq!((samples.looks, samples.covered_ns), (2, 6 * MS));
    assert_eq!((samples.busy_ns, samples.running_ns), (6 * MS, 11 * MS));
    assert!(samples.states_known);
    let first = Tally {
        self_ns: 6 * MS,
        running_ns: 6 * MS,
        blocked_ns: 0,
        alone_ns: MS,
        wall_ns: 3_500_000,
    };
    assert_eq!(nodes[&128], first);
    let second = Tally {
        self_ns: 6 * MS,
        running_ns: 5 * MS,
        blocked_ns: MS,
        alone_ns: 0,
        wall_ns: 2_500_000,
    };
    assert_eq!(nodes[&192], second);
    let idle = Tally { self_ns: 6 * MS, blocked_ns: 6 * MS, ..Tally::default() };
    assert_eq!(nodes[&ROOT], idle);
}

#[test]
fn where_none_runs_those_that_wait_inside_have_the_moment() {
    let world = World::default();
    world.set(1, 128, 1, BLOCKED);
    world.set(2, 192, 1, BLOCKED);
    world.set(3, ROOT, 0, BLOCKED);
    let mut looks = world.looks();
    looks.look(2 * MILLISECOND);
    let (samples, nodes) = finish(looks);
    assert_eq!((samples.busy_ns, samples.running_ns), (0, 0));
    assert_eq!([128, 192, ROOT].map(|node| nodes[&node].wall_ns), [MS, MS, 0]);
}

#[test]
fn unmeasured_code_that_runs_takes_its_share() {
    let world = World::default();
    world.set(1, 128, 1, RUNS);
    world.set(2, ROOT, 0, RUNS);
    let mut looks = world.looks();
    looks.look(2 * MILLISECOND);
    let (_, nodes) = finish(looks);
    assert_eq!((nodes[&128].wall_ns, nodes[&ROOT].wall_ns), (MS, MS));
    assert_eq!(nodes[&128].alone_ns, 0);
}

#[test]
fn a_thread_that_moves_ran_and_is_seldom_asked_about() {
    let world = World::default();
    let mut looks = world.looks();
    for call in 0..1_000 {
        world.set(1, 128, call, RUNS);
        looks.look(MILLISECOND);
    }
    let questions = *world.questions.borrow();
    assert!((200..310).contains(&questions), "{questions}");
    let (_, nodes) = finish(looks);
    assert_eq!(nodes[&128].running_ns, 1_000 * MS);
}

#[test]
fn a_thread_that_moves_and_always_waits_is_found_out() {
    let world = World::default();
    let mut looks = world.looks();
    for call in 0..1_000 {
        world.set(1, 128 + call % 2 * 64, call, BLOCKED);
        looks.look(MILLISECOND);
    }
    let (_, nodes) = finish(looks);
    let blocked = nodes[&128].blocked_ns + nodes[&192].blocked_ns;
    assert!(blocked >= 900 * MS, "{nodes:?}");
}

#[test]
fn a_wait_in_between_does_not_stick_to_a_function_that_computes() {
    let world = World::default();
    let mut looks = world.looks();
    for step in 0..1_000 {
        // 9 looks of work, each at another call, then one that finds it waiting.
        let waits = step % 10 == 9;
        let answer = if waits { BLOCKED } else { RUNS };
        world.set(1, 128, if waits { step - 1 } else { step }, answer);
        looks.look(MILLISECOND);
    }
    let (_, nodes) = finish(looks);
    let off = nodes[&128].blocked_ns.abs_diff(100 * MS);
    assert!(off <= 5 * MS, "{nodes:?}");
}

#[test]
fn questions_are_few_however_many_threads_there_are() {
    let world = World::default();
    for tid in 1..=500 {
        world.set(tid, 64 * u64::from(tid), 1, if tid == 7 { RUNS } else { BLOCKED });
    }
    let mut looks = world.looks();
    let count = 2_000;
    for _ in 0..count {
        looks.look(MILLISECOND);
    }
    assert_eq!(*world.questions.borrow(), QUESTIONS * count);
    let (samples, nodes) = finish(looks);
    assert!(samples.states_known, "all were asked in turn");
    assert_eq!(nodes.len(), 500);
    assert!(nodes.values().all(|tally| tally.self_ns == count as u64 * MS));
    assert!(nodes[&(64 * 7)].running_ns > 1_500 * MS);
    assert_eq!(nodes[&(64 * 8)].running_ns, 0, "nobody is taken to run without an answer");
}

#[test]
fn a_process_that_is_gone_is_looked_at_no_longer() {
    let world = World::default();
    world.set(1, 128, 1, RUNS);
    let mut looks = world.looks();
    looks.look(MILLISECOND);
    // Killed: the segment says for ever that the thread is in there.
    world.set(1, 128, 1, Answer::Gone);
    for _ in 0..10 {
        looks.look(MILLISECOND);
    }
    assert_eq!(looks.following(), 0);
    let (_, nodes) = finish(looks);
    assert_eq!(nodes[&128].self_ns, MS + MS / 2, "up to halfway to the look that missed it");
}

#[test]
fn one_thread_that_ends_does_not_end_its_process() {
    let world = World::default();
    world.set(1, 128, 1, Answer::Gone);
    let mut looks = world.looks();
    for _ in 0..LOST - 1 {
        looks.look(MILLISECOND);
    }
    world.set(1, 128, 1, RUNS);
    looks.look(MILLISECOND);
    world.set(1, 128, 1, Answer::Gone);
    looks.look(MILLISECOND);
    assert_eq!(looks.following(), 1);
}

#[test]
fn a_process_that_has_exited_is_left_and_remembered() {
    let world = World::default();
    world.set(1, 128, 1, RUNS);
    let mut looks = world.looks();
    looks.look(MILLISECOND);
    looks.leave_those_that_are_over();
    assert_eq!(looks.following(), 1);
    *world.is_over.borrow_mut() = true;
    looks.leave_those_that_are_over();
    assert_eq!(looks.following(), 0);
    looks.look(MILLISECOND);
    let (samples, nodes) = finish(looks);
    assert_eq!((samples.looks, nodes[&128].self_ns), (1, MS));
}

#[test]
fn a_process_that_leaves_takes_nothing_of_another_ones_time() {
    let (first, second) = (World::default(), World::default());
    first.set(1, 128, 1, RUNS);
    second.set(1, 192, 1, RUNS);
    let mut looks = first.looks();
    looks.follow(Box::new(second.clone()), process(), 6);
    looks.look(MILLISECOND);
    *first.is_over.borrow_mut() = true;
    looks.leave_those_that_are_over();
    looks.look(2 * MILLISECOND);
    let samples = looks.finish(Duration::from_secs(1), None);
    assert_eq!(samples.covered_ns, 3 * MS);
    let of = |start: u64| samples.of(9, start).map(|nodes| nodes.values().next().unwrap().self_ns);
    // Nobody knows until when the first one was there.
    assert_eq!((of(5), of(6)), (Some(MS), Some(3 * MS)));
}

#[test]
fn the_time_between_two_looks_is_halved() {
    let world = World::default();
    world.set(1, 128, 1, RUNS);
    let mut looks = world.looks();
    looks.look(MILLISECOND);
    world.set(1, 192, 1, RUNS);
    looks.look(10 * MILLISECOND);
    world.set(1, 256, 1, RUNS);
    looks.look(3 * Duration::from_nanos(1));
    let (samples, nodes) = finish(looks);
    assert_eq!(samples.covered_ns, 11 * MS + 3, "nothing is lost to rounding");
    assert_eq!([128, 192, 256].map(|node| nodes[&node].self_ns), [6 * MS, 5 * MS + 1, 2]);
}

#[test]
fn a_silent_system_leaves_self_time() {
    let world = World::default();
    let mut looks = looks(&world, Silent);
    for call in 0..10 {
        world.set(1, 128, call, RUNS);
        looks.look(MILLISECOND);
    }
    let (samples, nodes) = finish(looks);
    assert!(!samples.states_known);
    assert_eq!(nodes[&128], Tally { self_ns: 10 * MS, ..Tally::default() });
}

#[test]
fn looks_at_unequal_distances_are_worth_fewer() {
    let world = World::default();
    world.set(1, 128, 1, RUNS);
    let mut looks = world.looks();
    for _ in 0..4 {
        looks.look(MILLISECOND);
    }
    looks.look(4 * MILLISECOND);
    let (samples, _) = finish(looks);
    assert_eq!(samples.looks, 5);
    // Of 1.5, 1, 1, 2.5 and 2 ms.
    assert!((samples.effective_looks - 64.0 / 14.5).abs() < 1e-9);
}

#[test]
fn a_look_at_nothing_counts_for_nothing() {
    let mut looks = Looks::new(Silent, Random::from_seed(1));
    looks.look(MILLISECOND);
    let world = World::default();
    looks.follow(Box::new(world), process(), 5);
    looks.look(MILLISECOND);
    let (samples, nodes) = finish(looks);
    assert_eq!((samples.looks, samples.covered_ns, nodes.len()), (0, 0, 0));
    assert!(!samples.states_known);
}
