//! The layout of a segment, said once: the probes write these structures, the reader takes its
//! offsets from them.
//!
//! A [`Link`] holds the address in the process that wrote it; less [`Header::base`] it is the
//! offset in the file. Everything not written is zero.

mod processor;
mod retained;

use core::sync::atomic::AtomicU32;

use super::cell::{Count, Link, Table};
pub(crate) use processor::{Processor, Ran, UNKNOWN};
pub(crate) use retained::{HELD, HELD_EACH, Retained, Sample};

/// First word of every segment.
pub(crate) const MAGIC: u64 = u64::from_le_bytes(*b"hotpath\x01");
/// Changes whenever a structure below does.
pub(crate) const VERSION: u64 = 5;
/// Bytes of the command line that are kept.
pub(crate) const COMMAND_BYTES: usize = 1024;
/// Longest text that is kept, in bytes.
pub(crate) const TEXT_BYTES: usize = 1024;
/// Live bytes that a thread holds back before it tells the process.
pub(crate) const LIVE_SLACK: u64 = 64 * 1024;

/// The live bytes that a gauge holds back (two's complement).
pub(crate) fn held_back(gauge: u64) -> u64 {
    (gauge & (2 * LIVE_SLACK - 1)).wrapping_sub(LIVE_SLACK)
}

/// Start of the segment.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) magic: Count,
    pub(crate) version: Count,
    /// [`checksum`] of `fixed`.
    pub(crate) checksum: Count,
    /// Address of this structure in the process.
    pub(crate) base: Count,
    pub(crate) fixed: Fixed,
    pub(crate) end_ticks: Count,
    pub(crate) end_ns: Count,
    pub(crate) exited: Count,
    pub(crate) live: Count,
    pub(crate) peak: Count,
    pub(crate) private_bytes: Count,
    pub(crate) overflowed: Count,
    pub(crate) functions: List<FunctionRecord>,
    pub(crate) slabs: List<Slab>,
    pub(crate) command_len: Count,
    pub(crate) command: [Count; COMMAND_BYTES / 8],
    /// Where the slabs lie.
    pub(crate) slab_pages: List<SlabPage>,
    /// Why `fixed.clock` is `system`, as `SystemReason::code`; else 0.
    pub(crate) clock_reason: Count,
    /// By how much the clock's rate was seen to change, at most; parts per million.
    pub(crate) clock_off_ppm: Count,
    /// Whether the process came about by a fork of one that measured.
    pub(crate) forked: Count,
    pub(crate) retained: Link<Retained>,
    pub(crate) channels: List<Channel>,
}

/// Channels without bound for messages of one type, taken together. Any thread changes it.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Channel {
    // Line 0: senders.
    pub(crate) sent: Count,
    /// Most messages that were sent and not yet received.
    pub(crate) most: Count,
    /// [`checksum`] of the type's name.
    pub(crate) message: Count,
    pub(crate) newer: Link<Channel>,
    pub(crate) unused: [Count; 4],
    // Line 1: receivers.
    pub(crate) received: Count,
}

/// What is written once, before anything else.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Fixed {
    pub(crate) pid: Count,
    pub(crate) parent_pid: Count,
    /// 1 `tsc`, 2 `cntvct`, 3 `system`.
    pub(crate) clock: Count,
    pub(crate) start_ticks: Count,
    pub(crate) start_ns: Count,
    pub(crate) inside: Count,
    pub(crate) function: Count,
    pub(crate) expression: Count,
    pub(crate) counted: Count,
    pub(crate) alloc: Count,
    pub(crate) free: Count,
    pub(crate) function_inside: Count,
    pub(crate) function_untimed: Count,
    pub(crate) expression_inside: Count,
    pub(crate) expression_untimed: Count,
    pub(crate) poll: Count,
    pub(crate) poll_untimed: Count,
    pub(crate) awaited: Count,
    pub(crate) charge: Count,
    pub(crate) charge_open: Count,
    pub(crate) hash: Count,
    pub(crate) hidden: Count,
}

/// Words in [`Fixed`].
pub(crate) const FIXED_WORDS: usize = size_of::<Fixed>() / 8;

/// Checksum over words (FNV-1a).
pub(crate) fn checksum(words: impl Iterator<Item = u64>) -> u64 {
    words.fold(0xcbf2_9ce4_8422_2325, |sum, word| {
        word.to_le_bytes()
            .iter()
            .fold(sum, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
    })
}

/// Members in the order in which they were made: what found no room in the file is at its end.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct List<T> {
    pub(crate) first: Link<T>,
    pub(crate) last: Link<T>,
}

