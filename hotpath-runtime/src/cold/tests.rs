use super::{after_span, within};
use crate::expression::{exit, site};
use crate::probe::call;
use crate::segment::layout::Node;
use crate::slab;
use crate::testing::{function, own};

/// Far more than any span of these tests takes.
const LONG: u64 = 1 << 50;

fn top() -> &'static Node {
    slab::current().node()
}

fn leave_out() {
    let slab = slab::current();
    slab.leave_out(LONG);
    // The next test's thread gets this slab, whose sum has to stay below its lifetime.
    slab.cold.add(LONG.wrapping_neg());
}

#[test]
fn no_timed_call_holds_cold_work_inside_of_it() {
    function!(OUTER, "cold_outer");
    function!(INNER, "cold_inner");
    {
        let _outer = call(&OUTER);
        let outer = top();
        {
            let _inner = call(&INNER);
            leave_out();
            assert!(outer.held.get() >= LONG && top().held.get() >= LONG);
        }
    }
    let own = own();
    for name in ["cold_outer", "cold_inner"] {
        let node = own.node(name);
        // More cold work than time: nothing is left, but nothing below that either.
        assert_eq!((node.sum, node.max), (0, 0), "{name}");
        assert_eq!(own.distributed(name, None), 1);
    }
}

#[test]
fn a_closed_call_takes_its_cold_work_along() {
    function!(F, "cold_once");
    for _ in 0..3 {
        let _call = call(&F);
    }
    let before = own().node("cold_once").sum;
    {
        let _call = call(&F);
        leave_out();
    }
    assert_eq!(own().node("cold_once").sum, before);
    {
        let _call = call(&F);
        assert_eq!(top().held.get(), 0);
    }
    assert_eq!(own().node("cold_once").timed, 5);
}

#[test]
fn a_call_that_is_open_is_read_without_its_cold_work() {
    function!(F, "cold_open");
    let _call = call(&F);
    leave_out();
    let own = own();
    assert_eq!((own.node("cold_open").open, own.node("cold_open").sum), (1, 0));
}

#[test]
fn a_sample_that_held_cold_work_does_not_stand_for_it() {
    function!(F, "cold_sample");
    let node = {
        let _call = call(&F);
        top()
    };
    // As the throttle leaves it: the next call is timed, and stands for 256.
    let count = 1024;
    node.countdown.count.set(count);
    node.countdown.next.set(count + 1);
    node.countdown.gap.set(256);
    let before = node.sums.ticks.get();
    {
        let _call = call(&F);
        leave_out();
    }
    let grown = node.sums.ticks.get().wrapping_sub(before).cast_signed();
    assert!(grown <= 0, "{grown} ticks for a span of which nothing was its own");
}

#[test]
fn a_call_that_is_not_timed_hands_cold_work_to_its_callers_expressions() {
    function!(OUTER, "cold_around", "clone");
    function!(INNER, "cold_untimed");
    let _outer = call(&OUTER);
    let outer = top();
    drop(call(&INNER));
    let inner = slab::current().children.follow(INNER.id()).expect("it was called");
    inner.countdown.next.set(u64::MAX);
    exit(site(&OUTER, 0), 0u8);
    let row = |own: crate::testing::Own| own.row("cold_around", 0).max;
    let before = row(own());
    {
        let token = site(&OUTER, 0);
        let within = outer.inner.get();
        {
            let _inner = call(&INNER);
            leave_out();
        }
        assert!(outer.inner.get().wrapping_sub(within) >= LONG);
        exit(token, 0u8);
    }
    assert!(inner.held.get() == 0 && row(own()) < LONG + before);
}

#[test]
fn cold_work_after_a_span_stays_out_of_the_one_around_it() {
    function!(F, "cold_after", "clone", "format");
    let _call = call(&F);
    let (slab, node) = (slab::current(), top());
    let _around = site(&F, 0);
    let span = site(&F, 1);
    let top = slab.spans.get(slab.top.get() - 1).expect("it is remembered");
    let own = || node.inner.get().wrapping_sub(top.outer.get());
    let before = own();
    after_span(slab, || ());
    assert_eq!(own(), before, "its own time was read before");
    within(slab, || std::hint::black_box(vec![0u8; 1 << 16]));
    assert_ne!(own(), before);
    exit(span, 0u8);
}

#[test]
fn recursion_takes_cold_work_out_once() {
    fn down(levels: u32) {
        function!(F, "cold_recursion");
        let _call = call(&F);
        if levels > 0 {
            down(levels - 1);
        } else {
            leave_out();
        }
    }
    down(3);
    let own = own();
    let outermost = own.nodes("cold_recursion")[0];
    assert_eq!((outermost.calls, outermost.sum), (1, 0));
    down(3);
    let sum: u64 = crate::testing::own().nodes("cold_recursion").iter().map(|node| node.sum).sum();
    assert!(sum < LONG);
}

#[test]
fn attaching_a_thread_is_cold_work() {
    let thread = std::thread::spawn(|| {
        function!(F, "cold_thread");
        drop(call(&F));
        let own = own();
        (own.slab_cold(), own.slab_lifetime())
    });
    let (cold, lifetime) = thread.join().expect("nothing panics");
    assert!(0 < cold && cold < lifetime, "{cold} of {lifetime} ticks");
}
