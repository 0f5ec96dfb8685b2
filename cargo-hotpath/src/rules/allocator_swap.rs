//! `allocator-swap`: much time in the allocator, which is the system's.

use crate::allocator::Costs;
use crate::facts::Facts;
use crate::impact::{Claim, Measure, Saved, WHOLE_FUNCTION, Workload};
use crate::profile::Allocs;
use crate::rules::{ALLOCATOR_SWAP, Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Share of wall time that the allocator must take.
const MIN_ALLOCATOR_PCT: Threshold = Threshold::new(
    "min_allocator_pct",
    5.0,
    "share of wall time that the allocator must take, all threads taken together",
);

/// What another allocator takes off the time in this one: nothing is sure.
const GAIN: Saved = Saved { low: 0.0, best: 0.2, high: 0.6 };

/// The rule.
pub(super) struct AllocatorSwap;

static META: Meta = Meta {
    id: ALLOCATOR_SWAP,
    summary: "much time goes into the system's allocator",
    category: Category::Config,
    effort: Effort::Local,
    evidence: "allocations, reallocations and frees of each function, and what they cost in this process by size; the program has no allocator of its own",
    thresholds: &[MIN_ALLOCATOR_PCT],
    docs: "https://nnethercote.github.io/perf-book/build-configuration.html#alternative-allocators",
    explain: Explain {
        means: "The system's allocator is made for everything. `mimalloc` and `jemalloc` often take less for small\n\
                blocks, and where threads free what others allocated.",
        found: "Every allocation is counted with its function, and of them one in about 256 is timed by size in this\n\
                very process. What another allocator would take can't be seen in one run: the range is a share of\n\
                that time.",
        not_when: "Allocations that needn't be made are the larger gain: follow the findings on those first, and\n\
                   measure again. Peak memory may rise; tools that look into the system's heap see nothing.",
        before: "fn main() { .. }",
        after: "#[global_allocator]\nstatic ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;\n\nfn main() { .. }",
    },
};

impl Rule for AllocatorSwap {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        if !facts.allocations_measured || facts.build.own_allocator != Some(false) {
            return Vec::new();
        }
        candidate(facts, thresholds).into_iter().collect()
    }
}

/// What the allocator took for these operations.
fn taken_ns(facts: &Facts, allocs: &Allocs) -> f64 {
    let costs = Costs::of(facts, allocs);
    allocs.count as f64 * costs.alloc_ns()
        + allocs.frees as f64 * costs.free_ns()
        + allocs.realloc_ns as f64
}

fn candidate(facts: &Facts, thresholds: &Thresholds) -> Option<Candidate> {
    let each: Vec<f64> =
        facts.functions.iter().map(|function| taken_ns(facts, &function.self_allocs)).collect();
    let ns: f64 = each.iter().sum();
    let wall = Workload::new(facts).wall_ns();
    let share = if wall > 0.0 { 100.0 * ns / wall } else { 0.0 };
    if share < thresholds.of(&MIN_ALLOCATOR_PCT) {
        return None;
    }
    let count: u64 = facts.functions.iter().map(|function| function.self_allocs.count).sum();
    let (most, _) = each.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let claims = each.iter().enumerate().filter(|(_, ns)| **ns > 0.0).map(|(function, ns)| Claim {
        function,
        site: WHOLE_FUNCTION,
        saved: Saved::new(GAIN.low * ns, GAIN.best * ns, GAIN.high * ns),
        of: Measure::Threads,
    });
    Some(Candidate {
        anchor: None,
        title: format!("the system's allocator takes {} of wall", units::percent(share.min(100.0))),
        problem: format!(
            "{} and their frees took about {}, most of it from `{}`. The program uses the system's allocator.",
            units::counted(count, "allocation"),
            units::time(ns),
            facts.functions[most].path
        ),
        solution: "Make fewer allocations; for what remains, try `mimalloc` or `jemalloc`.".to_owned(),
        steps: vec![
            "Follow the findings on allocations first: what isn't allocated needs no faster allocator.".to_owned(),
            "Add the crate, and `#[global_allocator] static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;` \
             to the binary; measure both."
                .to_owned(),
        ],
        tradeoffs: "Another dependency with C code, and often more peak memory.".to_owned(),
        confidence: Confidence::Low,
        effort: META.effort,
        gain: Some(Gain {
            claims: claims.collect(),
            allocs: Some(0),
            alloc_bytes: None,
            basis: format!(
                "allocations, frees and reallocations {}, by what they cost in this process; of that 0 to 60 %, \
                 likely 20 %, as other programs gained: only a run with the other can tell",
                units::time(ns)
            ),
        }),
        fix: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{best_ns, run};

    /// A second of which 4 million allocations at 15 ns and frees at 10 ns take a tenth.
    fn allocating() -> Facts {
        let mut facts = run(Vec::new());
        facts.build.own_allocator = Some(false);
        facts.functions[0].self_allocs =
            Allocs { count: 4_000_000, bytes: 96_000_000, frees: 4_000_000, ..Allocs::default() };
        facts
    }

    #[test]
    fn fires_on_a_share_of_the_allocators_time() {
        let found = AllocatorSwap.check(&allocating(), &Thresholds::default());
        assert!(found[0].title.starts_with("the system's allocator takes 10"), "{found:?}");
        assert_eq!(best_ns(&found[0]), Some(20e6));
        let saved = found[0].gain.as_ref().map(|gain| gain.claims[0].saved);
        assert_eq!(saved.map(|saved| (saved.low, saved.high)), Some((0.0, 60e6)));
        assert!(found[0].problem.contains("`app::run`"), "{}", found[0].problem);
    }

    #[test]
    fn silent_on_little_allocation() {
        let mut facts = allocating();
        facts.functions[0].self_allocs.count = 400_000;
        facts.functions[0].self_allocs.frees = 400_000;
        assert!(AllocatorSwap.check(&facts, &Thresholds::default()).is_empty());
    }

    #[test]
    fn silent_with_an_allocator_of_its_own_and_where_none_was_measured() {
        for own in [Some(true), None] {
            let mut facts = allocating();
            facts.build.own_allocator = own;
            assert!(AllocatorSwap.check(&facts, &Thresholds::default()).is_empty(), "{own:?}");
        }
        let mut facts = allocating();
        facts.allocations_measured = false;
        assert!(AllocatorSwap.check(&facts, &Thresholds::default()).is_empty());
    }
}
