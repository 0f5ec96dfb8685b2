//! Histograms: one per function or await site and slab; the last span waits in the slab.

use core::sync::atomic::Ordering::Relaxed;

use crate::segment::cell::Link;
use crate::segment::layout::{Histogram, Node, Slab, bucket};
use crate::slab::reach;

impl Histogram {
    #[inline(always)]
    fn count(&self, span: u64) {
        if let Some(bucket) = self.buckets.get(bucket(span)) {
            bucket.store(bucket.load(Relaxed).saturating_add(1), Relaxed);
        }
    }
}

impl Slab {
    /// Counts the span before this one. What it hangs on is old by now, so that it costs nothing
    /// beside the clock; counting this one at once would wait for the clock's second reading.
    #[inline(always)]
    pub(crate) fn distribute(&self, histogram: &'static Histogram, span: u64) {
        if let Some(last) = self.pending.get() {
            last.count(self.pending_span.get());
        }
        self.pending.set(Some(histogram));
        self.pending_span.set(span);
    }

    /// Counts a span of a call, timed or not (a start of 0).
    #[inline(always)]
    pub(crate) fn distribute_call(&self, node: &Node, start: u64, span: u64) {
        match node.histogram.get() {
            Some(histogram) => self.distribute(histogram, span),
            None => self.distribute_first(node, start, span),
        }
    }

    /// The same for a node that does not know its function's histogram yet.
    #[cold]
    #[inline(never)]
    fn distribute_first(&self, node: &Node, start: u64, span: u64) {
        if start == 0 || self.is_none() {
            return;
        }
        if let Some(histogram) = self.function_histogram(node.function.get()) {
            node.histogram.set(Some(histogram));
            self.distribute(histogram, span);
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
