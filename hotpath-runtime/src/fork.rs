//! Forked children: they keep running on private copies of the counters.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::{map, slab, sys};

static IS_CHILD: AtomicBool = AtomicBool::new(false);
static PREPARED: AtomicBool = AtomicBool::new(false);

/// Registers the hooks.
pub(crate) fn install() {
    sys::at_fork(prepare, parent, child);
}

/// Whether this process came about by a fork after its segment was made.
pub(crate) fn is_child() -> bool {
    IS_CHILD.load(Relaxed)
}

/// No other thread may hold the lock while the child is copied: it would stay held there.
extern "C" fn prepare() {
    if !slab::is_busy() {
        core::mem::forget(map::LOCK.take());
        map::copy_before_fork();
        PREPARED.store(true, Relaxed);
    }
}

extern "C" fn parent() {
    if PREPARED.swap(false, Relaxed) {
        map::drop_copy();
        map::LOCK.force_open();
    }
}

extern "C" fn child() {
    IS_CHILD.store(true, Relaxed);
    map::detach_from_file();
    if PREPARED.swap(false, Relaxed) {
        map::LOCK.force_open();
    }
}
