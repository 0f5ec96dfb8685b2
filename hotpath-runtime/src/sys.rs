//! What the probes ask of the system, each call wrapped so that it can't be misused.

use core::ffi::{CStr, c_int, c_void};

use self::host::Host;
use self::system::System;

#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "sys/linux.rs")]
#[cfg_attr(target_vendor = "apple", path = "sys/apple.rs")]
#[cfg_attr(target_os = "freebsd", path = "sys/freebsd.rs")]
#[cfg_attr(
    not(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        target_os = "freebsd"
    )),
    path = "sys/other.rs"
)]
mod host;
mod system;

/// Flag of a mapping that takes no memory until it is touched.
pub(crate) const NO_RESERVE: c_int = Host::NO_RESERVE;

pub(crate) fn pid() -> u32 {
    // SAFETY: no preconditions.
    unsafe { libc::getpid() as u32 }
}

pub(crate) fn parent_pid() -> u32 {
    // SAFETY: no preconditions.
    unsafe { libc::getppid() as u32 }
}

/// The system's id of this thread; 0 where it has none that is an integer.
pub(crate) fn tid() -> u32 {
    Host.tid()
}

/// CPU time of this thread so far, in nanoseconds: a call of the system.
pub(crate) fn cpu_ns() -> Option<u64> {
    read_clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// CPU time so far of another thread of this process; `None` where the system does not tell, or
/// there is no such thread any more.
pub(crate) fn cpu_ns_of(tid: u32) -> Option<u64> {
    read_clock(Host.cpu_clock_of(tid)?)
}

fn read_clock(clock: libc::clockid_t) -> Option<u64> {
    let mut time = core::mem::MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: `time` is a valid place, and filled where the call says that it worked.
    let time = unsafe {
        if libc::clock_gettime(clock, time.as_mut_ptr()) != 0 {
            return None;
        }
        time.assume_init()
    };
    let (seconds, nanos) = (u64::try_from(time.tv_sec).ok()?, u64::try_from(time.tv_nsec).ok()?);
    Some(seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos))
}

/// A variable of the environment, without allocating.
pub(crate) fn variable(name: &CStr) -> Option<&'static [u8]> {
    // SAFETY: `name` ends in NUL. The text stays valid until somebody changes the environment,
    // which callers precede: they read it once, at the first probe, and copy it.
    unsafe {
        let value = libc::getenv(name.as_ptr());
        if value.is_null() { None } else { Some(CStr::from_ptr(value).to_bytes()) }
    }
}

pub(crate) fn errno() -> c_int {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Puts `errno` back when it goes: a probe may run between a call of the host and its look at it.
pub(crate) struct KeepErrno(c_int);

impl KeepErrno {
    pub(crate) fn new() -> Self {
        Self(errno())
    }
}

impl Drop for KeepErrno {
    fn drop(&mut self) {
        let place = Host.errno_place();
        if !place.is_null() {
            // SAFETY: the system says that this thread's `errno` lies there.
            unsafe { *place = self.0 };
        }
    }
}

/// Reads the start of a file without allocating; what can't be read is nothing.
pub(crate) fn read_start<'a>(path: &CStr, into: &'a mut [u8]) -> &'a [u8] {
    // SAFETY: `path` ends in NUL; `into` has room for the length that is passed; the descriptor is
    // ours and closed once.
    let read = unsafe {
        let file = libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return &[];
        }
        let read = libc::read(file, into.as_mut_ptr().cast(), into.len());
        libc::close(file);
        read
    };
    usize::try_from(read).ok().and_then(|n| into.get(..n)).unwrap_or(&[])
}

/// Writes all of it to stderr, or gives up.
pub(crate) fn write_stderr(mut text: &[u8]) {
    while !text.is_empty() {
        // SAFETY: the pointer and length are of one slice.
        let written = unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
        match usize::try_from(written) {
            Ok(n) if n > 0 => text = text.get(n..).unwrap_or(&[]),
            _ if errno() == libc::EINTR => {}
            _ => return,
        }
    }
}

/// Runs `hook` at a regular exit of the process.
pub(crate) fn at_exit(hook: extern "C" fn()) {
    // SAFETY: `hook` is a static function that takes nothing and does not unwind.
    unsafe { libc::atexit(hook) };
}

/// Runs hooks around every `fork`.
pub(crate) fn at_fork(
    prepare: unsafe extern "C" fn(),
    parent: unsafe extern "C" fn(),
    child: unsafe extern "C" fn(),
) {
    // SAFETY: static functions that take nothing and do not unwind.
    unsafe { libc::pthread_atfork(Some(prepare), Some(parent), Some(child)) };
}

/// A value per thread whose destructor runs after those of `thread_local!`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadKey(libc::pthread_key_t);

