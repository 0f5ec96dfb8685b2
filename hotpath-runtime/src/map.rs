//! The mapping: address space reserved once, backed chunk by chunk, handed out for good.

use core::ffi::c_int;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, Ordering::Relaxed};

use crate::segment::cell::Count;
use crate::segment::layout::{
    AllocatorCosts, FunctionRecord, Header, Histogram, Node, Retained, Room, Row, SiteRecord, Slab, Span,
};
use crate::sys;

/// Address space of a segment: what its counters can grow to.
const RESERVED: usize = 1 << 30;
/// Backed at a time.
const CHUNK: usize = 1 << 20;

static BASE: AtomicPtr<Header> = AtomicPtr::new(ptr::null_mut());
static FILE: AtomicI32 = AtomicI32::new(-1);
/// Bytes from `BASE` that are backed by the file.
static FILE_BYTES: AtomicUsize = AtomicUsize::new(0);
/// Bytes from `BASE` that may be touched.
static BACKED: AtomicUsize = AtomicUsize::new(0);
static USED: AtomicUsize = AtomicUsize::new(0);
static RESERVED_BYTES: AtomicUsize = AtomicUsize::new(0);
/// The copy that a fork is about to hand to the child, and its length.
static COPY: AtomicPtr<Count> = AtomicPtr::new(ptr::null_mut());
static COPY_BYTES: AtomicUsize = AtomicUsize::new(0);
/// Why the file ended before the counters did.
static FAILED: AtomicU32 = AtomicU32::new(0);
/// Guards all of the above but `BASE`.
pub(crate) static LOCK: sys::Lock = sys::Lock::new();

/// What may lie in zeroed shared memory.
///
/// # Safety
///
/// All bytes zero must be a value, and every byte that changes must lie in an atomic.
pub(crate) unsafe trait Plain: Sync + 'static {}

// SAFETY: each is a structure of atomic integers and pointers (see `segment::layout`), for which
// zero is a value.
unsafe impl Plain for Header {}
// SAFETY: as above.
unsafe impl Plain for FunctionRecord {}
// SAFETY: as above.
unsafe impl Plain for SiteRecord {}
// SAFETY: as above.
unsafe impl Plain for Slab {}
// SAFETY: as above.
unsafe impl Plain for Node {}
// SAFETY: as above.
unsafe impl Plain for Row {}
// SAFETY: as above.
unsafe impl Plain for Span {}
// SAFETY: as above.
unsafe impl Plain for Histogram {}
// SAFETY: as above.
unsafe impl Plain for AllocatorCosts {}
// SAFETY: as above.
unsafe impl Plain for Retained {}
// SAFETY: as above.
unsafe impl Plain for Count {}
// SAFETY: as above.
unsafe impl<T: Sync + 'static> Plain for crate::segment::cell::Link<T> {}

/// A range of zeroed memory that belongs to the caller and is never unmapped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    start: NonNull<u8>,
    len: usize,
}

impl Block {
    /// What is left of it, as kept in a slab.
    pub(crate) fn load(room: &Room) -> Option<Self> {
        let start = NonNull::new(room.start.0.load(Relaxed))?;
        Some(Self { start, len: room.len.get() as usize })
    }

    /// Keeps the rest in a slab. It belongs to the thread that owns the slab.
    pub(crate) fn store(self, room: &Room) {
        room.len.set(0);
        room.start.0.store(self.start.as_ptr(), Relaxed);
        room.len.set(self.len as u64);
    }

    /// Takes `count` values of `T` off the front.
    pub(crate) fn split<T: Plain>(&mut self, count: usize) -> Option<&'static [T]> {
        let skip = self.start.align_offset(align_of::<T>());
        let bytes = size_of::<T>().checked_mul(count)?.checked_add(skip)?;
        if bytes > self.len {
            return None;
        }
        // SAFETY: `skip + count * size` bytes lie within the block, which is zeroed, mapped for
        // good and ours; `split` moves its start past them, so they are handed out once. Zero is
        // a value of `T` and all its changes are atomic (`Plain`).
        unsafe {
            let at = self.start.add(skip).cast::<T>();
            self.start = self.start.add(bytes);
            self.len -= bytes;
            Some(core::slice::from_raw_parts(at.as_ptr(), count))
        }
    }
}

