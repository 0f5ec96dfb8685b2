//! The counters of one slab: nodes, rows, histograms; what was open is closed.

use core::mem::offset_of;
use std::collections::HashMap;

use super::bytes::{Bytes, list};
use super::functions::Names;
use super::parse::read_kind;
use super::{Allocs, ClockKind, First, Histogram, Holds, Node, ReadError, Row, Slab, processor};
use crate::segment::layout::{self as raw, TEXT_BYTES, bounds};

pub(super) fn read_slab(
    bytes: Bytes<'_>,
    at: usize,
    names: &Names,
    end: u64,
) -> Result<Slab, ReadError> {
    let number = |field: usize| bytes.word(at + field);
    let attached = number(offset_of!(raw::Slab, attached))?;
    let held = if attached == 0 { 0 } else { end.saturating_sub(attached) };
    let rows = list(
        bytes,
        at + offset_of!(raw::Slab, all_rows),
        offset_of!(raw::Row, newer),
        size_of::<raw::Row>(),
    )?;
    Ok(Slab {
        tid: number(offset_of!(raw::Slab, tid))? as u32,
        threads: number(offset_of!(raw::Slab, threads))?,
        lifetime: number(offset_of!(raw::Slab, lifetime))?.saturating_add(held),
        cold: number(offset_of!(raw::Slab, cold))?,
        processor: processor::read(bytes, at)?,
        nodes: read_nodes(bytes, at, names, end)?,
        rows: rows
            .into_iter()
            .filter_map(|row| read_row(bytes, row, names).transpose())
            .collect::<Result<_, _>>()?,
        histograms: read_histograms(bytes, at, names)?,
    })
}

/// Ticks until which the thread that holds a slab ran at least: it measured as much since it took
/// it, beyond what those before it lived.
pub(super) fn measured_until(bytes: Bytes<'_>, at: usize, names: &Names) -> Result<u64, ReadError> {
    let attached = bytes.word(at + offset_of!(raw::Slab, attached))?;
    if attached == 0 {
        return Ok(0);
    }
    // What is open counts nothing here, so what lies directly under it is all that there is.
    let nodes = read_nodes(bytes, at, names, 0)?;
    let is_open = |i: usize| i == 0 || nodes.get(i).is_some_and(|node| node.open > 0);
    let closed = nodes.iter().filter(|node| {
        node.open == 0 && node.alias_of.is_none() && node.parent.is_some_and(is_open)
    });
    let measured = closed.fold(0_u64, |sum, node| sum.saturating_add(node.sum));
    let before = bytes.word(at + offset_of!(raw::Slab, lifetime))?;
    Ok(attached.saturating_add(measured.saturating_sub(before)))
}

fn read_nodes(
    bytes: Bytes<'_>,
    slab: usize,
    names: &Names,
    end: u64,
) -> Result<Vec<Node>, ReadError> {
    let size = size_of::<raw::Node>();
    let offsets =
        list(bytes, slab + offset_of!(raw::Slab, nodes), offset_of!(raw::Node, newer), size)?;
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
    let kind = read_kind(bytes)?;
    let top = bytes.link(slab + offset_of!(raw::Slab, cur), size)?;
    let mut open = top.and_then(|at| indices.get(&at).copied());
    let mut spans = vec![0; nodes.len()];
    // A parent comes before its children, so that this ends.
    while let Some(index) = open {
        let (Some(node), Some(&at)) = (nodes.get_mut(index), offsets.get(index)) else { break };
        open = node.parent;
        if node.parent.is_some() {
            node.open = bytes.word(at + offset_of!(raw::Node, depth))?.saturating_sub(1).max(1);
            if let Some(opened) = read_opened(bytes, at, kind)? {
                let cold = bytes.word(at + offset_of!(raw::Node, held))?;
                spans[index] = end.saturating_sub(opened).saturating_sub(cold);
            }
        }
    }
    for ((node, &at), span) in nodes.iter_mut().zip(&offsets).zip(spans) {
        let sample = read_sample(bytes, at + offset_of!(raw::Node, sums))?;
        let count = bytes.word(at + offset_of!(raw::Node, countdown.count))?;
        let closed = count.saturating_sub(node.open);
        node.sum = sample.scale(sample.ticks, closed).wrapping_add(span);
        node.nested = sample.scale(node.nested, closed);
        node.max = node.max.max(span);
    }
    Ok(nodes)
}

