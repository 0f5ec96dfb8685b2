//! The calling context tree: which node a call is of, and the cold ways to it.

use crate::probe::{elapsed, leave};
use crate::segment::cell::{Count, Link};
use crate::segment::layout::{Allocs, Countdown, Node, SPECIAL, Slab, Sums};
use crate::site::Function;
use crate::slab::{self, reach};
use crate::{clock, cold, fork, map, processor, span, throttle};

/// Start of a call that is not timed, but has to close the long way.
pub(crate) const NOT_TIMED: u64 = 1;

impl Node {
    /// The node of threads without a slab: matches no call, is never timed.
    pub(crate) const fn none(this: &'static Self) -> Self {
        Self {
            countdown: Countdown::new(SPECIAL),
            parent: Link::none(),
            inner: Count::new(0),
            opened: Count::new(0),
            histogram: Link::none(),
            allocs: Allocs::new(),
            sums: Sums::new(),
            ctx: Link::to(this),
            nested: Count::new(0),
            depth: Count::new(0),
            resumed: Count::new(0),
            wait: Count::new(0),
            cancelled: Count::new(0),
            future_bytes: Count::new(0),
            function: Count::new(0),
            newer: Link::none(),
            held: Count::new(0),
        }
    }

    /// Whether it only stands in where there is none.
    fn is_substitute(&self) -> bool {
        self.function.get() == 0
    }

    /// Has it count its open calls from now on. The one that is open is among them, unless it was
    /// not timed: that one closes the short way.
    fn make_reentrant(&self) {
        if self.is_reentrant() || self.is_alias() {
            return;
        }
        let is_timed = self.countdown.count.get() >= self.countdown.next.get();
        if !is_timed {
            self.opened.set(0);
        } else if clock::is_system() && self.countdown.next.get() != SPECIAL {
            // It opened by a counter that is not the clock: its time is known from here on.
            self.opened.set(clock::ticks());
        }
        self.depth.set(1 + u64::from(is_timed));
        self.countdown.next.set(SPECIAL);
        self.countdown.gap.set(0);
    }

    /// Whether it may be entered while it is open.
    fn is_reentrant(&self) -> bool {
        self.depth.get() > 0
    }

    /// Whether its newest open call is inside of another one of its own, or of the ancestor that it
    /// re-enters.
    fn is_nested(&self) -> bool {
        self.is_alias() || self.depth.get() > 2
    }

    /// Ticks at which the call opened that now closes and says `start`, by the process's clock.
    fn started(&self, start: u64) -> u64 {
        match self.opened.get() {
            // It may have opened as a plain one, by another counter.
            opened @ 1.. if clock::is_system() && !self.is_nested() => opened,
            _ => start,
        }
    }

    /// Whether it is the back edge of a recursion.
    pub(crate) fn is_alias(&self) -> bool {
        !self.ctx.is(self)
    }
}

/// This thread's slab, and in it the node of a call to `function` from here.
#[inline(always)]
pub(crate) fn enter(function: &'static Function) -> (&'static Slab, &'static Node) {
    let slab = slab::current();
    match slab.children.follow(function.id()) {
        Some(node) if node.parent.leads_where(&slab.cur) => (slab, node),
        _ => find(function),
    }
}

#[cold]
#[inline(never)]
extern "C" fn find(function: &'static Function) -> (&'static Slab, &'static Node) {
    let slab = slab::attached();
    let parent = slab.node();
    if slab.is_none() {
        return (slab, parent);
    }
    let has_waited = processor::entered(slab);
    let node = slab::change(|| slab.child(parent, function).or_else(|| slab.overflow()));
    let node = node.unwrap_or(slab::no_node());
    if has_waited {
        processor::follow(slab, node);
    }
    (slab, node)
}

