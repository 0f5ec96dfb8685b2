//! `lines-alloc`: a String for each line of input, though none is kept.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, SiteFacts};
use crate::impact::Saved;
use crate::rules::alloc_in_loop_reuse::{AROUND, SURE};
use crate::rules::site::{MIN_EXECUTIONS, MIN_SHARE_PCT, Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Share of the lines that must have allocated.
const MIN_ALLOCATED_PCT: Threshold =
    Threshold::new("min_allocated_pct", 50.0, "share of the lines that must have allocated");

/// Lines per call of the function from which keeping one String is worth a word.
const MIN_PER_CALL: Threshold = Threshold::new(
    "min_lines_per_call",
    10.0,
    "the loop must read so many lines per call of its function",
);

/// What `BufRead::lines` gives: that of a `str` gives parts of the text.
const LINE: (&str, &str) = ("core::result::Result<alloc::string::String, ", "::io::error::Error>");

/// A line without its error.
const UNWRAPPED: &str = "alloc::string::String";

/// The rule.
pub(super) struct LinesAlloc;

static META: Meta = Meta {
    id: "lines-alloc",
    summary: "a String is allocated for each line that is read, and freed with it",
    category: Category::Allocation,
    effort: Effort::Local,
    evidence: "steps of `lines()` in the head of a `for`, with their allocations and the type of the items; in the source: each line is only borrowed",
    thresholds: &[MIN_EXECUTIONS, MIN_SHARE_PCT, MIN_PER_CALL, MIN_ALLOCATED_PCT],
    docs: "https://nnethercote.github.io/perf-book/heap-allocations.html#reading-lines-from-a-file",
    explain: Explain {
        means: "`BufRead::lines` makes a new String for each line, which is freed at the end of the iteration.\n\
                `read_line` adds to a String of yours, which keeps its room from line to line.",
        found: "Each step of the iterator is counted with what it allocates and the type of its items, so that the\n\
                lines of a `str`, which are parts of it, are told apart. The source says that the body only\n\
                borrows each line. Seen are `for`s over `.lines()` itself, or with `enumerate`, `skip`, `take`,\n\
                `flatten` or `map_while(Result::ok)` behind it.",
        not_when: "Lines are kept somewhere in a way that the source doesn't show. A single line that is far longer\n\
                   than all others keeps its room until the end.",
        before: "for line in input.lines() {\n    let line = line?;\n    total += parse(&line);\n}",
        after: "let mut line = String::new();\nwhile input.read_line(&mut line)? > 0 {\n    total += parse(line.trim_end_matches(['\\r', '\\n']));\n    line.clear();\n}",
    },
};

impl Rule for LinesAlloc {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        if !facts.allocations_measured {
            return Vec::new();
        }
        sites(facts, thresholds, &[Kind::Lines], is_line).iter().filter_map(candidate).collect()
    }
}

/// Whether the items are lines of a reader, as they are or with their numbers.
fn is_line(row: &SiteFacts) -> bool {
    let Some(name) = row.type_name.as_deref() else { return false };
    let item = name.strip_prefix("(usize, ").and_then(|it| it.strip_suffix(')')).unwrap_or(name);
    // Some other `lines` may give Strings that were there before; of Results it takes unwrapping.
    let unwraps = ["flatten()", "Result::"].iter().any(|word| row.label.contains(word));
    let is_result = item.starts_with(LINE.0) && item.ends_with(LINE.1);
    is_result || item == UNWRAPPED && unwraps
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let source = site.source()?;
    let count = site.count();
    let allocated = site.allocs().count;
    if source.items_only_lent != Some(true)
        || site.per_call() < site.threshold(&MIN_PER_CALL)
        || (allocated as f64) < count as f64 * site.threshold(&MIN_ALLOCATED_PCT) / 100.0
    {
        return None;
    }
    let gain = gain(site);
    let saved: f64 = gain.claims.iter().map(|claim| claim.saved.best).sum();
    if !site.ran(&MIN_EXECUTIONS) && site.pct(saved) < site.threshold(&MIN_SHARE_PCT) {
        return None;
    }
    let reader = source.receiver.as_deref().unwrap_or("the reader");
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: "a String is allocated for each line that is read".to_owned(),
        problem: format!(
            "`{}` in `{}` made {} with {} ({}). No line leaves its iteration: each String is freed at the end of it.",
            site.label(),
            site.of.path,
            units::counted(count, "step"),
            units::counted(allocated, "allocation"),
            units::bytes(site.allocs().bytes)
        ),
        solution: "Read into one String with `read_line`, and clear it.".to_owned(),
        steps: vec![
            format!("Bind `{reader}` to a `mut` variable, and make `let mut line = String::new();` before the loop."),
            "Loop with `while reader.read_line(&mut line)? > 0`, and end the body with `line.clear();` (and before \
             each `continue`)."
                .to_owned(),
        ],
        tradeoffs: "`lines` takes one line break off; `read_line` leaves it, and `trim_end_matches(['\\r', '\\n'])` takes \
                    all that the line ends with."
            .to_owned(),
        confidence: Confidence::High,
        effort: META.effort,
        gain: Some(gain),
        fix: None,
    })
}

