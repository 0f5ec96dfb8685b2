//! `vec-no-capacity` and `string-no-capacity`: a collection that grows step by step in a loop.

use hotpath_runtime_syntax::Kind;

use crate::allocator::Costs;
use crate::facts::{Facts, SiteFacts};
use crate::impact::{Claim, Measure, Saved};
use crate::rules::site::{Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds, types};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Reallocations of one collection from which it is said to grow step by step.
const MIN_REALLOCS: Threshold = Threshold::new(
    "min_reallocs_per_instance",
    2.0,
    "each collection must have been moved this often while it grew",
);

/// Collections that must have been made, unless they grew to a size.
const MIN_REALLOCS_TOTAL: Threshold =
    Threshold::new("min_reallocs", 10.0, "reallocations of the whole run");

/// Bytes that one nanosecond of copying moves when the data has left the cache.
const COLD_BYTES_PER_NS: f64 = 10.0;

/// What surrounds a reallocation where a collection grows, as a share of the reallocation's own
/// time: the growing call isn't inlined, computes a layout and checks it, and goes with it.
const AROUND: f64 = 1.0;

/// Part of the measured reallocation time that is sure to go: pages that a larger block touches
/// for the first time are touched either way.
const SURE: f64 = 0.5;

/// The rule, for one family of types.
pub(super) struct NoCapacity {
    meta: &'static Meta,
    types: &'static [&'static str],
}

/// For vectors.
pub(super) static VEC: NoCapacity = NoCapacity { meta: &VEC_META, types: &["Vec", "VecDeque"] };

/// For strings.
pub(super) static STRING: NoCapacity =
    NoCapacity { meta: &STRING_META, types: &["String", "OsString", "PathBuf"] };

const EVIDENCE: &str = "reallocations and bytes moved at the calls that grow the binding; in the source: made empty, grown in a later loop";
const FOUND: &str = "Calls that can grow a collection are counted with the reallocations inside them. The source joins them to\n\
                     the `let` that made the collection. Hash maps are left out: their growth can't be told from\n\
                     allocations of the values put in, and gains little.";
const NOT_WHEN: &str = "The final size varies widely, or is mostly tiny: a capacity that isn't filled is memory wasted. Don't\n\
                        guess a large constant.";

static VEC_META: Meta = Meta {
    id: "vec-no-capacity",
    summary: "a Vec grows step by step though its size could be given",
    category: Category::Allocation,
    effort: Effort::Trivial,
    evidence: EVIDENCE,
    thresholds: &[MIN_REALLOCS, MIN_REALLOCS_TOTAL],
    docs: "https://nnethercote.github.io/perf-book/heap-allocations.html#vec-growth",
    explain: Explain {
        means: "A Vec that is made empty and pushed to doubles its block again and again; each time its elements move.\n\
                One block of the right size makes that unnecessary.",
        found: FOUND,
        not_when: NOT_WHEN,
        before: "let mut squares = Vec::new();\nfor n in &numbers {\n    squares.push(n * n);\n}",
        after: "let mut squares = Vec::with_capacity(numbers.len());\nfor n in &numbers {\n    squares.push(n * n);\n}",
    },
};

static STRING_META: Meta = Meta {
    id: "string-no-capacity",
    summary: "a String grows step by step though its size could be given",
    category: Category::Allocation,
    effort: Effort::Trivial,
    evidence: EVIDENCE,
    thresholds: &[MIN_REALLOCS, MIN_REALLOCS_TOTAL],
    docs: "https://nnethercote.github.io/perf-book/heap-allocations.html#string",
    explain: Explain {
        means: "A String that is made empty and appended to doubles its block again and again; each time its text moves.\n\
                One block of about the right size makes that unnecessary.",
        found: FOUND,
        not_when: NOT_WHEN,
        before: "let mut text = String::new();\nfor word in &words {\n    text.push_str(word);\n}",
        after: "let length = words.iter().map(|word| word.len()).sum();\nlet mut text = String::with_capacity(length);\nfor word in &words {\n    text.push_str(word);\n}",
    },
};

