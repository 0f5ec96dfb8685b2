//! Keeps the library that this runtime is part of in memory: what the system calls at the end of
//! threads and of the process, and around forks, must not be gone after a `dlclose`.

use core::ffi::c_void;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

static IS_PINNED: AtomicBool = AtomicBool::new(false);

/// Sees to it that this code is never unmapped. Call it without the lock: it takes the loader's.
pub(crate) fn pin() {
    if IS_PINNED.swap(true, Relaxed) || is_in_program() {
        return;
    }
    let mut about = core::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    let here: *const c_void = (&raw const IS_PINNED).cast();
    // SAFETY: `here` is an address of this library, there is room for the answer, and the name in
    // it stays valid while the library is loaded, which it is while this runs. The handle is kept
    // open for good.
    unsafe {
        if libc::dladdr(here, about.as_mut_ptr()) == 0 {
            return;
        }
        let name = about.assume_init().dli_fname;
        if !name.is_null() {
            libc::dlopen(name, libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE);
        }
    }
}

/// Whether this code is the program's own, which stays anyway. Asked first, because the loader's
/// lock may be held for as long as some library's constructors run.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_in_program() -> bool {
    /// Looks at the first object only: the program.
    unsafe extern "C" fn first(
        object: *mut libc::dl_phdr_info,
        _: usize,
        found: *mut c_void,
    ) -> i32 {
        let here = (&raw const IS_PINNED).addr() as u64;
        // SAFETY: the loader gives a valid description, with `dlpi_phnum` headers; `found` is the
        // flag below.
        unsafe {
            let object = &*object;
            let headers =
                core::slice::from_raw_parts(object.dlpi_phdr, usize::from(object.dlpi_phnum));
            *found.cast::<bool>() = headers.iter().any(|header| {
                let offset = here.wrapping_sub(object.dlpi_addr).wrapping_sub(header.p_vaddr);
                header.p_type == libc::PT_LOAD && offset < header.p_memsz
            });
        }
        1
    }
    let mut found = false;
    // SAFETY: `first` is given the flag, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(first), (&raw mut found).cast()) };
    found
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_in_program() -> bool {
    false
}
