use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use crate::future::frame;
use crate::probe::call;
use crate::segment::layout::Processor;
use crate::site::Function;
use crate::testing::{function, own, segment};
use crate::{slab, sys};

/// Some hundred nanoseconds.
fn work() -> u64 {
    (0..200).fold(0, |sum, i| black_box(sum ^ i))
}

/// Pends so often, with work in each poll, and no measured function around.
fn poll_often(function: &'static Function, times: u32, between: impl Fn()) {
    let mut left = times;
    let mut future = pin!(frame(
        function,
        poll_fn(|_| {
            black_box(work());
            left -= 1;
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
    ));
    let context = &mut Context::from_waker(Waker::noop());
    while future.as_mut().poll(context).is_pending() {
        between();
    }
}

fn processor() -> &'static Processor {
    slab::attached().processor.get().expect("it has room")
}

/// Has the looks begin as in a new slab. An earlier thread of this one may have left a look that stands for
/// more polls than a test makes, where reading the CPU clock takes long.
fn start_over() {
    let (slab, processor) = (slab::attached(), processor());
    processor.read_ns.set(0);
    processor.period.set(0);
    processor.weight.set(0);
    slab.polls_left.set(0);
}

#[test]
fn polls_and_what_lies_between_them_are_looked_at() {
    function!(async F, "polled alone");
    start_over();
    let before = own().processor();
    poll_often(&F, 20_000, || {
        black_box(work());
    });
    let own = own();
    let node = own.node("polled alone");
    assert_eq!((node.calls, node.polls), (1, 20_000));
    // An earlier thread may have had the slab.
    let seen = own.processor();
    for (before, ran) in [(before.inside, seen.inside), (before.outside, seen.outside)] {
        let (looks, polls) = (ran.looks - before.looks, ran.polls - before.polls);
        assert!(looks > 0 && ran.ticks > before.ticks, "{seen:?}");
        // Each poll has one that stands for it, as far as a look has come about.
        assert!((looks..=20_000).contains(&polls), "{polls} {seen:?}");
    }
    assert_eq!(seen.thread_ns, before.thread_ns, "it has not ended");
}

#[test]
fn calls_between_polls_are_counted_whether_or_not_one_is_waited_for() {
    function!(async F, "polled between calls");
    function!(BETWEEN, "between polls");
    function!(NEW, "never called");
    start_over();
    let before = own().processor();
    poll_often(&F, 5_000, || {
        let _call = call(&BETWEEN);
        black_box(work());
        if work() == 1 {
            let _never = call(&NEW);
        }
    });
    let own = own();
    assert_eq!(
        (own.node("polled between calls").polls, own.node("between polls").calls),
        (5_000, 4_999)
    );
    let seen = own.processor();
    assert!(
        seen.outside.looks > before.outside.looks,
        "it ends where the sync call begins: {seen:?}"
    );
    assert_eq!(seen.inside.looks, before.inside.looks, "and that one does not tell when it closes");
}

#[test]
fn polls_inside_of_measured_functions_are_not_looked_at() {
    function!(OUTER, "around polls");
    function!(async F, "polled inside");
    let before = own().processor();
    {
        let _call = call(&OUTER);
        poll_often(&F, 5_000, || {});
    }
    let own = own();
    assert_eq!(own.node("polled inside").polls, 5_000);
    assert_eq!(own.processor(), before);
}

#[test]
fn a_thread_that_ends_leaves_its_cpu_time_and_a_slab_that_finds_its_calls() {
    function!(async F, "handed_on");
    function!(SYNC, "sync");
    for _ in 0..20 {
        let stage = thread::spawn(|| {
            start_over();
            poll_often(&F, 1, || {});
            // Some systems tell it in steps of milliseconds.
            while sys::cpu_ns() == Some(0) {
                black_box(work());
            }
            processor().stage.get()
        });
        let stage = stage.join().expect("it does not panic");
        assert_eq!(stage, super::OUTSIDE, "the thread ended while a call was waited for");
        // Likely by the same slab.
        thread::spawn(|| {
            assert_ne!(processor().stage.get(), super::OUTSIDE);
            for _ in 0..3 {
                let _call = call(&SYNC);
            }
        })
        .join()
        .expect("it does not panic");
    }
    let segment = segment();
    let name = |index: usize| segment.functions[index].name.as_str();
    let nodes = segment.slabs.iter().flat_map(|slab| &slab.nodes);
    let calls = nodes.filter(|node| node.function.map(name) == Some("sync")).map(|node| node.calls);
    assert_eq!(calls.sum::<u64>(), 60);
    let cpu = |slab: &crate::segment::reader::Slab| {
        slab.processor.and_then(|it| it.thread_ns).unwrap_or(0)
    };
    assert!(segment.slabs.iter().map(cpu).sum::<u64>() > 0);
}
