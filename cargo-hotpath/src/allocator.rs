//! What an allocation and a free cost in the measured process: by size where enough were timed,
//! else as calibrated at its start.

use crate::facts::Facts;
use crate::profile::{Allocs, OperationCost, SizeClass};
use crate::units;

/// Operations of a class that have to be timed before its mean counts.
const LEAST_TIMED: u64 = 30;

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
            facts.allocator.iter().find(|class| class.max_bytes.is_none_or(|most| mean <= most))
        });
        Self { class, calibrated: (facts.probes.alloc_ns, facts.probes.free_ns) }
    }

    /// An allocation.
    pub fn alloc_ns(&self) -> f64 {
        enough(self.class.map(|class| &class.alloc)).unwrap_or(self.calibrated.0)
    }

    /// A free.
    pub fn free_ns(&self) -> f64 {
        enough(self.class.map(|class| &class.free)).unwrap_or(self.calibrated.1)
    }

    /// Where a free's cost is from, for [`crate::schema::Impact::basis`].
    pub fn basis(&self) -> String {
        let each = units::time(self.free_ns());
        let Some(class) = self.class.filter(|class| enough(Some(&class.free)).is_some()) else {
            return format!("a free {each} as calibrated");
        };
        let size = class.max_bytes.map_or_else(
            || "of the largest size class".to_owned(),
            |bytes| format!("up to {}", units::bytes(bytes)),
        );
        format!("a free {each}, the mean of {} timed {size}", class.free.timed)
    }
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
        let large = Costs::of(&facts, &allocs(10, 650));
        assert!(is(large.alloc_ns(), 900.0) && is(large.free_ns(), 2_500.0));
        assert!(large.basis().contains("mean of 400 timed"), "{}", large.basis());
    }

    #[test]
    fn without_allocations_or_classes_it_is_the_calibration() {
        let facts = facts();
        assert!(is(Costs::of(&facts, &Allocs::default()).alloc_ns(), 15.0));
        let none = Facts { allocator: Vec::new(), ..facts };
        assert!(is(Costs::of(&none, &allocs(1, 8)).free_ns(), 10.0));
    }
}
