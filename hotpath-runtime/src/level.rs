//! How many bytes are live by what a thread did, and how high that came while somebody measures.
//!
//! The gauge of a slab has room for so many live bytes, and whoever counts looks whether they still
//! fit. While somebody measures, they are shifted so that the highest level so far is what just fits:
//! an operation beyond it goes the long way and ends here. So the highest level is exact, and
//! nobody else pays for it.

use crate::heap;
use crate::segment::layout::{LIVE_SLACK, Slab, held_back};

/// [`Slab::crest`] while nobody measures.
pub(crate) const NOBODY: u64 = 1 << 63;

/// Gives the process the live bytes that don't fit any longer, or that are shifted. `live` is all
/// that is held back.
#[cold]
#[inline(never)]
pub(crate) extern "C" fn settle(slab: &Slab, live: u64) {
    let level = slab.handed.get().wrapping_add(live).cast_signed();
    let held = match slab.crest.get() {
        NOBODY => 0,
        crest => {
            let crest = crest.cast_signed().max(level);
            slab.crest.set(crest.cast_unsigned());
            below_top(crest.wrapping_sub(level).cast_unsigned())
        }
    };
    slab.gauge.set((slab.gauge.get() & !(2 * LIVE_SLACK - 1)) + held.wrapping_add(LIVE_SLACK));
    slab.handed.add(live.wrapping_sub(held));
    heap::hand_over(live.wrapping_sub(held));
}

/// What is held back where so many more bytes just fit (two's complement); nothing where the crest
/// is farther off than a gauge reaches.
fn below_top(bytes: u64) -> u64 {
    if bytes < 2 * LIVE_SLACK { (LIVE_SLACK - 1).wrapping_sub(bytes) } else { 0 }
}

/// The level that a thread is at, from an arbitrary one.
fn level(slab: &Slab) -> u64 {
    slab.handed.get().wrapping_add(held_back(slab.gauge.get()))
}

/// Somebody who measures.
#[must_use]
#[derive(Debug)]
pub(crate) struct Watch {
    start: u64,
    /// The crest of whoever measures around it.
    outer: u64,
}

/// What was seen of the level, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Swing {
    /// From the start to the highest.
    pub(crate) peak: u64,
    /// From the start to the end; negative where more was freed.
    pub(crate) net: i64,
}

impl Watch {
    /// Watches the level of a thread. Who comes later has to leave before.
    pub(crate) fn start(slab: &Slab) -> Self {
        let watch = Self { start: level(slab), outer: slab.crest.get() };
        slab.crest.set(watch.start);
        settle(slab, held_back(slab.gauge.get()));
        watch
    }

    /// Ends it.
    pub(crate) fn end(self, slab: &Slab) -> Swing {
        let (crest, net) = (slab.crest.get(), level(slab).wrapping_sub(self.start).cast_signed());
        slab.crest.set(match self.outer {
            NOBODY => NOBODY,
            outer => outer.cast_signed().max(crest.cast_signed()).cast_unsigned(),
        });
        settle(slab, held_back(slab.gauge.get()));
        Swing { peak: crest.wrapping_sub(self.start), net }
    }
}
