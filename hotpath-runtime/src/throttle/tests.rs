use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Waker};

use super::ALWAYS;
use crate::expression::{exit, grow, site};
use crate::future::frame;
use crate::probe::call;
use crate::segment::layout::{Countdown, Slab, Sums};
use crate::testing::{all_short, function, own};
use crate::{map, slab};

const SHORT: u64 = 1_000;

/// A site on a clock of its own.
struct Simulated {
    slab: &'static Slab,
    countdown: Countdown,
    sums: Sums,
    truth: u64,
}

impl Simulated {
    fn new(short: u64, inside: u64) -> Self {
        let slab = map::private(64 * 1024).and_then(Slab::make).expect("memory");
        slab.short.set(short);
        slab.inside.set(inside);
        slab.random.set(1);
        Self { slab, countdown: Countdown::new(ALWAYS), sums: Sums::new(), truth: 0 }
    }

    fn run(mut self, spans: impl IntoIterator<Item = u64>) -> Self {
        for span in spans {
            self.truth += span;
            if self.countdown.step() < self.countdown.next.get() {
                continue;
            }
            let seen = span + self.slab.inside.get();
            if self.countdown.is_plain() {
                self.sums.record(seen);
            } else {
                self.countdown.record(self.slab, &self.sums, seen, self.slab.inside.get());
            }
        }
        self
    }

    fn timed(&self) -> u64 {
        self.sums.timed.get()
    }

    /// The estimate as the reader makes it.
    fn estimate(&self) -> f64 {
        let known = self.timed() + self.sums.skipped.get();
        self.sums.ticks.get() as f64 * self.countdown.count.get() as f64 / known as f64
    }

    fn error(&self) -> f64 {
        f64::from_bits(self.sums.variance.get()).sqrt()
    }

    /// The error is small, and the estimate no more than five of it away from `truth`.
    fn assert_near(&self, truth: f64) {
        let (estimate, error) = (self.estimate(), self.error());
        assert!(error < truth / 10.0, "{error} of {truth}");
        assert!((estimate - truth).abs() <= 5.0 * error + 1e-9 * truth, "{estimate}, not {truth}");
    }
}

#[test]
fn a_periodic_program_is_estimated_within_its_error() {
    for period in [2, 3, 4, 7, 16, 64, 100, 256] {
        let spans = (0..1_000_000).map(|i| if i % period == 0 { 900 } else { 20 });
        let site = Simulated::new(SHORT, 0).run(spans);
        assert_eq!(site.countdown.count.get(), 1_000_000);
        assert!(site.timed() < 15_000, "{}", site.timed());
        assert!(site.timed() + site.sums.skipped.get() <= 1_000_000);
        site.assert_near(site.truth as f64);
    }
}

#[test]
fn spans_of_one_length_are_exact() {
    let site = Simulated::new(SHORT, 0).run(vec![70; 300_000]);
    assert!(site.timed() < 300_000 / 20);
    assert_eq!((site.estimate(), site.error()), (site.truth as f64, 0.0));
}

#[test]
fn what_was_slow_at_first_does_not_stand_for_the_rest() {
    let spans = (0..500_000).map(|i| if i < 1_000 { 990 } else { 30 + i % 2 });
    let site = Simulated::new(SHORT, 0).run(spans);
    assert!(site.timed() < 20_000);
    site.assert_near(site.truth as f64);
}

#[test]
fn one_slow_span_switches_nothing_off() {
    for at in [0, 500, 1_023] {
        let site = Simulated::new(SHORT, 0)
            .run((0..100_000).map(|i| if i == at { 1_000_000_000 } else { 50 }));
        assert!(site.timed() < 10_000, "{}", site.timed());
        // The last spans, for which none stands yet, are taken for as long as the others.
        assert!((site.estimate() / site.truth as f64 - 1.0).abs() < 7.0 / 1_024.0);
    }
    // Whichever of them is timed.
    let site = Simulated::new(SHORT, 0)
        .run((0..1_000_000).map(|i| if i % 10_000 == 9_999 { 1_000_000 } else { 50 }));
    assert!(site.timed() < 25_000, "{}", site.timed());
}

