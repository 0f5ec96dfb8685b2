//! What a piece of code does on this thread: the difference that it makes to the thread's counters.
//!
//! Nothing is counted for it: the probes and the allocator count as ever, on the nodes of this
//! thread's tree, and two walks over the nodes say what was added. What a walk needs of memory is
//! none of the thread's.

use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use crate::level::{Swing, Watch};
use crate::notice::Unmeasured;
use crate::segment::layout::{Node, Slab};
use crate::{fork, register, slab};

/// Something whose memory is taken and given back beside the thread's counters.
#[derive(Default)]
struct Aside<T: Default>(T);

impl<T: Default> Aside<T> {
    fn change<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> R {
        slab::aside(None, || change(&mut self.0))
    }
}

impl<T: Default> Drop for Aside<T> {
    fn drop(&mut self) {
        let held = mem::take(&mut self.0);
        slab::aside(None, || drop(held));
    }
}

/// What a node had counted: calls, allocations.
type Counts = [u64; 2];

/// The counters of a thread at one moment.
#[derive(Default)]
pub(crate) struct Snapshot {
    /// By node, in the order of their making.
    nodes: Aside<Vec<Counts>>,
    heap: Heap,
}

impl Snapshot {
    fn take(&mut self, slab: &Slab) {
        self.nodes.change(|nodes| {
            nodes.clear();
            nodes.extend(members(slab).map(counts));
        });
        self.heap = Heap::of(slab);
    }
}

fn members(slab: &Slab) -> impl Iterator<Item = &'static Node> {
    core::iter::successors(slab.nodes.first.get(), |node| node.newer.get())
}

fn counts(node: &Node) -> Counts {
    [node.countdown.count.get().wrapping_sub(node.resumed.get()), node.allocs.count.get()]
}

/// Allocator operations.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heap {
    /// Allocations, their bytes, frees, their bytes, reallocations.
    sums: [u64; 5],
    swing: Swing,
}

impl Heap {
    /// All that a thread did so far.
    fn of(slab: &Slab) -> Self {
        let mut sums = [0_u64; 5];
        for node in members(slab) {
            let [count, bytes, frees, freed_bytes] = node.allocs.blocks();
            let own = [count, bytes, frees, freed_bytes, node.allocs.reallocs.get()];
            sums = add(sums, own);
        }
        Self { sums, swing: Swing::default() }
    }

    /// Goes on with what was done later.
    fn then(&mut self, later: &Self) {
        let Swing { peak, net } = later.swing;
        let reached = self.swing.net.saturating_add_unsigned(peak);
        self.swing.peak = self.swing.peak.max(u64::try_from(reached).unwrap_or(0));
        self.swing.net = self.swing.net.wrapping_add(net);
        self.sums = add(self.sums, later.sums);
    }
}

fn add<const N: usize>(one: [u64; N], other: [u64; N]) -> [u64; N] {
    core::array::from_fn(|i| one[i].wrapping_add(other[i]))
}

fn subtract<const N: usize>(one: [u64; N], other: [u64; N]) -> [u64; N] {
    core::array::from_fn(|i| one[i].wrapping_sub(other[i]))
}

/// What was done between opening and closing, or in several such stretches.
pub(crate) struct Figures {
    /// By id of the function; those beyond did nothing.
    functions: Aside<Vec<Counts>>,
    /// `None` where nobody counts allocations.
    heap: Option<Heap>,
}

impl Figures {
    /// Figures of nothing yet.
    #[expect(clippy::unnecessary_wraps, reason = "a build that measures nothing has none")]
    pub(crate) fn none() -> Result<Self, Unmeasured> {
        Ok(Self { functions: Aside::default(), heap: Some(Heap::default()) })
    }

    /// Goes on with what was done later.
    pub(crate) fn then(&mut self, later: &Self) {
        self.heap = self.heap.zip(later.heap).map(|(mut heap, later)| {
            heap.then(&later);
            heap
        });
        self.functions.change(|functions| {
            functions.resize(functions.len().max(later.functions.0.len()), [0; 2]);
            for (own, later) in functions.iter_mut().zip(&later.functions.0) {
                *own = add(*own, *later);
            }
        });
    }

    /// Whether allocations were counted.
    pub(crate) fn counts_heap(&self) -> bool {
        self.heap.is_some()
    }

    pub(crate) fn allocs(&self) -> Option<u64> {
        self.heap.map(|heap| heap.sums[0])
    }

    pub(crate) fn alloc_bytes(&self) -> Option<u64> {
        self.heap.map(|heap| heap.sums[1])
    }

    pub(crate) fn frees(&self) -> Option<u64> {
        self.heap.map(|heap| heap.sums[2])
    }