fn gain(site: &Site<'_>) -> Gain {
    let allocs = site.allocs();
    let costs = site.allocator();
    // Each call of the function needs a String of its own.
    let kept = site.of.calls.max(1).min(allocs.count);
    let spared = (allocs.count - kept) as f64;
    let each_ns = costs.alloc_ns() + costs.free_ns();
    let blocks = spared * each_ns;
    let grown = allocs.realloc_ns as f64;
    let time = units::time;
    Gain {
        claims: vec![site.claim(Saved::new(
            SURE * blocks,
            blocks + grown,
            AROUND * blocks + 2.0 * grown,
        ))],
        allocs: Some(allocs.count - kept),
        alloc_bytes: None,
        basis: format!(
            "(n - k) = {} - {kept} allocations at {} with their frees ({}) + reallocations {}; k: calls of the \
             function; low half of the blocks, high three times those (what they cost the caches) and twice the \
             reallocations",
            allocs.count,
            time(each_ns),
            costs.basis(),
            time(grown)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Allocs;
    use crate::rules::testing::{best_ns, check, hot, run, with_source};

    const RESULT: &str = "core::result::Result<alloc::string::String, std::io::error::Error>";

    /// A million lines, each with an allocation.
    fn read() -> SiteFacts {
        let site = SiteFacts { timed: 0, self_ns: 0, ..hot(Kind::Lines, "input.lines()", RESULT) };
        with_source(site, |source| {
            source.receiver = Some("input".to_owned());
            source.items_only_lent = Some(true);
        })
    }

    #[test]
    fn fires_on_lines_that_are_only_borrowed() {
        let found = check(&LinesAlloc, read());
        assert_eq!(found[0].title, "a String is allocated for each line that is read");
        assert!(found[0].problem.contains("made 1 000 000 steps"), "{}", found[0].problem);
        assert!(found[0].steps[0].starts_with("Bind `input`"), "{:?}", found[0].steps);
        assert_eq!(best_ns(&found[0]), Some(999_999.0 * 25.0));
        assert_eq!(found[0].gain.as_ref().and_then(|gain| gain.allocs), Some(999_999));
    }

    #[test]
    fn fires_on_numbered_and_unwrapped_lines() {
        for (label, item) in [
            ("r.lines().enumerate()", format!("(usize, {RESULT})")),
            ("r.lines().map_while(Result::ok)", UNWRAPPED.to_owned()),
            ("r.lines().flatten().enumerate()", format!("(usize, {UNWRAPPED})")),
        ] {
            let site = SiteFacts { label: label.to_owned(), type_name: Some(item), ..read() };
            assert_eq!(check(&LinesAlloc, site).len(), 1, "{label}");
        }
    }

    #[test]
    fn each_call_keeps_a_string_and_growth_goes_too() {
        let allocs = Allocs { realloc_ns: 5_000_000, ..read().allocs };
        let mut facts = run(vec![SiteFacts { allocs, ..read() }]);
        facts.functions[0].calls = 50_000;
        let found = LinesAlloc.check(&facts, &Thresholds::default());
        let saved = found[0].gain.as_ref().map(|gain| gain.claims[0].saved).unwrap();
        let blocks = 950_000.0 * 25.0;
        let expected = Saved { low: 0.5 * blocks, best: blocks + 5e6, high: 3.0 * blocks + 10e6 };
        assert_eq!(saved, expected);
    }

    #[test]
    fn silent_on_lines_that_are_kept_or_not_known() {
        for lent in [Some(false), None] {
            let site = with_source(read(), |source| source.items_only_lent = lent);
            assert!(check(&LinesAlloc, site).is_empty(), "{lent:?}");
        }
        assert!(check(&LinesAlloc, SiteFacts { source: None, ..read() }).is_empty());
    }

    #[test]
    fn silent_on_other_items() {
        for name in ["&str", UNWRAPPED, "core::result::Result<app::Line, app::Error>"] {
            let type_name = Some(name.to_owned());
            assert!(check(&LinesAlloc, SiteFacts { type_name, ..read() }).is_empty(), "{name}");
        }
    }

    #[test]
    fn silent_on_few_lines_per_call_empty_ones_and_in_tests() {
        let mut facts = run(vec![read()]);
        facts.functions[0].calls = 100_001;
        assert!(LinesAlloc.check(&facts, &Thresholds::default()).is_empty());
        let allocs = Allocs { count: 499_999, ..read().allocs };
        assert!(check(&LinesAlloc, SiteFacts { allocs, ..read() }).is_empty());
        let few = Allocs { count: 99, bytes: 99, ..Allocs::default() };
        assert!(check(&LinesAlloc, SiteFacts { count: 99, allocs: few, ..read() }).is_empty());
        assert!(check(&LinesAlloc, with_source(read(), |s| s.in_test = true)).is_empty());
        let mut unmeasured = run(vec![read()]);
        unmeasured.allocations_measured = false;
        assert!(LinesAlloc.check(&unmeasured, &Thresholds::default()).is_empty());
    }
}
