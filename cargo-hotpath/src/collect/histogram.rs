//! Distributions of spans, merged over threads and processes.

use std::collections::BTreeMap;

use hotpath_runtime::segment::reader::{ClockKind, Histogram};

use super::Local;
use super::clock::Rate;
use crate::profile::{Bucket, Function};

/// Counts by clock, lowest and highest value in ticks.
type Ticks = BTreeMap<(usize, u64, u64), u64>;

/// Buckets in ticks by (function, site): processes with one kind of clock have the same bounds in
/// ticks, but their rates, and so their bounds in nanoseconds, differ in the last digits.
#[derive(Default)]
pub(super) struct Histograms {
    of: BTreeMap<(usize, Option<usize>), Ticks>,
    clocks: Vec<(ClockKind, Rate)>,
}

impl Histograms {
    /// Adds those of one slab.
    pub(super) fn add(&mut self, histograms: &[Histogram], kind: ClockKind, local: Local<'_>) {
        let clock = self.clock(kind, local.rate);
        for histogram in histograms {
            let key = (local.functions[histogram.function], histogram.site);
            let buckets = self.of.entry(key).or_default();
            for &(low, high, count) in &histogram.buckets {
                let sum = buckets.entry((clock, low, high)).or_default();
                *sum = u64::saturating_add(*sum, count);
            }
        }
    }

    /// Index of the clock whose rate converts all histograms of this kind.
    fn clock(&mut self, kind: ClockKind, rate: Rate) -> usize {
        let known = self.clocks.iter().position(|(known, _)| *known == kind);
        known.unwrap_or_else(|| {
            self.clocks.push((kind, rate));
            self.clocks.len() - 1
        })
    }

    /// Puts the histograms into the functions and sites that they are of.
    pub(super) fn store(self, functions: &mut [Function]) {
        for ((function, site), ticks) in self.of {
            let mut buckets: Vec<Bucket> = ticks
                .into_iter()
                .filter(|&(_, count)| count > 0)
                .map(|((clock, low, high), count)| {
                    let rate = self.clocks[clock].1;
                    Bucket { low_ns: rate.ns(low), high_ns: rate.ns(high), count }
                })
                .collect();
            buckets.sort_by_key(|bucket| (bucket.low_ns, bucket.high_ns));
            buckets.dedup_by(|next, kept| {
                let same = (next.low_ns, next.high_ns) == (kept.low_ns, kept.high_ns);
                kept.count = kept.count.saturating_add(if same { next.count } else { 0 });
                same
            });
            let function = &mut functions[function];
            match site {
                None => function.histogram = buckets,
                Some(site) => function.sites[site].histogram = buckets,
            }
        }
    }
}
