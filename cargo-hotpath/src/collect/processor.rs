//! CPU time in measured functions and outside of them, from what the threads' CPU clocks said.

use hotpath_runtime::segment::reader::{Node, Processor, Ran, Segment, Slab};

use super::clock::Rate;
use super::tree::LIKELY_ERRORS;
use crate::profile::CpuTime;

/// Looks below which a thread tells too little of its own: a few long stretches may have been missed.
const LEAST_LOOKS: u64 = 200;

/// The same of looks into polls.
const LEAST_INSIDE: u64 = 100;

/// Spans that close unseen, for each that is seen, up to which any poll is about as likely to be looked at:
/// one that comes after an unseen close never is.
const MOST_UNSEEN: f64 = 0.05;

/// Part of the time in measured functions that must be of threads that were looked at enough.
const LEAST_KNOWN: f64 = 0.5;

/// Adds it up over threads and processes.
#[derive(Default)]
pub(super) struct Processors {
    threads: Vec<Share>,
}

/// What the threads of one slab had, nanoseconds.
struct Share {
    /// All their CPU time; not known where the process was killed.
    all: Option<f64>,
    /// Whether enough was looked at, and all that was not is like it.
    is_known: bool,
    looks: u64,
    /// In spans that are looked at: how long they took; CPU time by the looks.
    spans: (f64, f64),
    /// In functions most of whose spans are not timed. What delays one of those counts once, not for
    /// all that it stands for: so it is CPU time.
    short: f64,
    outside: f64,
    variance: f64,
}

impl Processors {
    /// Adds a slab whose measured functions took `inside` ticks.
    pub(super) fn add(&mut self, segment: &Segment, slab: &Slab, inside: u64, rate: Rate) {
        let processor = slab.processor.unwrap_or_default();
        let Processor { thread_ns, inside: ran, outside, after_thinned } = processor;
        let outermost = || slab.nodes.iter().filter(|node| node.parent == Some(0));
        let polled = || outermost().filter(|node| node.polls > 0);
        let timed = polled().fold(0.0, |sum, node| sum + node.timed as f64);
        let unseen = polled().fold(0.0, |sum, node| sum + opened(node) - node.timed as f64);
        // Sync functions don't tell when they close, and what comes after them is not looked at.
        let calls = outermost().filter(|node| node.polls == 0);
        let calls = calls.fold(0.0, |sum, node| sum + opened(node));
        let short = outermost().filter(|node| is_thinned_out(node));
        let short = short.fold(0_u64, |sum, node| sum.saturating_add(node.sum)).min(inside);
        let long = outermost().filter(|node| !is_thinned_out(node));
        let polls = long.fold(0.0, |sum, node| sum + opened(node));
        let took = inside - short;
        let ran_ns = if unseen > MOST_UNSEEN * timed {
            ratio_of(&ran, took as f64)
        } else {
            ran_of(&ran, polls, took as f64)
        };
        let (after, variance) = scaled(&outside, timed);
        let (after_short, short_variance) = scaled(&after_thinned, unseen);
        let looks = outside.looks.saturating_add(after_thinned.looks);
        self.threads.push(Share {
            all: thread_ns.filter(|_| segment.process.exited).map(|ns| ns as f64),
            is_known: looks >= LEAST_LOOKS
                && ran.looks >= LEAST_INSIDE
                && calls <= MOST_UNSEEN * timed,
            looks,
            spans: (rate.exact_ns(took), ran_ns),
            short: rate.exact_ns(short),
            outside: after + after_short,
            variance: variance + short_variance,
        });
    }

    /// `None` where too little was looked at.
    pub(super) fn finish(self) -> Option<CpuTime> {
        let (known, unknown): (Vec<&Share>, Vec<&Share>) =
            self.threads.iter().partition(|share| share.is_known);
        let sum = |of: fn(&Share) -> f64| known.iter().map(|share| of(share)).sum::<f64>();
        let (took, ran) = (sum(|share| share.spans.0), sum(|share| share.spans.1));
        let whole = |share: &Share| share.spans.0 + share.short;
        let all: f64 = self.threads.iter().map(whole).sum();
        if known.is_empty() || sum(whole) < LEAST_KNOWN * all {
            return None;
        }
        let mut inside = ran + sum(|share| share.short);
        let mut outside = Some(sum(|share| share.outside));
        // Threads with little to look at run about as much of the time in functions as the others do; the
        // rest of their CPU time lies outside.
        let usual = if took > 0.0 { (ran / took).min(1.0) } else { 1.0 };
        for share in unknown {
            let own = share.spans.0 * usual + share.short;
            let own = share.all.map_or(own, |all| own.min(all));
            inside += own;
            outside = outside.zip(share.all).map(|(sum, all)| sum + (all - own));
        }
        let error = LIKELY_ERRORS * sum(|share| share.variance).sqrt();
        Some(CpuTime {
            inside_ns: inside as u64,
            outside_ns: outside.map(|ns| ns as u64),
            outside_error_ns: outside.map(|_| error as u64),
            looks: known.iter().fold(0, |sum, share| sum.saturating_add(share.looks)),
        })
    }
}

