//! Systems of which no more is known than that they are Unix: all counters are private.

use core::ffi::c_int;
use core::ptr;

use super::system::{System, file_limit};

/// The system that this process runs on.
#[derive(Debug)]
pub(super) struct Host;

impl System for Host {
    const NO_RESERVE: c_int = 0;

    fn tid(&self) -> u32 {
        0
    }

    fn errno_place(&self) -> *mut c_int {
        ptr::null_mut()
    }

    fn anonymous_file(&self) -> Result<c_int, c_int> {
        Err(libc::ENOSYS)
    }

    fn file_limit(&self) -> Option<u64> {
        file_limit()
    }

    fn reserve(&self, _: c_int, _: u64, _: u64) -> Result<(), c_int> {
        Err(libc::ENOSYS)
    }
}
