//! The process's segment: made at the first probe, closed at exit.

use core::alloc::GlobalAlloc;
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};

use crate::calibrate;
use crate::map;
use crate::segment::cell::{Count, Table};
use crate::segment::layout::{COMMAND_BYTES, FIXED_WORDS, Fixed, Header, MAGIC, VERSION, checksum};
use crate::segment::reader::{Anchor, ClockKind, SystemReason};
use crate::{clock, file, fork, processor, retained, slab, summary, sys, throttle};

/// Below this distance, reading two anchors takes a part of it that matters.
const LEAST_BASELINE_NS: u64 = 100_000;
const UNMADE: u8 = 0;
const READY: u8 = 1;
const FAILED: u8 = 2;
static STATE: AtomicU8 = AtomicU8::new(UNMADE);

/// Names the directory for segments.
const DIRECTORY: &CStr = c"CARGO_HOTPATH_DIR";
/// Asks for the system's clock.
const CLOCK: &CStr = c"CARGO_HOTPATH_CLOCK";

static WATCH: clock::Watch = clock::Watch::new();
/// Its path, as words.
static KEPT_DIRECTORY: Table<Count> = Table::none();
/// Whether a child's file was made with a name, the system having none without.
static IS_NAMED: AtomicBool = AtomicBool::new(false);

/// Makes the segment if there is none yet. With the lock held.
pub(crate) fn ensure(inner: Option<&dyn GlobalAlloc>) -> bool {
    if STATE.load(Relaxed) == UNMADE {
        let made = make(inner).is_some();
        STATE.store(if made { READY } else { FAILED }, Relaxed);
    }
    STATE.load(Relaxed) == READY
}

fn make(inner: Option<&dyn GlobalAlloc>) -> Option<()> {
    let clock = clock::choose(sys::variable(CLOCK) == Some(b"system"))?;
    let start = clock::anchor(clock.kind)?;
    let directory = sys::variable(DIRECTORY).filter(|path| !path.is_empty());
    let mut path = sys::PathBuffer::new();
    let file = match directory {
        Some(directory) => {
            keep_directory(directory);
            create_file(directory, &mut path)
        }
        None => sys::anonymous_file(),
    };
    if let Err(errno) = file {
        map::note_failure(errno);
    }
    if !map::create(file.ok()) {
        return None;
    }
    let header = map::take(size_of::<Header>())?.split::<Header>(1)?.first()?;
    describe(header, clock.kind, start);
    header.clock_reason.set(clock.reason.map_or(0, SystemReason::code));
    calibrate::run(&header.fixed, inner);
    throttle::choose(header.fixed.function.get());
    retained::choose();
    publish(header);
    if let (Some(_), Some(errno)) = (directory, map::failure()) {
        leave_note(path, errno);
    }
    sys::at_exit(at_exit);
    fork::install();
    Some(())
}

fn describe(header: &Header, clock: ClockKind, start: Anchor) {
    let fixed = &header.fixed;
    fixed.pid.set(u64::from(sys::pid()));
    fixed.parent_pid.set(u64::from(sys::parent_pid()));
    fixed.clock.set(match clock {
        ClockKind::Tsc => 1,
        ClockKind::Cntvct => 2,
        ClockKind::System => 3,
    });
    fixed.start_ticks.set(start.ticks);
    fixed.start_ns.set(start.monotonic_ns);
    header.end_ticks.set(start.ticks);
    header.end_ns.set(start.monotonic_ns);
    let mut command = [0; COMMAND_BYTES];
    let command = sys::read_start(c"/proc/self/cmdline", &mut command);
    for (word, chunk) in header.command.iter().zip(command.chunks(8)) {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        word.set(u64::from_ne_bytes(bytes));
    }
    header.command_len.set(command.len() as u64);
    header.base.set(map::base().addr() as u64);
}

/// Rewrites what is not so of a child; hidden until [`publish_child`].
pub(crate) fn describe_child(header: &Header) {
    header.magic.set(0);
    header.fixed.pid.set(u64::from(sys::pid()));
    header.fixed.parent_pid.set(u64::from(sys::parent_pid()));
    if let Some(start) = clock::anchor(clock_kind(header)) {
        header.fixed.start_ticks.set(start.ticks);
        header.fixed.start_ns.set(start.monotonic_ns);
        header.end_ticks.set(start.ticks);
        header.end_ns.set(start.monotonic_ns);
    }
    header.checksum.set(checksum(header.fixed.words().into_iter()));
    header.forked.set(1);
    header.exited.set(0);
    header.overflowed.set(0);
    header.private_bytes.set(0);
}

