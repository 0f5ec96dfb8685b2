//! Histograms: one per function or await site and slab; the last span waits in the slab.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::segment::cell::Link;
use crate::segment::layout::{BUCKETS, Histogram, Node, SUB_BUCKETS, Slab};
use crate::slab::{self, reach};
use crate::{clock, cold};

/// The smallest page that a system maps.
const PAGE: usize = 4096;

impl Histogram {
    /// The bucket of a span; `None` for one that is too long, or negative.
    #[inline(always)]
    pub(crate) fn bucket(&self, span: u64) -> Option<&AtomicU32> {
        self.buckets.get(index(span))
    }

    /// The bucket of any span.
    pub(crate) fn bucket_of(&self, span: u64) -> &AtomicU32 {
        &self.buckets[bucket(span)]
    }

    /// Touches its pages, so that no span has to.
    fn touch(&self) {
        for bucket in self.buckets.iter().step_by(PAGE / size_of::<AtomicU32>()) {
            bucket.store(0, Relaxed);
        }
        if let Some(last) = self.buckets.last() {
            last.store(0, Relaxed);
        }
    }

    /// Counts a span that stands for `weight`, at once.
    pub(crate) fn count(&self, span: u64, weight: u64) {
        add(self.bucket_of(span), weight as u32);
    }
}

#[inline(always)]
fn add(bucket: &AtomicU32, weight: u32) {
    if let Some(count) = bucket.load(Relaxed).checked_add(weight) {
        bucket.store(count, Relaxed);
    }
}

/// Adds one. A count that is full stays so.
#[inline(always)]
fn add_one(bucket: &AtomicU32) {
    let count = bucket.load(Relaxed).wrapping_add(1);
    bucket.store(count, Relaxed);
    if count == 0 {
        bucket.store(u32::MAX, Relaxed);
    }
}

/// The bucket of a span, the last one for what is too long.
pub(crate) fn bucket(span: u64) -> usize {
    index(span.clamp(1, i64::MAX as u64)).min(BUCKETS - 1)
}

#[inline(always)]
fn index(span: u64) -> usize {
    // The conversion to a float finds the octave: exponent and highest bits of the mantissa, less
    // the exponent of 1. Too high an index for 0 and for what is negative as an `i64`.
    let bits =
        (span.cast_signed() as f64).to_bits() >> (f64::MANTISSA_DIGITS - 1 - SUB_BUCKETS.ilog2());
    (bits as usize).wrapping_sub(1023 * SUB_BUCKETS)
}

impl Slab {
    /// Counts the span before this one, and keeps the bucket of this one. Counting it at once
    /// would have the next reading of the clock wait for that, which hangs on this one.
    #[inline(always)]
    pub(crate) fn distribute(&self, bucket: &'static AtomicU32) {
        if let Some(last) = self.pending.get() {
            add_one(last);
        }
        self.pending.set(Some(bucket));
    }

    /// Counts a span of a call that stands for `weight` calls, at once.
    pub(crate) fn distribute_call(&self, node: &Node, span: u64, weight: u64) {
        if self.is_none() {
            return;
        }
        let id = node.function.get();
        let known = node.histogram.get().or_else(|| self.histograms_by_function.follow(id));
        let make = || cold::within(self, || self.function_histogram(id));
        if let Some(histogram) = known.or_else(|| slab::change(make)) {
            // By another clock no call may go the short way, which this opens.
            if !clock::is_system() {
                node.histogram.set(Some(histogram));
            }
            histogram.count(span, weight);
        }
    }

    /// A function's histogram, found or made.
    fn function_histogram(&self, function: u64) -> Option<&'static Histogram> {
        let known = if reach(&self.histograms_by_function, function) {
            self.histograms_by_function.get(function)
        } else {
            None
        };
        let histogram = known.and_then(Link::get).or_else(|| self.make_histogram(function, 0))?;
        if let Some(entry) = known {
            entry.set(Some(histogram));
        }
        Some(histogram)
    }

    /// A new histogram; `site` is an index plus one, or 0 for the function.
    pub(crate) fn make_histogram(&self, function: u64, site: u64) -> Option<&'static Histogram> {
        if function == 0 {
            return None;
        }
        let histogram = self.allot::<Histogram>(1)?.first()?;
        histogram.function.set(function);
        histogram.site.set(site);
        histogram.touch();
        self.histograms.append(histogram, |histogram| &histogram.newer);
        Some(histogram)
    }
}
