//! Bytes to a [`Segment`]: walks the lists, checks every link, closes what was open.

use core::fmt;
use core::mem::offset_of;
use std::collections::HashMap;

use super::bytes::Bytes;
use super::{
    Allocs, Anchor, Calibration, Clock, ClockKind, Function, Histogram, Memory, Node, Process, Row,
    Segment, Site, Slab,
};
use crate::segment::layout::{self as raw, LIVE_SLACK, MAGIC, TEXT_BYTES, VERSION, bounds};

/// No segment is larger.
pub(super) const LARGEST: usize = 1 << 40;

/// Why bytes are no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// They do not begin as a segment does (or the process died before it had begun one).
    Foreign,
    /// Written by a newer version of the runtime.
    Newer {
        /// The layout version found.
        found: u64,
        /// The one that this reader knows.
        known: u64,
    },
    /// They end in the middle.
    Truncated,
    /// Something in them can't be.
    Damaged {
        /// What it is.
        what: &'static str,
        /// Where, in bytes from the start.
        offset: usize,
    },
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("not a segment of this tool: it does not begin as one"),
            Self::Newer { found, known } => write!(
                f,
                "segment of layout version {found}, this reader knows {known}: update cargo-hotpath"
            ),
            Self::Truncated => f.write_str("segment ends in the middle: copy it again"),
            Self::Damaged { what, offset } => {
                write!(f, "damaged segment: impossible {what} at byte {offset}")
            }
        }
    }
}

impl std::error::Error for ReadError {}

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
    let names = Names::of(&functions);
    let mut slabs = Vec::new();
    let mut measured = false;
    let mut held_back = 0u64;
    for at in list(
        bytes,
        offset_of!(raw::Header, slabs),
        offset_of!(raw::Slab, older),
        size_of::<raw::Slab>(),
    )? {
        let slab = read_slab(bytes, at, &names, clock.end.ticks)?;
        measured |= slab.nodes.iter().any(|node| node.allocs.count > 0);
        held_back = held_back.wrapping_add(bytes.word(at + offset_of!(raw::Slab, live))?);
        slabs.push(slab);
    }
    slabs.reverse();
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
        private_bytes: bytes.word(offset_of!(raw::Header, private_bytes))?,
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
        alloc: fixed(bytes, offset_of!(raw::Fixed, alloc))?,
        free: fixed(bytes, offset_of!(raw::Fixed, free))?,
    })
}

/// Offsets of a list's members, which are `size` bytes each. A list longer than the file has room
/// for goes in a circle.
fn list(bytes: Bytes<'_>, head: usize, next: usize, size: usize) -> Result<Vec<usize>, ReadError> {
    let mut members = Vec::new();
    let mut link = head;
    while let Some(at) = bytes.link(link, size)? {
        if members.len() >= bytes.len() / size {
            return Err(ReadError::Damaged { what: "list", offset: link });
        }
        members.push(at);
        link = at + next;
    }
    Ok(members)
}

/// Functions with their ids, in the order of registration.
fn read_functions(bytes: Bytes<'_>) -> Result<Vec<(u64, Function)>, ReadError> {
    let head = offset_of!(raw::Header, functions);
    let next = offset_of!(raw::FunctionRecord, older);
    let mut budget = bytes.len();
    let mut functions = list(bytes, head, next, size_of::<raw::FunctionRecord>())?
        .into_iter()
        .map(|at| read_function(bytes, at, &mut budget))
        .collect::<Result<Vec<_>, _>>()?;
    functions.reverse();
    Ok(functions)
}

