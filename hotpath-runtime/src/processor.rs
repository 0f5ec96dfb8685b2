//! What threads had of the processor while functions were on their stack, and while none was: their CPU
//! time, read around some polls of tasks and around what lies between two polls.
//!
//! A span is wall time. In a service with more threads than processors a good part of it is waiting for
//! one, and what its threads do between polls is mostly sleep. Neither the probes' clock nor a look
//! from outside, which finds a thread ready, tells that from work.
//!
//! A look begins when a poll closes that nothing measured is around: from there to the next call it
//! is outside, then inside to the close of that. To learn of the next call costs no call anything:
//! the table of children is empty meanwhile, so that the call takes the long way, which knows. How
//! many polls a look stands for is drawn at random, such that looks take four thousandths of the time at most.

use crate::segment::layout::{Header, Node, Processor, Ran, Slab, UNKNOWN};
use crate::{clock, fork, map, process, slab, sys};

/// Nothing is looked at.
const IDLE: u64 = 0;
/// What comes before the next call.
const OUTSIDE: u64 = 1;
/// That call, where it is a poll that tells when it closes.
const INSIDE: u64 = 2;

/// Time between two looks, on average, in readings of the CPU clock: a look takes four.
const READINGS: u64 = 1_000;

/// Most polls that one look stands for, on average.
const LONGEST: u64 = 1 << 16;

/// What the mean number of polls moves by, of what it should be: one in so many.
const STEADY: u64 = 4;

/// To be called when a poll has closed.
#[inline(always)]
pub(crate) fn closed(slab: &'static Slab, node: &'static Node) {
    if !slab.cur.leads_where(&slab.root) {
        return;
    }
    match slab.polls_left.get() {
        left @ 2.. => slab.polls_left.set(left - 1),
        _ => look_now(slab, node),
    }
}

#[cold]
#[inline(never)]
extern "C" fn look_now(slab: &'static Slab, node: &'static Node) {
    // In a signal handler that came amid such a change, the next poll is as good.
    slab::change(|| {
        look(slab, node);
        Some(())
    });
}

fn look(slab: &'static Slab, node: &'static Node) {
    let Some(processor) = slab.processor.get() else { return };
    let _errno = sys::KeepErrno::new();
    let (ticks, Some(ns)) = (clock::ticks(), sys::cpu_ns()) else {
        return slab.polls_left.set(u64::MAX);
    };
    match processor.stage.get() {
        INSIDE => {
            let is_it = processor.node.is(node)
                && processor.span.get() == node.countdown.count.get()
                && !node.is_thinned_out();
            if is_it {
                processor.add(&processor.inside, ns, ticks);
            }
            processor.stage.set(IDLE);
            processor.draw(slab, node, ticks);
        }
        OUTSIDE => processor.abandon(slab),
        _ if processor.read_ns.get() == 0 => {
            processor.calibrate();
            processor.since.set(ticks);
            processor.draw(slab, node, ticks);
        }
        _ => processor.wait_for_call(slab, node),
    }
}

/// To be called where a call takes the long way. Whether one was waited for.
pub(crate) fn entered(slab: &'static Slab) -> bool {
    let waiting = |processor: &&Processor| processor.stage.get() == OUTSIDE;
    let Some(processor) = slab.processor.get().filter(waiting) else { return false };
    // First of all the ticks: what reading the CPU clock takes is none of what is measured.
    let ticks = clock::ticks();
    let _errno = sys::KeepErrno::new();
    let has_waited = slab::change(|| {
        if let Some(ns) = sys::cpu_ns() {
            let is_thinned = processor.node.get().is_some_and(Node::is_thinned_out);
            let ran = if is_thinned { &processor.after_thinned } else { &processor.outside };
            processor.add(ran, ns, ticks);
        }
        processor.stop_waiting(slab);
        Some(())
    });
    has_waited.is_some()
}

/// Looks at the span of this node that opens now.
pub(crate) fn follow(slab: &'static Slab, node: &'static Node) {
    let Some(processor) = slab.processor.get() else { return };
    let _errno = sys::KeepErrno::new();
    processor.node.set(Some(node));
    processor.span.set(node.countdown.count.get() + 1);
    processor.stage.set(INSIDE);
    slab.polls_left.set(1);
    processor.start();
}

/// Ends what is looked at: the thread ends.
pub(crate) fn leave(slab: &'static Slab) {
    let Some(processor) = slab.processor.get() else { return };
    processor.abandon(slab);
    // Else the exit of the process has it already.
    if !has_exited() {
        processor.add_thread(sys::cpu_ns());
    }
}

/// Adds the CPU time of the threads that the exit of the process meets. With the lock held, so that
/// none of them ends meanwhile.
pub(crate) fn finish(header: &'static Header) {
    let slabs = core::iter::successors(header.slabs.first.get(), |slab| slab.newer.get());
    for slab in slabs.filter(|slab| slab.attached.get() != 0) {
        if let Some(processor) = slab.processor.get() {
            processor.add_thread(u32::try_from(slab.tid.get()).ok().and_then(sys::cpu_ns_of));
        }
    }
}

