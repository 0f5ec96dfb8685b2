//! Histograms: one per function or await site and slab; the last span waits in the slab.

use core::sync::atomic::Ordering::Relaxed;

use crate::segment::cell::Link;
use crate::segment::layout::{Histogram, Node, Slab, bucket};
use crate::slab::reach;

impl Histogram {
    #[inline(always)]
    pub(crate) fn count(&self, span: u64, weight: u64) {
        if let Some(bucket) = self.buckets.get(bucket(span)) {
            bucket.store(bucket.load(Relaxed).saturating_add(weight as u32), Relaxed);
        }
    }
}

impl Slab {
    /// Counts the span before this one. What it hangs on is old by now, so that it costs nothing
    /// beside the clock; counting this one at once would wait for the clock's second reading.
    #[inline(always)]
    pub(crate) fn distribute(&self, histogram: &'static Histogram, span: u64) {
        if let Some(last) = self.pending.get() {
            last.count(self.pending_span.get(), 1);
        }
        self.pending.set(Some(histogram));
        self.pending_span.set(span);
    }

    /// Counts a span of a call that stands for `weight` calls, at once.
    pub(crate) fn distribute_call(&self, node: &Node, span: u64, weight: u64) {
        if node.histogram.get().is_none() && !self.is_none() {
            node.histogram.set(self.function_histogram(node.function.get()));
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
        self.histograms.append(histogram, |histogram| &histogram.newer);
        Some(histogram)
    }
}