/// When the outermost open call of a node opened, where that is timed: the open one is the last
/// that was counted. Not known of a plain one where the system's clock is the process's.
fn read_opened(bytes: Bytes<'_>, at: usize, kind: ClockKind) -> Result<Option<u64>, ReadError> {
    let opened = bytes.word(at + offset_of!(raw::Node, opened))?;
    let count = bytes.word(at + offset_of!(raw::Node, countdown.count))?;
    let next = bytes.word(at + offset_of!(raw::Node, countdown.next))?;
    let is_timed = count >= next && (kind != ClockKind::System || next == raw::SPECIAL);
    Ok(Some(opened).filter(|opened| is_timed && *opened != 0))
}

/// Sums over timed spans.
struct Sample {
    ticks: u64,
    timed: u64,
    skipped: u64,
    variance: f64,
}

fn read_sample(bytes: Bytes<'_>, at: usize) -> Result<Sample, ReadError> {
    let variance = f64::from_bits(bytes.word(at + offset_of!(raw::Sums, variance))?);
    Ok(Sample {
        // Of expressions a sum of differences of estimates, which may lie below 0.
        ticks: bytes.word(at + offset_of!(raw::Sums, ticks))?.cast_signed().max(0).cast_unsigned(),
        timed: bytes.word(at + offset_of!(raw::Sums, timed))?,
        skipped: bytes.word(at + offset_of!(raw::Sums, skipped))?,
        variance: if variance.is_finite() { variance.max(0.0) } else { 0.0 },
    })
}