/// A file for a child that is about to be forked, unseen as yet. `None` where there is no
/// directory for it, or no such file.
pub(crate) fn unnamed_file() -> Option<Result<i32, i32>> {
    file::unnamed(kept_directory()?.as_c_str()?)
}

/// Makes the segment that a fork copied this child's own, in private memory only where `is_hidden`.
/// `false` where there is none for it.
pub(crate) fn adopt(is_hidden: bool) -> bool {
    let directory = kept_directory().filter(|_| !is_hidden);
    let (Some(directory), libc::EOPNOTSUPP) = (directory, map::copy_error()) else {
        let (is_own, stored) = map::adopt_copy(None);
        IS_NAMED.store(false, Relaxed);
        note(stored);
        return is_own;
    };
    let mut path = sys::PathBuffer::new();
    let (is_own, stored) = map::adopt_copy(Some(create_file(directory.as_bytes(), &mut path)));
    path.push(b".segment");
    if let (Err(_), Some(path)) = (stored, path.as_c_str()) {
        sys::remove(path);
    }
    IS_NAMED.store(true, Relaxed);
    note(stored);
    is_own
}

fn note(stored: Result<(), i32>) {
    map::note_failure(stored.err().unwrap_or(0));
}

/// Lets the child's segment be seen. With the lock held.
///
/// Never inlined: paths take 16 KiB of the stack, which is all that a thread may have, and its callers make
/// room for a thread's counters.
#[cold]
#[inline(never)]
pub(crate) fn publish_child() {
    let (Some(header), Some(directory)) = (map::header(), kept_directory()) else { return };
    refresh_end();
    publish(header);
    let mut path = sys::PathBuffer::new();
    let named = match (map::file(), map::failure()) {
        (_, Some(errno)) => Err(errno),
        (None, None) => Err(libc::EBADF as u32),
        (Some(_), None) if IS_NAMED.load(Relaxed) => Ok(()),
        (Some(file), None) => {
            let name = |name: &CStr| file::name(file, name);
            with_name(directory.as_bytes(), &mut path, name).map_err(i32::unsigned_abs)
        }
    };
    if let Err(errno) = named {
        if path.as_bytes().is_empty() {
            let _ = with_name(directory.as_bytes(), &mut path, |_| Ok(()));
        }
        leave_note(path, errno);
    }
}

/// Keeps the directory's path: a child may not look at the environment.
fn keep_directory(directory: &[u8]) {
    let words = directory.len().div_ceil(8);
    let kept = map::private(words * 8).and_then(|mut block| block.split::<Count>(words));
    if let Some(kept) = kept {
        for (word, chunk) in kept.iter().zip(directory.chunks(8)) {
            let mut bytes = [0; 8];
            bytes[..chunk.len()].copy_from_slice(chunk);
            word.set(u64::from_ne_bytes(bytes));
        }
        KEPT_DIRECTORY.set(kept);
    }
}

fn kept_directory() -> Option<sys::PathBuffer> {
    let mut path = sys::PathBuffer::new();
    for word in KEPT_DIRECTORY.entries()? {
        let bytes = word.get().to_ne_bytes();
        path.push(bytes.split(|byte| *byte == 0).next().unwrap_or(&[]));
    }
    Some(path)
}

fn publish(header: &Header) {
    header.version.set(VERSION);
    header.checksum.set(checksum(header.fixed.words().into_iter()));
    // Last: a reader that sees it sees the rest.
    header.magic.0.store(MAGIC, core::sync::atomic::Ordering::Release);
}

impl Fixed {
    fn words(&self) -> [u64; FIXED_WORDS] {
        [
            &self.pid,
            &self.parent_pid,
            &self.clock,
            &self.start_ticks,
            &self.start_ns,
            &self.inside,
            &self.function,
            &self.expression,
            &self.counted,
            &self.alloc,
            &self.free,
            &self.function_inside,
            &self.function_untimed,
            &self.expression_inside,
            &self.expression_untimed,
            &self.poll,
            &self.poll_untimed,
            &self.awaited,
            &self.charge,
            &self.charge_open,
            &self.hash,
            &self.hidden,
        ]
        .map(crate::segment::cell::Count::get)
    }
}

/// Creates `<pid>-<16 hex digits>.segment`; its path less the ending is left in `path`.
fn create_file(directory: &[u8], path: &mut sys::PathBuffer) -> Result<i32, i32> {
    with_name(directory, path, sys::create)
}

