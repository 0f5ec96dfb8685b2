//! What the probes cost in this process: measured on scratch memory, some microseconds each.

use core::alloc::{GlobalAlloc, Layout};
use core::hint::black_box;
use core::sync::atomic::AtomicU32;

use crate::segment::layout::{Fixed, Slab};
use crate::site::{Function, Site};
use crate::{clock, map, probe, slab};

const BATCHES: usize = 7;
const PROBES: u64 = 32;
const BLOCKS: usize = 16;
const SCRATCH: usize = 64 * 1024;

/// Measured instead of a function of the program; its ids are reserved.
static SCRATCH_FUNCTION: Function = Function {
    package: None,
    target: None,
    module: "",
    name: "",
    file: "",
    line: 0,
    column: 0,
    is_async: false,
    sites: &[Site { kind: "", line: 0, column: 0, label: "" }],
    origin: [0; 2],
    id: AtomicU32::new(1),
    first_site: AtomicU32::new(1),
};

/// Fills in the costs; 0 where memory is too short to measure them.
pub(crate) fn run(costs: &Fixed, inner: Option<&dyn GlobalAlloc>) {
    let Some(scratch) = map::private(SCRATCH).and_then(Slab::make) else { return };
    slab::aside(Some(scratch), || {
        costs.function.set(per_probe(|| drop(probe::call(&SCRATCH_FUNCTION))));
        costs.expression.set(per_probe(|| {
            probe::exit(probe::site(&SCRATCH_FUNCTION, 0), black_box(0u8));
        }));
        costs.counted.set(per_probe(|| {
            probe::exit(probe::grow(&SCRATCH_FUNCTION, 0), black_box(0u8));
        }));
        costs.inside.set(empty_span());
    });
    let (alloc, free) = allocator(inner.unwrap_or(&std::alloc::System));
    costs.alloc.set(alloc);
    costs.free.set(free);
}

/// Ticks of one probe: the median over batches.
fn per_probe(mut probe: impl FnMut()) -> u64 {
    median(|| {
        let start = clock::ticks();
        for _ in 0..PROBES {
            probe();
        }
        clock::ticks().wrapping_sub(start) / PROBES
    })
}

/// What a span of nothing reads.
fn empty_span() -> u64 {
    median(|| {
        let mut sum = 0u64;
        for _ in 0..PROBES {
            let start = clock::ticks();
            sum = sum.wrapping_add(clock::ticks().wrapping_sub(start));
        }
        sum / PROBES
    })
}

/// Ticks of one small allocation and of its free.
fn allocator(inner: &dyn GlobalAlloc) -> (u64, u64) {
    let layout = Layout::new::<[u64; 8]>();
    let mut frees = [0; BATCHES];
    let mut batch = 0;
    let alloc = median(|| {
        let mut blocks = [core::ptr::null_mut(); BLOCKS];
        let start = clock::ticks();
        for block in &mut blocks {
            // SAFETY: the layout has a size.
            *block = black_box(unsafe { inner.alloc(layout) });
        }
        let middle = clock::ticks();
        for block in blocks {
            if !block.is_null() {
                // SAFETY: allocated above, by the same allocator and with the same layout.
                unsafe { inner.dealloc(block, layout) };
            }
        }
        frees[batch] = clock::ticks().wrapping_sub(middle) / BLOCKS as u64;
        batch += 1;
        middle.wrapping_sub(start) / BLOCKS as u64
    });
    frees.sort_unstable();
    (alloc, frees[BATCHES / 2])
}

fn median(mut batch: impl FnMut() -> u64) -> u64 {
    let mut ticks = [0; BATCHES];
    for place in &mut ticks {
        *place = batch();
    }
    ticks.sort_unstable();
    ticks[BATCHES / 2]
}