/// Text in the segment: offset from its start, and length in bytes.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Text {
    pub(crate) offset: Count,
    pub(crate) len: Count,
}

/// A registered function.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct FunctionRecord {
    pub(crate) newer: Link<FunctionRecord>,
    pub(crate) id: Count,
    pub(crate) package: Text,
    pub(crate) target: Text,
    pub(crate) module: Text,
    pub(crate) name: Text,
    pub(crate) file: Text,
    pub(crate) line: Count,
    pub(crate) column: Count,
    pub(crate) is_async: Count,
    pub(crate) site_count: Count,
    /// First of `site_count` [`SiteRecord`]s, one after another.
    pub(crate) sites: Link<SiteRecord>,
    /// Process-wide number of the first of them.
    pub(crate) first_site: Count,
    /// The macro call that it comes from; 0 where it stands in the source.
    pub(crate) origin_line: Count,
    pub(crate) origin_column: Count,
    pub(crate) budget: Text,
}

/// A site of a registered function.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct SiteRecord {
    pub(crate) kind: Text,
    pub(crate) label: Text,
    pub(crate) line: Count,
    pub(crate) column: Count,
}

/// The counters of one thread, and after it of the next.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Slab {
    // Line 0: every call.
    pub(crate) cur: Link<Node>,
    /// The bucket that the last span is still to be counted in.
    pub(crate) pending: Link<AtomicU32>,
    /// Children by function id; right where the child's parent is `cur`.
    pub(crate) children: Table<Link<Node>>,
    /// Live bytes that the header does not know of yet, plus [`LIVE_SLACK`]; above them the
    /// operations since one was timed.
    pub(crate) gauge: Count,
    /// How many expression spans are open.
    pub(crate) top: Count,
    /// `top` as it was when it was settled which span gets what is allocated.
    pub(crate) metered: Count,
    /// How many sites pended in polls that are still open.
    pub(crate) pended: Count,
    // Line 1: every expression.
    pub(crate) rows: Table<Link<Row>>,
    pub(crate) spans: Table<Span>,
    pub(crate) negative: Count,
    /// Small reallocations until one is timed again, and how many that one stands for.
    pub(crate) reallocs_left: Count,
    pub(crate) reallocs_gap: Count,
    /// Ticks below which a mean span is short; 0 where nothing is throttled.
    pub(crate) short: Count,
    /// What a span of nothing reads, ticks.
    pub(crate) inside: Count,
    /// State of the generator that spreads the timed spans.
    pub(crate) random: Count,
    // Line 2: cold.
    pub(crate) root: Link<Node>,
    /// Polls directly under the root until the processor's time is looked at again.
    pub(crate) polls_left: Count,
    /// Where calls go that found no room.
    pub(crate) other: Link<Node>,
    pub(crate) histograms_by_function: Table<Link<Histogram>>,
    pub(crate) edges: Table<Link<Node>>,
    pub(crate) edge_count: Count,
    pub(crate) nodes: List<Node>,
    pub(crate) all_rows: List<Row>,
    // Line 3.
    pub(crate) histograms: List<Histogram>,
    pub(crate) newer: Link<Slab>,
    pub(crate) next_free: Link<Slab>,
    pub(crate) room: Room,
    pub(crate) tid: Count,
    pub(crate) threads: Count,
    /// Ticks at which the present thread took it; 0 while no thread holds it.
    pub(crate) attached: Count,
    // Line 4.
    pub(crate) lifetime: Count,
    /// Start of the last call of a node whose `next` is [`SPECIAL`].
    pub(crate) start: Count,
    /// The open span that gets what its node allocates.
    pub(crate) metering: Link<Span>,
    pub(crate) costs: Link<AllocatorCosts>,
    /// Bytes to allocate until one is drawn, where live blocks are sampled.
    pub(crate) sample_left: Count,
    /// Ticks of the probes' own cold work while a thread held it. No span holds them.
    pub(crate) cold: Count,
    /// Live bytes that the header was told of, less those freed (two's complement).
    pub(crate) handed: Count,
    /// The most live bytes of its thread while somebody measures that, as `handed` counts them.
    pub(crate) crest: Count,
    pub(crate) processor: Link<Processor>,
}

/// Classes of block sizes: up to 8 bytes, up to 16 and so on; the last one is open to the top.
pub(crate) const SIZE_CLASSES: usize = 24;

/// What the allocator takes, by size class.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct AllocatorCosts {
    pub(crate) allocs: [Cost; SIZE_CLASSES],
    pub(crate) frees: [Cost; SIZE_CLASSES],
}