impl Slab {
    /// The child of `parent` for `function`, found or made.
    fn child(&self, parent: &'static Node, function: &'static Function) -> Option<&'static Node> {
        let id = function.known_id();
        if let Some(entry) = id.and_then(|id| self.children.get(id))
            && let Some(node) = id.and_then(|id| self.edge(parent, id))
        {
            entry.set(Some(node));
            return Some(node);
        }
        cold::within(self, || {
            let id = function.registered()?;
            let entry = if reach(&self.children, id) { self.children.get(id) } else { None };
            let node = self.edge(parent, id).or_else(|| self.make_child(parent, id))?;
            if let Some(entry) = entry {
                entry.set(Some(node));
            }
            Some(node)
        })
    }

    fn make_child(&self, parent: &'static Node, id: u64) -> Option<&'static Node> {
        let ancestor = ancestors(parent).find(|node| node.function.get() == id);
        let next = if ancestor.is_some() { SPECIAL } else { throttle::always() };
        let node = self.add_node(Some(parent), ancestor, id, next)?;
        if let Some(ancestor) = ancestor {
            // From here on these may be entered while they are open.
            let between = ancestors(parent).take_while(|node| !core::ptr::eq(*node, ancestor));
            between.for_each(Node::make_reentrant);
        }
        Some(node)
    }

    /// Adds a node to the slab and to its edges.
    pub(crate) fn add_node(
        &self,
        parent: Option<&'static Node>,
        ancestor: Option<&'static Node>,
        function: u64,
        next: u64,
    ) -> Option<&'static Node> {
        let node = self.allot::<Node>(1)?.first()?;
        node.countdown.next.set(next);
        node.function.set(function);
        node.parent.set(parent);
        node.ctx.set(ancestor.or(Some(node)));
        self.nodes.append(node, |node| &node.newer);
        if let (Some(_), 1..) = (parent, function) {
            self.add_edge(node);
        }
        Some(node)
    }

    fn edge(&self, parent: &Node, function: u64) -> Option<&'static Node> {
        let mut at = hash(parent, function);
        loop {
            at &= self.edges.len.get() - 1;
            let node = self.edges.get(at)?.get()?;
            if node.function.get() == function && node.parent.is(parent) {
                return Some(node);
            }
            at += 1;
        }
    }

    fn add_edge(&self, node: &'static Node) {
        let len = self.edges.len.get();
        if self.edge_count.get() * 2 >= len {
            // Without memory for a longer table the old one still has room; once it has not, the
            // edge is left out, and a later miss makes a second node for it.
            if let Some(longer) = slab::new_table::<Node>(len as usize * 2) {
                let old = (0..len).filter_map(|i| self.edges.get(i)?.get());
                old.for_each(|node| put_edge(longer, node));
                self.edges.set(longer);
            } else if self.edge_count.get() + 1 >= len {
                return;
            }
        }
        if let Some(entries) = self.edges.entries() {
            put_edge(entries, node);
            self.edge_count.add(1);
        }
    }

    /// Where calls go that found no room for a node of their own.
    fn overflow(&self) -> Option<&'static Node> {
        if let Some(header) = map::header() {
            header.overflowed.add_shared(1);
        }
        self.other.get()
    }
}

/// Puts a node into a table that has a free entry.
fn put_edge(entries: &[Link<Node>], node: &'static Node) {
    let Some(parent) = node.parent.get() else { return };
    let start = hash(parent, node.function.get()) as usize;
    let free = (0..entries.len())
        .filter_map(|i| entries.get((start + i) & (entries.len() - 1)))
        .find(|entry| entry.get().is_none());
    if let Some(entry) = free {
        entry.set(Some(node));
    }
}

