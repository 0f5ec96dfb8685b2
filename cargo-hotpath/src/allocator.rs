//! What an allocation and a free cost in the measured process: by size where enough were timed,
//! else as calibrated at its start. The calibration is also the least: it times some in a row, where a
//! single short one may end while the clock is still being read (some processors do all of its work
//! meanwhile, and it reads 0 ns).

use crate::facts::Facts;
use crate::profile::{Allocs, OperationCost, SizeClass};
use crate::units;

/// Operations of a class that have to be timed before its mean counts.
const LEAST_TIMED: u64 = 30;

/// Bounds of the smallest class and, in thought, of the largest: twice that of the one before.
const SMALLEST: f64 = 8.0;
const LARGEST: f64 = 67_108_864.0;

/// What one allocation and one free cost, for blocks as a site allocates them.
#[derive(Clone, Copy, Debug)]
pub struct Costs<'a> {
    class: Option<&'a SizeClass>,
    calibrated: (f64, f64),
}

impl<'a> Costs<'a> {
    /// For the blocks that were allocated here, by their mean size.
    pub fn of(facts: &'a Facts, allocs: &Allocs) -> Self {
        let mean = allocs.bytes.checked_div(allocs.count);
        let class = mean.and_then(|mean| {
            let apart = |class: &&SizeClass| doublings_apart(class, mean as f64);
            facts.allocator.iter().min_by(|a, b| apart(a).total_cmp(&apart(b)))
        });
        Self { class, calibrated: (facts.probes.alloc_ns, facts.probes.free_ns) }
    }

    /// An allocation.
    pub fn alloc_ns(&self) -> f64 {
        enough(self.class.map(|class| &class.alloc)).unwrap_or_default().max(self.calibrated.0)
    }

    /// A free.
    pub fn free_ns(&self) -> f64 {
        enough(self.class.map(|class| &class.free)).unwrap_or_default().max(self.calibrated.1)
    }

    /// Where a free's cost is from, for [`crate::schema::Impact::basis`].
    pub fn basis(&self) -> String {
        let each = units::time(self.free_ns());
        let is_more = |ns: f64| ns >= self.calibrated.1;
        let timed = |class: &&SizeClass| enough(Some(&class.free)).is_some_and(is_more);
        let Some(class) = self.class.filter(timed) else {
            return format!("a free {each} as calibrated");
        };
        let size = class.max_bytes.map_or_else(
            || "of the largest size class".to_owned(),
            |bytes| format!("up to {}", units::bytes(bytes)),
        );
        format!("a free {each}, the mean of {} timed {size}", class.free.timed)
    }
}

/// By how many doublings a class misses a size; 0 for the size's own. That one can be without any
/// block, where the size is the mean of small ones and few large ones: then the nearest is right for
/// most of them.
fn doublings_apart(class: &SizeClass, bytes: f64) -> f64 {
    let most = class.max_bytes.map_or(LARGEST.max(bytes), |most| most as f64);
    let bytes = bytes.max(SMALLEST);
    if bytes > most { (bytes / most).log2() } else { ((most / bytes).log2() - 1.0).max(0.0) }
}

fn enough(cost: Option<&OperationCost>) -> Option<f64> {
    cost.filter(|cost| cost.timed >= LEAST_TIMED).map(|cost| cost.mean_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let cost = |timed, mean_ns| OperationCost { timed, mean_ns, error_ns: 1.0 };
        let mut facts = Facts::default();
        (facts.probes.alloc_ns, facts.probes.free_ns) = (15.0, 10.0);
        facts.allocator = vec![
            SizeClass { max_bytes: Some(64), alloc: cost(30, 21.0), free: cost(29, 9.0) },
            SizeClass { max_bytes: None, alloc: cost(500, 900.0), free: cost(400, 2_500.0) },
        ];
        facts
    }

    fn allocs(count: u64, bytes: u64) -> Allocs {
        Allocs { count, bytes, ..Allocs::default() }
    }

    fn is(ns: f64, expected: f64) -> bool {
        (ns - expected).abs() < 1e-9
    }

    #[test]
    fn a_class_counts_once_enough_of_it_was_timed() {
        let facts = facts();
        let small = Costs::of(&facts, &allocs(10, 640));
        assert!(is(small.alloc_ns(), 21.0));
        assert!(is(small.free_ns(), 10.0));
        assert!(small.basis().ends_with("as calibrated"), "{}", small.basis());
        let large = Costs::of(&facts, &allocs(10, 400 << 20));
        assert!(is(large.alloc_ns(), 900.0) && is(large.free_ns(), 2_500.0));
        assert!(large.basis().contains("mean of 400 timed"), "{}", large.basis());
    }

    #[test]
    fn what_ends_while_the_clock_is_read_costs_what_some_in_a_row_do() {
        let cost = |mean_ns| OperationCost { timed: 1_000, mean_ns, error_ns: 1.0 };
        let class = SizeClass { max_bytes: Some(64), alloc: cost(2.0), free: cost(0.0) };
        let facts = Facts { allocator: vec![class], ..facts() };
        let costs = Costs::of(&facts, &allocs(10, 640));
        assert!(is(costs.alloc_ns(), 15.0) && is(costs.free_ns(), 10.0));
        assert!(costs.basis().ends_with("as calibrated"), "{}", costs.basis());
    }

    #[test]
    fn a_mean_between_small_and_large_blocks_counts_as_the_nearer_ones() {
        let cost = |mean_ns| OperationCost { timed: 1_000, mean_ns, error_ns: 1.0 };
        let class =
            |bytes, free| SizeClass { max_bytes: Some(bytes), alloc: cost(20.0), free: cost(free) };
        let classes = vec![class(8, 19.0), class(16, 20.0), class(8_192, 1_700.0)];
        let facts = Facts { allocator: classes, ..facts() };
        let free = |bytes| Costs::of(&facts, &allocs(1, bytes)).free_ns();
        assert!(is(free(0), 19.0) && is(free(8), 19.0));
        assert!(is(free(9), 20.0) && is(free(16), 20.0));
        assert!(is(free(17), 20.0) && is(free(250), 20.0));
        assert!(is(free(260), 1_700.0) && is(free(4_097), 1_700.0));
        assert!(is(free(8_193), 1_700.0) && is(free(1 << 30), 1_700.0));
    }

    #[test]
    fn without_allocations_or_classes_it_is_the_calibration() {
        let facts = facts();
        assert!(is(Costs::of(&facts, &Allocs::default()).alloc_ns(), 15.0));
        let none = Facts { allocator: Vec::new(), ..facts };
        assert!(is(Costs::of(&none, &allocs(1, 8)).free_ns(), 10.0));
    }
}
