//! What a thread had of the processor, as it lies in its slab.

use super::Node;
use crate::segment::cell::{Count, Link, Table};

/// [`Processor::thread_ns`] where the system did not tell it of some thread.
pub(crate) const UNKNOWN: u64 = u64::MAX;

/// What a thread had of the processor, in and outside of measured functions.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Processor {
    /// What is looked at now, as `processor::Stage` numbers it.
    pub(crate) stage: Count,
    /// For how many polls that stands.
    pub(crate) weight: Count,
    /// The thread's CPU time at its start, nanoseconds; and ticks.
    pub(crate) start_ns: Count,
    pub(crate) start_ticks: Count,
    /// [`Slab::children`] as it was; that is empty while the next call is waited for.
    pub(crate) children: Table<Link<Node>>,
    /// The span that is looked at: its node, and which of its spans. Outside: the node that closed.
    pub(crate) node: Link<Node>,
    pub(crate) span: Count,
    /// Mean number of polls that one look stands for; and the ticks at which it was last set.
    pub(crate) period: Count,
    pub(crate) since: Count,
    /// What reading the thread's CPU time takes, by that itself and in ticks.
    pub(crate) read_ns: Count,
    pub(crate) read_ticks: Count,
    /// An `f64`.
    pub(crate) ns_per_tick: Count,
    /// CPU time of threads that have ended, and of those that the exit of the process met.
    pub(crate) thread_ns: Count,
    pub(crate) inside: Ran,
    pub(crate) outside: Ran,
    /// Outside, where most spans of the function that closed are not timed.
    pub(crate) after_thinned: Ran,
}

/// Time that was looked at, each times the polls that it stands for.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Ran {
    pub(crate) looks: Count,
    pub(crate) polls: Count,
    pub(crate) cpu_ns: Count,
    pub(crate) ticks: Count,
    /// Sum of the squares of the CPU times, each times what it stands for; an `f64`.
    pub(crate) squares: Count,
    /// Sums of the squares of the ticks and of the products of both, each counted for what it stands for;
    /// `f64`s.
    pub(crate) tick_squares: Count,
    pub(crate) products: Count,
}