impl Sample {
    /// A sum over what timed spans stand for, as one over `all` spans: the last ones may have none
    /// that stands for them.
    fn scale(&self, ticks: u64, all: u64) -> u64 {
        let known = self.timed.saturating_add(self.skipped);
        if self.skipped == 0 || known == 0 {
            return ticks;
        }
        let scaled = u128::from(ticks) * u128::from(all) / u128::from(known);
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }
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
        id => names.function(id, at)?,
    };
    let sample = read_sample(bytes, at + offset_of!(raw::Node, sums))?;
    let count = number(offset_of!(raw::Node, countdown.count))?;
    let mut wait = number(offset_of!(raw::Node, wait))?;
    let mut cancelled = number(offset_of!(raw::Node, cancelled))?;
    let mut future_bytes = number(offset_of!(raw::Node, future_bytes))?;
    let mut first = None;
    let (calls, polls) = if function.is_some_and(|function| function.is_async) {
        // The spans are polls. Calls count where they start, which may be another thread's slab;
        // and each future that was dropped early has opened one more span, for the drop.
        let resumed = number(offset_of!(raw::Node, resumed))?;
        (count.saturating_sub(resumed), count.saturating_sub(cancelled))
    } else {
        let bytes = std::mem::take(&mut cancelled);
        let reallocs = std::mem::take(&mut future_bytes);
        let noted = std::mem::take(&mut wait).checked_sub(1);
        first = noted.map(|count| First { count, bytes, reallocs });
        (count, 0)
    };
    Ok(Node {
        function: function.map(|function| function.index),
        parent: to(offset_of!(raw::Node, parent))?,
        alias_of: to(offset_of!(raw::Node, ctx))?,
        calls,
        timed: sample.timed,
        sum: sample.ticks,
        variance: sample.variance,
        nested: number(offset_of!(raw::Node, nested))?,
        max: number(offset_of!(raw::Node, sums.max))?,
        open: 0,
        polls,
        wait,
        cancelled,
        future_bytes,
        first,
        allocs: read_allocs(bytes, at + offset_of!(raw::Node, allocs))?,
        offset: at as u64,
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

fn read_row(bytes: Bytes<'_>, at: usize, names: &Names) -> Result<Option<Row>, ReadError> {
    let number = |field: usize| bytes.word(at + field);
    let function = number(offset_of!(raw::Row, function))?;
    let site = number(offset_of!(raw::Row, site))? as usize;
    let Some((function, site)) = names.site(function, site, at)? else { return Ok(None) };
    let type_name = bytes.text(at + offset_of!(raw::Row, type_name), TEXT_BYTES)?;
    let sample = read_sample(bytes, at + offset_of!(raw::Row, sums))?;
    let count = number(offset_of!(raw::Row, count))?;
    let (polls, ready) = if number(offset_of!(raw::Row, is_await))? == 0 {
        (0, 0)
    } else {
        let repolls = number(offset_of!(raw::Row, repolls))?;
        let not_ready = number(offset_of!(raw::Row, not_ready))?;
        (count.saturating_add(repolls), count.saturating_sub(not_ready))
    };
    let channel = read_channel(bytes, at + offset_of!(raw::Row, channel))?;
    Ok(Some(Row {
        function,
        site,
        type_name: Some(type_name).filter(|name| !name.is_empty()).map(str::to_owned),
        type_size: number(offset_of!(raw::Row, type_size))?,
        needs_drop: number(offset_of!(raw::Row, needs_drop))? != 0,
        count,
        timed: sample.timed,
        ticks: sample.scale(sample.ticks, count),
        variance: sample.variance,
        max: number(offset_of!(raw::Row, sums.max))?,
        allocs: read_allocs(bytes, at + offset_of!(raw::Row, allocs))?,
        polls,
        ready,
        wait: number(offset_of!(raw::Row, wait))?,
        nested_wait: number(offset_of!(raw::Row, nested_wait))?,
        cancelled: number(offset_of!(raw::Row, cancelled))?,
        holds: read_holds(bytes, at + offset_of!(raw::Row, holds))?,
        waiting: channel.map(|(most, _)| most),
        unreceived: channel.map(|(_, left)| left),
    }))
}

/// The most messages that waited in the channels that a row's link leads to, and how many do now.
fn read_channel(bytes: Bytes<'_>, link: usize) -> Result<Option<(u64, u64)>, ReadError> {
    let Some(at) = bytes.link(link, size_of::<raw::Channel>())? else { return Ok(None) };
    let number = |field: usize| bytes.word(at + field);
    let received = number(offset_of!(raw::Channel, received))?;
    let left = number(offset_of!(raw::Channel, sent))?.wrapping_sub(received);
    Ok(Some((number(offset_of!(raw::Channel, most))?, left.cast_signed().max(0).cast_unsigned())))
}

/// `None` as well where they found no room in the file, and where no guard has gone yet.
fn read_holds(bytes: Bytes<'_>, link: usize) -> Result<Option<Holds>, ReadError> {
    let Some(at) = bytes.link(link, size_of::<raw::Holds>())? else { return Ok(None) };
    let number = |field: usize| bytes.word(at + field);
    let gone = number(offset_of!(raw::Holds, count))?;
    let timed = number(offset_of!(raw::Holds, timed))?;
    if timed == 0 || gone == 0 {
        return Ok(None);
    }
    let gap = number(offset_of!(raw::Holds, gap))?;
    let left = number(offset_of!(raw::Holds, left))?;
    // The last ones have none yet that stands for them.
    let count = gone.saturating_add(gap.saturating_sub(left.saturating_add(1)));
    let ticks = u128::from(number(offset_of!(raw::Holds, ticks))?);
    let ticks = ticks * u128::from(count) / u128::from(gone);
    Ok(Some(Holds {
        count,
        timed,
        ticks: u64::try_from(ticks).unwrap_or(u64::MAX),
        max: number(offset_of!(raw::Holds, max))?,
    }))
}

fn read_histograms(
    bytes: Bytes<'_>,
    slab: usize,
    names: &Names,
) -> Result<Vec<Histogram>, ReadError> {
    let size = size_of::<raw::Histogram>();
    let pending = bytes.word(slab + offset_of!(raw::Slab, pending))?;
    let pending = pending.checked_sub(bytes.base).map(|offset| offset as usize);
    let offsets = list(
        bytes,
        slab + offset_of!(raw::Slab, histograms),
        offset_of!(raw::Histogram, newer),
        size,
    )?;
    let histograms =
        offsets.into_iter().filter_map(|at| read_histogram(bytes, at, names, pending).transpose());
    histograms.collect()
}

fn read_histogram(
    bytes: Bytes<'_>,
    at: usize,
    names: &Names,
    pending: Option<usize>,
) -> Result<Option<Histogram>, ReadError> {
    let number = |field: usize| bytes.word(at + field);
    let id = number(offset_of!(raw::Histogram, function))?;
    let site = (number(offset_of!(raw::Histogram, site))? as usize).checked_sub(1);
    let known = match site {
        Some(site) => names.site(id, site, at)?.map(|(function, _)| function),
        None => names.function(id, at)?.map(|function| function.index),
    };
    let Some(function) = known else { return Ok(None) };
    let mut buckets = Vec::new();
    for bucket in 0..raw::BUCKETS {
        let entry = at + offset_of!(raw::Histogram, buckets) + 4 * bucket;
        let mut count = u64::from(bytes.half(entry)?);
        count += u64::from(pending == Some(entry));
        if count > 0 {
            let (low, high) = bounds(bucket);
            buckets.push((low, high, count));
        }
    }
    Ok(Some(Histogram { function, site, buckets }))
}
