//! Calling context trees: self times by node, and the trees of all slabs merged by path.

use std::collections::{BTreeMap, HashMap, HashSet};

use hotpath_runtime::segment::reader::{Function, Node};

use super::Local;
use crate::profile::{BackEdge, Context, FirstCall, Polls, Seen};

/// The contexts merged so far, by (parent, function).
#[derive(Default)]
pub(super) struct Contexts {
    list: Vec<Context>,
    by_path: HashMap<(Option<usize>, usize), usize>,
    back: BTreeMap<(usize, usize), BackEdge>,
    /// What was seen of threads that were in no measured function.
    seen_outside: Option<Seen>,
}

impl Contexts {
    /// Adds one slab's tree; returns the ticks that its measured functions took together.
    pub(super) fn add(
        &mut self,
        tree: &[Node],
        functions: &[Function],
        local: Local<'_>,
        notes: &mut Vec<String>,
    ) -> u64 {
        let owners = owners(tree);
        let own = own_ticks(tree, &owners);
        let mut places: Vec<Option<usize>> = vec![None; tree.len()];
        // Nodes come in the order of their first calls: of each function that of its first one counts.
        let mut begun = HashSet::new();
        for (index, node) in tree.iter().enumerate().skip(1) {
            let owner = owners[index];
            let caller = node.parent.and_then(|parent| places[owners[parent]]);
            match node.function {
                // Its place is its owner's: allocations of functions that found no room.
                None => self.add_unknown(node, places[owner], local),
                Some(_) if owner != index => {
                    self.add_back_edge(node, places[owner], caller, local);
                }
                Some(function) => {
                    let place = self.place(caller, local.functions[function]);
                    places[index] = Some(place);
                    self.add_node(place, node, functions[function].is_async, local);
                    if begun.insert(function) {
                        self.add_first(place, node);
                    }
                    self.add_self(place, own[index], local);
                    if own[index] < -tolerance(tree, index, &owners) {
                        notes.push(too_short(&functions[function].name, own[index], local));
                    }
                }
            }
        }
        self.add_seen(tree, &owners, &places, local);
        u64::try_from(-own.first().copied().unwrap_or_default()).unwrap_or_default()
    }

    fn add_seen(
        &mut self,
        tree: &[Node],
        owners: &[usize],
        places: &[Option<usize>],
        local: Local<'_>,
    ) {
        for (node, owner) in tree.iter().zip(owners) {
            let Some(seen) = local.looks.and_then(|looks| looks.at(node.offset)) else { continue };
            let sum = match places[*owner] {
                Some(place) => &mut self.list[place].timeline,
                None => &mut self.seen_outside,
            };
            match sum {
                Some(sum) => sum.add(&seen),
                None => *sum = Some(seen),
            }
        }
    }

    /// What was seen of threads that were in no measured function.
    pub(super) fn seen_outside(&self) -> Option<Seen> {
        self.seen_outside
    }

    fn add_unknown(&mut self, node: &Node, owner: Option<usize>, local: Local<'_>) {
        if let Some(owner) = owner {
            self.list[owner].allocs.add(&local.rate.allocs(&node.allocs));
        }
    }

    fn add_self(&mut self, place: usize, ticks: i128, local: Local<'_>) {
        let self_ns = local.rate.ns(u64::try_from(ticks.max(0)).unwrap_or(u64::MAX));
        let context = &mut self.list[place];
        context.self_ns = context.self_ns.saturating_add(self_ns);
    }

    fn place(&mut self, parent: Option<usize>, function: usize) -> usize {
        *self.by_path.entry((parent, function)).or_insert_with(|| {
            self.list.push(Context { function, parent, ..Context::default() });
            self.list.len() - 1
        })
    }

    fn add_node(&mut self, place: usize, node: &Node, is_async: bool, local: Local<'_>) {
        let rate = local.rate;
        let context = &mut self.list[place];
        context.total_ns = context.total_ns.saturating_add(rate.ns(node.sum));
        add_counts(context, node, local);
        if is_async {
            let polls = context.polls.get_or_insert_with(Polls::default);
            polls.polls = polls.polls.saturating_add(node.polls);
            polls.wait_ns = polls.wait_ns.saturating_add(rate.ns(node.wait));
            polls.cancelled = polls.cancelled.saturating_add(node.cancelled);
            polls.future_bytes = polls.future_bytes.max(node.future_bytes);
        }
    }

    /// Threads have no order in common: of their first calls the dearest stays.
    fn add_first(&mut self, place: usize, node: &Node) {
        let first = node.first.map(|first| FirstCall {
            allocs: first.count,
            alloc_bytes: first.bytes,
            reallocs: first.reallocs,
        });
        let context = &mut self.list[place];
        context.first = context.first.max(first);
    }

