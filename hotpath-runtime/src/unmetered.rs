//! The meter of builds that measure nothing: it never opens.

use core::fmt;

use crate::notice::Unmeasured;

/// Why there is no other.
const WHY: Unmeasured =
    if cfg!(feature = "enabled") { Unmeasured::Target } else { Unmeasured::Off };

/// The counters of a thread, of which there are none.
#[derive(Debug, Default)]
pub(crate) struct Snapshot(());

/// A stretch that is measured: none.
pub(crate) enum Meter {}

impl Meter {
    /// Never opens.
    pub(crate) fn open(_: Snapshot) -> Result<Self, Unmeasured> {
        Err(WHY)
    }

    pub(crate) fn close(self) -> Result<(Figures, Snapshot), Unmeasured> {
        match self {}
    }
}

/// What was measured: nothing ever.
#[derive(Debug)]
pub(crate) enum Figures {}

impl Figures {
    pub(crate) fn none() -> Result<Self, Unmeasured> {
        Err(WHY)
    }

    pub(crate) fn then(&mut self, _: &Self) {
        match *self {}
    }

    pub(crate) fn counts_heap(&self) -> bool {
        match *self {}
    }

    pub(crate) fn allocs(&self) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn alloc_bytes(&self) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn frees(&self) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn freed_bytes(&self) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn reallocs(&self) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn peak_live_bytes(&self) -> Option<u64> {
        match *self {}
    }

    pub(crate) fn calls(&self, _: &str) -> Option<u64> {
        match *self {}
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}