    pub(crate) fn freed_bytes(&self) -> Option<u64> {
        self.heap.map(|heap| heap.sums[3])
    }

    pub(crate) fn reallocs(&self) -> Option<u64> {
        self.heap.map(|heap| heap.sums[4])
    }

    pub(crate) fn peak_live_bytes(&self) -> Option<u64> {
        self.heap.map(|heap| heap.swing.peak)
    }

    /// Calls of the functions of this name; `None` where this process has met none.
    pub(crate) fn calls(&self, name: &str) -> Option<u64> {
        let mut calls = None;
        for (id, function) in register::known() {
            if register::is_called(function, name) {
                let [more, _] = self.functions.0.get(id).copied().unwrap_or_default();
                calls = Some(calls.unwrap_or(0) + more);
            }
        }
        calls
    }
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Figures").field("heap", &self.heap).finish_non_exhaustive()
    }
}

/// Functions that a message names.
const NAMED: usize = 5;

impl fmt::Display for Figures {
    /// `, by function: a 3, b 1`: who allocated most; nothing where no measured function did.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut by_function: Vec<(u64, &str)> = register::known()
            .filter_map(|(id, function)| {
                let [_, allocs] = *self.functions.0.get(id)?;
                (allocs > 0).then(|| (allocs, function.described().name))
            })
            .collect();
        by_function.sort_by_key(|(allocs, name)| (core::cmp::Reverse(*allocs), *name));
        for (index, (allocs, name)) in by_function.iter().take(NAMED).enumerate() {
            let start = if index == 0 { "; by function: " } else { ", " };
            write!(f, "{start}{name} {allocs}")?;
        }
        if by_function.len() > NAMED { f.write_str(", ..") } else { Ok(()) }
    }
}

/// A stretch of this thread that is being measured.
pub(crate) struct Meter {
    slab: &'static Slab,
    before: Snapshot,
    /// `None` once it is closed.
    watch: Option<Watch>,
    born: u64,
    not_send: PhantomData<*const ()>,
}

impl Meter {
    /// Opens a stretch, in the memory of an earlier one.
    ///
    /// # Errors
    ///
    /// There are no counters for this thread.
    #[inline(never)]
    pub(crate) fn open(mut before: Snapshot) -> Result<Self, Unmeasured> {
        let slab = slab::attached();
        if slab.is_none() {
            return Err(Unmeasured::NoCounters);
        }
        allocations_are_counted(slab);
        before.take(slab);
        let watch = Some(Watch::start(slab));
        Ok(Self { slab, before, watch, born: fork::born(), not_send: PhantomData })
    }

    /// Closes it; gives its memory back for the next one.
    ///
    /// # Errors
    ///
    /// The process was forked meanwhile.
    #[inline(never)]
    pub(crate) fn close(mut self) -> Result<(Figures, Snapshot), Unmeasured> {
        // First of all: what follows is none of it.
        let heap = Heap::of(self.slab);
        let swing = self.watch.take().map(|watch| watch.end(self.slab)).unwrap_or_default();
        if self.born != fork::born() {
            return Err(Unmeasured::Forked);
        }
        let before = mem::take(&mut self.before);
        let heap = Heap { sums: subtract(heap.sums, before.heap.sums), swing };
        let mut figures = Figures {
            functions: Aside::default(),
            heap: allocations_are_counted(self.slab).then_some(heap),
        };
        figures.functions.change(|functions| {
            for (index, node) in members(self.slab).enumerate() {
                let before = before.nodes.0.get(index).copied().unwrap_or_default();
                let (id, own) = (node.function.get() as usize, subtract(counts(node), before));
                if own != [0; 2] {
                    functions.resize(functions.len().max(id + 1), [0; 2]);
                    functions[id] = add(functions[id], own);
                }
            }
        });
        Ok((figures, before))
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            let _ = watch.end(self.slab);
        }
    }
}

/// Whether a counting allocator is installed: found out by one allocation, which is taken back.
fn allocations_are_counted(slab: &Slab) -> bool {
    const UNKNOWN: u8 = 0;
    const COUNTED: u8 = 1;
    const NOT_COUNTED: u8 = 2;
    static FOUND: AtomicU8 = AtomicU8::new(UNKNOWN);
    if FOUND.load(Relaxed) == UNKNOWN {
        let node = slab.node();
        let before = node.allocs.blocks();
        drop(core::hint::black_box(Box::new(0_u8)));
        let is_counted = node.allocs.blocks() != before;
        node.allocs.set_blocks(before);
        FOUND.store(if is_counted { COUNTED } else { NOT_COUNTED }, Relaxed);
    }
    FOUND.load(Relaxed) == COUNTED
}

#[cfg(test)]
mod tests;
