//! Histograms: one per function or await site and slab; the last span waits in the slab.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::segment::cell::Link;
use crate::segment::layout::{BUCKETS, Histogram, Node, SUB_BUCKETS, Slab};
use crate::cold;
use crate::slab::reach;

/// The smallest page that a system maps.
const PAGE: usize = 4096;

impl Histogram {
    #[inline(always)]
    fn bucket(&self, span: u64) -> Option<&AtomicU32> {
        self.buckets.get(bucket(span))
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
        if let Some(bucket) = self.bucket(span) {
            add(bucket, weight as u32);
        }
    }
}

#[inline(always)]
fn add(bucket: &AtomicU32, weight: u32) {
    if let Some(count) = bucket.load(Relaxed).checked_add(weight) {
        bucket.store(count, Relaxed);
    }
}

/// The bucket of a span.
#[inline(always)]
pub(crate) fn bucket(span: u64) -> usize {
    let shift = 58 - (span | SUB_BUCKETS as u64).leading_zeros() as usize;
    let index = shift * SUB_BUCKETS + (span >> shift) as usize;
    // A branch, that nothing has to wait for.
    if index < BUCKETS { index } else { last_bucket() }
}

#[cold]
fn last_bucket() -> usize {
    BUCKETS - 1
}

impl Slab {
    /// Counts the span before this one, and finds the bucket of this one. Counting it at once
    /// would have the next reading of the clock wait for that, which hangs on this one.
    #[inline(always)]
    pub(crate) fn distribute(&self, histogram: &'static Histogram, span: u64) {
        if let Some(last) = self.pending.get() {
            add(last, 1);
        }
        self.pending.set(histogram.bucket(span));
    }

    /// Counts a span of a call that stands for `weight` calls, at once.
    pub(crate) fn distribute_call(&self, node: &Node, span: u64, weight: u64) {
        if node.histogram.get().is_none() && !self.is_none() {
            let histogram = cold::within(self, || self.function_histogram(node.function.get()));
            node.histogram.set(histogram);
        }
        if let Some(histogram) = node.histogram.get() {
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
