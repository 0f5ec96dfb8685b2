//! The calling context tree: which node a call is of, and the cold ways to it.

use crate::probe::leave;
use crate::segment::cell::{Count, Link};
use crate::segment::layout::{Allocs, Countdown, Node, Slab, Sums};
use crate::site::Function;
use crate::slab::{self, reach};
use crate::throttle::ALWAYS;
use crate::{clock, cold, map, span};

/// `next` of a node with more to do than counting: the back edge of a recursion, one that may be
/// entered while it is open, and those that only stand in for a node.
pub(crate) const SPECIAL: u64 = 0;

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
            started: Count::new(0),
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
        _ => (slab::attached(), find(function)),
    }
}

#[cold]
#[inline(never)]
fn find(function: &'static Function) -> &'static Node {
    let slab = slab::attached();
    let parent = slab.node();
    if slab.is_none() {
        return parent;
    }
    slab.child(parent, function).or_else(|| slab.overflow()).unwrap_or(slab::no_node())
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

    fn make_child(
        &self,
        parent: &'static Node,
        id: u64,
    ) -> Option<&'static Node> {
        let ancestor = ancestors(parent).find(|node| node.function.get() == id);
        let next = if ancestor.is_some() { SPECIAL } else { ALWAYS };
        let node = self.add_node(Some(parent), ancestor, id, next)?;
        if let Some(ancestor) = ancestor {
            // From here on these may be entered while they are open. They are open now, once,
            // unless they were such nodes before.
            for between in ancestors(parent).take_while(|node| !core::ptr::eq(*node, ancestor)) {
                if between.countdown.next.get() != SPECIAL {
                    between.countdown.next.set(SPECIAL);
                    between.countdown.gap.set(0);
                    between.depth.set(1);
                }
            }
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

/// Opens a call of a node that is no plain one; gives its start, 0 for not timed.
#[cold]
#[inline(never)]
pub(crate) fn open_special(slab: &Slab, node: &'static Node) -> u64 {
    if node.is_substitute() {
        return 0;
    }
    let ctx = node.ctx.get().unwrap_or(node);
    slab.cur.set(Some(ctx));
    if node.is_alias() {
        span::push_border(slab, ctx);
        return clock::ticks();
    }
    node.depth.add(1);
    if node.depth.get() > 1 {
        span::push_border(slab, node);
        return clock::ticks();
    }
    let start = clock::ticks();
    node.opened.set(start);
    start
}

/// Closes a call of such a node; `None` where it was not timed, being no such node yet when it
/// opened. Gives what of the span was no cold work of probes.
#[cold]
#[inline(never)]
pub(crate) fn close_special(
    slab: &Slab,
    node: &'static Node,
    timed: Option<u64>,
) -> Option<u64> {
    if node.is_substitute() {
        return None;
    }
    let depth = node.depth.get();
    node.depth.set(depth.saturating_sub(1));
    if node.is_alias() || depth > 1 {
        span::pop_border(slab);
    } else {
        node.opened.set(0);
    }
    let is_outermost = depth <= 1 && !node.is_alias();
    let own = timed.map(|span| if is_outermost { node.without_cold(span) } else { span });
    if let Some(own) = own {
        node.sums.timed.add(1);
        node.sums.note_longest(own);
        let sum = if depth > 1 { &node.nested } else { &node.sums.ticks };
        sum.add(own);
    }
    leave(slab, node, timed.unwrap_or_else(|| node.countdown.mean.get()));
    own
}
