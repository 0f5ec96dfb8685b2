//! A process that is looked at: its segment from outside, and what was seen of it.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use hotpath_runtime::segment::reader::{self, Thread, Threads};

use super::state::State;
use super::tally::Tally;

/// Nodes of one process that are kept apart; it takes a program without end to reach them.
const PLACES: usize = 1 << 16;

/// A segment that somebody else writes.
pub(super) trait View {
    /// Where its threads are.
    fn threads(&self, seen: &mut Vec<Thread>);

    /// How often the node that a thread is in was entered.
    fn entered(&self, thread: &Thread) -> Option<u64>;

    /// Whether the process ran its exit hook.
    fn is_over(&self) -> bool;
}

/// The segment in a file.
#[derive(Debug)]
pub(super) struct Mapped {
    file: File,
    pub(super) threads: Threads,
}

impl Mapped {
    /// Opens it for reading; `None` where that can't be done, or not yet.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let threads = Threads::open(|at, buffer| read(&file, at, buffer)).ok()?;
        Some(Self { file, threads })
    }
}

impl View for Mapped {
    fn threads(&self, seen: &mut Vec<Thread>) {
        self.threads.look(|at, buffer| read(&self.file, at, buffer), seen);
    }

    fn entered(&self, thread: &Thread) -> Option<u64> {
        self.threads.entered(|at, buffer| read(&self.file, at, buffer), thread)
    }

    fn is_over(&self) -> bool {
        self.threads.is_over(|at, buffer| read(&self.file, at, buffer))
    }
}

#[cfg(unix)]
fn read(file: &File, at: u64, buffer: &mut [u8]) -> usize {
    std::os::unix::fs::FileExt::read_at(file, buffer, at).unwrap_or(0)
}

/// Nothing writes segments there.
#[cfg(not(unix))]
fn read(_: &File, _: u64, _: &mut [u8]) -> usize {
    0
}

/// A process that is looked at.
pub(super) struct Followed {
    pub(super) view: Box<dyn View>,
    pub(super) process: reader::Process,
    pub(super) start_ticks: u64,
    /// Whether the system is to be asked about its threads.
    pub(super) has_states: bool,
    /// Looks in a row at which none of the threads asked about was there.
    pub(super) lost: u32,
    /// Where each slab's thread was at the last look.
    before: HashMap<u64, Before>,
    places: HashMap<u64, Place>,
}

/// Where a thread was.
#[derive(Clone, Copy, Debug)]
struct Before {
    attached: u64,
    node: u64,
    entered: Option<u64>,
}

/// What was seen of one node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub(super) tally: Tally,
    /// The last answer about a thread that had not moved since the look before.
    pub(super) still: Option<State>,
    /// The last one about a thread that had.
    pub(super) moved: Option<State>,
}

/// What happened to a thread since the look before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motion {
    /// First seen.
    New,
    /// It entered or left a function, so it ran.
    Moved,
    /// Nothing that can be seen.
    Still,
}

impl Followed {
    pub(super) fn new(
        view: Box<dyn View>,
        process: reader::Process,
        start_ticks: u64,
        has_states: bool,
    ) -> Self {
        let (before, places) = (HashMap::new(), HashMap::new());
        Self { view, process, start_ticks, has_states, lost: 0, before, places }
    }

    /// What a thread did since the look before, which it is compared with once only.
    pub(super) fn motion(&mut self, thread: &Thread) -> Motion {
        let Thread { attached, node, .. } = *thread;
        let mut now = Before { attached, node, entered: None };
        let motion = match self.before.get(&thread.slab) {
            None => Motion::New,
            Some(before) if before.attached != attached => Motion::New,
            Some(before) if before.node != node => Motion::Moved,
            Some(before) => {
                now.entered = self.view.entered(thread);
                // Unknown at the first look that finds it here again.
                let is_same = before.entered.is_none() || before.entered == now.entered;
                if is_same { Motion::Still } else { Motion::Moved }
            }
        };
        self.before.insert(thread.slab, now);
        motion
    }

    /// What was seen of a node; `None` where it is one too many.
    pub(super) fn place(&mut self, node: u64) -> Option<&mut Place> {
        if self.places.len() >= PLACES && !self.places.contains_key(&node) {
            return None;
        }
        Some(self.places.entry(node).or_default())
    }

    /// What was seen of all nodes.
    pub(super) fn tallies(self) -> impl Iterator<Item = (u64, Tally)> {
        self.places.into_iter().map(|(node, place)| (node, place.tally))
    }
}
