//! `alloc-in-loop-reuse`: a buffer made and freed again in each iteration.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, SiteFacts};
use crate::impact::{Claim, Measure, Saved};
use crate::rules::site::{MIN_EXECUTIONS, MIN_SHARE_PCT, Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds, types};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Buffers per call of the function from which keeping one is worth a word.
const MIN_PER_CALL: Threshold = Threshold::new(
    "min_buffers_per_call",
    2.0,
    "the loop must make so many buffers per call of its function",
);

/// Share of the buffers that must have allocated.
const MIN_FILLED_PCT: Threshold =
    Threshold::new("min_filled_pct", 50.0, "share of the buffers that must have allocated");

/// What an allocation that goes takes with it in caches and around the allocator, at most, as a
/// multiple of its own time.
pub(super) const AROUND: f64 = 3.0;

/// The calls around a reallocation that go with it, as a multiple of its own time: as for a
/// collection that gets its capacity at once.
const REALLOCATION: (f64, f64) = (1.5, 2.0);

/// Part that is sure to go: a buffer that is kept has to be cleared, its elements dropped.
pub(super) const SURE: f64 = 0.5;

/// Collections that keep their room when they are cleared.
const CLEARED: &[&str] = &["OsString", "PathBuf", "String", "Vec", "VecDeque"];

/// The rule.
pub(super) struct AllocInLoopReuse;

static META: Meta = Meta {
    id: "alloc-in-loop-reuse",
    summary: "a buffer is made and freed again in each iteration",
    category: Category::Allocation,
    effort: Effort::Trivial,
    evidence: "allocations where the buffer is made and where it grows; in the source: a `let` in a loop whose variable is only borrowed",
    thresholds: &[MIN_EXECUTIONS, MIN_SHARE_PCT, MIN_PER_CALL, MIN_FILLED_PCT],
    docs: "https://nnethercote.github.io/perf-book/heap-allocations.html#reusing-collections",
    explain: Explain {
        means: "Each iteration allocates a buffer, lets it grow step by step, and frees it. One buffer that is cleared\n\
                keeps its room: after the first iterations none of that happens any more.",
        found: "Where the buffer is made and each call that can make it grow are measured with their allocations. The\n\
                source says that it is made in a loop and never moved, returned, stored or assigned there. A\n\
                variable that a macro with a syntax of its own names counts as moved. Buffers of references are\n\
                left out: kept, they would hold what the iteration drops. So are loops that several threads share.",
        not_when: "One iteration needs far more room than all others: a buffer that is kept stays as large as it ever\n\
                   was.",
        before: "for record in records {\n    let mut line = String::new();\n    line.push_str(&record.name);\n    out.write_all(line.as_bytes())?;\n}",
        after: "let mut line = String::new();\nfor record in records {\n    line.clear();\n    line.push_str(&record.name);\n    out.write_all(line.as_bytes())?;\n}",
    },
};

impl Rule for AllocInLoopReuse {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        if !facts.allocations_measured {
            return Vec::new();
        }
        let is_cleared = |row: &SiteFacts| {
            row.type_name
                .as_deref()
                .is_some_and(|name| types::is_std(name, CLEARED) && !types::borrows(name))
        };
        sites(facts, thresholds, &[Kind::New, Kind::WithCapacity, Kind::VecMacro], is_cleared)
            .iter()
            .filter_map(candidate)
            .collect()
    }
}

/// What the allocator did for the buffers of a site.
struct Filling<'a> {
    /// Buffers that allocated.
    filled: u64,
    /// Where they grew.
    growth: Vec<Site<'a>>,
    /// Allocation and free of one.
    each_ns: f64,
}

