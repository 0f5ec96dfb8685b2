//! Bytes to a [`Segment`]: the header, and what hangs on it.

use core::mem::offset_of;

use super::bytes::{Bytes, list};
use super::functions::{Names, read_functions};
use super::slabs::{measured_until, read_slab};
use super::{
    Anchor, Calibration, Clock, ClockKind, Memory, Process, ReadError, Segment, SystemReason,
    costs, retained,
};
use crate::clock::rate::Interval;
use crate::segment::layout::{self as raw, LIVE_SLACK, MAGIC, VERSION};

/// Reads a segment.
///
/// `end` is an anchor taken after the process ended: calls that were open when it died are closed
/// there. It is not needed for a process that ran its exit hook, nor used for one that was forked.
///
/// Bad bytes never panic, and never take more memory than a small multiple of their length.
///
/// # Errors
///
/// See [`ReadError`].
pub fn read(bytes: &[u8], end: Option<Anchor>) -> Result<Segment, ReadError> {
    let bytes = open(bytes)?;
    let functions = read_functions(bytes)?;
    let clock = read_clock(bytes, end)?;
    let private_bytes = bytes.word(offset_of!(raw::Header, private_bytes))?;
    let names = Names::of(&functions, private_bytes > 0);
    let mut slabs = Vec::new();
    let mut measured = false;
    let mut held_back = 0u64;
    let mut allocator = costs::none();
    let process = read_process(bytes)?;
    let heads = list(
        bytes,
        offset_of!(raw::Header, slabs),
        offset_of!(raw::Slab, newer),
        size_of::<raw::Slab>(),
    )?;
    let mut end_ticks = clock.end.ticks;
    if process.forked && !process.exited {
        for &at in &heads {
            end_ticks = end_ticks.max(measured_until(bytes, at, &names)?);
        }
    }
    for at in heads {
        let slab = read_slab(bytes, at, &names, end_ticks)?;
        measured |= slab.nodes.iter().any(|node| node.allocs.count > 0);
        let gauge = bytes.word(at + offset_of!(raw::Slab, gauge))?;
        held_back = held_back.wrapping_add(raw::held_back(gauge));
        costs::add(bytes, at, &mut allocator)?;
        slabs.push(slab);
    }
    let live = bytes.word(offset_of!(raw::Header, live))?.wrapping_add(held_back).cast_signed();
    let peak = bytes.word(offset_of!(raw::Header, peak))?;
    // A forked child may have made no allocation yet: it knows of its parent's.
    measured |= peak > 0;
    let memory = measured.then(|| Memory {
        live_bytes: live,
        peak_live_bytes: peak.max(u64::try_from(live).unwrap_or(0)),
        error_bytes: LIVE_SLACK.saturating_mul(slabs.len() as u64),
    });
    Ok(Segment {
        process,
        clock,
        calibration: read_calibration(bytes)?,
        memory,
        allocator,
        retained: retained::read(bytes, &names)?,
        functions: functions.into_iter().map(|(_, function)| function).collect(),
        slabs,
        private_bytes,
        overflowed: bytes.word(offset_of!(raw::Header, overflowed))?,
    })
}

/// Checks the header.
pub(super) fn open(bytes: &[u8]) -> Result<Bytes<'_>, ReadError> {
    let bytes = Bytes { bytes, base: 0 };
    if bytes.word(offset_of!(raw::Header, magic)) != Ok(MAGIC) {
        return Err(ReadError::Foreign);
    }
    let found = bytes.word(offset_of!(raw::Header, version))?;
    if found != VERSION {
        return Err(ReadError::OtherVersion { found, known: VERSION });
    }
    let fixed = offset_of!(raw::Header, fixed);
    let words: Vec<u64> =
        (0..raw::FIXED_WORDS).map(|i| bytes.word(fixed + 8 * i)).collect::<Result<_, _>>()?;
    let checksum = offset_of!(raw::Header, checksum);
    if bytes.word(checksum)? != raw::checksum(words.into_iter()) {
        return Err(ReadError::Damaged { what: "checksum", offset: checksum });
    }
    Ok(Bytes { base: bytes.word(offset_of!(raw::Header, base))?, ..bytes })
}

/// Gives bytes the beginning that a segment of this version has, checksum included, so that those
/// who damage segments on purpose get past it. Fewer bytes than that stay as they are.
#[doc(hidden)]
pub fn seal(bytes: &mut [u8]) {
    let fixed = offset_of!(raw::Header, fixed);
    let whole = Bytes { bytes, base: 0 };
    let words: Result<Vec<u64>, _> =
        (0..raw::FIXED_WORDS).map(|i| whole.word(fixed + 8 * i)).collect();
    let Ok(words) = words else { return };
    for (at, word) in [
        (offset_of!(raw::Header, magic), MAGIC),
        (offset_of!(raw::Header, version), VERSION),
        (offset_of!(raw::Header, checksum), raw::checksum(words.into_iter())),
    ] {
        if let Some(place) = bytes.get_mut(at..at + 8) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
    }
}

