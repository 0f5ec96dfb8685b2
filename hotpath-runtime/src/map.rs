//! The mapping: address space reserved once, backed chunk by chunk, handed out for good.

use core::ffi::c_int;
use core::ptr::{self, NonNull};
use core::sync::atomic::{
    AtomicI32, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering::Acquire, Ordering::Relaxed,
};

use crate::file::{self, Identity};
use crate::handover::Lock;
use crate::segment::cell::Count;
use crate::segment::layout::{
    AllocatorCosts, Channel, FunctionRecord, Header, Histogram, Holds, Node, Processor, Retained,
    Room, Row, SiteRecord, Slab, SlabPage, Span,
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
/// Device and number of the file.
static FILE_IDENTITY: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
/// Why the file ended before the counters did.
static FAILED: AtomicU32 = AtomicU32::new(0);
/// Guards all of the above but `BASE`.
pub(crate) static LOCK: Lock<AtomicUsize> = Lock::new(AtomicUsize::new(0));

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
unsafe impl Plain for SlabPage {}
// SAFETY: as above.
unsafe impl Plain for Node {}
// SAFETY: as above.
unsafe impl Plain for Row {}
// SAFETY: as above.
unsafe impl Plain for Channel {}
// SAFETY: as above.
unsafe impl Plain for Holds {}
// SAFETY: as above.
unsafe impl Plain for Span {}
// SAFETY: as above.
unsafe impl Plain for Histogram {}
// SAFETY: as above.
unsafe impl Plain for AllocatorCosts {}
// SAFETY: as above.
unsafe impl Plain for Processor {}
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

mod copy;

pub(crate) use self::copy::{adopt_copy, copy_before_fork, copy_error, drop_copy};

/// Reserves the address space and backs its start.
pub(crate) fn create(file: Option<c_int>) -> bool {
    let mut len = RESERVED;
    while len >= CHUNK {
        if let Some(base) = anonymous(ptr::null_mut(), len, libc::PROT_NONE) {
            set_file(file);
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

fn set_file(file: Option<c_int>) {
    let identity = file.and_then(file::identity).unwrap_or(Identity(0, 0));
    FILE_IDENTITY[0].store(identity.0, Relaxed);
    FILE_IDENTITY[1].store(identity.1, Relaxed);
    FILE.store(file.unwrap_or(-1), Relaxed);
}

/// The file under the counters. `None` where there is none, or where the program has closed the
/// descriptor, which may by now be of a file of its own.
pub(crate) fn file() -> Option<c_int> {
    let file = Some(FILE.load(Relaxed)).filter(|file| *file >= 0)?;
    let known = Identity(FILE_IDENTITY[0].load(Relaxed), FILE_IDENTITY[1].load(Relaxed));
    (file::identity(file) == Some(known)).then_some(file)
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
    take_aligned(len, 64)
}

/// The same from a multiple of `align` on, a power of two up to 4 KiB.
pub(crate) fn take_aligned(len: usize, align: usize) -> Option<Block> {
    let used = USED.load(Relaxed).next_multiple_of(align);
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
    if FILE_BYTES.load(Relaxed) == backed && FILE.load(Relaxed) >= 0 {
        let file = file().ok_or(libc::EBADF);
        let mapped = file.and_then(|file| {
            sys::allocate(file, backed, len)?;
            map_file(at, file, backed, len)
        });
        match mapped {
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

/// A copy of the segment's used part, for reading it in the process itself. With [`LOCK`] held, so
/// that nothing in it names what registers meanwhile.
pub(crate) fn snapshot() -> Vec<u8> {
    let words = USED.load(Relaxed).min(BACKED.load(Relaxed)) / 8;
    let start = BASE.load(Relaxed).cast::<Count>();
    let mut bytes = Vec::with_capacity(words * 8);
    for i in 0..words {
        // In order, as other threads go on: what a list leads to lies behind what leads there.
        // SAFETY: `words` lie in the backed part; atomic loads race with nobody.
        let word = unsafe { (*start.add(i)).0.load(Acquire) };
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
    let mut flags = libc::MAP_PRIVATE | libc::MAP_ANON | sys::NO_RESERVE;
    if !at.is_null() {
        flags |= libc::MAP_FIXED;
    }
    // SAFETY: without an address the system chooses a free one; with one, callers name a part of
    // the address space that `create` reserved and nobody uses yet.
    let mapped = unsafe { libc::mmap(at, len, protection, flags, -1, 0) };
    if mapped == libc::MAP_FAILED { None } else { NonNull::new(mapped.cast()) }
}
