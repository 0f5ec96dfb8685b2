use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;

use super::stands_for;
use crate::Allocator;
use crate::probe::call;
use crate::testing::{function, own, segment};

#[test]
fn operations_are_counted_on_the_node_on_top() {
    function!(OUTER, "heap_outer");
    function!(INNER, "heap_inner");
    {
        let _outer = call(&OUTER);
        let kept = black_box(Box::new(1u64));
        {
            let _inner = call(&INNER);
            drop(black_box(vec![0u8; 100]));
            drop(black_box(vec![1u8; 10]));
        }
        drop(kept);
    }
    let own = own();
    let (outer, inner) = (own.node("heap_outer").allocs, own.node("heap_inner").allocs);
    assert_eq!((outer.count, outer.bytes, outer.frees, outer.freed_bytes), (1, 8, 1, 8));
    assert_eq!((inner.count, inner.bytes, inner.frees, inner.freed_bytes), (2, 110, 2, 110));
}

/// Grows in place where `MOVES` is false.
struct Scripted<const MOVES: bool>;

// SAFETY: forwards to the system's allocator; blocks have room for the larger size from the start.
unsafe impl<const MOVES: bool> GlobalAlloc for Scripted<MOVES> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: a size over zero.
        unsafe { System.alloc(Layout::from_size_align_unchecked(1024, layout.align())) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: allocated above.
        unsafe { System.dealloc(block, Layout::from_size_align_unchecked(1024, layout.align())) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !MOVES && size < 1024 {
            return block;
        }
        // SAFETY: blocks are 1024 bytes; the old one is released once.
        unsafe {
            let moved = self.alloc(layout);
            self.dealloc(block, layout);
            moved
        }
    }
}

fn realloc_once(allocator: &impl GlobalAlloc) {
    let layout = Layout::from_size_align(16, 8).unwrap();
    // SAFETY: allocated and released with the same allocator and layouts.
    unsafe {
        let block = allocator.alloc(layout);
        // The neighbour keeps the system from handing the same block out again.
        let neighbour = allocator.alloc(layout);
        let block = allocator.realloc(block, layout, 48);
        allocator.dealloc(block, Layout::from_size_align(48, 8).unwrap());
        allocator.dealloc(neighbour, layout);
    }
}

#[test]
fn reallocations_say_what_they_moved_and_grew() {
    function!(F, "realloc_in_place");
    {
        let _call = call(&F);
        realloc_once(&Allocator::new(Scripted::<false>));
    }
    let allocs = own().node("realloc_in_place").allocs;
    assert_eq!((allocs.count, allocs.bytes), (2, 32));
    assert_eq!((allocs.reallocs, allocs.moved_bytes, allocs.grown_bytes), (1, 0, 32));
    assert_eq!((allocs.frees, allocs.freed_bytes), (2, 64));
}

#[test]
fn a_reallocation_that_moves_counts_the_old_size() {
    function!(F, "realloc_moves");
    {
        let _call = call(&F);
        realloc_once(&Allocator::new(Scripted::<true>));
    }
    let allocs = own().node("realloc_moves").allocs;
    assert_eq!((allocs.reallocs, allocs.moved_bytes, allocs.grown_bytes), (1, 16, 32));
}

#[test]
fn sampled_reallocations_are_counted_exactly() {
    function!(F, "realloc_sampled");
    {
        let _call = call(&F);
        (0..10_000).for_each(|_| realloc_once(&Allocator::new(Scripted::<true>)));
    }
    let allocs = own().node("realloc_sampled").allocs;
    assert_eq!((allocs.reallocs, allocs.moved_bytes), (10_000, 160_000));
    assert!(allocs.realloc_ticks > 0);
}

#[test]
fn a_timed_reallocation_stands_for_others_but_not_when_it_was_held_up() {
    assert_eq!(stands_for(40, 1, 500), 40);
    assert_eq!(stands_for(40, 8, 500), 320);
    assert_eq!(stands_for(10_000_000, 8, 500), 10_003_500);
}

#[test]
fn large_blocks_reach_the_process() {
    let block = black_box(vec![1u8; 1 << 26]);
    let memory = segment().memory.unwrap();
    // Other threads may hold back that they freed some.
    assert!(memory.error_bytes > 0, "{memory:?}");
    assert!(memory.live_bytes + memory.error_bytes.cast_signed() >= 1 << 26, "{memory:?}");
    drop(block);
    let memory = segment().memory.unwrap();
    assert!(memory.peak_live_bytes + memory.error_bytes >= 1 << 26, "{memory:?}");
}

#[test]
fn a_failed_allocation_counts_nothing() {
    struct Empty;
    // SAFETY: null is the answer for "no memory".
    unsafe impl GlobalAlloc for Empty {
        unsafe fn alloc(&self, _: Layout) -> *mut u8 {
            std::ptr::null_mut()
        }
        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }
    function!(F, "no_memory");
    {
        let _call = call(&F);
        // SAFETY: a size over zero.
        let block = unsafe { Allocator::new(Empty).alloc(Layout::new::<u64>()) };
        assert!(block.is_null());
    }
    assert_eq!(own().node("no_memory").allocs.count, 0);
}

/// Grows a block from 16 bytes to 2 KiB by doubling, over and over, with `each` around the
/// reallocations.
fn grow(allocator: &impl GlobalAlloc, rounds: usize, mut each: impl FnMut(&mut dyn FnMut())) {
    for _ in 0..rounds {
        let mut layout = Layout::from_size_align(16, 8).unwrap();
        // SAFETY: allocated, grown and released with one allocator, each time with the layout that
        // the block has then.
        unsafe {
            let mut block = allocator.alloc(layout);
            for doubled in 5..=11 {
                let size = 1 << doubled;
                each(&mut || block = black_box(allocator.realloc(block, layout, size)));
                layout = Layout::from_size_align(size, 8).unwrap();
            }
            allocator.dealloc(block, layout);
        }
    }
}

/// Of small reallocations one in about eight is timed: the sum against one of each.
#[test]
#[ignore = "compares times; run it in release, on a quiet machine"]
fn sampled_reallocations_take_what_all_of_them_take() {
    function!(F, "realloc_truth");
    const ROUNDS: usize = 2_000;
    let (mut all, mut count) = (0, 0);
    for _ in 0..50 {
        grow(&System, ROUNDS, |realloc| {
            let start = crate::clock::ticks();
            realloc();
            all += crate::clock::ticks() - start;
            count += 1;
        });
        let _call = call(&F);
        grow(&Allocator::new(System), ROUNDS, |realloc| realloc());
    }
    let allocs = own().node("realloc_truth").allocs;
    assert_eq!(allocs.reallocs, count);
    let each = |ticks: u64| ticks as f64 / count as f64;
    let off = allocs.realloc_ticks as f64 / all as f64 - 1.0;
    println!(
        "ticks a reallocation: {:.1} timed each, {:.1} sampled, off by {:+.1} %",
        each(all),
        each(allocs.realloc_ticks),
        100.0 * off
    );
    assert!(off.abs() < 0.15, "off by {off}");
}