impl Rule for NoCapacity {
    fn meta(&self) -> &'static Meta {
        self.meta
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        if !facts.allocations_measured {
            return Vec::new();
        }
        let is_ours = |row: &SiteFacts| {
            row.allocs.count == 0
                && row
                    .type_name
                    .as_deref()
                    .is_some_and(|name| self.types.contains(&types::last_segment(name)))
        };
        sites(facts, thresholds, &[Kind::New, Kind::VecMacro], is_ours)
            .iter()
            .filter_map(|site| self.candidate(facts, site))
            .collect()
    }
}

/// What the growing calls of a binding cost.
#[derive(Default)]
struct Growth {
    calls: u64,
    reallocs: u64,
    moved_bytes: u64,
    claims: Vec<Claim>,
    realloc_ns: f64,
}

impl Growth {
    /// `1 100 reallocations took 46.0 µs`.
    fn cost(&self) -> String {
        let reallocs = units::counted(self.reallocs, "reallocation");
        format!("{reallocs} took {}", units::time(self.realloc_ns))
    }

    fn gain(self) -> Gain {
        let (cost, moved) = (self.cost(), units::bytes(self.moved_bytes));
        Gain {
            claims: self.claims,
            allocs: Some(0),
            alloc_bytes: None,
            basis: format!(
                "{cost}: low half of it (fresh pages are touched either way), high twice it (the \
                 growing calls around them go too) with {moved} moved once more through a cold cache"
            ),
        }
    }
}

impl NoCapacity {
    fn candidate(&self, facts: &Facts, site: &Site<'_>) -> Option<Candidate> {
        let binding = site.source()?.bound_to.as_deref()?;
        let growth = growth(facts, site);
        let instances = site.count();
        if !is_stepwise(site, &growth) {
            return None;
        }
        let per_instance = growth.reallocs as f64 / instances as f64;
        let appends = growth.calls / instances;
        let moved = units::bytes(growth.moved_bytes);
        let short = site.type_name().map_or("collection", types::last_segment);
        Some(Candidate {
            anchor: Some(site.anchor()),
            title: format!("{short} `{binding}` grows step by step"),
            problem: format!(
                "`{binding}` in `{}` was made empty {} and then had to grow {per_instance:.1} times \
                 each: {} and moved {moved}.",
                site.of.path,
                units::counted(instances, "time"),
                growth.cost(),
            ),
            solution: format!("Make `{binding}` with the capacity that it will need."),
            steps: vec![
                format!(
                    "Replace `{}` by `{short}::with_capacity(n)`, with `n` from the length of what \
                     the loop reads.",
                    site.label()
                ),
                format!(
                    "If no length is at hand: this run appended about {} to each.",
                    units::counted(appends, "time")
                ),
            ],
            tradeoffs:
                "A capacity that isn't filled is memory wasted; measure where sizes vary widely."
                    .to_owned(),
            confidence: Confidence::High,
            effort: self.meta.effort,
            gain: Some(growth.gain()),
            fix: None,
        })
    }
}

fn growth(facts: &Facts, site: &Site<'_>) -> Growth {
    let mut growth = Growth::default();
    let Some(source) = site.source() else { return growth };
    for row in site.of.sites.iter().filter(|row| source.grown_by.contains(&row.index)) {
        let cold_ns = row.allocs.moved_bytes as f64 / COLD_BYTES_PER_NS;
        let reallocs = row.allocs.reallocs as f64;
        // A reallocation is no cheaper than an allocation, whatever the clock's own part was.
        let measured = row.allocs.realloc_ns as f64 - reallocs * facts.probes.inside_ns;
        let realloc_ns = measured.max(reallocs * Costs::of(facts, &row.allocs).alloc_ns());
        growth.calls += row.count;
        growth.reallocs += row.allocs.reallocs;
        growth.moved_bytes += row.allocs.moved_bytes;
        growth.realloc_ns += realloc_ns;
        growth.claims.push(Claim {
            function: site.function,
            site: row.index,
            of: Measure::Threads,
            saved: Saved::new(
                SURE * realloc_ns,
                (1.0 + AROUND / 2.0) * realloc_ns,
                (1.0 + AROUND) * realloc_ns + cold_ns,
            ),
        });
    }
    growth
}

