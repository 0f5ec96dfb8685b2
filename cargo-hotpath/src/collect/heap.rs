//! Samples of the allocator's work, merged over processes.

use std::collections::BTreeMap;

use hotpath_runtime::segment::reader::{self, LiveBlock, Segment};

use super::Local;
use super::clock::Rate;
use crate::profile::{OperationCost, Retained, RetainedSite, SizeClass};

/// Costs by size class, of those of which any operation was timed.
pub(super) fn allocator(segments: &[Segment], rates: &[Rate]) -> Vec<SizeClass> {
    let classes = segments.iter().map(|segment| segment.allocator.len()).max().unwrap_or(0);
    let merged = (0..classes).filter_map(|index| {
        let of = || {
            let classes = segments.iter().zip(rates);
            classes.filter_map(move |(segment, rate)| {
                Some((segment.allocator.get(index)?, segment.calibration.inside, *rate))
            })
        };
        let bytes = of().next()?.0.bytes;
        Some(SizeClass {
            max_bytes: Some(bytes).filter(|bytes| *bytes < u64::MAX),
            alloc: mean(of().map(|(class, inside, rate)| (class.allocs, inside, rate))),
            free: mean(of().map(|(class, inside, rate)| (class.frees, inside, rate))),
        })
    });
    merged.filter(|class| class.alloc.timed > 0 || class.free.timed > 0).collect()
}

/// The mean over processes and its standard error; what a span of nothing reads is taken out.
fn mean(costs: impl Iterator<Item = (reader::Cost, u64, Rate)>) -> OperationCost {
    let (mut timed, mut sum, mut squares, mut clock) = (0_u64, 0.0, 0.0, 0.0);
    for (cost, inside, rate) in costs {
        timed = timed.saturating_add(cost.timed);
        sum += rate.exact_ns(cost.ticks);
        squares += rate.exact_ns(1).powi(2) * cost.squares;
        clock += rate.exact_ns(inside) * cost.timed as f64;
    }
    if timed == 0 {
        return OperationCost::default();
    }
    let n = timed as f64;
    let variance = if timed > 1 { (squares - sum * sum / n).max(0.0) / (n - 1.0) } else { 0.0 };
    let mean_ns = ((sum - clock) / n).max(0.0);
    OperationCost { timed, mean_ns, error_ns: (variance / n).sqrt() }
}

/// The samples of live blocks so far.
#[derive(Default)]
pub(super) struct Live {
    period: Option<u64>,
    dropped: u64,
    sites: BTreeMap<(Option<usize>, Option<usize>), Sum>,
}

#[derive(Default)]
struct Sum {
    blocks: u64,
    variance: f64,
    born: [f64; 4],
}

impl Live {
    /// Adds that of one process.
    pub(super) fn add(&mut self, segment: &Segment, local: Local<'_>) {
        let Some(retained) = &segment.retained else { return };
        self.period.get_or_insert(retained.period);
        self.dropped = self.dropped.saturating_add(retained.dropped);
        for block in &retained.blocks {
            let function = block.function.map(|index| local.functions[index]);
            let sum = self.sites.entry((function, block.site)).or_default();
            let (kept, size) = (retained.probability(block), block.size as f64);
            sum.blocks += 1;
            // Horvitz and Thompson's estimator for a sample of unequal probabilities, and its
            // variance where blocks are kept independently.
            sum.variance += (1.0 - kept) * (size / kept).powi(2);
            sum.born[quarter(segment, block)] += size / kept;
        }
    }

    /// Estimates by site; `None` where no process was asked for them.
    pub(super) fn finish(self) -> Option<Retained> {
        let mut sites: Vec<RetainedSite> = self
            .sites
            .into_iter()
            .map(|((function, site), sum)| RetainedSite {
                function,
                site,
                blocks: sum.blocks,
                bytes: sum.born.iter().sum::<f64>().round() as u64,
                error_bytes: sum.variance.sqrt().round() as u64,
                born_bytes: sum.born.map(|bytes| bytes.round() as u64),
            })
            .collect();
        sites.sort_by_key(|site| std::cmp::Reverse(site.bytes));
        Some(Retained { period_bytes: self.period?, dropped: self.dropped, sites })
    }
}

/// The quarter of its process's run that a block is from.
fn quarter(segment: &Segment, block: &LiveBlock) -> usize {
    let (start, end) = (segment.clock.start.ticks, segment.clock.end.ticks);
    let age = block.born.saturating_sub(start) as f64;
    let run = end.saturating_sub(start).max(1) as f64;
    ((4.0 * age / run) as usize).min(3)
}

#[cfg(test)]
mod tests;
