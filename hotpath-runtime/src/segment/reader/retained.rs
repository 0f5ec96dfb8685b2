//! The sample of live blocks.

use core::mem::offset_of;

use super::bytes::{Bytes, list};
use super::functions::Names;
use super::{LiveBlock, ReadError, Retained};
use crate::segment::layout as raw;

/// The sample; `None` where none was asked for, or it had no room in the file.
pub(super) fn read(bytes: Bytes<'_>, names: &Names) -> Result<Option<Retained>, ReadError> {
    let link = offset_of!(raw::Header, retained);
    let Some(table) = bytes.link(link, size_of::<raw::Retained>())? else { return Ok(None) };
    let number = |field: usize| bytes.word(table + field);
    let period = number(offset_of!(raw::Retained, period))?;
    if period == 0 {
        return Err(ReadError::Damaged { what: "period", offset: table });
    }
    let sites = Sites::read(bytes, names)?;
    let mut blocks = Vec::new();
    for entry in 0..raw::HELD * raw::HELD_EACH {
        // 1: an entry that is being filled in.
        if number(offset_of!(raw::Retained, keys) + 8 * entry)? > 1 {
            let samples = table + offset_of!(raw::Retained, samples);
            blocks.push(read_block(
                bytes,
                samples + entry * size_of::<raw::Sample>(),
                names,
                &sites,
            )?);
        }
    }
    Ok(Some(Retained {
        period,
        dropped: number(offset_of!(raw::Retained, dropped))?,
        dropped_bytes: number(offset_of!(raw::Retained, dropped_bytes))?,
        blocks,
    }))
}

fn read_block(
    bytes: Bytes<'_>,
    at: usize,
    names: &Names,
    sites: &Sites,
) -> Result<LiveBlock, ReadError> {
    let number = |field: usize| bytes.word(at + field);
    let node = bytes.link(at + offset_of!(raw::Sample, node), size_of::<raw::Node>())?;
    let function = match node {
        Some(node) => match bytes.word(node + offset_of!(raw::Node, function))? {
            0 => None,
            id => names.function(id, node)?.map(|function| function.index),
        },
        None => None,
    };
    let site = sites.find(number(offset_of!(raw::Sample, site))?);
    Ok(LiveBlock {
        function,
        site: site.filter(|(of, _)| Some(*of) == function).map(|(_, site)| site),
        size: number(offset_of!(raw::Sample, size))?,
        drawn: number(offset_of!(raw::Sample, drawn))?.max(1),
        born: number(offset_of!(raw::Sample, born))?,
    })
}

/// First and last number of each function's sites, in ascending order, with the function's index.
struct Sites(Vec<(u64, u64, usize)>);

impl Sites {
    fn read(bytes: Bytes<'_>, names: &Names) -> Result<Self, ReadError> {
        let head = offset_of!(raw::Header, functions);
        let next = offset_of!(raw::FunctionRecord, newer);
        let records = list(bytes, head, next, size_of::<raw::FunctionRecord>())?;
        let mut ranges = Vec::with_capacity(records.len());
        for (index, at) in records.into_iter().enumerate() {
            let first = bytes.word(at + offset_of!(raw::FunctionRecord, first_site))?;
            // Of a table that had no room in the file, the sites are not known.
            let count = names.site_count(bytes.word(at + offset_of!(raw::FunctionRecord, id))?);
            ranges.push((first, first.saturating_add(count), index));
        }
        ranges.sort_unstable();
        Ok(Self(ranges))
    }

    /// Index of the function that has this site, and the site's in it.
    fn find(&self, site: u64) -> Option<(usize, usize)> {
        let after = self.0.partition_point(|(first, ..)| *first <= site);
        // Functions without sites share their number with the next one.
        let (first, end, index) =
            self.0[..after].iter().rev().find(|(first, end, _)| first < end)?;
        (site < *end).then(|| (*index, (site - first) as usize))
    }
}
