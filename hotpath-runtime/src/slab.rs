//! A thread's slab: found through one thread-local pointer, taken over by the next thread.

use core::alloc::GlobalAlloc;
use core::cell::Cell;
use core::ffi::c_void;
use core::sync::atomic::{
    AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst, compiler_fence,
};

use crate::handover::{self, Held, Member, Place};
use crate::map::{self, Block, Plain};
use crate::segment::cell::{Count, Link, Table};
use crate::segment::layout::{AllocatorCosts, List, Node, Processor, Room, SPECIAL, Slab, Span};
use crate::sys::{self, ThreadKey};
use crate::{clock, fork, heap, level, page, pin, process, processor, span, throttle};

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
    // An address: Rust 1.88 takes no reference to a static that changes for a constant.
    static SLAB: Cell<*const Slab> = const { Cell::new(&raw const NO_SLAB) };
    static STATE: Cell<State> = const { Cell::new(State::Fresh) };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No probe ran yet.
    Fresh,
    /// In a cold path that changes what threads share: probes that run now (signals, the
    /// allocator) count nothing new.
    Busy,
    /// In a cold path that changes this thread's slab: the same, but it may go on to the above.
    Changing,
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
    let slab = SLAB.try_with(Cell::get).unwrap_or(&raw const NO_SLAB);
    // SAFETY: the address is that of `NO_SLAB`, or what `select` made of a `&'static Slab`.
    unsafe { &*slab }
}

/// This thread's slab, made if this is its first probe.
#[inline(always)]
pub(crate) fn attached() -> &'static Slab {
    let slab = current();
    if slab.is_none() { attach_now() } else { slab }
}

#[cold]
#[inline(never)]
extern "C" fn attach_now() -> &'static Slab {
    attach(None)
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
        let held = map::LOCK.take(owner());
        process::refresh_end();
        fork::publish_held();
        if process::ensure(inner) { acquire(&held) } else { None }
    };
    if let Some(slab) = slab {
        arm();
        let began = began.or_else(|| Some(map::header()?.fixed.start_ticks.get()));
        let (began, now) = (began.unwrap_or(0), clock::ticks());
        slab.attached.set(began);
        slab.cold.add(now.saturating_sub(began));
    }
    select(slab);
    set_state(if slab.is_some() { State::Attached } else { State::Dead });
    pin::pin();
    slab.unwrap_or(&NO_SLAB)
}

/// Runs a cold path that changes what threads share. `None` from within another one.
pub(crate) fn exclusive<T>(change: impl FnOnce() -> Option<T>) -> Option<T> {
    let before = state();
    if before == State::Busy || holds_lock() {
        return None;
    }
    set_state(State::Busy);
    let _errno = sys::KeepErrno::new();
    let result = {
        let _held = map::LOCK.take(owner());
        process::refresh_end();
        fork::publish_held();
        change()
    };
    set_state(before);
    result
}

/// Runs a cold path that changes this thread's slab. `None` from a signal handler in the middle of
/// another one, which finds and makes nothing.
pub(crate) fn change<T>(change: impl FnOnce() -> Option<T>) -> Option<T> {
    let before = state();
    if matches!(before, State::Busy | State::Changing) {
        return None;
    }
    set_state(State::Changing);
    // The compiler may not move what is changed out of here: a signal would find it half done.
    compiler_fence(SeqCst);
    let result = change();
    compiler_fence(SeqCst);
    set_state(before);
    result
}

/// Runs `work` on another slab, or on none, with nothing in it counted on this thread's own.
pub(crate) fn aside<T>(slab: Option<&'static Slab>, work: impl FnOnce() -> T) -> T {
    let (before, own) = (state(), current());
    set_state(if slab.is_some() { State::Attached } else { State::Dead });
    select(slab);
    let result = work();
    select(Some(own));
    set_state(before);
    result
}

/// The slab of threads that have none.
pub(crate) fn no_slab() -> &'static Slab {
    &NO_SLAB
}

/// The node of a call that nobody counts.
pub(crate) fn no_node() -> &'static Node {
    &NO_NODE
}

/// Whether this thread is in a cold path that changes what threads share.
pub(crate) fn is_busy() -> bool {
    state() == State::Busy
}

/// Whether it is this thread that holds the lock.
pub(crate) fn holds_lock() -> bool {
    map::LOCK.is_held_by(owner())
}

/// This thread, as the owner of the lock: where its state lies, which no other thread has there.
pub(crate) fn owner() -> usize {
    STATE.try_with(|cell| core::ptr::from_ref(cell).addr()).unwrap_or(1)
}

