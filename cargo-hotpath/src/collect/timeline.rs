//! What the sampler saw, joined with the contexts by where their nodes lay.

use std::collections::HashMap;

use hotpath_runtime::segment::reader::Segment;

use super::Outcome;
use crate::profile::{Context, Seen, SeenStates, Timeline};
use crate::sampler::{Samples, Tally};

/// What was seen of one process.
#[derive(Clone, Copy)]
pub(super) struct Looks<'a> {
    nodes: &'a HashMap<u64, Tally>,
    states_known: bool,
}

impl<'a> Looks<'a> {
    /// Of the process that left this segment, if it was seen.
    pub(super) fn of(samples: &'a Samples, segment: &Segment) -> Option<Self> {
        let nodes = samples.of(segment.process.pid, segment.clock.start.ticks)?;
        Some(Self { nodes, states_known: samples.states_known })
    }

    /// What was seen of the node at this offset of the segment.
    pub(super) fn at(self, offset: u64) -> Option<Seen> {
        let Tally { self_ns, running_ns, blocked_ns, alone_ns, wall_ns } =
            *self.nodes.get(&offset)?;
        let states = SeenStates { running_ns, blocked_ns, alone_ns, wall_ns };
        Some(Seen { self_ns, states: self.states_known.then_some(states) })
    }
}

/// The totals; `None` where nothing was looked at. Contexts that no look met get zeros.
pub(super) fn of(
    outcome: &Outcome,
    outside: Option<Seen>,
    contexts: &mut [Context],
) -> Option<Timeline> {
    let samples = outcome.samples.as_ref().filter(|samples| samples.looks > 0)?;
    let known = |ns: u64| samples.states_known.then_some(ns);
    let never = Seen { self_ns: 0, states: samples.states_known.then(SeenStates::default) };
    for context in contexts {
        context.timeline.get_or_insert(never);
    }
    Some(Timeline {
        samples: samples.looks,
        effective_samples: samples.effective_looks,
        covered_ns: samples.covered_ns,
        sampler_cpu_ns: samples.cpu_ns,
        busy_ns: known(samples.busy_ns),
        running_ns: known(samples.running_ns),
        outside: outside.unwrap_or(never),
    })
}