/// Has nobody take the CPU time of threads that live for known, where [`finish`] can't be called.
pub(crate) fn give_up(header: &'static Header) {
    let slabs = core::iter::successors(header.slabs.first.get(), |slab| slab.newer.get());
    for slab in slabs.filter(|slab| slab.attached.get() != 0) {
        if let Some(processor) = slab.processor.get() {
            processor.thread_ns.set(UNKNOWN);
        }
    }
}

/// Starts over, in the child of a fork.
pub(crate) fn forget(slab: &Slab) {
    let Some(processor) = slab.processor.get() else { return };
    processor.abandon(slab);
    processor.thread_ns.set(0);
    for ran in [&processor.inside, &processor.outside, &processor.after_thinned] {
        let Ran { looks, polls, cpu_ns, ticks, squares, tick_squares, products } = ran;
        for count in [looks, polls, cpu_ns, ticks, squares, tick_squares, products] {
            count.set(0);
        }
    }
}

fn has_exited() -> bool {
    map::header().is_none_or(|header| header.exited.get() != 0)
}

impl Node {
    /// Whether most of its spans are not timed: those close unseen.
    fn is_thinned_out(&self) -> bool {
        self.countdown.mean.get() != 0
    }
}

impl Processor {
    /// Adds the CPU time of a thread, where that is known.
    fn add_thread(&self, ns: Option<u64>) {
        let sum = self.thread_ns.get();
        let known = ns.filter(|_| sum != UNKNOWN).map(|ns| sum.wrapping_add(ns));
        self.thread_ns.set(known.unwrap_or(UNKNOWN));
    }

    /// Notes the beginning of a stage.
    fn start(&self) {
        self.start_ns.set(sys::cpu_ns().unwrap_or(u64::MAX));
        self.start_ticks.set(clock::ticks());
    }

    /// From here to the next call it is outside.
    fn wait_for_call(&self, slab: &Slab, node: &'static Node) {
        let Some(children) = slab.children.entries() else { return };
        self.children.set(children);
        self.node.set(Some(node));
        self.stage.set(OUTSIDE);
        slab.children.cut();
        self.start();
    }

    /// Lets calls take the short way again.
    fn stop_waiting(&self, slab: &Slab) {
        if self.stage.get() == OUTSIDE {
            slab.children.restore(&self.children);
        }
        self.stage.set(IDLE);
    }

    /// Gives up what is looked at. The next look stands for the polls from here on.
    fn abandon(&self, slab: &Slab) {
        if self.stage.get() != IDLE {
            self.stop_waiting(slab);
            self.weight.set(1);
            slab.polls_left.set(1);
        }
    }

    /// Adds what a stage took that ends now.
    fn add(&self, ran: &Ran, ns: u64, ticks: u64) {
        let (Some(ns), Some(ticks)) = (
            ns.checked_sub(self.start_ns.get()),
            ticks.checked_sub(self.start_ticks.get().max(fork::born())),
        ) else {
            return;
        };
        let weight = self.weight.get();
        // Short ones are less than the system's way into its clock and out of it varies by.
        let most = ticks as f64 * f64::from_bits(self.ns_per_tick.get());
        let ns = ns.saturating_sub(self.read_ns.get()).min(most as u64);
        ran.looks.add(1);
        ran.polls.add(weight);
        ran.cpu_ns.add(ns.wrapping_mul(weight));
        ran.ticks.add(ticks.wrapping_mul(weight));
        let (cpu, elapsed, times) = (ns as f64, ticks as f64, weight as f64);
        ran.squares.add_float((cpu * times).powi(2));
        ran.tick_squares.add_float(times * elapsed * elapsed);
        ran.products.add_float(times * elapsed * cpu);
    }

    /// Decides how many polls the next look stands for.
    fn draw(&self, slab: &Slab, node: &'static Node, now: u64) {
        let took = now.saturating_sub(self.since.get()).max(1);
        let wanted = self.read_ticks.get().saturating_mul(READINGS);
        let period = self.period.get().max(1);
        let fitting = u128::from(self.weight.get()) * u128::from(wanted) / u128::from(took);
        let fitting = u64::try_from(fitting).unwrap_or(LONGEST).min(LONGEST);
        let period = (period * (STEADY - 1) + fitting).div_ceil(STEADY).clamp(1, LONGEST);
        self.period.set(period);
        self.since.set(now);
        let weight = slab.draw_gap(period);
        self.weight.set(weight);
        // The poll that closes now is the first of them.
        match weight {
            1 => self.wait_for_call(slab, node),
            _ => slab.polls_left.set(weight - 1),
        }
    }

    /// How long a tick is, and what reading the CPU clock takes: the least of some attempts.
    fn calibrate(&self) {
        self.ns_per_tick.set(process::ns_per_tick().unwrap_or(f64::INFINITY).to_bits());
        let (mut least_ns, mut least_ticks) = (u64::MAX, u64::MAX);
        for _ in 0..8 {
            let (start, first) = (clock::ticks(), sys::cpu_ns());
            let (second, end) = (sys::cpu_ns(), clock::ticks());
            let (Some(first), Some(second)) = (first, second) else { continue };
            least_ns = least_ns.min(second.saturating_sub(first));
            least_ticks = least_ticks.min(end.saturating_sub(start) / 2);
        }
        self.read_ns.set(least_ns.clamp(1, 10_000));
        self.read_ticks.set(least_ticks.clamp(1, 100_000));
    }
}

#[cfg(test)]
mod tests;
