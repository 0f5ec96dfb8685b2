//! What the probes cost in this process: measured on scratch memory, some microseconds each.

use core::alloc::{GlobalAlloc, Layout};
use core::future::{Future, ready};
use core::hash::Hasher;
use core::hint::black_box;
use core::pin::pin;
use core::sync::atomic::AtomicU32;
use core::task::{Context, Waker};
use std::hash::DefaultHasher;

use crate::segment::layout::{Fixed, Row, Slab, Sums};
use crate::site::{Function, Site};
use crate::{clock, expression, future, heap, map, probe, slab};

/// Batches of each kind. Of their costs the lowest quarter ends at the one that counts: others run on
/// the same core, and the first batches meet cold caches.
const BATCHES: usize = 12;
const CHOSEN: usize = BATCHES / 4;
const PROBES: u64 = 32;
const BLOCKS: usize = 16;
const SCRATCH: usize = 64 * 1024;
/// Times that what hides is measured.
const ROUNDS: usize = 3;
/// Ticks that work must take for the counter to tell what of it is missing in a span.
const LEAST_WORK: u64 = 4;
/// What is missing of some work says nothing of work that is longer than so many of it.
const MOST_WORK: u64 = 4;
/// `next` of what is never timed.
const NEVER: u64 = u64::MAX;

const SCRATCH_SITE: Site = Site { kind: "", line: 0, column: 0, label: "" };

/// Measured instead of a function of the program; its ids are reserved.
static SCRATCH_FUNCTION: Function = Function {
    id: AtomicU32::new(1),
    first_site: AtomicU32::new(1),
    ..Function::new(
        None,
        None,
        "",
        "",
        "",
        0,
        0,
        false,
        &[SCRATCH_SITE, SCRATCH_SITE, SCRATCH_SITE],
    )
};

/// Fills in the costs; 0 where memory is too short to measure them.
pub(crate) fn run(costs: &Fixed, inner: Option<&dyn GlobalAlloc>) {
    let Some(scratch) = map::private(SCRATCH).and_then(Slab::make) else { return };
    let inner = inner.unwrap_or(&std::alloc::System);
    slab::aside(Some(scratch), || {
        costs.inside.set(empty_span());
        calls(costs, scratch);
        expressions(costs, scratch);
        charges(costs, scratch);
    });
    let (alloc, free) = allocator(inner);
    costs.alloc.set(alloc);
    costs.free.set(free);
}

/// Calls and polls, timed and not.
fn calls(costs: &Fixed, scratch: &Slab) {
    let call = || drop(probe::call(&SCRATCH_FUNCTION));
    let poll = || {
        let future = future::frame(&SCRATCH_FUNCTION, ready(black_box(0u8)));
        black_box(pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready());
    };
    call();
    let Some(node) = scratch.children.follow(SCRATCH_FUNCTION.id()) else { return };
    let (whole, inside) = per_span(&node.sums, call);
    costs.function.set(whole);
    costs.function_inside.set(inside);
    costs.poll.set(per_probe(poll));
    node.countdown.next.set(NEVER);
    costs.function_untimed.set(per_probe(call));
    costs.poll_untimed.set(per_probe(poll));
}

