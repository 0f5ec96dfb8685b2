//! A sample of the live blocks: which sites hold memory at the end, and since when.
//!
//! Off unless `CARGO_HOTPATH_RETAINED` names a period in bytes. Then each byte that is allocated is
//! drawn with a probability of one in the period, independently (a Poisson process over bytes, as
//! heap profilers use), and a block is kept in a table while it lives if any of its bytes was
//! drawn. A block of which `drawn` bytes took part is there with a probability of
//! `1 - exp(-drawn / period)`; the reader divides by that, so that its sums are unbiased.

use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::segment::cell::Link;
use crate::segment::layout::{HELD, Node, Retained, Sample, Slab};
use crate::{clock, map, slab, span, sys};

/// The table; nothing where none is kept.
static TABLE: Link<Retained> = Link::none();

/// A key under which nobody looks: its entry is being filled in.
const CLAIMED: u64 = 1;

/// Makes the table if it is asked for. With the lock held.
pub(crate) fn choose() {
    let Some(period) = sys::variable(c"CARGO_HOTPATH_RETAINED").and_then(number) else { return };
    let Some(header) = map::header() else { return };
    let table = map::take(size_of::<Retained>() + align_of::<Retained>())
        .and_then(|mut room| room.split::<Retained>(1)?.first());
    if let Some(table) = table {
        table.period.set(period);
        header.retained.set(Some(table));
        TABLE.set(Some(table));
    }
}

/// A whole number above 0.
fn number(text: &[u8]) -> Option<u64> {
    core::str::from_utf8(text).ok()?.trim().parse().ok().filter(|number| *number > 0)
}

/// Whether blocks are looked at.
#[inline(always)]
pub(crate) fn is_on() -> bool {
    TABLE.get().is_some()
}

/// Draws where the next sample of a new slab lies.
pub(crate) fn start(slab: &Slab) {
    if let Some(table) = TABLE.get() {
        slab.sample_left.set(draw(slab, table.period.get()));
    }
}

/// Keeps a block that was allocated, if any of its bytes is drawn.
pub(crate) fn born(slab: &Slab, block: *const u8, size: usize) {
    let Some(table) = TABLE.get() else { return };
    if is_drawn(slab, table, size as u64) {
        table.keep(block.addr(), &Block::new(slab, size as u64, size as u64));
    }
}

/// Lets go of a block that is about to be freed. Before it is: from then on another one may have
/// its address.
pub(crate) fn died(block: *const u8) {
    if let Some(table) = TABLE.get() {
        table.take(block.addr());
    }
}

/// A block that is about to be reallocated, if it is in the table; it is no longer.
pub(crate) fn lift(block: *const u8) -> Option<Block> {
    TABLE.get()?.take(block.addr())
}

/// Puts it back under its new address. The bytes that a reallocation adds take part as those of an
/// allocation do; the block stays the one of the site that it was first drawn at.
pub(crate) fn put_back(lifted: Option<Block>, block: *const u8, (old, new): (usize, usize)) {
    let Some(table) = TABLE.get() else { return };
    let slab = slab::current();
    let added = new.saturating_sub(old) as u64;
    let is_drawn = added > 0 && !slab.is_none() && is_drawn(slab, table, added);
    let kept = match lifted {
        Some(block) => Some(Block { size: new as u64, drawn: block.drawn + added, ..block }),
        None => is_drawn.then(|| Block::new(slab, new as u64, new as u64)),
    };
    if let Some(kept) = kept {
        table.keep(block.addr(), &kept);
    }
}

/// Whether one of the next `bytes` of this thread is drawn.
fn is_drawn(slab: &Slab, table: &Retained, bytes: u64) -> bool {
    let left = slab.sample_left.get();
    if bytes < left {
        slab.sample_left.set(left - bytes);
        return false;
    }
    // The process has no memory: what was left over of the last distance does not matter.
    slab.sample_left.set(draw(slab, table.period.get()));
    true
}

/// The distance to the next byte that is drawn: exponential, with the period as its mean.
fn draw(slab: &Slab, period: u64) -> u64 {
    let uniform = (f64::from(slab.random()) + 0.5) / f64::from(u32::MAX);
    (-uniform.min(1.0).ln() * period as f64) as u64 + 1
}

/// What is known of a sampled block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    size: u64,
    drawn: u64,
    node: Option<&'static Node>,
    site: u64,
    born: u64,
}

impl Block {
    fn new(slab: &Slab, size: u64, drawn: u64) -> Self {
        let span = span::on_top(slab);
        Self {
            size,
            drawn,
            node: slab.cur.get(),
            site: span.map_or(0, |span| span.site.get()),
            born: clock::ticks(),
        }
    }
}

impl Retained {
    /// Enters a block, or counts that there was no room for it.
    fn keep(&self, address: usize, block: &Block) {
        let bucket = bucket(address);
        let entries = self.keys[bucket].0.iter().zip(&self.samples[bucket]);
        for (key, sample) in entries {
            if key.0.compare_exchange(0, CLAIMED, Acquire, Relaxed).is_ok() {
                sample.fill(block);
                key.0.store(address as u64, Release);
                self.held[bucket].fetch_add(1, Relaxed);
                return;
            }
        }
        self.dropped.add_shared(1);
        self.dropped_bytes.add_shared(block.size);
    }

    /// Takes a block out. Only the thread that frees it does: there is no other with its address.
    fn take(&self, address: usize) -> Option<Block> {
        let bucket = bucket(address);
        if self.held[bucket].load(Relaxed) == 0 {
            return None;
        }
        let mut entries = self.keys[bucket].0.iter().zip(&self.samples[bucket]);
        let (key, sample) = entries.find(|(key, _)| key.0.load(Acquire) == address as u64)?;
        let block = sample.block();
        self.held[bucket].fetch_sub(1, Relaxed);
        key.0.store(0, Release);
        Some(block)
    }
}

impl Sample {
    fn fill(&self, block: &Block) {
        self.size.set(block.size);
        self.drawn.set(block.drawn);
        self.node.set(block.node);
        self.site.set(block.site);
        self.born.set(block.born);
    }

    fn block(&self) -> Block {
        Block {
            size: self.size.get(),
            drawn: self.drawn.get(),
            node: self.node.get(),
            site: self.site.get(),
            born: self.born.get(),
        }
    }
}

/// Which part of the table an address belongs to.
fn bucket(address: usize) -> usize {
    let mixed = (address as u64 >> 4).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 40) as usize % HELD
}

#[cfg(test)]
mod tests;