/// How often a function was called, or polled.
fn opened(node: &Node) -> f64 {
    match node.polls {
        0 => node.calls as f64,
        polls => polls as f64 + node.cancelled as f64,
    }
}

/// Whether most of its spans were not timed.
fn is_thinned_out(node: &Node) -> bool {
    opened(node) > 2.0 * node.timed as f64
}

/// CPU time of polls that took so many ticks in all, at the share of those that were looked at.
fn ratio_of(ran: &Ran, ticks: f64) -> f64 {
    if ran.ticks == 0 { 0.0 } else { ran.cpu_ns as f64 * ticks / ran.ticks as f64 }
}

/// CPU time of so many polls that took so many ticks in all: that of those that were looked at, corrected
/// by how much longer they took than all did, as far as longer ones had more of it (regression estimator,
/// Cochran, Sampling Techniques, 7.1). A poll that waited long for a processor took long, and had no more.
fn ran_of(ran: &Ran, polls: f64, ticks: f64) -> f64 {
    if ran.polls == 0 {
        return 0.0;
    }
    let each = 1.0 / ran.polls as f64;
    let (cpu, took) = (ran.cpu_ns as f64 * each, ran.ticks as f64 * each);
    let variance = ran.tick_squares * each - took * took;
    let together = ran.products * each - took * cpu;
    let slope = if variance > 0.0 { together / variance } else { 0.0 };
    (polls * cpu + slope * (ticks - polls * took)).max(0.0)
}

/// CPU time of all that was looked at a part of, which comes after so many spans; and its variance.
fn scaled(ran: &Ran, spans: f64) -> (f64, f64) {
    if ran.polls == 0 {
        return (0.0, 0.0);
    }
    let each = spans / ran.polls as f64;
    (ran.cpu_ns as f64 * each, ran.squares * each * each)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(is_known: bool, all: Option<f64>) -> Share {
        let (spans, short, outside) = ((100.0, 50.0), 10.0, 30.0);
        Share { all, is_known, looks: 300, spans, short, outside, variance: 4.0 }
    }

    #[test]
    fn threads_with_little_to_look_at_are_taken_for_like_the_others() {
        let time = |threads| Processors { threads }.finish();
        let looked = || share(true, Some(1_000.0));
        let CpuTime { inside_ns, outside_ns, outside_error_ns, looks } =
            time(vec![looked(), share(false, Some(65.0))]).unwrap();
        assert_eq!((inside_ns, outside_ns, looks), (60 + 60, Some(30 + 5), 300));
        assert_eq!(outside_error_ns, Some((LIKELY_ERRORS * 2.0) as u64));
        // It ran for less than its functions took.
        let little = time(vec![looked(), share(false, Some(20.0))]).unwrap();
        assert_eq!((little.inside_ns, little.outside_ns), (60 + 20, Some(30)));
        let killed = time(vec![looked(), share(false, None)]).unwrap();
        assert_eq!((killed.inside_ns, killed.outside_ns), (60 + 60, None));
        // Of one in three nothing is said of the other two.
        assert_eq!(time(vec![looked(), share(false, None), share(false, None)]), None);
        assert_eq!(time(vec![share(false, Some(65.0))]), None);
        assert_eq!(time(Vec::new()), None);
    }

    #[test]
    fn what_delays_polls_is_no_cpu_time() {
        // Each of them 10 ns, whatever it took: 20 or 40 ticks.
        let mut ran = Ran { looks: 4, polls: 4, cpu_ns: 40, ticks: 120, ..Ran::default() };
        (ran.tick_squares, ran.products) = (2.0 * 400.0 + 2.0 * 1_600.0, 1_200.0);
        let all = |of: f64| of.round() as u64;
        assert_eq!(all(ran_of(&ran, 100.0, 5_000.0)), 1_000);
        // Half of what each took.
        (ran.cpu_ns, ran.products) = (60, 2_000.0);
        assert_eq!(all(ran_of(&ran, 100.0, 5_000.0)), 2_500);
        assert_eq!(all(ran_of(&Ran::default(), 100.0, 5_000.0)), 0);
        assert_eq!(all(ratio_of(&ran, 5_000.0)), 2_500);
        assert_eq!(all(ratio_of(&Ran::default(), 5_000.0)), 0);
    }
}
