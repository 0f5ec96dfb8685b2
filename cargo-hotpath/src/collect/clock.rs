//! Ticks of a segment's clock to nanoseconds.

use hotpath_runtime::segment::reader::{self, Anchor, ClockKind, Segment, SystemReason};

use crate::profile::Allocs;

/// Below this distance between two anchors their own reading time makes the rate too coarse.
const SHORTEST_BASELINE_NS: u64 = 1_000_000;

/// Nanoseconds per tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate(f64);

impl Rate {
    #[cfg(test)]
    pub(super) fn new(ns_per_tick: f64) -> Self {
        Self(ns_per_tick)
    }

    /// `ticks` in whole nanoseconds.
    pub(super) fn ns(self, ticks: u64) -> u64 {
        self.exact_ns(ticks).round() as u64
    }

    /// `ticks` in nanoseconds.
    pub(super) fn exact_ns(self, ticks: u64) -> f64 {
        ticks as f64 * self.0
    }

    /// The standard error in nanoseconds, of a variance in ticks squared.
    pub(super) fn error_ns(self, variance: f64) -> f64 {
        variance.sqrt() * self.0
    }

    /// Allocator operations with their times converted.
    pub(super) fn allocs(self, allocs: &reader::Allocs) -> Allocs {
        Allocs {
            count: allocs.count,
            bytes: allocs.bytes,
            reallocs: allocs.reallocs,
            moved_bytes: allocs.moved_bytes,
            grown_bytes: allocs.grown_bytes,
            realloc_ns: self.ns(allocs.realloc_ticks),
            frees: allocs.frees,
            freed_bytes: allocs.freed_bytes,
        }
    }
}

/// The reading after the workload's exit, in the ticks of a segment of this `kind`.
pub(super) fn exit_anchor(kind: ClockKind, exited: Option<Anchor>) -> Option<Anchor> {
    let exited = exited?;
    if kind == ClockKind::System {
        Some(Anchor { ticks: exited.monotonic_ns, ..exited })
    } else {
        (kind == reader::native_clock()).then_some(exited)
    }
}

/// One rate per segment: from its own anchors, stretched to the exit where that is later, so that
/// short processes get a precise one too.
///
/// A segment whose anchors give none takes that of the longest baseline of the same kind.
pub(super) fn rates(
    segments: &[Segment],
    exited: Option<Anchor>,
    notes: &mut Vec<String>,
) -> Vec<Rate> {
    let measured: Vec<Option<Baseline>> =
        segments.iter().map(|segment| Baseline::of(segment, exited)).collect();
    let longest = |kind| {
        let of_kind = segments.iter().zip(&measured).filter(|(s, _)| s.clock.kind == kind);
        of_kind.filter_map(|(_, baseline)| *baseline).max_by_key(|baseline| baseline.ns)
    };
    let mut rates = Vec::with_capacity(segments.len());
    for (segment, baseline) in segments.iter().zip(&measured) {
        let kind = segment.clock.kind;
        let usable = baseline.filter(|baseline| baseline.ns >= SHORTEST_BASELINE_NS);
        rates.push(match usable.or_else(|| longest(kind)) {
            _ if kind == ClockKind::System => Rate(1.0),
            Some(baseline) => baseline.rate(),
            None => {
                notes.push(format!(
                    "process {}: its clock was never read twice, its times are in ticks",
                    segment.process.pid
                ));
                Rate(1.0)
            }
        });
    }
    rates
}

/// What is to know of the clocks that the processes read.
pub(super) fn caveats(segments: &[Segment], notes: &mut Vec<String>) {
    let mut counts: Vec<(SystemReason, u64)> = Vec::new();
    for reason in segments.iter().filter_map(|segment| segment.clock.system_reason) {
        match counts.iter_mut().find(|(counted, _)| *counted == reason) {
            Some((_, count)) => *count += 1,
            None => counts.push((reason, 1)),
        }
    }
    for (reason, count) in counts {
        notes.push(format!(
            "{count} of {} processes took the system's clock, which costs more to read: {}",
            segments.len(),
            words(reason)
        ));
    }
    for segment in segments.iter().filter(|segment| segment.clock.off_ppm > 0) {
        notes.push(format!(
            "process {}: its clock changed its rate by {:.2} % or more while it ran (the machine \
             was suspended, or moved to another host): its times may be off by as much; run the \
             workload again, or with CARGO_HOTPATH_CLOCK=system",
            segment.process.pid,
            segment.clock.off_ppm as f64 / 1e4
        ));
    }
}

fn words(reason: SystemReason) -> &'static str {
    match reason {
        SystemReason::Asked => "CARGO_HOTPATH_CLOCK=system asks for it",
        SystemReason::NoCounter => "the processor has no counter that a program may read",
        SystemReason::NotInvariant => "the processor's counter may change its rate",
        SystemReason::NotTrusted => "the kernel doesn't go by the processor's counter",
        SystemReason::Slow => "reading the processor's counter takes over 200 ns here",
        SystemReason::WentBack => "the processor's counter went back",
        SystemReason::Uneven => "the processor's counter ran unevenly",
    }
}

/// The distance between two anchors.
#[derive(Clone, Copy)]
struct Baseline {
    ticks: u64,
    ns: u64,
}

impl Baseline {
    fn of(segment: &Segment, exited: Option<Anchor>) -> Option<Self> {
        let clock = segment.clock;
        let exited = exit_anchor(clock.kind, exited)
            .and_then(|exited| Self::between(clock.start, exited))
            .filter(|whole| whole.ticks >= clock.end.ticks.saturating_sub(clock.start.ticks));
        exited.or_else(|| Self::between(clock.start, clock.end))
    }

    fn between(from: Anchor, to: Anchor) -> Option<Self> {
        let ticks = to.ticks.checked_sub(from.ticks).filter(|&ticks| ticks > 0)?;
        let ns = to.monotonic_ns.checked_sub(from.monotonic_ns).filter(|&ns| ns > 0)?;
        Some(Self { ticks, ns })
    }

    fn rate(self) -> Rate {
        Rate(self.ns as f64 / self.ticks as f64)
    }
}