fn read_function(
    bytes: Bytes<'_>,
    at: usize,
    budget: &mut usize,
) -> Result<(u64, Function), ReadError> {
    let text = |field| bytes.text(at + field, TEXT_BYTES).map(str::to_owned);
    let number = |field: usize| bytes.word(at + field);
    let count = number(offset_of!(raw::FunctionRecord, site_count))?;
    let size = size_of::<raw::SiteRecord>();
    let damaged = ReadError::Damaged { what: "site count", offset: at };
    let len = usize::try_from(count).ok().and_then(|n| n.checked_mul(size)).ok_or(damaged)?;
    // All site tables together fit the file.
    *budget = budget.checked_sub(len).ok_or(damaged)?;
    let first = bytes.link(at + offset_of!(raw::FunctionRecord, sites), len)?;
    let sites = match first {
        Some(first) => (0..count as usize)
            .map(|i| read_site(bytes, first + i * size))
            .collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let function = Function {
        package: text(offset_of!(raw::FunctionRecord, package))?,
        target: text(offset_of!(raw::FunctionRecord, target))?,
        module: text(offset_of!(raw::FunctionRecord, module))?,
        name: text(offset_of!(raw::FunctionRecord, name))?,
        file: text(offset_of!(raw::FunctionRecord, file))?,
        line: number(offset_of!(raw::FunctionRecord, line))? as u32,
        column: number(offset_of!(raw::FunctionRecord, column))? as u32,
        is_async: number(offset_of!(raw::FunctionRecord, is_async))? != 0,
        sites,
    };
    Ok((number(offset_of!(raw::FunctionRecord, id))?, function))
}

fn read_site(bytes: Bytes<'_>, at: usize) -> Result<Site, ReadError> {
    Ok(Site {
        kind: bytes.text(at + offset_of!(raw::SiteRecord, kind), TEXT_BYTES)?.to_owned(),
        line: bytes.word(at + offset_of!(raw::SiteRecord, line))? as u32,
        column: bytes.word(at + offset_of!(raw::SiteRecord, column))? as u32,
        label: bytes.text(at + offset_of!(raw::SiteRecord, label), TEXT_BYTES)?.to_owned(),
    })
}

/// Functions by id, with the length of their site tables.
struct Names(HashMap<u64, (usize, usize)>);

impl Names {
    fn of(functions: &[(u64, Function)]) -> Self {
        let entries = functions.iter().enumerate();
        Self(entries.map(|(i, (id, function))| (*id, (i, function.sites.len()))).collect())
    }

    fn function(&self, id: u64, at: usize) -> Result<(usize, usize), ReadError> {
        let damaged = ReadError::Damaged { what: "function", offset: at };
        self.0.get(&id).copied().ok_or(damaged)
    }
}

fn read_slab(bytes: Bytes<'_>, at: usize, names: &Names, end: u64) -> Result<Slab, ReadError> {
    let number = |field: usize| bytes.word(at + field);
    let attached = number(offset_of!(raw::Slab, attached))?;
    let held = if attached == 0 { 0 } else { end.saturating_sub(attached) };
    let rows = list(
        bytes,
        at + offset_of!(raw::Slab, first_row),
        offset_of!(raw::Row, older),
        size_of::<raw::Row>(),
    )?;
    Ok(Slab {
        tid: number(offset_of!(raw::Slab, tid))? as u32,
        threads: number(offset_of!(raw::Slab, threads))?,
        lifetime: number(offset_of!(raw::Slab, lifetime))?.saturating_add(held),
        nodes: read_nodes(bytes, at, names, end)?,
        rows: rows
            .into_iter()
            .rev()
            .map(|row| read_row(bytes, row, names))
            .collect::<Result<_, _>>()?,
        histograms: read_histograms(bytes, at, names)?,
    })
}

fn read_nodes(
    bytes: Bytes<'_>,
    slab: usize,
    names: &Names,
    end: u64,
) -> Result<Vec<Node>, ReadError> {
    let size = size_of::<raw::Node>();
    let offsets =
        list(bytes, slab + offset_of!(raw::Slab, first_node), offset_of!(raw::Node, newer), size)?;
    let mut indices = HashMap::new();
    let mut nodes = Vec::new();
    for (index, &at) in offsets.iter().enumerate() {
        let node = read_node(bytes, at, names, &indices)?;
        if (index == 0) != node.parent.is_none() {
            return Err(ReadError::Damaged { what: "parent", offset: at });
        }
        indices.insert(at, index);
        nodes.push(node);
    }
    let top = bytes.link(slab + offset_of!(raw::Slab, cur), size)?;
    let mut open = top.and_then(|at| indices.get(&at).copied());
    // A parent comes before its children, so that this ends.
    while let Some(index) = open {
        let (Some(node), Some(&at)) = (nodes.get_mut(index), offsets.get(index)) else { break };
        open = node.parent;
        if node.parent.is_some() {
            close(bytes, at, node, end)?;
        }
    }
    Ok(nodes)
}

/// Adds the span of a call that was open.
fn close(bytes: Bytes<'_>, at: usize, node: &mut Node, end: u64) -> Result<(), ReadError> {
    let opened = bytes.word(at + offset_of!(raw::Node, opened))?;
    if opened != 0 {
        let span = end.saturating_sub(opened);
        node.sum = node.sum.wrapping_add(span);
        node.max = node.max.max(span);
    }
    node.open = bytes.word(at + offset_of!(raw::Node, depth))?.max(1);
    Ok(())
}

fn read_node(
    bytes: Bytes<'_>,
    at: usize,
    names: &Names,
    before: &HashMap<usize, usize>,
) -> Result<Node, ReadError> {
    let number = |field: usize| bytes.word(at + field);
    let to = |field: usize| {
        let damaged = ReadError::Damaged { what: "node link", offset: at + field };
        match bytes.link(at + field, size_of::<raw::Node>())? {
            Some(target) if target == at => Ok(None),
            Some(target) => before.get(&target).copied().map(Some).ok_or(damaged),
            None => Ok(None),
        }
    };
    let function = match number(offset_of!(raw::Node, function))? {
        0 => None,
        id => Some(names.function(id, at)?.0),
    };
    let timed = number(offset_of!(raw::Node, timed))?;
    let min = number(offset_of!(raw::Node, min))?;
    Ok(Node {
        function,
        parent: to(offset_of!(raw::Node, parent))?,
        alias_of: to(offset_of!(raw::Node, ctx))?,
        calls: number(offset_of!(raw::Node, calls))?,
        timed,
        sum: number(offset_of!(raw::Node, sum))?,
        nested: number(offset_of!(raw::Node, nested))?,
        min: if timed == 0 { 0 } else { min },
        max: number(offset_of!(raw::Node, max))?,
        open: 0,
        polls: number(offset_of!(raw::Node, polls))?,
        wait: number(offset_of!(raw::Node, wait))?,
        cancelled: number(offset_of!(raw::Node, cancelled))?,
        future_bytes: number(offset_of!(raw::Node, future_bytes))?,
        allocs: read_allocs(bytes, at + offset_of!(raw::Node, allocs))?,
    })
}

fn read_allocs(bytes: Bytes<'_>, at: usize) -> Result<Allocs, ReadError> {
    let number = |field: usize| bytes.word(at + field);
    Ok(Allocs {
        count: number(offset_of!(raw::Allocs, count))?,
        bytes: number(offset_of!(raw::Allocs, bytes))?,
        reallocs: number(offset_of!(raw::Allocs, reallocs))?,
        moved_bytes: number(offset_of!(raw::Allocs, moved_bytes))?,
        grown_bytes: number(offset_of!(raw::Allocs, grown_bytes))?,
        realloc_ticks: number(offset_of!(raw::Allocs, realloc_ticks))?,
        frees: number(offset_of!(raw::Allocs, frees))?,
        freed_bytes: number(offset_of!(raw::Allocs, freed_bytes))?,
    })
}

fn read_row(bytes: Bytes<'_>, at: usize, names: &Names) -> Result<Row, ReadError> {
    let number = |field: usize| bytes.word(at + field);
    let (function, sites) = names.function(number(offset_of!(raw::Row, function))?, at)?;
    let site = number(offset_of!(raw::Row, site))? as usize;
    if site >= sites {
        return Err(ReadError::Damaged { what: "site", offset: at });
    }
    let type_name = bytes.text(at + offset_of!(raw::Row, type_name), TEXT_BYTES)?;
    Ok(Row {
        function,
        site,
        type_name: Some(type_name).filter(|name| !name.is_empty()).map(str::to_owned),
        type_size: number(offset_of!(raw::Row, type_size))?,
        needs_drop: number(offset_of!(raw::Row, needs_drop))? != 0,
        count: number(offset_of!(raw::Row, count))?,
        timed: number(offset_of!(raw::Row, timed))?,
        ticks: number(offset_of!(raw::Row, ticks))?,
        max: number(offset_of!(raw::Row, max))?,
        allocs: read_allocs(bytes, at + offset_of!(raw::Row, allocs))?,
        polls: number(offset_of!(raw::Row, polls))?,
        ready: number(offset_of!(raw::Row, ready))?,
        wait: number(offset_of!(raw::Row, wait))?,
        nested_wait: number(offset_of!(raw::Row, nested_wait))?,
        cancelled: number(offset_of!(raw::Row, cancelled))?,
    })
}

fn read_histograms(
    bytes: Bytes<'_>,
    slab: usize,
    names: &Names,
) -> Result<Vec<Histogram>, ReadError> {
    let size = size_of::<raw::Histogram>();
    let pending = bytes.link(slab + offset_of!(raw::Slab, pending), size)?;
    let pending_span = bytes.word(slab + offset_of!(raw::Slab, pending_span))?;
    let offsets = list(
        bytes,
        slab + offset_of!(raw::Slab, first_histogram),
        offset_of!(raw::Histogram, older),
        size,
    )?;
    let histograms = offsets.into_iter().rev().map(|at| {
        let last = Some(pending_span).filter(|_| pending == Some(at));
        read_histogram(bytes, at, names, last)
    });
    histograms.collect()
}

fn read_histogram(
    bytes: Bytes<'_>,
    at: usize,
    names: &Names,
    pending: Option<u64>,
) -> Result<Histogram, ReadError> {
    let number = |field: usize| bytes.word(at + field);
    let (function, sites) = names.function(number(offset_of!(raw::Histogram, function))?, at)?;
    let site = (number(offset_of!(raw::Histogram, site))? as usize).checked_sub(1);
    if site.is_some_and(|site| site >= sites) {
        return Err(ReadError::Damaged { what: "site", offset: at });
    }
    let mut buckets = Vec::new();
    for bucket in 0..raw::BUCKETS {
        let entry = at + offset_of!(raw::Histogram, buckets) + 4 * bucket;
        let mut count = u64::from(bytes.half(entry)?);
        count += u64::from(pending.is_some_and(|span| raw::bucket(span) == bucket));
        if count > 0 {
            let (low, high) = bounds(bucket);
            buckets.push((low, high, count));
        }
    }
    Ok(Histogram { function, site, buckets })
}

#[cfg(test)]
mod tests;