/// The node and what it was called from, up to the root.
fn ancestors(node: &'static Node) -> impl Iterator<Item = &'static Node> {
    core::iter::successors(Some(node), |node| node.parent.get())
}

fn hash(parent: &Node, function: u64) -> u64 {
    let key = core::ptr::from_ref(parent).addr() as u64 ^ function.rotate_left(32);
    key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24
}

/// Opens a call of a node that is no plain one, and leaves its start in the slab. Gives both back,
/// so that they need not outlive it.
#[cold]
#[inline(never)]
pub(crate) extern "C" fn open_special(
    slab: &'static Slab,
    node: &'static Node,
) -> (&'static Slab, &'static Node) {
    let start = if node.is_substitute() { NOT_TIMED } else { start_special(slab, node) };
    slab.start.set(start);
    (slab, node)
}

fn start_special(slab: &Slab, node: &'static Node) -> u64 {
    let ctx = node.ctx.get().unwrap_or(node);
    slab.cur.set(Some(ctx));
    if node.is_reentrant() {
        node.depth.add(1);
    }
    if node.is_nested() {
        span::push_border(slab, ctx);
        return clock::ticks();
    }
    let start = clock::ticks();
    node.opened.set(start);
    start
}

/// Closes a call of such a node; gives what of its span, where that was timed, was no cold work of
/// probes, and how many it stands for.
#[cold]
#[inline(never)]
pub(crate) fn close_special(slab: &Slab, node: &Node, start: u64, end: u64) -> Option<(u64, u64)> {
    if node.is_substitute() {
        return None;
    }
    let (is_alias, is_nested) = (node.is_alias(), node.is_nested());
    let start = node.started(start);
    if is_nested {
        span::pop_border(slab);
    } else {
        node.opened.set(0);
    }
    let span = elapsed(slab, start.max(fork::born()), end);
    leave(slab, node, span);
    let own = if is_nested { span } else { node.without_cold(span) };
    if !is_alias && !node.is_reentrant() {
        return Some((own, node.countdown.record(slab, &node.sums, own, slab.inside.get())));
    }
    if node.is_reentrant() {
        node.depth.set(node.depth.get() - 1);
    }
    node.sums.timed.add(1);
    node.sums.note_longest(own);
    let sum = if is_nested && !is_alias { &node.nested } else { &node.sums.ticks };
    sum.add(own);
    Some((own, 1))
}

/// Closes what opened as a call of such a node but is none: it is not counted, nor is it one of those
/// that are looked at.
pub(crate) fn close_uncounted(slab: &Slab, node: &Node, start: u64, end: u64) {
    if node.is_substitute() {
        return;
    }
    let (is_alias, is_nested) = (node.is_alias(), node.is_nested());
    if is_nested {
        span::pop_border(slab);
    } else {
        node.opened.set(0);
    }
    let span = elapsed(slab, start, end);
    leave(slab, node, span);
    let own = if is_nested { span } else { node.without_cold(span) };
    if node.is_reentrant() {
        node.depth.set(node.depth.get() - 1);
    }
    let sum = if is_nested && !is_alias { &node.nested } else { &node.sums.ticks };
    sum.add(own);
}

impl Node {
    /// Keeps what the first call of a function that is not async allocated, with all that it called:
    /// what it warmed up is no part of what calls cost. To be called when a call closes.
    ///
    /// Nodes that are newer were made by that call, so that they hold nothing else; not so in the child
    /// of a fork, which has its parent's nodes. Where something that it called went back to an older node,
    /// some of them are that one's, and nothing is kept.
    pub(crate) fn note_first(&self, slab: &Slab) {
        let is_known = self.wait.get() != 0 || self.countdown.count.get() != 1;
        if is_known || self.function.get() == 0 || self.is_alias() || fork::born() != 0 {
            return;
        }
        cold::within(slab, || {
            let newer = core::iter::successors(self.newer.get(), |node| node.newer.get());
            if newer.clone().any(|node| node.is_alias() && self.is_below(&node.ctx)) {
                return;
            }
            let (mut count, mut bytes, mut reallocs) = (1, 0, 0);
            for allocs in core::iter::once(&self.allocs).chain(newer.map(|node| &node.allocs)) {
                count = allocs.count.get().wrapping_add(count);
                bytes = allocs.bytes.get().wrapping_add(bytes);
                reallocs = allocs.reallocs.get().wrapping_add(reallocs);
            }
            self.wait.set(count);
            self.cancelled.set(bytes);
            self.future_bytes.set(reallocs);
        });
    }

    /// Whether it was called from that node, however deep.
    fn is_below(&self, node: &Link<Node>) -> bool {
        let mut above = core::iter::successors(self.parent.get(), |node| node.parent.get());
        above.any(|ancestor| node.is(ancestor))
    }

    /// Closes what opened while it was a plain node, in case that it counts its open calls by now.
    pub(crate) fn forget_open(&self) {
        if self.depth.get() > 1 {
            self.depth.set(self.depth.get() - 1);
            self.opened.set(0);
        }
    }
}
