//! The file under the counters: unnamed while there may never be anything in it, and known again
//! after the program has closed descriptors that aren't its own.

use core::ffi::{CStr, c_int};

#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::sys;

/// Device and number of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity(pub(crate) u64, pub(crate) u64);

/// Which file a descriptor is of; `None` where it is of none.
pub(crate) fn identity(file: c_int) -> Option<Identity> {
    let mut status = core::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: there is room for the answer, which is read only where there is one.
    let status = unsafe {
        if libc::fstat(file, status.as_mut_ptr()) != 0 {
            return None;
        }
        status.assume_init()
    };
    Some(Identity(status.st_dev as u64, status.st_ino as u64))
}

/// A file in `directory` that has no name yet: it goes with the process unless [`name`] is called.
/// `None` where the system has none such.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn unnamed(directory: &CStr) -> Option<Result<c_int, c_int>> {
    let flags = libc::O_TMPFILE | libc::O_RDWR | libc::O_CLOEXEC;
    // SAFETY: the path ends in NUL.
    let file = unsafe { libc::open(directory.as_ptr(), flags, 0o600) };
    if file >= 0 {
        return Some(Ok(file));
    }
    match sys::errno() {
        libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL => None,
        error => Some(Err(error)),
    }
}

/// A file in `directory` without a name: not on this system.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn unnamed(_: &CStr) -> Option<Result<c_int, c_int>> {
    None
}

/// Gives an unnamed file a name that nothing has.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn name(file: c_int, path: &CStr) -> Result<(), c_int> {
    let mut link = sys::PathBuffer::new();
    link.push(b"/proc/self/fd/");
    link.push_number(u64::from(file.unsigned_abs()), 10, 1);
    let link = link.as_c_str().ok_or(libc::ENAMETOOLONG)?;
    let (from, here) = (link.as_ptr(), libc::AT_FDCWD);
    // SAFETY: both paths end in NUL.
    if unsafe { libc::linkat(here, from, here, path.as_ptr(), libc::AT_SYMLINK_FOLLOW) } == 0 {
        return Ok(());
    }
    match sys::errno() {
        // No `/proc`: some may do it by the descriptor itself.
        libc::ENOENT => {}
        error => return Err(error),
    }
    // SAFETY: as above.
    if unsafe { libc::linkat(file, c"".as_ptr(), here, path.as_ptr(), libc::AT_EMPTY_PATH) } == 0 {
        return Ok(());
    }
    Err(sys::errno())
}

/// Gives an unnamed file a name: there are none on this system.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn name(_: c_int, _: &CStr) -> Result<(), c_int> {
    Err(libc::ENOSYS)
}
