//! Bytes to a [`Segment`]: the header, and what hangs on it.

use core::mem::offset_of;

use super::bytes::{Bytes, list};
use super::functions::{Names, read_functions};
use super::slabs::read_slab;
use super::{Anchor, Calibration, Clock, ClockKind, Memory, Process, ReadError, Segment};
use crate::segment::layout::{self as raw, LIVE_SLACK, MAGIC, VERSION};

/// Reads a segment.
///
/// `end` is an anchor taken after the process ended: calls that were open when it died are closed
/// there. It is not needed for a process that ran its exit hook.
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
    for at in list(
        bytes,
        offset_of!(raw::Header, slabs),
        offset_of!(raw::Slab, newer),
        size_of::<raw::Slab>(),
    )? {
        let slab = read_slab(bytes, at, &names, clock.end.ticks)?;
        measured |= slab.nodes.iter().any(|node| node.allocs.count > 0);
        held_back = held_back.wrapping_add(bytes.word(at + offset_of!(raw::Slab, live))?);
        slabs.push(slab);
    }
    let live = bytes.word(offset_of!(raw::Header, live))?.wrapping_add(held_back).cast_signed();
    let peak = bytes.word(offset_of!(raw::Header, peak))?;
    let memory = measured.then(|| Memory {
        live_bytes: live,
        peak_live_bytes: peak.max(u64::try_from(live).unwrap_or(0)),
        error_bytes: LIVE_SLACK.saturating_mul(slabs.len() as u64),
    });
    Ok(Segment {
        process: read_process(bytes)?,
        clock,
        calibration: read_calibration(bytes)?,
        memory,
        functions: functions.into_iter().map(|(_, function)| function).collect(),
        slabs,
        private_bytes,
        overflowed: bytes.word(offset_of!(raw::Header, overflowed))?,
    })
}

/// Checks the header.
fn open(bytes: &[u8]) -> Result<Bytes<'_>, ReadError> {
    let bytes = Bytes { bytes, base: 0 };
    if bytes.word(offset_of!(raw::Header, magic)) != Ok(MAGIC) {
        return Err(ReadError::Foreign);
    }
    let found = bytes.word(offset_of!(raw::Header, version))?;
    if found != VERSION {
        return Err(ReadError::Newer { found, known: VERSION });
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

fn fixed(bytes: Bytes<'_>, field: usize) -> Result<u64, ReadError> {
    bytes.word(offset_of!(raw::Header, fixed) + field)
}

fn read_process(bytes: Bytes<'_>) -> Result<Process, ReadError> {
    let at = offset_of!(raw::Header, command);
    let len = bytes.word(offset_of!(raw::Header, command_len))? as usize;
    let command = bytes.bytes.get(at..at + len.min(raw::COMMAND_BYTES)).unwrap_or(&[]);
    Ok(Process {
        pid: fixed(bytes, offset_of!(raw::Fixed, pid))? as u32,
        parent_pid: fixed(bytes, offset_of!(raw::Fixed, parent_pid))? as u32,
        command: String::from_utf8_lossy(command).into_owned(),
        exited: bytes.word(offset_of!(raw::Header, exited))? != 0,
    })
}

fn read_clock(bytes: Bytes<'_>, end: Option<Anchor>) -> Result<Clock, ReadError> {
    let field = offset_of!(raw::Fixed, clock);
    let kind = match fixed(bytes, field)? {
        1 => ClockKind::Tsc,
        2 => ClockKind::Cntvct,
        3 => ClockKind::System,
        _ => {
            let offset = offset_of!(raw::Header, fixed) + field;
            return Err(ReadError::Damaged { what: "clock", offset });
        }
    };
    let start = Anchor {
        ticks: fixed(bytes, offset_of!(raw::Fixed, start_ticks))?,
        monotonic_ns: fixed(bytes, offset_of!(raw::Fixed, start_ns))?,
    };
    let own = Anchor {
        ticks: bytes.word(offset_of!(raw::Header, end_ticks))?,
        monotonic_ns: bytes.word(offset_of!(raw::Header, end_ns))?,
    };
    let exited = bytes.word(offset_of!(raw::Header, exited))? != 0;
    let end = end.filter(|end| !exited && end.ticks > own.ticks).unwrap_or(own);
    Ok(Clock { kind, start, end })
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
    })
}

#[cfg(test)]
mod tests;
