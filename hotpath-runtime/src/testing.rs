//! What the unit tests share: the counters of the thread that a test runs on.

use crate::segment::layout;
use crate::segment::reader::{self, Node, Row, Segment, Slab};
use crate::{clock, map, slab, sys};

// Miri knows neither the counter nor the mapping that come with it.
#[cfg_attr(not(miri), global_allocator)]
#[cfg_attr(miri, expect(dead_code, reason = "there the system's own allocates"))]
static ALLOCATOR: crate::Allocator<std::alloc::System> = crate::Allocator::new(std::alloc::System);

/// A static table named `$name`, with sites of the kinds given; of an async function where it says so.
macro_rules! function {
    (async $($rest:tt)*) => { $crate::testing::function!(@ true, $($rest)*); };
    (@ $is_async:literal, $table:ident, $name:literal $(, $kind:literal)*) => {
        static $table: $crate::site::Function = $crate::site::Function::new(
            None, None, module_path!(), $name, file!(), line!(), 1, $is_async,
            &[$($crate::site::Site::new($kind, line!(), 1, "")),*],
        );
    };
    ($($rest:tt)*) => { $crate::testing::function!(@ false, $($rest)*); };
}
pub(crate) use function;

/// Takes time in proportion to `rounds`.
pub(crate) fn spin(rounds: u64) -> u64 {
    (0..rounds).fold(0, |sum, i| core::hint::black_box(sum ^ i))
}

/// Takes at least so many ticks. A thread that changes the processor may find an older time there.
pub(crate) fn spin_ticks(ticks: u64) {
    let start = clock::ticks();
    while clock::ticks().wrapping_sub(start).cast_signed() < ticks.cast_signed() {}
}

/// While it lives, whatever its thread measures is short, even where the machine held the thread up; and which
/// spans are timed is the same in each run.
pub(crate) struct AllShort {
    slab: &'static layout::Slab,
    before: u64,
}

pub(crate) fn all_short() -> AllShort {
    let slab = slab::attached();
    let before = slab.short.get();
    slab.short.set(1 << 40);
    slab.random.set(1);
    AllShort { slab, before }
}

impl Drop for AllShort {
    fn drop(&mut self) {
        // Another thread gets the slab.
        self.slab.short.set(self.before);
    }
}

/// This process's segment as a reader sees it now.
pub(crate) fn segment() -> Segment {
    reader::read(&bytes(), None).expect("a living process's segment reads")
}

pub(crate) fn bytes() -> Vec<u8> {
    slab::attached();
    slab::exclusive(|| Some(map::snapshot())).expect("no test runs in a cold path")
}

/// The segment and this thread's slab.
pub(crate) struct Own {
    segment: Segment,
    slab: Slab,
}

pub(crate) fn own() -> Own {
    let segment = segment();
    // A thread that ended may have had the same id.
    let is_own =
        |slab: &layout::Slab| slab.attached.get() != 0 && slab.tid.get() == u64::from(sys::tid());
    let first = map::header().and_then(|header| header.slabs.first.get());
    let index = core::iter::successors(first, |slab| slab.newer.get()).position(is_own);
    let slab = segment.slabs[index.expect("this thread's")].clone();
    Own { segment, slab }
}

impl Own {
    pub(crate) fn nodes(&self, name: &str) -> Vec<&Node> {
        let is =
            |node: &&Node| node.function.is_some_and(|i| self.segment.functions[i].name == name);
        self.slab.nodes.iter().filter(is).collect()
    }

    /// Ticks of cold work on this thread.
    pub(crate) fn slab_cold(&self) -> u64 {
        self.slab.cold
    }

    /// Ticks during which this thread held its slab, and those before it.
    pub(crate) fn slab_lifetime(&self) -> u64 {
        self.slab.lifetime
    }

    /// What was looked at of its thread's CPU time.
    pub(crate) fn processor(&self) -> reader::Processor {
        self.slab.processor.expect("it has room")
    }

    /// The only node of a function.
    pub(crate) fn node(&self, name: &str) -> &Node {
        let nodes = self.nodes(name);
        assert_eq!(nodes.len(), 1, "{nodes:#?}");
        nodes[0]
    }

    pub(crate) fn rows(&self, name: &str, site: usize) -> Vec<&Row> {
        let is = |row: &&Row| self.segment.functions[row.function].name == name && row.site == site;
        self.slab.rows.iter().filter(is).collect()
    }

    pub(crate) fn row(&self, name: &str, site: usize) -> &Row {
        let rows = self.rows(name, site);
        assert_eq!(rows.len(), 1, "{rows:#?}");
        rows[0]
    }

    /// How many spans the histogram of a function or site holds.
    pub(crate) fn distributed(&self, name: &str, site: Option<usize>) -> u64 {
        let of = |h: &&reader::Histogram| {
            self.segment.functions[h.function].name == name && h.site == site
        };
        self.slab.histograms.iter().filter(of).flat_map(|h| &h.buckets).map(|b| b.2).sum()
    }

    /// Time exclusive of children, by node: what the reader's raw figures must allow to compute.
    pub(crate) fn self_ticks(&self) -> Vec<(String, u64)> {
        let name = |node: &Node| node.function.map(|i| self.segment.functions[i].name.clone());
        let own = crate::summary::self_ticks(&self.slab.nodes);
        self.slab
            .nodes
            .iter()
            .map(name)
            .zip(own)
            .filter_map(|(name, own)| Some((name?, own)))
            .collect()
    }
}