    fn add_back_edge(
        &mut self,
        node: &Node,
        target: Option<usize>,
        caller: Option<usize>,
        local: Local<'_>,
    ) {
        let (Some(target), Some(caller)) = (target, caller) else { return };
        let rate = local.rate;
        let context = &mut self.list[target];
        add_counts(context, node, local);
        context.back_calls = context.back_calls.saturating_add(node.calls);
        if let Some(polls) = context.polls.as_mut() {
            polls.polls = polls.polls.saturating_add(node.polls);
            polls.wait_ns = polls.wait_ns.saturating_add(rate.ns(node.wait));
            polls.cancelled = polls.cancelled.saturating_add(node.cancelled);
        }
        let edge =
            self.back.entry((target, caller)).or_insert(BackEdge { caller, ..BackEdge::default() });
        edge.calls = edge.calls.saturating_add(node.calls);
        edge.total_ns = edge.total_ns.saturating_add(rate.ns(node.sum));
    }

    /// The contexts in preorder, children by function: the same tree is always the same list.
    pub(super) fn finish(mut self) -> Vec<Context> {
        for ((target, _), edge) in &self.back {
            self.list[*target].back_edges.push(*edge);
        }
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.list.len()];
        let mut roots = Vec::new();
        for (index, context) in self.list.iter().enumerate() {
            match context.parent {
                Some(parent) => children[parent].push(index),
                None => roots.push(index),
            }
        }
        let list = &self.list;
        let by_function = |siblings: &mut Vec<usize>| {
            siblings.sort_by_key(|&index| std::cmp::Reverse(list[index].function));
        };
        by_function(&mut roots);
        children.iter_mut().for_each(by_function);
        let mut order = Vec::with_capacity(list.len());
        let mut position = vec![0; list.len()];
        while let Some(index) = roots.pop() {
            position[index] = order.len();
            order.push(index);
            roots.append(&mut children[index]);
        }
        order.into_iter().map(|index| moved(&mut self.list[index], &position)).collect()
    }
}

/// Takes a context out, its indices translated to the new order.
fn moved(context: &mut Context, position: &[usize]) -> Context {
    let mut context = std::mem::take(context);
    context.parent = context.parent.map(|parent| position[parent]);
    for edge in &mut context.back_edges {
        edge.caller = position[edge.caller];
    }
    context.back_edges.sort_by_key(|edge| edge.caller);
    context
}

fn add_counts(context: &mut Context, node: &Node, local: Local<'_>) {
    context.calls = context.calls.saturating_add(node.calls);
    context.timed = context.timed.saturating_add(node.timed);
    context.error_ns = context.error_ns.hypot(local.rate.error_ns(node.variance));
    context.open = context.open.saturating_add(node.open);
    context.max_ns = context.max_ns.max(local.rate.ns(node.max));
    context.allocs.add(&local.rate.allocs(&node.allocs));
}

const ROOT: usize = 0;

/// Which node the time of each node belongs to: of a back edge its target, of the overflow node
/// (which has no function) its parent's, else itself.
fn owners(nodes: &[Node]) -> Vec<usize> {
    let mut owners: Vec<usize> = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        let before = |other: &usize| *other < index;
        let owner = match node.alias_of.filter(before) {
            Some(target) => owners[target],
            None if node.function.is_some() || index == ROOT => index,
            None => node.parent.filter(before).map_or(ROOT, |parent| owners[parent]),
        };
        owners.push(owner);
    }
    owners
}

/// Ticks of each node exclusive of measured functions; of the root minus all that were in any.
///
/// Each span counts for the node that it is of (or that it re-enters) and against the one that
/// called: the sum over all nodes is therefore 0, whatever the recursion.
fn own_ticks(nodes: &[Node], owners: &[usize]) -> Vec<i128> {
    let mut own = vec![0_i128; nodes.len()];
    for (index, node) in nodes.iter().enumerate().skip(1) {
        if node.function.is_none() {
            continue;
        }
        let span = i128::from(node.sum) + i128::from(node.nested);
        own[owners[index]] += span;
        own[node.parent.map_or(ROOT, |parent| owners[parent])] -= span;
    }
    own
}

/// The note for a function whose own time came out negative.
fn too_short(name: &str, ticks: i128, local: Local<'_>) -> String {
    let excess = u64::try_from(ticks.unsigned_abs()).unwrap_or(u64::MAX);
    format!(
        "{name}: the functions that it calls took {} ns longer than itself: its own time there is \
         taken as 0",
        local.rate.ns(excess)
    )
}

/// Standard errors that an estimate is allowed to be off without a note.
pub(super) const LIKELY_ERRORS: f64 = 4.0;

/// How far a node's own time may come out below 0 with nothing wrong: a tick of rounding for each
/// span in it, and what the estimates of spans that were not timed are likely off by.
fn tolerance(nodes: &[Node], index: usize, owners: &[usize]) -> i128 {
    let children = nodes.iter().filter(|node| node.parent.is_some_and(|p| owners[p] == index));
    let (rounding, variance) =
        children.fold((1, nodes[index].variance), |(rounding, variance), child| {
            (rounding + i128::from(child.timed), variance + child.variance)
        });
    rounding.saturating_add((LIKELY_ERRORS * variance.sqrt()) as i128)
}

#[cfg(test)]
mod tests;