/// Reserves the address space and backs its start.
pub(crate) fn create(file: Option<c_int>) -> bool {
    let mut len = RESERVED;
    while len >= CHUNK {
        if let Some(base) = anonymous(ptr::null_mut(), len, libc::PROT_NONE) {
            FILE.store(file.unwrap_or(-1), Relaxed);
            RESERVED_BYTES.store(len, Relaxed);
            BASE.store(base.cast().as_ptr(), Relaxed);
            return back(CHUNK);
        }
        len /= 2;
    }
    false
}

/// Why counters had to go to private memory, as an `errno`.
pub(crate) fn failure() -> Option<u32> {
    Some(FAILED.load(Relaxed)).filter(|errno| *errno != 0)
}

pub(crate) fn note_failure(errno: c_int) {
    FAILED.store(errno as u32, Relaxed);
}

pub(crate) fn base() -> *mut u8 {
    BASE.load(Relaxed).cast()
}

/// The header, once the segment has been made.
pub(crate) fn header() -> Option<&'static Header> {
    if BACKED.load(Relaxed) == 0 {
        return None;
    }
    // SAFETY: `BASE` is null or the start of a mapping whose first chunk has been backed, as was
    // just seen; `Header` is `Plain` and fits the chunk.
    unsafe { BASE.load(Relaxed).as_ref() }
}

/// Hands out the next `len` bytes, zeroed. Call it with [`LOCK`] held.
pub(crate) fn take(len: usize) -> Option<Block> {
    let used = USED.load(Relaxed).next_multiple_of(64);
    let end = used.checked_add(len)?;
    while end > BACKED.load(Relaxed) {
        if !back(CHUNK) {
            return None;
        }
    }
    USED.store(end, Relaxed);
    // SAFETY: `used..end` lies within the backed part of the mapping.
    let start = unsafe { NonNull::new(base())?.add(used) };
    Some(Block { start, len })
}

/// Zeroed memory outside of the segment.
pub(crate) fn private(len: usize) -> Option<Block> {
    let start = anonymous(ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE)?;
    Some(Block { start, len })
}

/// Backs the next `len` bytes: by the file, or else by private memory at the same place.
fn back(len: usize) -> bool {
    let backed = BACKED.load(Relaxed);
    if backed + len > RESERVED_BYTES.load(Relaxed) {
        return false;
    }
    // SAFETY: within the reserved address space.
    let at = unsafe { base().add(backed) };
    let file = FILE.load(Relaxed);
    if FILE_BYTES.load(Relaxed) == backed && file >= 0 {
        match sys::allocate(file, backed, len).and_then(|()| map_file(at, file, backed, len)) {
            Ok(()) => {
                FILE_BYTES.store(backed + len, Relaxed);
                BACKED.store(backed + len, Relaxed);
                return true;
            }
            Err(errno) => note_failure(errno),
        }
    }
    let mapped = anonymous(at.cast(), len, libc::PROT_READ | libc::PROT_WRITE).is_some();
    if mapped {
        BACKED.store(backed + len, Relaxed);
        if let Some(header) = header() {
            header.private_bytes.add_shared(len as u64);
        }
    }
    mapped
}

/// A private copy of the file's part of the segment, as it is before a fork. With [`LOCK`] held.
///
/// The child needs one: in a private mapping of the file it would see what the parent goes on to
/// write, links to memory that only the parent has among it.
pub(crate) fn copy_before_fork() {
    let len = FILE_BYTES.load(Relaxed);
    let Some(copy) = private(len).filter(|_| len > 0) else { return };
    let to = copy.start.cast::<Count>().as_ptr();
    // SAFETY: both have `len` bytes, of which the first `USED` hold all that is not zero.
    unsafe { copy_words(BASE.load(Relaxed).cast(), to, USED.load(Relaxed).min(len)) };
    COPY.store(to, Relaxed);
    COPY_BYTES.store(len, Relaxed);
}