fn filling<'a>(site: &Site<'a>) -> Filling<'a> {
    let fed_by = site.source().map(|source| source.fed_by.as_slice()).unwrap_or_default();
    let growth: Vec<Site<'a>> = fed_by.iter().filter_map(|&index| site.other(index)).collect();
    let own = site.allocs();
    let mut all = own;
    for site in &growth {
        let allocs = site.allocs();
        all.count += allocs.count;
        all.bytes += allocs.bytes;
    }
    let costs = site.allocator_for(&all);
    Filling {
        // What is put in may allocate as well.
        filled: all.count.min(site.count()),
        growth,
        each_ns: costs.alloc_ns() + costs.free_ns(),
    }
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let source = site.source()?;
    let binding = source.bound_to.as_deref()?;
    let count = site.count();
    if source.loop_depth == 0
        || source.only_lent != Some(true)
        || source.loop_is_shared == Some(true)
        || site.per_call() < site.threshold(&MIN_PER_CALL)
    {
        return None;
    }
    let filling = filling(site);
    if (filling.filled as f64) < count as f64 * site.threshold(&MIN_FILLED_PCT) / 100.0 {
        return None;
    }
    let gain = gain(site, &filling);
    let saved: f64 = gain.claims.iter().map(|claim| claim.saved.best).sum();
    if !site.ran(&MIN_EXECUTIONS) && site.pct(saved) < site.threshold(&MIN_SHARE_PCT) {
        return None;
    }
    let short = site.short_type();
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("{short} `{binding}` is made anew in each iteration"),
        problem: format!(
            "`{}` in `{}` ran {}, and {} of these buffers allocated. `{binding}` never leaves its \
             iteration: it is freed at the end of each.",
            site.label(),
            site.of.path,
            units::counted(count, "time"),
            units::count(filling.filled),
        ),
        solution: format!("Keep one `{binding}` for all iterations, and clear it."),
        steps: vec![
            format!(
                "Move `let mut {binding} = {};` before the loop.",
                site.text().unwrap_or(site.label())
            ),
            format!(
                "Begin the iteration with `{binding}.clear();` (and `resize` where it was made full)."
            ),
        ],
        tradeoffs: format!(
            "`{binding}` stays as large as it ever was until the loop ends, and lives in a wider scope."
        ),
        confidence: Confidence::High,
        effort: META.effort,
        gain: Some(gain),
        fix: None,
    })
}

