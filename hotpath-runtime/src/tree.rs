//! The calling context tree: which node a call is of, and the cold ways to it.

use crate::probe::elapsed;
use crate::segment::cell::{Count, Link};
use crate::segment::layout::{Allocs, Node, Slab};
use crate::site::Function;
use crate::slab::{self, reach};
use crate::{clock, map, span};

/// [`Node::next`] of a node all of whose calls are timed.
pub(crate) const ALWAYS: u64 = 1;
/// That of a node that is never timed.
pub(crate) const NEVER: u64 = u64::MAX;
/// That of a node with more to do than counting: the back edge of a recursion, or one that may be
/// entered while it is open.
pub(crate) const SPECIAL: u64 = 0;

impl Node {
    /// The node of threads without a slab: matches no call, is never timed, counts what nobody reads.
    pub(crate) const fn none(this: &'static Self) -> Self {
        Self {
            calls: Count::new(0),
            next: Count::new(NEVER),
            sum: Count::new(0),
            max: Count::new(0),
            min: Count::new(0),
            ctx: Link::to(this),
            parent: Link::none(),
            histogram: Link::none(),
            allocs: Allocs::new(),
            timed: Count::new(0),
            opened: Count::new(0),
            nested: Count::new(0),
            depth: Count::new(0),
            polls: Count::new(0),
            wait: Count::new(0),
            cancelled: Count::new(0),
            future_bytes: Count::new(0),
            function: Count::new(0),
            newer: Link::none(),
            reopened: Count::new(0),
        }
    }

    /// Counts a span.
    #[inline(always)]
    pub(crate) fn record(&self, span: u64) {
        self.timed.add(1);
        if span > self.max.get() {
            self.max.set(span);
        }
        if span < self.min.get() {
            self.min.set(span);
        }
    }

    /// Whether it is the back edge of a recursion.
    pub(crate) fn is_alias(&self) -> bool {
        !self.ctx.is(self)
    }
}

/// The node of a call to `function` from here.
#[inline(always)]
pub(crate) fn enter(function: &'static Function) -> &'static Node {
    let slab = slab::current();
    match slab.children.follow(function.id()) {
        Some(node) if node.parent.leads_where(&slab.cur) => node,
        _ => find(function),
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
    slab.child(parent, function).or_else(|| slab.overflow()).unwrap_or(parent)
}

impl Slab {
    /// The child of `parent` for `function`, found or made.
    fn child(&self, parent: &'static Node, function: &'static Function) -> Option<&'static Node> {
        let id = function.registered()?;
        let entry = if reach(&self.children, id) { self.children.get(id) } else { None };
        let node = self.edge(parent, id).or_else(|| self.make_child(parent, id))?;
        if let Some(entry) = entry {
            entry.set(Some(node));
        }
        Some(node)
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
                if between.next.get() != SPECIAL {
                    between.next.set(SPECIAL);
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
        node.next.set(next);
        node.min.set(u64::MAX);
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
    if node.next.get() == NEVER {
        return 0;
    }
    let ctx = node.ctx.get().unwrap_or(node);
    slab.cur.set(Some(ctx));
    let mut opened = &node.opened;
    if node.is_alias() {
        span::push_border(slab, ctx);
    } else {
        node.depth.add(1);
        if node.depth.get() > 1 {
            span::push_border(slab, node);
            opened = &node.reopened;
        }
    }
    let start = clock::ticks();
    opened.set(start);
    start
}

/// Closes a call of such a node, and says how long it was.
#[cold]
#[inline(never)]
pub(crate) fn close_special(slab: &Slab, node: &'static Node, start: u64, end: u64) -> u64 {
    if start == 0 {
        return 0;
    }
    let span = elapsed(slab, start, end);
    node.record(span);
    let depth = node.depth.get();
    node.depth.set(depth.saturating_sub(1));
    if node.is_alias() || depth > 1 {
        span::pop_border(slab);
    }
    let sum = if depth > 1 { &node.nested } else { &node.sum };
    sum.add(span);
    slab.cur.set(node.parent.get());
    span
}
