//! Where the threads of a running process are: one plain read for a dozen of them.

use core::mem::offset_of;

use super::parse::{fixed, open, read_process};
use super::{Process, ReadError};
use crate::segment::layout::{self as raw, PAGE_BYTES, PAGE_SLABS};

/// The segment of a running process, looked at from outside.
///
/// Every method takes `read`, which fills a buffer with what lies from an offset of the segment's
/// file on and tells how many bytes it got: 0 where it fails. Nothing that it gives is trusted.
/// Counters that had no room in the file ([`super::Segment::private_bytes`]) can't be seen.
#[derive(Clone, Debug)]
pub struct Threads {
    /// The process that writes it.
    pub process: Process,
    /// Ticks of its clock when it was made: no two segments agree in this and in the process id.
    pub start_ticks: u64,
    base: u64,
}

/// Where one thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    /// System's id of the thread.
    pub tid: u32,
    /// Which of the process's slabs it holds: its offset in the segment.
    pub slab: u64,
    /// Ticks at which it took the slab.
    pub attached: u64,
    /// The node on top, as [`super::Node::offset`] names it.
    pub node: u64,
    /// Whether that is the root: no measured function is on its stack.
    pub is_outside: bool,
}

impl Threads {
    /// Looks at a segment.
    ///
    /// # Errors
    ///
    /// [`ReadError::Foreign`] for a file that isn't one, or isn't one yet: try again later. See
    /// [`ReadError`] for the others.
    pub fn open(mut read: impl FnMut(u64, &mut [u8]) -> usize) -> Result<Self, ReadError> {
        let mut header = [0; size_of::<raw::Header>()];
        let got = read(0, &mut header).min(header.len());
        let bytes = open(header.get(..got).unwrap_or(&[]))?;
        Ok(Self {
            process: read_process(bytes)?,
            start_ticks: fixed(bytes, offset_of!(raw::Fixed, start_ticks))?,
            base: bytes.base,
        })
    }

    /// Where each thread that holds a slab is now, in place of what `threads` held.
    ///
    /// Costs a read of 8 bytes, and one of 4 KiB for a dozen slabs. What changes meanwhile may be
    /// seen half: a thread's node may be of the moment before or after.
    pub fn look(&self, mut read: impl FnMut(u64, &mut [u8]) -> usize, threads: &mut Vec<Thread>) {
        threads.clear();
        let mut first = [0; 8];
        let head = offset_of!(raw::Header, slab_pages) as u64;
        if read(head, &mut first) < first.len() {
            return;
        }
        let mut page = [0; PAGE_BYTES];
        let mut next = self.page(u64::from_ne_bytes(first));
        while let Some(at) = next {
            if read(at, &mut page) < page.len() {
                return;
            }
            let slabs = page.get(offset_of!(raw::SlabPage, slabs)..).unwrap_or(&[]);
            let slabs = slabs.chunks_exact(size_of::<raw::Slab>()).take(PAGE_SLABS);
            for (index, slab) in slabs.enumerate() {
                let offset = offset_of!(raw::SlabPage, slabs) + index * size_of::<raw::Slab>();
                threads.extend(self.thread(slab, at + offset as u64));
            }
            // Pages lie in the order in which they were made, so that this ends.
            let newer = word(&page, offset_of!(raw::SlabPage, newer)).and_then(|w| self.page(w));
            next = newer.filter(|newer| *newer > at);
        }
    }

    /// Whether the process ran its exit hook, or the file is gone from under us. Costs a read of 8
    /// bytes.
    pub fn is_over(&self, mut read: impl FnMut(u64, &mut [u8]) -> usize) -> bool {
        let mut exited = [0; 8];
        let got = read(offset_of!(raw::Header, exited) as u64, &mut exited);
        got < exited.len() || u64::from_ne_bytes(exited) != 0
    }

    /// How often a node was entered so far: where this stands still, no thread left it and came
    /// back. Costs a read of 8 bytes; `None` where there is no such place.
    pub fn entered(
        &self,
        mut read: impl FnMut(u64, &mut [u8]) -> usize,
        thread: &Thread,
    ) -> Option<u64> {
        let mut count = [0; 8];
        let at = thread.node.checked_add(offset_of!(raw::Node, countdown.count) as u64)?;
        (read(at, &mut count) >= count.len()).then(|| u64::from_ne_bytes(count))
    }

    /// The thread that holds a slab.
    fn thread(&self, slab: &[u8], at: u64) -> Option<Thread> {
        let number = |field: usize| word(slab, field);
        let attached = number(offset_of!(raw::Slab, attached)).filter(|ticks| *ticks != 0)?;
        let cur = number(offset_of!(raw::Slab, cur))?;
        Some(Thread {
            tid: u32::try_from(number(offset_of!(raw::Slab, tid))?).ok()?,
            slab: at,
            attached,
            node: self.offset(cur, align_of::<raw::Node>())?,
            is_outside: number(offset_of!(raw::Slab, root))? == cur,
        })
    }

    fn page(&self, address: u64) -> Option<u64> {
        self.offset(address, PAGE_BYTES)
    }

    /// The offset of an address in the process, where it can be one.
    fn offset(&self, address: u64, align: usize) -> Option<u64> {
        let offset = address.checked_sub(self.base)?;
        (offset != 0 && offset % align as u64 == 0 && offset <= super::bytes::LARGEST)
            .then_some(offset)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(8)?)?;
    bytes.try_into().ok().map(u64::from_ne_bytes)
}

#[cfg(test)]
mod tests;