/// Expressions, timed, not timed and never timed, and awaits; and what the spans of the timed ones hide.
fn expressions(costs: &Fixed, scratch: &Slab) {
    let expression = || {
        expression::exit(expression::site(&SCRATCH_FUNCTION, 0), black_box(0u8));
    };
    costs.counted.set(per_probe(|| {
        expression::exit(expression::grow(&SCRATCH_FUNCTION, 1), black_box(0u8));
    }));
    costs.awaited.set(per_probe(|| {
        let future = future::awaited(&SCRATCH_FUNCTION, 2, ready(black_box(0u8)));
        black_box(pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }));
    expression();
    let Some(row) = scratch.rows.follow(SCRATCH_FUNCTION.site_id(0)) else { return };
    let (whole, inside) = per_span(&row.sums, expression);
    costs.expression.set(whole);
    costs.expression_inside.set(inside);
    hashes(costs, row, expression);
    row.countdown.next.set(NEVER);
    // Within another one, which it tells what it may have taken.
    let open = expression::grow(&SCRATCH_FUNCTION, 1);
    costs.expression_untimed.set(per_probe(expression));
    expression::exit(open, 0u8);
}

/// What hashing takes, and what of such work the spans of this row hide, of which that is an empty one.
fn hashes(costs: &Fixed, row: &Row, mut expression: impl FnMut()) {
    let hash = batch(|| _ = hashed());
    // In less the counter doesn't tell what it takes.
    if hash >= PROBES * LEAST_WORK {
        costs.hash.set((hash + PROBES / 2) / PROBES);
    }
    // The system waits for what came before its reading, or takes so long that nothing can be told.
    if clock::is_system() {
        return;
    }
    let reading = PROBES * costs.inside.get();
    // Each time all of it anew: a core that grows faster meanwhile would seem to hide something.
    let mut rounds = [0; ROUNDS];
    for round in &mut rounds {
        let (_, empty) = batch_of_spans(&row.sums, &mut expression);
        // Of the type of that row.
        let (_, full) = batch_of_spans(&row.sums, || {
            expression::exit(expression::site(&SCRATCH_FUNCTION, 0), hashed());
        });
        let work = batch(|| _ = hashed()).saturating_sub(batch(|| _ = black_box(0u8)));
        *round = hidden(work, full.saturating_sub(empty), reading) / PROBES;
    }
    rounds.sort_unstable();
    costs.hidden.set(rounds[ROUNDS / 2]);
}

/// What of some work may be hidden behind a reading of the clock, where of work that took so much its span
/// shows so much: the share that is missing, of as much as may fit in. 0 where that can't be told.
fn hidden(work: u64, shown: u64, reading: u64) -> u64 {
    let missing = work.saturating_sub(shown);
    // A counter that is too coarse; code that was not optimised; noise.
    if work < PROBES * LEAST_WORK || work > 2 * reading || missing < work / 4 {
        return 0;
    }
    (missing * reading.min(MOST_WORK * work) / work.min(reading)).min(reading)
}

/// What it takes to attribute an allocator operation, without and with an expression open.
fn charges(costs: &Fixed, scratch: &Slab) {
    let operations = || {
        per_probe(|| {
            let is_short = heap::count_alloc(black_box(8)) && heap::count_free(black_box(8));
            if !is_short {
                // One is due to be timed: here none is.
                heap::set_gauge(scratch);
            }
        })
        .div_ceil(2)
    };
    costs.charge.set(operations());
    let open = expression::grow(&SCRATCH_FUNCTION, 1);
    costs.charge_open.set(operations());
    expression::exit(open, 0u8);
}

/// Some nanoseconds of work, none of which waits for the one before.
#[inline(always)]
fn hashed() -> u8 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(black_box(1));
    black_box(hasher.finish()) as u8
}

/// Ticks of one probe.
fn per_probe(probe: impl FnMut()) -> u64 {
    (batch(probe) + PROBES / 2) / PROBES
}

/// The same, and what of it lies inside of the span that it adds to these sums.
fn per_span(sums: &Sums, probe: impl FnMut()) -> (u64, u64) {
    let (whole, inside) = batch_of_spans(sums, probe);
    (whole / PROBES, inside / PROBES)
}

/// Ticks of a batch that nothing disturbed.
fn batch(mut probe: impl FnMut()) -> u64 {
    quiet(|| {
        let start = clock::ticks();
        for _ in 0..PROBES {
            probe();
        }
        clock::ticks().wrapping_sub(start)
    })
}

/// The same, and what of it lies inside of the spans that they add to these sums.
fn batch_of_spans(sums: &Sums, mut probe: impl FnMut()) -> (u64, u64) {
    let mut inside = [0; BATCHES];
    let mut batch = 0;
    let whole = quiet(|| {
        let (start, before) = (clock::ticks(), sums.ticks.get());
        for _ in 0..PROBES {
            probe();
        }
        inside[batch] = sums.ticks.get().wrapping_sub(before);
        batch += 1;
        clock::ticks().wrapping_sub(start)
    });
    inside.sort_unstable();
    (whole, inside[CHOSEN].min(whole))
}

/// What a span of nothing reads.
fn empty_span() -> u64 {
    quiet(|| {
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
    let alloc = quiet(|| {
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
    (alloc, frees[CHOSEN])
}

fn quiet(mut batch: impl FnMut() -> u64) -> u64 {
    let mut ticks = [0; BATCHES];
    for place in &mut ticks {
        *place = batch();
    }
    ticks.sort_unstable();
    ticks[CHOSEN]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_of_short_work_is_hidden_of_longer_work() {
        let of =
            |work, shown, reading| hidden(PROBES * work, PROBES * shown, PROBES * reading) / PROBES;
        assert_eq!(of(10, 0, 25), 25, "all of it");
        assert_eq!(of(10, 5, 25), 12, "half of it");
        assert_eq!(of(30, 10, 25), 20, "what is longer than a reading shows in part");
        assert_eq!(of(10, 10, 25), 0);
        assert_eq!(of(10, 15, 25), 0, "work that seems longer in a span");
        assert_eq!(of(10, 8, 25), 0, "noise");
        assert_eq!(of(10, 0, 1_000), 40, "a clock that takes long");
        assert_eq!(of(3, 0, 3), 0, "a coarse counter");
        assert_eq!(of(300, 200, 25), 0, "unoptimised code");
        assert_eq!(of(0, 0, 0), 0);
    }
}