/// Copies counters that other threads may change meanwhile.
///
/// # Safety
///
/// Both places stay mapped meanwhile, for `bytes` rounded up to a word.
unsafe fn copy_words(from: *const Count, to: *const Count, bytes: usize) {
    for i in 0..bytes.div_ceil(8) {
        // SAFETY: as the caller promises; all changes are to atomic words.
        unsafe { (*to.add(i)).set((*from.add(i)).get()) };
    }
}

/// Gives the copy's memory back: in the parent.
pub(crate) fn drop_copy() {
    let copy = COPY.swap(ptr::null_mut(), Relaxed);
    if !copy.is_null() {
        // SAFETY: mapped by `copy_before_fork` with this length, and nothing refers to it.
        unsafe { libc::munmap(copy.cast(), COPY_BYTES.load(Relaxed)) };
    }
}

/// Makes the counters of a forked child its own, at the same addresses: the parent's stay right.
pub(crate) fn detach_from_file() {
    let (len, file) = (FILE_BYTES.load(Relaxed), FILE.load(Relaxed));
    if len == 0 || file < 0 {
        return;
    }
    // What the child needs from now on is private as well.
    FILE.store(-1, Relaxed);
    let copy = COPY.load(Relaxed);
    if copy.is_null() {
        // No memory for one, or forked from within a cold path: nearly right has to do.
        // SAFETY: replaces our own mapping by one of the same file and length, whose pages become
        // private when written. The child has one thread, which runs this.
        unsafe {
            libc::mmap(
                base().cast(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_FIXED,
                file,
                0,
            );
        }
        return;
    }
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let Some(own) = anonymous(base().cast(), len, protection) else { return };
    // SAFETY: both have `len` bytes; the child has one thread, which runs this.
    unsafe { copy_words(copy, own.cast().as_ptr(), USED.load(Relaxed).min(len)) };
    drop_copy();
}

/// A copy of the segment's used part, for reading it in the process itself. With [`LOCK`] held, so
/// that nothing in it names what registers meanwhile.
pub(crate) fn snapshot() -> Vec<u8> {
    let words = USED.load(Relaxed).min(BACKED.load(Relaxed)) / 8;
    let start = BASE.load(Relaxed).cast::<Count>();
    let mut bytes = Vec::with_capacity(words * 8);
    for i in 0..words {
        // SAFETY: `words` lie in the backed part; atomic loads race with nobody.
        let word = unsafe { (*start.add(i)).get() };
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    bytes
}

fn map_file(at: *mut u8, file: c_int, offset: usize, len: usize) -> Result<(), c_int> {
    let offset = libc::off_t::try_from(offset).map_err(|_| libc::EOVERFLOW)?;
    // SAFETY: `at .. at + len` lies within address space that we reserved and nobody uses yet.
    let mapped = unsafe {
        libc::mmap(
            at.cast(),
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_FIXED,
            file,
            offset,
        )
    };
    if mapped == libc::MAP_FAILED { Err(sys::errno()) } else { Ok(()) }
}

/// Anonymous memory: anywhere for null, else exactly there, which must be ours.
fn anonymous(at: *mut libc::c_void, len: usize, protection: c_int) -> Option<NonNull<u8>> {
    let mut flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;
    if !at.is_null() {
        flags |= libc::MAP_FIXED;
    }
    // SAFETY: without an address the system chooses a free one; with one, callers name a part of
    // the address space that `create` reserved and nobody uses yet.
    let mapped = unsafe { libc::mmap(at, len, protection, flags, -1, 0) };
    if mapped == libc::MAP_FAILED { None } else { NonNull::new(mapped.cast()) }
}
