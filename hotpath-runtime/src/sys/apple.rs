//! macOS and its relatives: counters without a file are private.

use core::ffi::c_int;

use super::system::{System, file_limit, offset};

/// The system that this process runs on.
#[derive(Debug)]
pub(super) struct Host;

impl System for Host {
    const NO_RESERVE: c_int = libc::MAP_NORESERVE;

    /// Its ids have 64 bits.
    fn tid(&self) -> u32 {
        0
    }

    fn errno_place(&self) -> *mut c_int {
        // SAFETY: no preconditions.
        unsafe { libc::__error() }
    }

    fn anonymous_file(&self) -> Result<c_int, c_int> {
        Err(libc::ENOSYS)
    }

    fn file_limit(&self) -> Option<u64> {
        file_limit()
    }

    fn reserve(&self, file: c_int, start: u64, len: u64) -> Result<(), c_int> {
        let end = offset(start + len)?;
        let mut wish = libc::fstore_t {
            fst_flags: libc::F_ALLOCATEALL,
            fst_posmode: libc::F_PEOFPOSMODE,
            fst_offset: 0,
            fst_length: offset(len)?,
            fst_bytesalloc: 0,
        };
        // SAFETY: `wish` is a valid `fstore_t`; callers hand over a descriptor of their own.
        unsafe {
            if libc::fcntl(file, libc::F_PREALLOCATE, &raw mut wish) < 0
                || libc::ftruncate(file, end) < 0
            {
                return Err(super::errno());
            }
        }
        Ok(())
    }
}
