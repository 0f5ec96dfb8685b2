use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::thread;

use crate::probe::call;
use crate::segment::layout::LIVE_SLACK;
use crate::testing::{function, own};
use crate::{Measured, level, measure, slab};

fn bytes(len: usize) -> Vec<u8> {
    black_box(vec![1; len])
}

fn heap<T>(measured: &Measured<T>) -> [u64; 5] {
    [
        measured.allocs().unwrap(),
        measured.alloc_bytes().unwrap(),
        measured.frees().unwrap(),
        measured.freed_bytes().unwrap(),
        measured.reallocs().unwrap(),
    ]
}

#[test]
fn what_is_done_inside_is_counted_and_nothing_else() {
    let before = bytes(7);
    let measured = measure(|| {
        drop(before);
        let mut kept = bytes(100);
        kept.reserve_exact(200);
        drop(bytes(30));
        black_box(kept)
    });
    assert_eq!(heap(&measured), [2, 130, 2, 37, 1]);
    assert_eq!(measured.value.len(), 100);
    assert_eq!(measured.polls(), None);
    let none = measure(|| black_box(3));
    assert_eq!((heap(&none), none.peak_live_bytes()), ([0; 5], Some(0)));
}

#[test]
fn other_threads_are_not_counted() {
    let (start, end) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            start.wait();
            for _ in 0..1000 {
                drop(bytes(64));
            }
            end.wait();
        });
        let measured = measure(|| {
            start.wait();
            let kept = bytes(10);
            end.wait();
            kept
        });
        assert_eq!(heap(&measured), [1, 10, 0, 0, 0]);
    });
}

#[test]
fn measures_stand_in_one_another() {
    let outer = measure(|| {
        let first = bytes(1000);
        let inner = measure(|| drop(bytes(10)));
        assert_eq!(heap(&inner), [1, 10, 1, 10, 0]);
        assert_eq!(inner.peak_live_bytes(), Some(10));
        drop((first, inner));
        measure(|| drop(bytes(4000)))
    });
    assert_eq!(heap(&outer), [3, 5010, 3, 5010, 0]);
    assert_eq!(outer.peak_live_bytes(), Some(4000));
    assert_eq!(outer.value.peak_live_bytes(), Some(4000));
}

#[test]
fn the_peak_is_exact_whatever_the_sizes() {
    let slack = LIVE_SLACK as usize;
    for large in [1, 100, slack - 1, slack, slack + 1, 2 * slack - 1, 2 * slack, 5 * slack + 3] {
        let old = bytes(large);
        let measured = measure(|| {
            drop(old);
            for size in [large, 3, large / 2, large + 1] {
                let mut kept = vec![bytes(size)];
                kept.push(bytes(size / 3));
                kept.truncate(1);
                drop(bytes(size));
            }
        });
        // The table of the blocks itself is 4 entries of 24 bytes.
        let high = 96 + 2 * (large + 1).max(3);
        let expected = (high as u64).saturating_sub(large as u64);
        assert_eq!(measured.peak_live_bytes(), Some(expected), "{large}");
    }
}

#[test]
fn the_peak_sees_reallocations() {
    let measured = measure(|| {
        let mut kept = bytes(10);
        kept.reserve_exact(90 - kept.len());
        kept.shrink_to(0);
        drop(black_box(kept));
        drop(bytes(50));
    });
    assert_eq!(measured.peak_live_bytes(), Some(90));
}

#[test]
fn a_height_reached_step_by_step_is_seen() {
    let measured = measure(|| {
        let kept: Vec<Box<[u8; 100]>> = (0..5000).map(|_| Box::new([0; 100])).collect();
        drop(black_box(kept));
        let again: Vec<Box<[u8; 100]>> = (0..4999).map(|_| Box::new([0; 100])).collect();
        drop(black_box(again));
    });
    assert_eq!(measured.peak_live_bytes(), Some(5000 * 108));
}

#[test]
fn a_panic_inside_leaves_nothing_behind() {
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        measure(|| {
            let _kept = bytes(100_000);
            measure(|| std::panic::resume_unwind(Box::new("inside")))
        })
    }));
    assert!(panicked.is_err());
    drop(panicked);
    assert_eq!(slab::attached().crest.get(), level::NOBODY);
    let after = measure(|| drop(bytes(5)));
    assert_eq!((heap(&after), after.peak_live_bytes()), ([1, 5, 1, 5, 0], Some(5)));
}

#[test]
fn calls_of_functions_inside_are_told_by_their_names() {
    function!(PARSE, "Parser::meter_parse");
    function!(OTHER, "meter_other");
    let parse = |depth: u32| {
        fn go(depth: u32) {
            let _call = call(&PARSE);
            drop(bytes(1));
            if depth > 0 {
                go(depth - 1);
            }
        }
        go(depth);
    };
    parse(0);
    let measured = measure(|| {
        let _call = call(&OTHER);
        parse(2);
        parse(0);
    });
    for name in ["meter_parse", "Parser::meter_parse", "tests::Parser::meter_parse"] {
        assert_eq!(measured.calls(name), Some(4), "{name}");
    }
    assert_eq!(measured.calls("meter_other"), Some(1));
    for name in ["parse", "never_met", "", "other::Parser::meter_parse", "xmeter_other"] {
        assert_eq!(measured.calls(name), None, "{name}");
    }
    let text = measured.to_string();
    assert!(text.starts_with("4 allocations (4 bytes), 0 reallocations, 4 frees"), "{text}");
    assert!(text.ends_with("1 bytes live at most; by function: Parser::meter_parse 4"), "{text}");
    assert_eq!(measure(|| ()).calls("meter_other"), Some(0));
}

#[test]
fn the_measure_itself_is_none_of_the_counts() {
    function!(AROUND, "meter_around");
    measure(|| ());
    {
        let _call = call(&AROUND);
        for _ in 0..10 {
            drop(measure(|| ()));
        }
    }
    let allocs = own().node("meter_around").allocs;
    assert_eq!((allocs.count, allocs.frees, allocs.bytes), (0, 0, 0));
}
