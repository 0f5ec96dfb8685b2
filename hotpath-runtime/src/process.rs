//! The process's segment: made at the first probe, closed at exit.

use core::alloc::GlobalAlloc;
use core::ffi::CStr;
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use crate::calibrate;
use crate::map;
use crate::segment::layout::{COMMAND_BYTES, FIXED_WORDS, Fixed, Header, MAGIC, VERSION, checksum};
use crate::segment::reader::{Anchor, ClockKind};
use crate::{clock, fork, summary, sys, throttle};

const UNMADE: u8 = 0;
const READY: u8 = 1;
const FAILED: u8 = 2;
static STATE: AtomicU8 = AtomicU8::new(UNMADE);

/// Names the directory for segments.
const DIRECTORY: &CStr = c"CARGO_HOTPATH_DIR";

/// Makes the segment if there is none yet. With the lock held.
pub(crate) fn ensure(inner: Option<&dyn GlobalAlloc>) -> bool {
    if STATE.load(Relaxed) == UNMADE {
        let made = make(inner).is_some();
        STATE.store(if made { READY } else { FAILED }, Relaxed);
    }
    STATE.load(Relaxed) == READY
}

fn make(inner: Option<&dyn GlobalAlloc>) -> Option<()> {
    let clock = clock::choose();
    let start = clock::anchor(clock)?;
    let directory = sys::variable(DIRECTORY).filter(|path| !path.is_empty());
    let mut path = sys::PathBuffer::new();
    let file = match directory {
        Some(directory) => create_file(directory, &mut path),
        None => sys::anonymous_file(),
    };
    if let Err(errno) = file {
        map::note_failure(errno);
    }
    if !map::create(file.ok()) {
        return None;
    }
    let header = map::take(size_of::<Header>())?.split::<Header>(1)?.first()?;
    describe(header, clock, start);
    calibrate::run(&header.fixed, inner);
    throttle::choose(header.fixed.function.get());
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
        ]
        .map(crate::segment::cell::Count::get)
    }
}

/// Creates `<pid>-<16 hex digits>.segment`; its path less the ending is left in `path`.
fn create_file(directory: &[u8], path: &mut sys::PathBuffer) -> Result<i32, i32> {
    let mut result = Err(libc::EEXIST);
    for _ in 0..8 {
        *path = sys::PathBuffer::new();
        path.push(directory);
        path.push(b"/");
        path.push_number(u64::from(sys::pid()), 10, 1);
        path.push(b"-");
        path.push_number(random(), 16, 16);
        let mut name = *path;
        name.push(b".segment");
        result = name.as_c_str().ok_or(libc::ENAMETOOLONG).and_then(sys::create);
        if result != Err(libc::EEXIST) {
            break;
        }
    }
    result
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
    let kind = match header.fixed.clock.get() {
        1 => ClockKind::Tsc,
        2 => ClockKind::Cntvct,
        _ => ClockKind::System,
    };
    if let Some(end) = clock::anchor(kind) {
        header.end_ticks.set(end.ticks);
        header.end_ns.set(end.monotonic_ns);
    }
}

extern "C" fn at_exit() {
    if fork::is_child() {
        return;
    }
    if let Some(header) = map::header() {
        refresh_end();
        header.exited.set(1);
        let directory = sys::variable(DIRECTORY).filter(|path| !path.is_empty());
        if directory.is_none() {
            summary::print();
        }
    }
}