/// Ticks of those operations that were timed.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Cost {
    pub(crate) timed: Count,
    pub(crate) ticks: Count,
    /// Sum of their squares; an `f64`.
    pub(crate) squares: Count,
}

/// Bytes of a page of slabs.
pub(crate) const PAGE_BYTES: usize = 4096;
/// Slabs on a page, behind its first line.
pub(crate) const PAGE_SLABS: usize = (PAGE_BYTES - 64) / size_of::<Slab>();

/// Slabs side by side and nothing else: who looks from outside where the threads are reads a page
/// for a dozen of them and follows nothing.
#[derive(Debug)]
#[repr(C, align(4096))]
pub(crate) struct SlabPage {
    pub(crate) newer: Link<SlabPage>,
    /// How many of `slabs` have been handed out; the rest are zero.
    pub(crate) used: Count,
    pub(crate) slabs: [Slab; PAGE_SLABS],
}

const _: () = assert!(size_of::<SlabPage>() == PAGE_BYTES, "a page of slabs fits its page");

/// Room taken from the mapping and not handed out yet: address and bytes.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Room {
    pub(crate) start: Link<u8>,
    pub(crate) len: Count,
}

/// [`Countdown::next`] of a node with more to do than counting and reading the processor's counter:
/// the back edge of a recursion, one that may be entered while it is open, those that only stand
/// in for a node; all where the clock is another one.
pub(crate) const SPECIAL: u64 = 0;

/// Which spans are timed: the count is the countdown.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Countdown {
    /// Spans opened. Exact.
    pub(crate) count: Count,
    /// The span from which on spans are timed: 1 or less is each of them.
    pub(crate) next: Count,
    /// Where each span is timed, the one at which to look whether they are short; else for how
    /// many the next timed one stands, which is always fewer than there have been.
    pub(crate) gap: Count,
    /// The mean span, the longest cut short, without what the probe adds to it, so that it may be below 0;
    /// 0 where each span is timed.
    pub(crate) mean: Count,
}

/// Sums over timed spans, each of which stands for those since the one before.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Sums {
    /// Ticks, of each span times those that it stands for.
    pub(crate) ticks: Count,
    pub(crate) timed: Count,
    pub(crate) max: Count,
    /// `max` as it was when the mean was last looked at.
    pub(crate) max_before: Count,
    /// Spans that others stand for.
    pub(crate) skipped: Count,
    /// Variance of `ticks` by sampling; an `f64`.
    pub(crate) variance: Count,
    /// `ticks` and `timed` as they were when the mean was last looked at. A site's types have a
    /// countdown in common, but each its own sums.
    pub(crate) ticks_before: Count,
    pub(crate) timed_before: Count,
}

/// A function in its calling context.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Node {
    // Line 0: every call.
    /// Of its calls; of an async function's its polls and, where one is dropped early, the drop.
    /// `next` is [`SPECIAL`] for a node with more to do than that.
    pub(crate) countdown: Countdown,
    pub(crate) parent: Link<Node>,
    /// Spans of functions called from it and of its expressions; estimated where they were not
    /// timed. Serves expressions, as what is not their own; wraps.
    pub(crate) inner: Count,
    /// Start of the newest timed call, of the outermost where one is in another. Where `next` is [`SPECIAL`],
    /// it is 0 while none is open.
    pub(crate) opened: Count,
    pub(crate) histogram: Link<Histogram>,
    // Line 1: every allocation.
    pub(crate) allocs: Allocs,
    // Line 2: every timed call.
    pub(crate) sums: Sums,
    /// What becomes `cur`: the node itself; for the back edge of a recursion the ancestor.
    pub(crate) ctx: Link<Node>,
    pub(crate) nested: Count,
    // Line 3: cold.
    /// Open calls of a node that may be entered while it is open, plus one; 0 for other nodes.
    pub(crate) depth: Count,
    /// Of an async function: polls (and drops) that are not the first of their call.
    pub(crate) resumed: Count,
    /// Of an async function. Of another one: allocations of its first call plus one; 0 where that is
    /// not known.
    pub(crate) wait: Count,
    /// Likewise; or the bytes of those allocations.
    pub(crate) cancelled: Count,
    /// Likewise; or the reallocations of that call.
    pub(crate) future_bytes: Count,
    /// Id of the function; 0 for the root and `other`.
    pub(crate) function: Count,
    pub(crate) newer: Link<Node>,
    /// Cold work in the call that is open and timed.
    pub(crate) held: Count,
}