#[test]
fn long_spans_are_all_timed() {
    let site = Simulated::new(SHORT, 0).run((0..50_000).map(|i| SHORT + i % 5_000));
    assert_eq!((site.timed(), site.sums.skipped.get()), (50_000, 0));
    assert_eq!(site.sums.ticks.get(), site.truth);
}

#[test]
fn a_thread_that_was_held_up_counts_once() {
    let held_up = |i: u64| if i % 5_000 == 4_999 { 4_000_000 } else { 50 };
    let site = Simulated::new(SHORT, 0).run((0..1_000_000).map(held_up));
    assert!(site.timed() < 25_000);
    // At most all of it, and not what a few of these would be times all that they stand for.
    assert!(site.estimate() < 1.01 * site.truth as f64 && site.estimate() > 49_000_000.0);
}

#[test]
fn spans_below_0_keep_sums_right() {
    // Alternately 40 too many and 40 too few are taken out of spans of 30.
    let spans = (0..200_000).map(|i| if i % 2 == 0 { 70 } else { 10_u64.wrapping_neg() });
    let mut site = Simulated::new(SHORT, 0);
    for span in spans {
        if site.countdown.step() < site.countdown.next.get() {
            continue;
        }
        if site.countdown.is_plain() {
            site.sums.record(span);
        } else {
            site.countdown.record(site.slab, &site.sums, span, 0);
        }
        site.truth = 200_000 * 30;
    }
    assert!(site.timed() < 15_000 && site.sums.max.get() == 70);
    site.assert_near(site.truth as f64);
}

#[test]
fn a_site_that_becomes_long_is_timed_again() {
    let mut site = Simulated::new(SHORT, 0).run(vec![50; 20_000]);
    let before = site.timed();
    assert!(before < 10_000);
    site = site.run(vec![1_000_000; 20_000]);
    assert!(site.timed() - before > 19_000, "{}", site.timed() - before);
    assert!((site.estimate() / site.truth as f64 - 1.0).abs() < 0.02);
}

#[test]
fn spans_that_were_not_timed_hold_no_clock_reading() {
    let site = Simulated::new(SHORT, 26).run(vec![50; 200_000]);
    let inside = 26 * site.timed();
    let off = site.estimate() - (site.truth + inside) as f64;
    assert!(off.abs() < 1e-3 * site.truth as f64, "{off}");
}

#[test]
fn switched_off_it_leaves_nothing_out() {
    let site = Simulated::new(0, 0).run(vec![1; 20_000]);
    assert_eq!((site.timed(), site.estimate()), (20_000, 20_000.0));
}

#[test]
fn counts_and_allocations_of_a_throttled_child_are_exact() {
    function!(PARENT, "throttle_parent");
    function!(CHILD, "throttle_child", "clone", "grow");
    let _all_short = all_short();
    let mut sums = None;
    {
        let _parent = call(&PARENT);
        for i in 0..100_000u64 {
            let child = call(&CHILD);
            exit(site(&CHILD, 0), black_box(Box::new(i)));
            exit(grow(&CHILD, 1), ());
            if sums.is_none() && child.open.parts().2 == 0 {
                let sum = || slab::aside(None, || own().node("throttle_child").sum);
                sums = Some((sum(), sum()));
            }
        }
    }
    let (first, second) = sums.expect("most calls are not timed");
    assert_eq!(first, second, "a reader must not close what has no start");
    let own = own();
    let (parent, child) = (own.node("throttle_parent"), own.node("throttle_child"));
    assert_eq!((parent.calls, parent.timed, parent.open, parent.variance), (1, 1, 0, 0.0));
    assert_eq!((child.calls, child.open, child.allocs.count), (100_000, 0, 100_000));
    assert!((1_024..30_000).contains(&child.timed), "{}", child.timed);
    assert_eq!(child.allocs.frees, 100_000);
    let (clone, grow) = (own.row("throttle_child", 0), own.row("throttle_child", 1));
    assert_eq!((clone.count, clone.allocs.count, clone.allocs.frees), (100_000, 100_000, 0));
    assert!((1_024..30_000).contains(&clone.timed), "{}", clone.timed);
    assert_eq!((grow.count, grow.timed, grow.ticks), (100_000, 0, 0));
    // Weighted: what a timed call stands for is distributed with it.
    let distributed = own.distributed("throttle_child", None);
    assert!((99_400..=100_000).contains(&distributed), "{distributed}");
}