/// The slabs that no thread has. With the lock held.
pub(crate) fn free() -> impl Iterator<Item = &'static Slab> {
    core::iter::successors(FREE.get(), |slab| slab.next_free.get())
}

/// Has this thread count nothing from now on.
pub(crate) fn abandon() {
    select(None);
    set_state(State::Dead);
}

fn state() -> State {
    STATE.try_with(Cell::get).unwrap_or(State::Dead)
}

fn set_state(state: State) {
    let _ = STATE.try_with(|cell| cell.set(state));
}

fn select(slab: Option<&'static Slab>) {
    let _ = SLAB.try_with(|cell| cell.set(core::ptr::from_ref(slab.unwrap_or(&NO_SLAB))));
}

/// A slab of a thread that ended, or a new one.
fn acquire(held: &Held<'_, AtomicUsize>) -> Option<&'static Slab> {
    let slab = handover::take_over(held, &FREE).or_else(make_slab)?;
    slab.tid.set(u64::from(sys::tid()));
    slab.threads.add(1);
    // With the lock held: a fork sees by it that the slab has an owner.
    slab.attached.set(clock::ticks().max(1));
    Some(slab)
}

fn make_slab() -> Option<&'static Slab> {
    let header = map::header()?;
    let slab = page::place(header, |slab| slab.furnish(map::take(FIRST_ROOM)?))?;
    slab.short.set(throttle::short());
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
    let held = map::LOCK.take(owner());
    process::refresh_end();
    fork::publish_held();
    slab.lifetime.add(clock::ticks().saturating_sub(slab.attached.get()));
    processor::leave(slab);
    slab.attached.set(0);
    slab.cur.set(slab.root.get());
    slab.crest.set(level::NOBODY);
    span::close_all(slab);
    handover::hand_back(&held, &FREE, slab);
}

impl Member for Slab {
    type Place = Link<Slab>;

    fn next_free(&self) -> &Link<Slab> {
        &self.next_free
    }
}

impl<T: Sync + 'static> Place<T> for Link<T> {
    fn get(&self) -> Option<&'static T> {
        Link::get(self)
    }

    fn set(&self, member: Option<&'static T>) {
        Link::set(self, member);
    }
}

impl Slab {
    const fn none() -> Self {
        Self {
            cur: Link::to(&NO_NODE),
            pending: Link::none(),
            children: Table::none(),
            gauge: Count::new(heap::NEVER_SHORT),
            top: Count::new(0),
            metered: Count::new(0),
            pended: Count::new(0),
            rows: Table::none(),
            spans: Table::none(),
            negative: Count::new(0),
            reallocs_left: Count::new(0),
            reallocs_gap: Count::new(0),
            short: Count::new(0),
            inside: Count::new(0),
            random: Count::new(0),
            root: Link::none(),
            polls_left: Count::new(0),
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
            start: Count::new(0),
            metering: Link::none(),
            costs: Link::none(),
            sample_left: Count::new(0),
            cold: Count::new(0),
            handed: Count::new(0),
            crest: Count::new(level::NOBODY),
            processor: Link::none(),
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

    /// Builds a slab into zeroed memory, for no thread of the program.
    pub(crate) fn make(mut block: Block) -> Option<&'static Self> {
        let slab = block.split::<Slab>(1)?.first()?;
        slab.furnish(block)?;
        slab.polls_left.set(u64::MAX);
        Some(slab)
    }

    /// Makes a slab of zeros usable, its first nodes in `room`. One that there is no memory for
    /// stays as it is.
    fn furnish(&self, mut room: Block) -> Option<()> {
        let mut tables = map::private(4 * ENTRIES * 8 + SPANS * size_of::<Span>())?;
        self.spans.set(tables.split(SPANS)?);
        self.children.set(tables.split(ENTRIES)?);
        self.rows.set(tables.split(ENTRIES)?);
        self.histograms_by_function.set(tables.split(ENTRIES)?);
        self.edges.set(tables.split(ENTRIES)?);
        self.touch();
        self.costs.set(room.split::<AllocatorCosts>(1)?.first());
        self.processor.set(room.split::<Processor>(1)?.first());
        self.random.set(clock::ticks() | 1);
        self.crest.set(level::NOBODY);
        heap::set_gauge(self);
        room.store(&self.room);
        self.root.set(self.add_node(None, None, 0, SPECIAL));
        self.other.set(self.add_node(self.root.get(), None, 0, SPECIAL));
        self.cur.set(self.root.get());
        self.root.get().and(self.other.get()).map(|_| ())
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