impl ThreadKey {
    pub(crate) fn new(destructor: unsafe extern "C" fn(*mut c_void)) -> Option<Self> {
        let mut key = 0;
        // SAFETY: `key` is a valid place; `destructor` is static.
        let made = unsafe { libc::pthread_key_create(&raw mut key, Some(destructor)) } == 0;
        made.then_some(Self(key))
    }

    #[allow(clippy::cast_lossless, clippy::unnecessary_cast, reason = "its type is the system's")]
    pub(crate) fn raw(self) -> u64 {
        self.0 as u64
    }

    pub(crate) fn from_raw(raw: u64) -> Self {
        Self(raw as libc::pthread_key_t)
    }

    /// Sees to it that the destructor runs on this thread.
    pub(crate) fn arm(self) {
        // SAFETY: the key was made by `new` and is never deleted. The value is only a mark: the
        // destructor does not follow it.
        unsafe { libc::pthread_setspecific(self.0, core::ptr::without_provenance(1)) };
    }
}

/// Which signals a thread holds off.
#[derive(Clone, Copy)]
pub(crate) struct Mask(libc::sigset_t);

/// Keeps a [`Mask`] from one hook of a fork to the next.
pub(crate) struct Signals(core::cell::UnsafeCell<core::mem::MaybeUninit<Mask>>);

// SAFETY: `keep` and `kept` are only called by the thread that forks, under the lock of cold paths
// or, in a fork from within one, by the thread that holds that.
unsafe impl Sync for Signals {}

impl Signals {
    pub(crate) const fn new() -> Self {
        Self(core::cell::UnsafeCell::new(core::mem::MaybeUninit::zeroed()))
    }

    /// Holds off all signals, and gives what was held off before.
    pub(crate) fn block() -> Mask {
        let mut before = core::mem::MaybeUninit::uninit();
        let mut all = core::mem::MaybeUninit::uninit();
        // SAFETY: both are valid places; the first is filled before it is used, and so is the
        // second, because the call can't fail with these arguments.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            Mask(before.assume_init())
        }
    }

    pub(crate) fn keep(&self, mask: Mask) {
        // SAFETY: nobody else uses it now, as said above.
        unsafe { (*self.0.get()).write(mask) };
    }

    /// What was kept last; at first a mask of zeros, which holds off nothing.
    pub(crate) fn kept(&self) -> Mask {
        // SAFETY: zeros are a mask, `keep` writes one, and nobody else uses it now, as said above.
        unsafe { (*self.0.get()).assume_init() }
    }
}

impl Mask {
    pub(crate) fn restore(self) {
        // SAFETY: the mask is one that the system gave.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, core::ptr::null_mut());
        }
    }
}

/// Gives the processor to whoever else wants it.
pub(crate) fn let_others_run() {
    // SAFETY: no preconditions.
    unsafe { libc::sched_yield() };
}

/// A path in the making, on the stack.
#[derive(Clone, Copy)]
pub(crate) struct PathBuffer {
    bytes: [u8; 4096],
    len: usize,
}

impl PathBuffer {
    pub(crate) fn new() -> Self {
        Self { bytes: [0; 4096], len: 0 }
    }

    /// Appends; what has no room is left out, and `as_c_str` then gives nothing.
    pub(crate) fn push(&mut self, part: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.len..self.len + part.len()) {
            room.copy_from_slice(part);
        }
        self.len += part.len();
    }

    pub(crate) fn push_number(&mut self, mut number: u64, base: u64, width: usize) {
        let mut digits = [b'0'; 20];
        let mut at = digits.len();
        while number > 0 || digits.len() - at < width {
            at -= 1;
            digits[at] = b"0123456789abcdef"[(number % base) as usize];
            number /= base;
        }
        self.push(&digits[at..]);
    }

    /// What it holds, as far as there was room.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    pub(crate) fn as_c_str(&self) -> Option<&CStr> {
        CStr::from_bytes_with_nul(self.bytes.get(..=self.len)?).ok()
    }
}

/// Creates a file that nobody else has, readable by its owner only.
pub(crate) fn create(path: &CStr) -> Result<c_int, c_int> {
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC | libc::O_NOFOLLOW;
    // SAFETY: `path` ends in NUL.
    let file = unsafe { libc::open(path.as_ptr(), flags, 0o600) };
    if file < 0 { Err(errno()) } else { Ok(file) }
}

pub(crate) fn close(file: c_int) {
    // SAFETY: callers hand over a descriptor of their own.
    unsafe { libc::close(file) };
}

pub(crate) fn remove(path: &CStr) {
    // SAFETY: `path` ends in NUL.
    unsafe { libc::unlink(path.as_ptr()) };
}

/// A file without a name, in memory; not every system has such.
pub(crate) fn anonymous_file() -> Result<c_int, c_int> {
    Host.anonymous_file()
}

/// Makes `file` really have `len` bytes from `start` on, so that touching them can't kill the host.
pub(crate) fn allocate(file: c_int, start: usize, len: usize) -> Result<(), c_int> {
    system::allocate(&Host, file, start, len)
}