/// Whether the reallocations are those of collections that double: at least two for each, and no
/// more than doubling can need; more come from the values that are put in.
fn is_stepwise(site: &Site<'_>, growth: &Growth) -> bool {
    let instances = site.count().max(1) as f64;
    let each = growth.reallocs as f64 / instances;
    let appends = growth.calls as f64 / instances;
    each >= site.threshold(&MIN_REALLOCS)
        && growth.reallocs as f64 >= site.threshold(&MIN_REALLOCS_TOTAL)
        && each <= appends
        && each <= f64::from(u64::BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Allocs;
    use crate::rules::testing::{best_ns, hot, run, with_source};

    fn made(type_name: &str) -> SiteFacts {
        let site = SiteFacts {
            count: 1_000,
            timed: 1_000,
            self_ns: 1_000,
            allocs: Allocs::default(),
            ..hot(Kind::New, "Vec::new()", type_name)
        };
        with_source(site, |source| {
            source.bound_to = Some("rows".to_owned());
            source.grown_by = vec![1];
        })
    }

    fn grown(reallocs: u64) -> SiteFacts {
        let allocs = Allocs {
            count: 1_000,
            reallocs,
            moved_bytes: 1_000_000,
            realloc_ns: 50_000_000,
            ..Allocs::default()
        };
        SiteFacts {
            index: 1,
            timed: 0,
            self_ns: 0,
            allocs,
            ..hot(Kind::Grow, "rows.push(..)", "V")
        }
    }

    fn found(made: SiteFacts, grown: SiteFacts) -> Vec<Candidate> {
        VEC.check(&run(vec![made, grown]), &Thresholds::default())
    }

    const VEC_U8: &str = "alloc::vec::Vec<u8>";

    #[test]
    fn fires_on_growth_with_the_time_of_its_reallocations() {
        let found = found(made(VEC_U8), grown(8_000));
        assert_eq!(found[0].title, "Vec `rows` grows step by step");
        assert_eq!(best_ns(&found[0]), Some(75e6));
        assert_eq!(found[0].gain.as_ref().map(|gain| gain.claims[0].saved.low), Some(25e6));
        assert!(found[0].problem.contains("had to grow 8.0 times each"), "{}", found[0].problem);
    }

    #[test]
    fn each_id_looks_at_its_own_types() {
        let string = "alloc::string::String";
        assert!(found(made(string), grown(8_000)).is_empty());
        assert_eq!(
            STRING.check(&run(vec![made(string), grown(8_000)]), &Thresholds::default()).len(),
            1
        );
        assert!(
            STRING.check(&run(vec![made(VEC_U8), grown(8_000)]), &Thresholds::default()).is_empty()
        );
        let map = "std::collections::hash::map::HashMap<u8, u8>";
        assert!(found(made(map), grown(8_000)).is_empty());
    }

    #[test]
    fn silent_when_each_grew_less_than_twice() {
        assert!(found(made(VEC_U8), grown(1_999)).is_empty());
        let once = SiteFacts { count: 1, ..made(VEC_U8) };
        assert!(found(once, grown(9)).is_empty());
    }

    #[test]
    fn silent_on_reallocations_that_doubling_does_not_explain() {
        assert!(found(made(VEC_U8), grown(500_000)).is_empty());
        let few_pushes = SiteFacts { count: 3_000, ..grown(8_000) };
        assert!(found(made(VEC_U8), few_pushes).is_empty());
    }

    #[test]
    fn silent_without_a_binding_growth_in_a_loop_or_an_allocator() {
        let unbound = with_source(made(VEC_U8), |source| source.bound_to = None);
        assert!(found(unbound, grown(8_000)).is_empty());
        let flat = with_source(made(VEC_U8), |source| source.grown_by.clear());
        assert!(found(flat, grown(8_000)).is_empty());
        let mut facts = run(vec![made(VEC_U8), grown(8_000)]);
        facts.allocations_measured = false;
        assert!(VEC.check(&facts, &Thresholds::default()).is_empty());
    }

    #[test]
    fn silent_where_it_was_not_made_empty() {
        let filled = Allocs { count: 1_000, ..Allocs::default() };
        assert!(found(SiteFacts { allocs: filled, ..made(VEC_U8) }, grown(8_000)).is_empty());
    }

    #[test]
    fn an_untimed_reallocation_costs_at_least_an_allocation() {
        let mut grown = grown(8_000);
        grown.allocs.realloc_ns = 0;
        assert_eq!(best_ns(&found(made(VEC_U8), grown)[0]), Some(180_000.0));
    }
}