#[test]
fn an_expression_that_is_not_timed_is_not_its_surroundings_own() {
    function!(F, "throttle_inner", "clone", "grow");
    let _all_short = all_short();
    let _call = call(&F);
    let _around = grow(&F, 1);
    let (slab, mut skipped) = (slab::current(), 0);
    for _ in 0..20_000 {
        let countdown = slab.rows.follow(F.site_id(0)).map(|row| &row.countdown);
        let is_timed = countdown.is_none_or(|c| c.count.get() + 1 >= c.next.get());
        let (mean, before) = (countdown.map(|c| c.mean.get()), slab.node().inner.get());
        exit(site(&F, 0), ());
        if !is_timed {
            skipped += 1;
            assert_eq!(Some(slab.node().inner.get().wrapping_sub(before)), mean);
        }
    }
    assert!(skipped > 10_000, "{skipped}");
}

fn even(depth: u64) {
    function!(EVEN, "throttle_even");
    let _call = call(&EVEN);
    if depth > 0 {
        odd(depth - 1);
    }
}

fn odd(depth: u64) {
    function!(ODD, "throttle_odd");
    let _call = call(&ODD);
    if depth > 0 {
        even(depth - 1);
    }
}

#[test]
fn a_recursion_through_throttled_nodes_comes_back() {
    function!(TOP, "throttle_top");
    let _all_short = all_short();
    let _top = call(&TOP);
    let top = slab::current().node();
    for depth in [1, 7] {
        for _ in 0..20_000 {
            even(depth);
            assert!(core::ptr::eq(slab::current().node(), top));
        }
    }
    let own = own();
    let calls = |name: &str| own.nodes(name).iter().map(|node| node.calls).sum::<u64>();
    assert_eq!((calls("throttle_even"), calls("throttle_odd")), (100_000, 100_000));
    assert!(own.node("throttle_odd").timed < 100_000);
    let nodes = own.nodes("throttle_even").into_iter().chain(own.nodes("throttle_odd"));
    assert!(nodes.into_iter().all(|node| node.open == 0));
}

#[test]
fn polls_are_throttled_and_waits_are_exact() {
    function!(async F, "throttle_async");
    let _all_short = all_short();
    let mut context = Context::from_waker(Waker::noop());
    let mut pended = 0;
    for i in 0..20_000 {
        let is_late = i % 10 == 0;
        let mut polls = 0;
        let mut future = pin!(frame(
            &F,
            std::future::poll_fn(move |_| {
                polls += 1;
                if is_late && polls == 1 {
                    return std::task::Poll::Pending;
                }
                std::task::Poll::Ready(())
            })
        ));
        while future.as_mut().poll(&mut context).is_pending() {
            pended += 1;
        }
    }
    let own = own();
    let node = own.node("throttle_async");
    assert_eq!((node.calls, node.polls, node.open, pended), (20_000, 22_000, 0, 2_000));
    assert!((1_024..15_000).contains(&node.timed), "{}", node.timed);
    assert!(node.wait > 0);
}

/// A generic function's site: one countdown, and sums for each type.
#[test]
fn a_short_type_beside_a_long_one_spoils_no_sum() {
    for short_one_in in [2, 7, 100] {
        let site = Simulated::new(SHORT, 0);
        let (long, light) = (Sums::new(), Sums::new());
        let mut truth = 0;
        for i in 0..200_000_u64 {
            // Not in step with the looks.
            let is_light = i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 < (1 << 32) / short_one_in;
            let (sums, span) = if is_light { (&light, 20) } else { (&long, 10_000) };
            truth += span;
            if site.countdown.step() < site.countdown.next.get() {
                assert!(site.countdown.mean.get() < 2 * 10_000, "{}", site.countdown.mean.get());
                continue;
            }
            if site.countdown.is_plain() {
                sums.record(span);
            } else {
                site.countdown.record(site.slab, sums, span, 0);
            }
        }
        let estimate = (long.ticks.get() + light.ticks.get()) as f64;
        assert!((estimate / truth as f64 - 1.0).abs() < 0.1, "{estimate} of {truth}");
    }
}