pub(super) fn fixed(bytes: Bytes<'_>, field: usize) -> Result<u64, ReadError> {
    bytes.word(offset_of!(raw::Header, fixed) + field)
}

pub(super) fn read_process(bytes: Bytes<'_>) -> Result<Process, ReadError> {
    let at = offset_of!(raw::Header, command);
    let len = bytes.word(offset_of!(raw::Header, command_len))? as usize;
    let command = bytes.bytes.get(at..at + len.min(raw::COMMAND_BYTES)).unwrap_or(&[]);
    Ok(Process {
        pid: fixed(bytes, offset_of!(raw::Fixed, pid))? as u32,
        parent_pid: fixed(bytes, offset_of!(raw::Fixed, parent_pid))? as u32,
        command: String::from_utf8_lossy(command).into_owned(),
        exited: bytes.word(offset_of!(raw::Header, exited))? != 0,
        forked: bytes.word(offset_of!(raw::Header, forked))? != 0,
    })
}

fn read_clock(bytes: Bytes<'_>, end: Option<Anchor>) -> Result<Clock, ReadError> {
    let start = Anchor {
        ticks: fixed(bytes, offset_of!(raw::Fixed, start_ticks))?,
        monotonic_ns: fixed(bytes, offset_of!(raw::Fixed, start_ns))?,
    };
    let own = Anchor {
        ticks: bytes.word(offset_of!(raw::Header, end_ticks))?,
        monotonic_ns: bytes.word(offset_of!(raw::Header, end_ns))?,
    };
    let exited = bytes.word(offset_of!(raw::Header, exited))? != 0;
    // Nobody knows when a forked process left, but it is rarely the last one.
    let forked = bytes.word(offset_of!(raw::Header, forked))? != 0;
    let later = end.filter(|end| !exited && !forked && end.ticks > own.ticks);
    let noticed = bytes.word(offset_of!(raw::Header, clock_off_ppm))?;
    let at_the_end = later
        .and_then(|end| Interval::between(start, own)?.disagreement(Interval::between(own, end)?));
    Ok(Clock {
        kind: read_kind(bytes)?,
        start,
        end: later.unwrap_or(own),
        system_reason: SystemReason::of(bytes.word(offset_of!(raw::Header, clock_reason))?),
        off_ppm: noticed.max(at_the_end.unwrap_or(0)),
    })
}

/// Which clock the ticks are of.
pub(super) fn read_kind(bytes: Bytes<'_>) -> Result<ClockKind, ReadError> {
    let field = offset_of!(raw::Fixed, clock);
    match fixed(bytes, field)? {
        1 => Ok(ClockKind::Tsc),
        2 => Ok(ClockKind::Cntvct),
        3 => Ok(ClockKind::System),
        _ => {
            let offset = offset_of!(raw::Header, fixed) + field;
            Err(ReadError::Damaged { what: "clock", offset })
        }
    }
}

impl SystemReason {
    const ALL: [Self; 7] = [
        Self::Asked,
        Self::NoCounter,
        Self::NotInvariant,
        Self::NotTrusted,
        Self::Slow,
        Self::WentBack,
        Self::Uneven,
    ];

    /// Its number in a segment.
    pub(crate) fn code(self) -> u64 {
        self as u64
    }

    /// The reason of this number; `None` for 0, and for one that there isn't.
    fn of(code: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

fn read_calibration(bytes: Bytes<'_>) -> Result<Calibration, ReadError> {
    Ok(Calibration {
        inside: fixed(bytes, offset_of!(raw::Fixed, inside))?,
        function: fixed(bytes, offset_of!(raw::Fixed, function))?,
        expression: fixed(bytes, offset_of!(raw::Fixed, expression))?,
        counted: fixed(bytes, offset_of!(raw::Fixed, counted))?,
        alloc: fixed(bytes, offset_of!(raw::Fixed, alloc))?,
        free: fixed(bytes, offset_of!(raw::Fixed, free))?,
        function_inside: fixed(bytes, offset_of!(raw::Fixed, function_inside))?,
        function_untimed: fixed(bytes, offset_of!(raw::Fixed, function_untimed))?,
        expression_inside: fixed(bytes, offset_of!(raw::Fixed, expression_inside))?,
        expression_untimed: fixed(bytes, offset_of!(raw::Fixed, expression_untimed))?,
        poll: fixed(bytes, offset_of!(raw::Fixed, poll))?,
        poll_untimed: fixed(bytes, offset_of!(raw::Fixed, poll_untimed))?,
        awaited: fixed(bytes, offset_of!(raw::Fixed, awaited))?,
        charge: fixed(bytes, offset_of!(raw::Fixed, charge))?,
        charge_open: fixed(bytes, offset_of!(raw::Fixed, charge_open))?,
        hash: fixed(bytes, offset_of!(raw::Fixed, hash))?,
        hidden: fixed(bytes, offset_of!(raw::Fixed, hidden))?,
    })
}

#[cfg(all(test, unix, target_pointer_width = "64"))]
mod tests;