/// Allocator operations.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Allocs {
    pub(crate) count: Count,
    pub(crate) bytes: Count,
    pub(crate) frees: Count,
    pub(crate) freed_bytes: Count,
    pub(crate) reallocs: Count,
    pub(crate) moved_bytes: Count,
    pub(crate) grown_bytes: Count,
    pub(crate) realloc_ticks: Count,
}

/// The counters of one (site, type).
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Row {
    // Line 0: every execution.
    pub(crate) count: Count,
    /// Of the site's executions, in the row that the site's table leads to.
    pub(crate) countdown: Countdown,
    /// Address and length of the type's name in the process: the key.
    pub(crate) type_start: Count,
    pub(crate) type_len: Count,
    /// What a sender sends into, or a receiver waits for.
    pub(crate) channel: Link<Channel>,
    // Line 1.
    pub(crate) allocs: Allocs,
    // Line 2: every timed execution.
    pub(crate) sums: Sums,
    pub(crate) histogram: Link<Histogram>,
    // Awaits.
    /// Polls that are not the first.
    pub(crate) repolls: Count,
    /// First polls that did not complete it.
    pub(crate) not_ready: Count,
    pub(crate) wait: Count,
    pub(crate) nested_wait: Count,
    pub(crate) cancelled: Count,
    pub(crate) newer: Link<Row>,
    pub(crate) function: Count,
    pub(crate) site: Count,
    // Line 3: cold.
    pub(crate) type_name: Text,
    pub(crate) type_size: Count,
    pub(crate) needs_drop: Count,
    pub(crate) is_await: Count,
    pub(crate) next_type: Link<Row>,
    /// Of a lock, for all types of the site in the row that the site's table leads to.
    pub(crate) holds: Link<Holds>,
}

/// How long the guards of a lock lived.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Holds {
    // The thread that takes the lock.
    /// Guards that are still to be taken before one is timed again.
    pub(crate) left: Count,
    /// For how many that one will stand; 0 where each is timed.
    pub(crate) gap: Count,
    // The thread on which the guard goes.
    /// Guards that have gone, with those that they stand for.
    pub(crate) count: Count,
    pub(crate) timed: Count,
    /// Ticks of each timed one, times those that it stands for.
    pub(crate) ticks: Count,
    pub(crate) max: Count,
    /// [`Holds::timed`] at which to look whether they are short.
    pub(crate) look: Count,
    /// Ticks of those that were timed since the last look.
    pub(crate) recent: Count,
}

/// An open expression span. Private memory: a stack beside each slab.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Span {
    /// When its clock was started. Whether it runs the token knows: one that was jumped over leaves this behind.
    pub(crate) start: Count,
    /// `inner` of the node as it was outside.
    pub(crate) outer: Count,
    /// The node that it is an expression of; nothing for a border.
    pub(crate) node: Link<Node>,
    /// For a border, which is no expression: the node that was entered once more.
    pub(crate) entered: Link<Node>,
    /// Which of `allocs` hold anything.
    pub(crate) dirty: Count,
    /// Process-wide number of its site.
    pub(crate) site: Count,
    /// What the node allocated while this was on top; while [`Slab::metering`] leads here, less
    /// the allocations and frees that the node has counted.
    pub(crate) allocs: Allocs,
}

/// Sub-buckets of an octave: a bucket is at most 1/32 of its values wide.
pub(crate) const SUB_BUCKETS: usize = 32;
/// Buckets: 32 an octave, up to 2^42 ticks. They are told apart by the bits of a float.
pub(crate) const BUCKETS: usize = SUB_BUCKETS * 42;

/// Distribution of spans.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Histogram {
    pub(crate) newer: Link<Histogram>,
    pub(crate) function: Count,
    /// Site index plus one; 0 for the function itself.
    pub(crate) site: Count,
    pub(crate) buckets: [AtomicU32; BUCKETS],
}

/// Lowest and highest span of a bucket; the first one holds 0 as well, and the last one is open to
/// the top. Of the lowest ones, some hold no number: there the lowest is above the highest.
pub(crate) fn bounds(bucket: usize) -> (u64, u64) {
    let start = |bucket: usize| {
        let scaled = ((SUB_BUCKETS + bucket % SUB_BUCKETS) as u64) << (bucket / SUB_BUCKETS);
        scaled.div_ceil(SUB_BUCKETS as u64)
    };
    let low = if bucket == 0 { 0 } else { start(bucket) };
    (low, if bucket + 1 == BUCKETS { u64::MAX } else { start(bucket + 1) - 1 })
}
