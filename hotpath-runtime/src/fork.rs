//! Forked children: they count from nothing, into a file of their own that gets its name when there
//! is something in it. A child that only calls `exec` leaves none.

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};

use crate::{child, map, process, slab, sys};

/// Not forked since its segment was made.
const NONE: u8 = 0;
/// Nobody sees its segment yet.
const UNPUBLISHED: u8 = 1;
const PUBLISHED: u8 = 2;
/// Forked in the middle of a cold path, which goes on in it: its counts are kept from everybody.
const LOST: u8 = 3;

static STAGE: AtomicU8 = AtomicU8::new(NONE);
/// Ticks at which this process was forked; 0 if it was not.
static BORN: AtomicU64 = AtomicU64::new(0);
/// Whether the fork under way took the lock, and in the middle of what. Guarded by it.
static HAS_LOCK: AtomicBool = AtomicBool::new(false);
static IS_AMID: AtomicBool = AtomicBool::new(false);
/// Kept away meanwhile: a handler that forks as well.
static SIGNALS: sys::Signals = sys::Signals::new();

/// Registers the hooks.
pub(crate) fn install() {
    sys::at_fork(prepare, parent, child);
}

/// Whether this process came about by a fork after its segment was made.
pub(crate) fn is_child() -> bool {
    STAGE.load(Relaxed) != NONE
}

/// Ticks before which nothing happened in this process.
pub(crate) fn born() -> u64 {
    BORN.load(Relaxed)
}

/// Lets the segment of a child be seen, from a cold path that holds no lock.
pub(crate) fn publish() {
    if STAGE.load(Relaxed) == UNPUBLISHED {
        slab::exclusive(|| Some(()));
    }
}

/// The same, with the lock held.
pub(crate) fn publish_held() {
    if STAGE.load(Relaxed) == UNPUBLISHED {
        STAGE.store(PUBLISHED, Relaxed);
        process::publish_child();
    }
}

/// No other thread may hold the lock while the child is copied: it would stay held there.
extern "C" fn prepare() {
    let _errno = sys::KeepErrno::new();
    let before = sys::Signals::block();
    let has_lock = !slab::holds_lock();
    if has_lock {
        core::mem::forget(map::LOCK.take(slab::owner()));
    }
    SIGNALS.keep(before);
    HAS_LOCK.store(has_lock, Relaxed);
    let is_amid = !has_lock || slab::is_busy();
    IS_AMID.store(is_amid, Relaxed);
    map::copy_before_fork(if is_amid { None } else { process::unnamed_file() });
}

extern "C" fn parent() {
    let _errno = sys::KeepErrno::new();
    map::drop_copy();
    release();
}

extern "C" fn child() {
    let is_amid = IS_AMID.load(Relaxed);
    let is_own = process::adopt(is_amid);
    if is_own && !is_amid {
        BORN.store(child::reset(), Relaxed);
        STAGE.store(UNPUBLISHED, Relaxed);
    } else {
        STAGE.store(LOST, Relaxed);
    }
    if !is_own {
        // No memory for a copy: what is mapped may be the parent's still.
        slab::abandon();
    }
    release();
}

/// Undoes [`prepare`].
fn release() {
    let before = SIGNALS.kept();
    if HAS_LOCK.load(Relaxed) {
        map::LOCK.open();
    }
    before.restore();
}