fn gain(site: &Site<'_>, filling: &Filling<'_>) -> Gain {
    let count = site.count();
    let kept = site.of.calls.max(1).min(count);
    let spared = (count - kept) as f64 / count as f64;
    let blocks = filling.filled as f64 * filling.each_ns;
    let grown: u64 = filling.growth.iter().map(|site| site.allocs().realloc_ns).sum();
    let mut claims = vec![site.claim(Saved::new(
        SURE * blocks * spared,
        blocks * spared,
        AROUND * blocks * spared,
    ))];
    claims.extend(filling.growth.iter().map(|site| {
        let ns = site.allocs().realloc_ns as f64 * spared;
        Claim {
            saved: Saved::new(SURE * ns, REALLOCATION.0 * ns, REALLOCATION.1 * ns),
            of: Measure::Threads,
            ..site.claim(Saved::default())
        }
    }));
    Gain {
        claims,
        allocs: Some((filling.filled as f64 * spared).round() as u64),
        alloc_bytes: None,
        basis: format!(
            "(n - k)/n = ({count} - {kept})/{count} of {} buffers at {} for an allocation and a free ({}) \
             + reallocations {}; k: calls of the function; low half of it, high three times the blocks \
             (what they cost the caches); reallocations likely 1.5 times, high twice (the calls around them)",
            filling.filled,
            units::time(filling.each_ns),
            site.allocator().basis(),
            units::time(grown as f64)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Allocs;
    use crate::rules::testing::{best_ns, check, hot, run, with_source};

    const STRING: &str = "alloc::string::String";

    fn made(kind: Kind, type_name: &str) -> SiteFacts {
        with_source(hot(kind, "String::with_capacity(64)", type_name), |source| {
            source.bound_to = Some("line".to_owned());
            source.only_lent = Some(true);
        })
    }

    fn buffer() -> SiteFacts {
        made(Kind::WithCapacity, STRING)
    }

    fn empty() -> SiteFacts {
        let site = SiteFacts { allocs: Allocs::default(), ..made(Kind::New, STRING) };
        with_source(site, |source| source.fed_by = vec![1])
    }

    fn fed(count: u64) -> SiteFacts {
        let allocs =
            Allocs { count, bytes: 8 * count, realloc_ns: 40_000_000, ..Allocs::default() };
        SiteFacts { index: 1, timed: 0, allocs, ..hot(Kind::Grow, "line.push(..)", STRING) }
    }

    #[test]
    fn fires_on_buffers_that_never_leave_their_iteration() {
        let mut facts = run(vec![buffer()]);
        facts.functions[0].calls = 250_000;
        let found = AllocInLoopReuse.check(&facts, &Thresholds::default());
        assert_eq!(found[0].title, "`String` `line` is made anew in each iteration");
        assert_eq!(best_ns(&found[0]), Some(750_000.0 * 25.0));
        assert_eq!(found[0].gain.as_ref().and_then(|gain| gain.allocs), Some(750_000));
    }

    #[test]
    fn what_grows_from_nothing_allocates_where_it_grows() {
        let found =
            AllocInLoopReuse.check(&run(vec![empty(), fed(5_000_000)]), &Thresholds::default());
        let best = best_ns(&found[0]).unwrap_or_default();
        assert!((best - 0.999_999 * 85e6).abs() < 1.0, "{best}");
        assert!(
            AllocInLoopReuse
                .check(&run(vec![empty(), fed(499_999)]), &Thresholds::default())
                .is_empty(),
            "mostly empty"
        );
        assert!(
            AllocInLoopReuse.check(&run(vec![empty()]), &Thresholds::default()).is_empty(),
            "nothing grew"
        );
    }

    #[test]
    fn silent_on_buffers_that_leave() {
        let moved = with_source(buffer(), |source| source.only_lent = Some(false));
        assert!(check(&AllocInLoopReuse, moved).is_empty());
        let unbound = with_source(buffer(), |source| source.bound_to = None);
        assert!(check(&AllocInLoopReuse, unbound).is_empty());
    }

    #[test]
    fn silent_where_a_buffer_that_is_kept_would_not_compile() {
        for name in ["alloc::vec::Vec<&str>", "alloc::vec::Vec<app::Token<'_>>"] {
            assert!(check(&AllocInLoopReuse, made(Kind::WithCapacity, name)).is_empty(), "{name}");
        }
        let shared = with_source(buffer(), |source| source.loop_is_shared = Some(true));
        assert!(check(&AllocInLoopReuse, shared).is_empty());
    }

    #[test]
    fn silent_outside_of_loops_and_once_per_call() {
        let flat = with_source(buffer(), |source| source.loop_depth = 0);
        assert!(check(&AllocInLoopReuse, flat).is_empty());
        let mut facts = run(vec![buffer()]);
        facts.functions[0].calls = 1_000_000;
        assert!(AllocInLoopReuse.check(&facts, &Thresholds::default()).is_empty());
    }

    #[test]
    fn silent_on_types_that_clearing_does_not_help_and_of_the_same_name() {
        for name in
            ["app::String", "alloc::boxed::Box<u8>", "std::collections::hash::map::HashMap<u8, u8>"]
        {
            assert!(check(&AllocInLoopReuse, made(Kind::New, name)).is_empty(), "{name}");
        }
    }

    #[test]
    fn silent_without_an_allocator_few_or_in_tests() {
        let mut facts = run(vec![buffer()]);
        facts.allocations_measured = false;
        assert!(AllocInLoopReuse.check(&facts, &Thresholds::default()).is_empty());
        let allocs = Allocs { count: 99, bytes: 99, ..Allocs::default() };
        assert!(
            check(&AllocInLoopReuse, SiteFacts { count: 99, timed: 99, allocs, ..buffer() })
                .is_empty()
        );
        assert!(check(&AllocInLoopReuse, with_source(buffer(), |s| s.in_test = true)).is_empty());
    }
}
