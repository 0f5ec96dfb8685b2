//! The copy of the segment that a forked child goes on with.

use core::ffi::c_int;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering::Relaxed};

use super::{BACKED, BASE, FILE_BYTES, USED, anonymous, base, map_file, private, set_file};
use crate::segment::cell::Count;
use crate::sys;

/// What a child of a fork gets is a multiple of this, which is one of every page size.
const PAGES: usize = 64 * 1024;

/// The copy that a fork is about to hand to the child, its length, the file that it lies in, and
/// why it lies in none.
static COPY: AtomicPtr<Count> = AtomicPtr::new(ptr::null_mut());
static COPY_BYTES: AtomicUsize = AtomicUsize::new(0);
static COPY_FILE: AtomicI32 = AtomicI32::new(-1);
static COPY_ERROR: AtomicI32 = AtomicI32::new(0);

/// A copy of the segment as it is before a fork, in `file` where there is one and it has room, else
/// in private memory. With [`LOCK`] held.
///
/// The child needs one: in a mapping of its parent's file it would see what the parent goes on to
/// write, links to memory that only the parent has among it.
pub(crate) fn copy_before_fork(file: Option<Result<c_int, c_int>>) {
    let used = USED.load(Relaxed);
    let len = used.next_multiple_of(PAGES).min(BACKED.load(Relaxed));
    let shared = file.unwrap_or(Err(libc::EOPNOTSUPP)).and_then(|file| {
        let start = sys::allocate(file, 0, len).and_then(|()| map_anywhere(file, len));
        start.inspect_err(|_| sys::close(file)).map(|start| (file, start))
    });
    COPY_ERROR.store(shared.as_ref().err().copied().unwrap_or(0), Relaxed);
    COPY_FILE.store(shared.as_ref().map_or(-1, |(file, _)| *file), Relaxed);
    let start = match shared {
        Ok((_, start)) => Some(start),
        Err(_) => private(len).map(|block| block.start),
    };
    let Some(start) = start else { return };
    // SAFETY: both have `len` bytes, of which the first `used` hold all that is not zero.
    unsafe { copy_words(BASE.load(Relaxed).cast(), start.cast().as_ptr(), used.min(len)) };
    COPY.store(start.cast().as_ptr(), Relaxed);
    COPY_BYTES.store(len, Relaxed);
}

/// Why the copy lies in no file: 0 if it lies in one, `EOPNOTSUPP` where there can't be such a
/// file as it takes.
pub(crate) fn copy_error() -> c_int {
    COPY_ERROR.load(Relaxed)
}

/// Copies counters that other threads may change meanwhile.
///
/// # Safety
///
/// Both places stay mapped meanwhile, for `bytes` rounded up to a word, and `to` is zeroed.
unsafe fn copy_words(from: *const Count, to: *const Count, bytes: usize) {
    for i in 0..bytes.div_ceil(8) {
        // SAFETY: as the caller promises. Other threads change atomic words, halves (buckets) and bytes
        // (`Retained::held`) meanwhile: a plain machine load of an aligned word sees each of them
        // before or after, on every processor that this is compiled for.
        let (from, to) = unsafe { (&*from.add(i), &*to.add(i)) };
        let word = from.get();
        // Fresh pages are zero, and are only there once they are written.
        if word != 0 {
            to.set(word);
        }
    }
}

/// Gives the copy back: in the parent.
pub(crate) fn drop_copy() {
    unmap_copy();
    let file = COPY_FILE.swap(-1, Relaxed);
    if file >= 0 {
        sys::close(file);
    }
}

fn unmap_copy() {
    let copy = COPY.swap(ptr::null_mut(), Relaxed);
    if !copy.is_null() {
        // SAFETY: mapped by `copy_before_fork` with this length, and nothing refers to it.
        unsafe { libc::munmap(copy.cast(), COPY_BYTES.load(Relaxed)) };
    }
}

/// Puts the copy in the place of the segment: in the child, which has one thread. It lies in the
/// file that it was made in, else in `file`, else in private memory; whether it does in a file is
/// what the second answer says, and the first whether the segment is the child's own at all.
pub(crate) fn adopt_copy(file: Option<Result<c_int, c_int>>) -> (bool, Result<(), c_int>) {
    let (copy, len, backed) = (COPY.load(Relaxed), COPY_BYTES.load(Relaxed), BACKED.load(Relaxed));
    if let Some(parents) = super::file() {
        sys::close(parents);
    }
    let parents_bytes = FILE_BYTES.swap(0, Relaxed);
    set_file(None);
    if copy.is_null() {
        hide(parents_bytes);
        return (false, Err(libc::ENOMEM));
    }
    let made_in = Some(COPY_FILE.swap(-1, Relaxed)).filter(|file| *file >= 0);
    let stored = match (made_in, file) {
        (Some(file), _) => put(file, len),
        (None, Some(file)) => file.and_then(|file| {
            let room = sys::allocate(file, 0, len).inspect_err(|_| sys::close(file));
            room.and_then(|()| put(file, len))
        }),
        (None, None) => Err(copy_error()),
    };
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    if stored.is_err() && anonymous(base().cast(), len, protection).is_none() {
        return (false, stored);
    }
    if made_in.is_none() || stored.is_err() {
        // SAFETY: both have `len` bytes, and what was mapped above is zeroed.
        unsafe { copy_words(copy, base().cast(), USED.load(Relaxed).min(len)) };
    }
    BACKED.store(len, Relaxed);
    if backed > len {
        // SAFETY: within the reserved address space, and past all that is used.
        let rest = unsafe { base().add(len) };
        anonymous(rest.cast(), backed - len, libc::PROT_NONE);
    }
    unmap_copy();
    (true, stored)
}

/// Puts a file that has the room in the place of the segment.
fn put(file: c_int, len: usize) -> Result<(), c_int> {
    map_file(base(), file, 0, len).inspect_err(|_| sys::close(file))?;
    FILE_BYTES.store(len, Relaxed);
    set_file(Some(file));
    Ok(())
}

/// Puts private memory in the place of the file's part, with as much in it as the file has now.
fn hide(len: usize) {
    let Some(copy) = private(len) else { return };
    let (copy, protection) = (copy.start.cast().as_ptr(), libc::PROT_READ | libc::PROT_WRITE);
    // SAFETY: both have `len` bytes.
    unsafe { copy_words(BASE.load(Relaxed).cast(), copy, len) };
    if anonymous(base().cast(), len, protection).is_some() {
        // SAFETY: both have `len` bytes.
        unsafe { copy_words(copy, BASE.load(Relaxed).cast(), len) };
    }
    // SAFETY: mapped above, and nothing refers to it.
    unsafe { libc::munmap(copy.cast(), len) };
}

/// Maps a file's first `len` bytes somewhere.
fn map_anywhere(file: c_int, len: usize) -> Result<NonNull<u8>, c_int> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the system chooses a free address.
    let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, libc::MAP_SHARED, file, 0) };
    if start == libc::MAP_FAILED {
        return Err(sys::errno());
    }
    NonNull::new(start.cast()).ok_or(libc::ENOMEM)
}
