//! Registration: at its first use a function's table is copied into the segment and gets ids.

use core::sync::atomic::AtomicU32;
use core::sync::atomic::Ordering::Relaxed;

use crate::handover;
use crate::map::{self, Block};
use crate::segment::cell::{Count, Link, Table};
use crate::segment::layout::{FunctionRecord, SiteRecord, TEXT_BYTES, Text};
use crate::site::{Described, Function, Site};
use crate::slab;

/// Ids below are taken: 0 is no function, 1 the one that calibrates.
static NEXT_ID: AtomicU32 = AtomicU32::new(2);
/// The first site ids are those of the function that calibrates.
static NEXT_SITE: AtomicU32 = AtomicU32::new(4);
/// The tables by id, for this process itself. Changed with the lock held.
static KNOWN: Table<Link<Function>> = Table::none();
/// It starts with a page.
const FIRST_KNOWN: u64 = 511;

impl Function {
    /// Its id; 0 before it has one.
    #[inline(always)]
    pub(crate) fn id(&self) -> u64 {
        u64::from(self.id.load(Relaxed))
    }

    /// The process-wide number of one of its sites; one that no table has before registration.
    #[inline(always)]
    pub(crate) fn site_id(&self, index: u32) -> u64 {
        u64::from(self.first_site.load(Relaxed)) + u64::from(index)
    }

    /// Its id, if it has one. Whoever sees it sees `first_site` as well.
    pub(crate) fn known_id(&self) -> Option<u64> {
        handover::published(&self.id).map(u64::from)
    }

    /// Its id, given now if it has none. `None` where the segment has no room for its table.
    pub(crate) fn registered(&'static self) -> Option<u64> {
        self.known_id().or_else(|| slab::exclusive(|| self.register()))
    }

    /// With the lock held.
    fn register(&'static self) -> Option<u64> {
        if self.id() != 0 {
            return Some(self.id());
        }
        let table = self.described();
        let (mut room, header) = (map::take(record_bytes(&table))?, map::header()?);
        let record = room.split::<FunctionRecord>(1)?.first()?;
        let sites = room.split::<SiteRecord>(table.sites.iter().count())?;
        write_text(&record.package, &mut room, table.package.unwrap_or(""));
        write_text(&record.target, &mut room, table.target.unwrap_or(""));
        write_text(&record.module, &mut room, table.module);
        write_text(&record.name, &mut room, table.name);
        write_text(&record.file, &mut room, table.file);
        write_text(&record.budget, &mut room, table.budget);
        record.line.set(u64::from(table.line));
        record.column.set(u64::from(table.column));
        record.is_async.set(u64::from(table.is_async));
        record.origin_line.set(u64::from(table.origin[0]));
        record.origin_column.set(u64::from(table.origin[1]));
        for (record, site) in sites.iter().zip(table.sites.iter()) {
            site.write(record, &mut room);
        }
        record.sites.set(sites.first());
        record.site_count.set(sites.len() as u64);
        let first_site = NEXT_SITE.fetch_add(sites.len() as u32, Relaxed);
        record.first_site.set(u64::from(first_site));
        let id = NEXT_ID.fetch_add(1, Relaxed);
        record.id.set(u64::from(id));
        header.functions.append(record, |record| &record.newer);
        if slab::reach(&KNOWN, u64::from(id).max(FIRST_KNOWN))
            && let Some(entry) = KNOWN.get(u64::from(id))
        {
            entry.set(Some(self));
        }
        self.first_site.store(first_site, Relaxed);
        handover::publish(&self.id, id);
        Some(u64::from(id))
    }
}

/// The functions that this process has met, by id.
pub(crate) fn known() -> impl Iterator<Item = (usize, &'static Function)> {
    let entries = slab::exclusive(|| KNOWN.entries()).unwrap_or(&[]);
    entries.iter().enumerate().filter_map(|(id, entry)| Some((id, entry.get()?)))
}

/// Whether a function has this name, or a path that ends in it: `parse`, `Parser::parse`,
/// `orders::Parser::parse`.
pub(crate) fn is_called(function: &Function, name: &str) -> bool {
    let Described { module, name: own, .. } = function.described();
    let Some(before) = name.strip_suffix(own) else {
        return own.strip_suffix(name).is_some_and(|before| before.ends_with("::"));
    };
    let Some(before) = before.strip_suffix("::") else { return before.is_empty() };
    module == before || module.strip_suffix(before).is_some_and(|rest| rest.ends_with("::"))
}

fn record_bytes(table: &Described) -> usize {
    let names = [table.module, table.name, table.file, table.budget];
    let own = [table.package, table.target].into_iter().flatten().chain(names);
    let of_sites = table.sites.iter().flat_map(|site| [site.kind, site.label]);
    let text: usize = own.chain(of_sites).map(text_bytes).sum();
    size_of::<FunctionRecord>() + size_of::<SiteRecord>() * table.sites.iter().count() + text
}

impl Site {
    fn write(&self, record: &SiteRecord, room: &mut Block) {
        write_text(&record.kind, room, self.kind);
        write_text(&record.label, room, self.label);
        record.line.set(u64::from(self.line));
        record.column.set(u64::from(self.column));
    }
}

/// Room that a text takes in the segment.
pub(crate) fn text_bytes(text: &str) -> usize {
    cut(text).len().next_multiple_of(8)
}

/// The part of a text that is kept: whole characters.
fn cut(text: &str) -> &str {
    let kept = (0..=TEXT_BYTES.min(text.len())).rev().find_map(|end| text.get(..end));
    kept.unwrap_or("")
}

fn write_text(text: &Text, room: &mut Block, value: &str) {
    if let Some(words) = room.split::<Count>(text_bytes(value) / 8) {
        put_text(text, words, value);
    }
}

/// Copies a text into words of the segment.
pub(crate) fn put_text(text: &Text, words: &'static [Count], value: &str) {
    let value = cut(value).as_bytes();
    for (word, chunk) in words.iter().zip(value.chunks(8)) {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        word.set(u64::from_ne_bytes(bytes));
    }
    text.offset.set(words.as_ptr().addr().wrapping_sub(map::base().addr()) as u64);
    text.len.set(value.len() as u64);
}
