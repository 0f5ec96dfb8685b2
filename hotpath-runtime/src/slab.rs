//! A thread's slab: found through one thread-local pointer, taken over by the next thread.

use core::alloc::GlobalAlloc;
use core::cell::Cell;
use core::ffi::c_void;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::map::{self, Block, Plain};
use crate::segment::cell::{Count, Link, Table};
use crate::segment::layout::{List, Node, Room, Slab, Span};
use crate::sys::{self, ThreadKey};
use crate::{clock, process, throttle, tree};

/// Room of a new slab, and what it gets whenever that is used up.
const FIRST_ROOM: usize = 16 * 1024;
const MORE_ROOM: usize = 32 * 1024;
/// Open expression spans that a slab remembers; deeper ones are counted only.
const SPANS: usize = 8 * 1024;
/// Entries of a new table.
const ENTRIES: usize = 512;

/// What threads without a slab use: before the first probe, after the last, while one is made.
static NO_SLAB: Slab = Slab::none();
static NO_NODE: Node = Node::none(&NO_NODE);

static FREE: Link<Slab> = Link::none();
/// Key of the destructor plus one; 0 before there is one.
static KEY: AtomicU64 = AtomicU64::new(0);

thread_local! {
    // Neither has a destructor, so that both outlive all of the thread's other locals.
    static SLAB: Cell<&'static Slab> = const { Cell::new(&NO_SLAB) };
    static STATE: Cell<State> = const { Cell::new(State::Fresh) };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No probe ran yet.
    Fresh,
    /// In a cold path: probes that run now (signals, the allocator) count nothing.
    Busy,
    Attached,
    /// The first round of key destructors ran.
    Leaving,
    /// The slab is handed back, or there was none to have.
    Dead,
}

/// This thread's slab; [`Slab::is_none`] where it has none.
#[inline(always)]
pub(crate) fn current() -> &'static Slab {
    // `try_with` inlines in every profile, `with` does not. It can't fail: no destructor.
    SLAB.try_with(Cell::get).unwrap_or(&NO_SLAB)
}

/// This thread's slab, made if this is its first probe.
#[inline(always)]
pub(crate) fn attached() -> &'static Slab {
    let slab = current();
    if slab.is_none() { attach(None) } else { slab }
}

/// Gives this thread a slab. `inner` is the allocator to calibrate, where one counts.
#[cold]
#[inline(never)]
pub(crate) fn attach(inner: Option<&dyn GlobalAlloc>) -> &'static Slab {
    if state() != State::Fresh {
        return &NO_SLAB;
    }
    set_state(State::Busy);
    let _errno = sys::KeepErrno::new();
    // Without a segment no clock is chosen yet: then it begins with that.
    let began = map::header().map(|_| clock::ticks());
    let slab = {
        let _held = map::LOCK.take();
        process::refresh_end();
        if process::ensure(inner) { acquire() } else { None }
    };
    if let Some(slab) = slab {
        slab.tid.set(u64::from(sys::tid()));
        slab.threads.add(1);
        arm();
        let began = began.or_else(|| Some(map::header()?.fixed.start_ticks.get()));
        let (began, now) = (began.unwrap_or(0), clock::ticks());
        slab.attached.set(began);
        slab.cold.add(now.saturating_sub(began));
    }
    select(slab);
    set_state(if slab.is_some() { State::Attached } else { State::Dead });
    slab.unwrap_or(&NO_SLAB)
}

/// Runs a cold path that changes what threads share. `None` from within another one.
pub(crate) fn exclusive<T>(change: impl FnOnce() -> Option<T>) -> Option<T> {
    let before = state();
    if before == State::Busy {
        return None;
    }
    set_state(State::Busy);
    let _errno = sys::KeepErrno::new();
    let result = {
        let _held = map::LOCK.take();
        process::refresh_end();
        change()
    };
    set_state(before);
    result
}

/// Runs `work` on another slab, or on none, with nothing in it counted on this thread's own.
pub(crate) fn aside<T>(slab: Option<&'static Slab>, work: impl FnOnce() -> T) -> T {
    let (before, own) = (state(), current());
    set_state(if slab.is_some() { State::Busy } else { State::Dead });
    select(slab);
    let result = work();
    select(Some(own));
    set_state(before);
    result
}

/// The node of a call that nobody counts.
pub(crate) fn no_node() -> &'static Node {
    &NO_NODE
}

/// Whether this thread is in a cold path, and may hold the lock.
pub(crate) fn is_busy() -> bool {
    state() == State::Busy
}

fn state() -> State {
    STATE.try_with(Cell::get).unwrap_or(State::Dead)
}

fn set_state(state: State) {
    let _ = STATE.try_with(|cell| cell.set(state));
}

fn select(slab: Option<&'static Slab>) {
    let _ = SLAB.try_with(|cell| cell.set(slab.unwrap_or(&NO_SLAB)));
}

/// A slab of a thread that ended, or a new one. With the lock held.
fn acquire() -> Option<&'static Slab> {
    if let Some(slab) = FREE.get() {
        FREE.set(slab.next_free.get());
        return Some(slab);
    }
    let slab = Slab::make(map::take(FIRST_ROOM)?)?;
    slab.short.set(throttle::short());
    slab.random.set(clock::ticks() | 1);
    let header = map::header()?;
    slab.inside.set(header.fixed.inside.get());
    header.slabs.append(slab, |slab| &slab.newer);
    Some(slab)
}