/// Tries names for a segment until nothing has that name; as above.
fn with_name<T>(
    directory: &[u8],
    path: &mut sys::PathBuffer,
    make: impl Fn(&CStr) -> Result<T, i32>,
) -> Result<T, i32> {
    for _ in 0..8 {
        *path = sys::PathBuffer::new();
        path.push(directory);
        path.push(b"/");
        path.push_number(u64::from(sys::pid()), 10, 1);
        path.push(b"-");
        path.push_number(random(), 16, 16);
        let mut name = *path;
        name.push(b".segment");
        let result = name.as_c_str().ok_or(libc::ENAMETOOLONG).and_then(&make);
        if !matches!(result, Err(libc::EEXIST)) {
            return result;
        }
    }
    Err(libc::EEXIST)
}

/// Tells the command line why there are no counters, in place of a file without any.
fn leave_note(mut path: sys::PathBuffer, errno: u32) {
    let mut segment = path;
    segment.push(b".segment");
    if let Some(empty) = segment.as_c_str() {
        sys::remove(empty);
    }
    path.push(b".failed-");
    path.push_number(u64::from(errno), 10, 1);
    if let Some(Ok(file)) = path.as_c_str().map(sys::create) {
        sys::close(file);
    }
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    sys::read_start(c"/dev/urandom", &mut bytes);
    u64::from_ne_bytes(bytes) ^ clock::ticks()
}

/// Takes the closing anchor anew: the last one counts where the exit hook does not run.
pub(crate) fn refresh_end() {
    let Some(header) = map::header() else { return };
    if let Some(end) = clock::anchor(clock_kind(header)) {
        header.end_ticks.set(end.ticks);
        header.end_ns.set(end.monotonic_ns);
        watch_rate(&WATCH, header, end);
    }
}

/// Keeps the largest change of the clock's rate that was seen.
fn watch_rate(watch: &clock::Watch, header: &Header, now: Anchor) {
    let start =
        Anchor { ticks: header.fixed.start_ticks.get(), monotonic_ns: header.fixed.start_ns.get() };
    if let Some(off) = watch.disagreement(start, now) {
        header.clock_off_ppm.0.fetch_max(off, Relaxed);
    }
}

/// The rate of the process's clock since its start; `None` where that was only just now.
pub(crate) fn ns_per_tick() -> Option<f64> {
    let header = map::header()?;
    let now = clock::anchor(clock_kind(header))?;
    let ticks = now.ticks.checked_sub(header.fixed.start_ticks.get())?;
    let ns = now.monotonic_ns.checked_sub(header.fixed.start_ns.get())?;
    (ns >= LEAST_BASELINE_NS && ticks > 0).then(|| ns as f64 / ticks as f64)
}

fn clock_kind(header: &Header) -> ClockKind {
    match header.fixed.clock.get() {
        1 => ClockKind::Tsc,
        2 => ClockKind::Cntvct,
        _ => ClockKind::System,
    }
}

extern "C" fn at_exit() {
    fork::publish();
    if let Some(header) = map::header() {
        refresh_end();
        let finished = slab::exclusive(|| {
            processor::finish(header);
            // Here as well, so that no thread ends in between.
            header.exited.set(1);
            Some(())
        });
        if finished.is_none() {
            processor::give_up(header);
        }
        header.exited.set(1);
        if fork::is_child() {
            return;
        }
        let directory = sys::variable(DIRECTORY).filter(|path| !path.is_empty());
        if directory.is_none() {
            summary::print();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_change_of_the_rate_is_kept() {
        let header = map::private(size_of::<Header>()).unwrap().split::<Header>(1).unwrap();
        let (header, watch) = (&header[0], clock::Watch::new());
        header.fixed.start_ticks.set(7_000);
        header.fixed.start_ns.set(100);
        let mut now = Anchor { ticks: 7_000, monotonic_ns: 100 };
        let mut off_after = |ticks, ms: u64| {
            now.ticks += ticks;
            now.monotonic_ns += ms * 1_000_000;
            watch_rate(&watch, header, now);
            header.clock_off_ppm.get()
        };
        assert_eq!(off_after(20_000, 20), 0);
        assert_eq!(off_after(50_000, 50), 0);
        assert_eq!(off_after(24_000, 20), 200_000);
        assert_eq!(off_after(21_000, 20), 200_000);
    }
}
