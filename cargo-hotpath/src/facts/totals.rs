//! Sums over the calling context tree.

use std::collections::BTreeMap;

use super::{Edge, FunctionFacts, Nested};
use crate::profile::{Allocs, Context, Polls, Profile};

/// Adds the figures of every context to its function.
pub(super) fn add(profile: &Profile, functions: &mut [FunctionFacts]) {
    let inclusive = inclusive_allocs(&profile.contexts);
    let nested = nested(&profile.contexts);
    for (index, context) in profile.contexts.iter().enumerate() {
        let function = &mut functions[context.function];
        function.calls = function.calls.saturating_add(context.calls);
        function.timed = function.timed.saturating_add(context.timed);
        function.self_ns = function.self_ns.saturating_add(context.self_ns);
        function.max_ns = function.max_ns.max(context.max_ns);
        function.self_allocs.add(&context.allocs);
        if let Some(polls) = &context.polls {
            add_polls(function.polls.get_or_insert_with(Polls::default), polls);
        }
        match (&mut function.timeline, &context.timeline) {
            (Some(sum), Some(seen)) => sum.add(seen),
            (sum, seen) => *sum = sum.or(*seen),
        }
        // Inside another call of the same function it is part of that one's total.
        if is_outermost(&profile.contexts, index) {
            function.total_ns = function.total_ns.saturating_add(context.total_ns);
            function.error_ns = function.error_ns.hypot(context.error_ns);
            function.total_allocs.add(&inclusive[index]);
            function.first = function.first.max(context.first);
            function.nested.add(nested[index]);
        }
    }
}

/// Calls by (caller, callee), recursive ones included.
pub(super) fn edges(profile: &Profile) -> Vec<Edge> {
    let mut edges: BTreeMap<(Option<usize>, usize), Edge> = BTreeMap::new();
    let mut add = |caller, callee, calls: u64, total_ns: u64| {
        let empty = Edge { caller, callee, calls: 0, total_ns: 0 };
        let edge = edges.entry((caller, callee)).or_insert(empty);
        edge.calls = edge.calls.saturating_add(calls);
        edge.total_ns = edge.total_ns.saturating_add(total_ns);
    };
    let function = |context: usize| profile.contexts[context].function;
    for context in &profile.contexts {
        let forward = context.calls.saturating_sub(context.back_calls);
        add(context.parent.map(function), context.function, forward, context.total_ns);
        for back in &context.back_edges {
            add(Some(function(back.caller)), context.function, back.calls, back.total_ns);
        }
    }
    edges.into_values().collect()
}

/// Own operations and those of all descendants.
///
/// What a recursive call did is with the context that it re-entered, not with its caller.
fn inclusive_allocs(contexts: &[Context]) -> Vec<Allocs> {
    let mut inclusive: Vec<Allocs> = contexts.iter().map(|context| context.allocs).collect();
    // Parents come first: from the end on, every child is complete when its turn comes.
    for index in (0..contexts.len()).rev() {
        if let Some(parent) = contexts[index].parent {
            let child = inclusive[index];
            inclusive[parent].add(&child);
        }
    }
    inclusive
}

/// Spans in each context's subtree: of its descendants, and its own recursive ones.
fn nested(contexts: &[Context]) -> Vec<Nested> {
    let spans = |context: &Context| context.polls.map_or(context.calls, |polls| polls.polls);
    let mut below = vec![Nested::default(); contexts.len()];
    for index in (0..contexts.len()).rev() {
        let context = &contexts[index];
        if let Some(parent) = context.parent {
            let child = below[index];
            below[parent].add(child);
            below[parent].add(Nested { spans: spans(context), timed: context.timed });
        }
        // Recursive contexts are always timed.
        below[index].add(Nested { spans: context.back_calls, timed: context.back_calls });
    }
    below
}

impl Nested {
    fn add(&mut self, other: Self) {
        self.spans = self.spans.saturating_add(other.spans);
        self.timed = self.timed.saturating_add(other.timed);
    }
}

fn is_outermost(contexts: &[Context], index: usize) -> bool {
    let mut above = contexts[index].parent;
    while let Some(parent) = above {
        if contexts[parent].function == contexts[index].function {
            return false;
        }
        above = contexts[parent].parent;
    }
    true
}

fn add_polls(sum: &mut Polls, polls: &Polls) {
    sum.polls = sum.polls.saturating_add(polls.polls);
    sum.wait_ns = sum.wait_ns.saturating_add(polls.wait_ns);
    sum.cancelled = sum.cancelled.saturating_add(polls.cancelled);
    sum.future_bytes = sum.future_bytes.max(polls.future_bytes);
}