fn arm() {
    let mut key = KEY.load(Relaxed);
    if key == 0 {
        let Some(new) = ThreadKey::new(leave) else { return };
        // Two threads may both make one; the loser's stays unused.
        let _ = KEY.compare_exchange(0, new.raw() + 1, Relaxed, Relaxed);
        key = KEY.load(Relaxed);
    }
    ThreadKey::from_raw(key - 1).arm();
}

/// The key's destructor: hands the slab back. Waits for one more round, so that destructors of
/// other keys are still measured.
unsafe extern "C" fn leave(_: *mut c_void) {
    let slab = current();
    if slab.is_none() {
        return;
    }
    if state() == State::Attached {
        set_state(State::Leaving);
        ThreadKey::from_raw(KEY.load(Relaxed) - 1).arm();
        return;
    }
    select(None);
    set_state(State::Dead);
    slab.lifetime.add(clock::ticks().saturating_sub(slab.attached.get()));
    slab.attached.set(0);
    slab.cur.set(slab.root.get());
    slab.top.set(0);
    let _held = map::LOCK.take();
    process::refresh_end();
    slab.next_free.set(FREE.get());
    FREE.set(Some(slab));
}

impl Slab {
    const fn none() -> Self {
        Self {
            cur: Link::to(&NO_NODE),
            pending: Link::none(),
            children: Table::none(),
            live: Count::new(0),
            top: Count::new(0),
            rows: Table::none(),
            spans: Table::none(),
            leaf: Count::new(0),
            negative: Count::new(0),
            reallocs_left: Count::new(0),
            reallocs_gap: Count::new(0),
            short: Count::new(0),
            inside: Count::new(0),
            random: Count::new(0),
            root: Link::none(),
            other: Link::none(),
            histograms_by_function: Table::none(),
            edges: Table::none(),
            edge_count: Count::new(0),
            nodes: List::none(),
            all_rows: List::none(),
            histograms: List::none(),
            newer: Link::none(),
            next_free: Link::none(),
            room: Room { start: Link::none(), len: Count::new(0) },
            tid: Count::new(0),
            threads: Count::new(0),
            attached: Count::new(0),
            lifetime: Count::new(0),
            cold: Count::new(0),
        }
    }

    /// Whether it is the one of threads that have none.
    #[inline(always)]
    pub(crate) fn is_none(&self) -> bool {
        core::ptr::eq(self, &raw const NO_SLAB)
    }

    /// The node on top; a node that nobody reads where there is none.
    #[inline(always)]
    pub(crate) fn node(&self) -> &'static Node {
        self.cur.get().unwrap_or(&NO_NODE)
    }

    /// Builds a slab into zeroed memory.
    pub(crate) fn make(mut block: Block) -> Option<&'static Self> {
        let slab = block.split::<Slab>(1)?.first()?;
        let mut tables = map::private(4 * ENTRIES * 8 + SPANS * size_of::<Span>())?;
        slab.spans.set(tables.split(SPANS)?);
        slab.children.set(tables.split(ENTRIES)?);
        slab.rows.set(tables.split(ENTRIES)?);
        slab.histograms_by_function.set(tables.split(ENTRIES)?);
        slab.edges.set(tables.split(ENTRIES)?);
        slab.touch();
        block.store(&slab.room);
        slab.root.set(slab.add_node(None, None, 0, throttle::ALWAYS));
        slab.other.set(slab.add_node(slab.root.get(), None, 0, tree::SPECIAL));
        slab.cur.set(slab.root.get());
        slab.root.get().and(slab.other.get()).map(|_| slab)
    }

    /// Touches the first page of each table, so that no span has to.
    fn touch(&self) {
        for table in [&self.children, &self.edges] {
            table.get(0).inspect(|entry| entry.set(None));
        }
        self.rows.get(0).inspect(|entry| entry.set(None));
        self.histograms_by_function.get(0).inspect(|entry| entry.set(None));
        self.spans.get(0).inspect(|span| span.start.set(0));
    }

    /// Zeroed memory of the segment that lies in this slab for good.
    pub(crate) fn allot<T: Plain>(&self, count: usize) -> Option<&'static [T]> {
        let mut room = Block::load(&self.room)?;
        if let Some(values) = room.split(count) {
            room.store(&self.room);
            return Some(values);
        }
        let bytes = size_of::<T>() * count + align_of::<T>();
        let mut room = exclusive(|| map::take(MORE_ROOM.max(bytes)))?;
        let values = room.split(count)?;
        room.store(&self.room);
        Some(values)
    }
}

/// Makes a table of links long enough for `index`.
pub(crate) fn reach<T: Sync + 'static>(table: &Table<Link<T>>, index: u64) -> bool {
    if index < table.len.get() {
        return true;
    }
    let len = (index as usize + 1).next_power_of_two();
    let Some(entries) = new_table(len) else { return false };
    for (i, entry) in entries.iter().enumerate() {
        entry.set(table.get(i as u64).and_then(Link::get));
    }
    table.set(entries);
    true
}

/// A table of links to nothing.
pub(crate) fn new_table<T: Sync + 'static>(len: usize) -> Option<&'static [Link<T>]> {
    let _errno = sys::KeepErrno::new();
    map::private(len * 8)?.split(len)
}

#[cfg(test)]
mod tests;
