//! FreeBSD: counters without a file are private.

use core::ffi::c_int;

use super::system::{System, file_limit, offset};

/// The system that this process runs on.
#[derive(Debug)]
pub(super) struct Host;

impl System for Host {
    const NO_RESERVE: c_int = 0;

    fn tid(&self) -> u32 {
        // SAFETY: no preconditions.
        unsafe { libc::pthread_getthreadid_np() as u32 }
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
        let (start, len) = (offset(start)?, offset(len)?);
        // SAFETY: callers hand over a descriptor of their own.
        match unsafe { libc::posix_fallocate(file, start, len) } {
            0 => Ok(()),
            error => Err(error),
        }
    }
}
