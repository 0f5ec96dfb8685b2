//! Linux and Android.

use core::ffi::c_int;

use super::system::{System, file_limit, offset};

/// The system that this process runs on.
#[derive(Debug)]
pub(super) struct Host;

impl System for Host {
    const NO_RESERVE: c_int = libc::MAP_NORESERVE;

    fn tid(&self) -> u32 {
        // SAFETY: no preconditions.
        unsafe { libc::syscall(libc::SYS_gettid) as u32 }
    }

    /// As the kernel numbers them (`posix-timers_types.h`): the complement of the id, a bit for "of
    /// a thread", and 2 for all of its CPU time.
    fn cpu_clock_of(&self, tid: u32) -> Option<libc::clockid_t> {
        let id = libc::clockid_t::try_from(tid).ok().filter(|id| *id > 0)?;
        Some(((!id) << 3) | 4 | 2)
    }

    #[cfg(target_os = "linux")]
    fn errno_place(&self) -> *mut c_int {
        // SAFETY: no preconditions.
        unsafe { libc::__errno_location() }
    }

    #[cfg(target_os = "android")]
    fn errno_place(&self) -> *mut c_int {
        // SAFETY: no preconditions.
        unsafe { libc::__errno() }
    }

    fn anonymous_file(&self) -> Result<c_int, c_int> {
        // SAFETY: the name ends in NUL.
        let file = unsafe { libc::memfd_create(c"hotpath".as_ptr(), libc::MFD_CLOEXEC) };
        if file < 0 { Err(super::errno()) } else { Ok(file) }
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
