//! `cmp-owned`: a copy made only to compare it.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, Usage};
use crate::rules::copy::{self, Original};
use crate::rules::site::{MIN_EXECUTIONS, MIN_SHARE_PCT, Site, sites};
use crate::rules::{Candidate, Explain, Meta, Rule, Thresholds, types};
use crate::schema::{Category, Confidence, Effort};

/// The rule.
pub(super) struct CmpOwned;

static META: Meta = Meta {
    id: "cmp-owned",
    summary: "a copy is made only to compare it",
    category: Category::String,
    effort: Effort::Trivial,
    evidence: "time, count and allocations of the copy; in the source: operand of `==` or `!=`",
    thresholds: &[MIN_EXECUTIONS, MIN_SHARE_PCT],
    docs: "https://rust-lang.github.io/rust-clippy/master/index.html#cmp_owned",
    explain: Explain {
        means: "`String` and `str`, `Vec<T>` and `[T]`, `PathBuf` and `Path` compare with each other as they are. A copy\n\
                made for a comparison is allocated, compared and freed.",
        found: "`to_string`, `to_owned`, `to_vec`, `clone` and `String::from` are measured; the source says that\n\
                the value is an operand of `==` or `!=`. Copies without heap blocks are left out.",
        not_when: "`to_string` converts a number or another type: parse the text once instead, or compare what\n\
                   it was made of. A type may lack a comparison with its borrowed form.",
        before: "if name == other.to_string() { .. }",
        after: "if name == other { .. }",
    },
};

impl Rule for CmpOwned {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let kinds = [Kind::Clone, Kind::ToString, Kind::ToOwned, Kind::ToVec];
        sites(facts, thresholds, &kinds, |row| {
            !row.type_name.as_deref().is_some_and(types::is_shared)
        })
        .iter()
        .filter(|site| site.is_exercised() && copy::allocates(site))
        .filter_map(candidate)
        .collect()
    }
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let source = site.source().filter(|source| source.usage == Usage::Compared)?;
    let ns = site.ns()?;
    let original = source
        .receiver
        .as_deref()
        .or_else(|| source.arguments.first().map(String::as_str))
        .unwrap_or("the original");
    let made_of = copy::original(site);
    let label = site.label();
    let solution = match made_of {
        Original::Borrowed => format!("Compare `{original}` itself."),
        Original::Converted => {
            format!("Compare `{original}` with the value that the other side stands for.")
        }
        Original::Unknown => format!("Compare `{original}` itself, if it is text."),
    };
    let mut steps = Vec::new();
    if made_of != Original::Converted {
        steps.push(format!("Use `{original}` (or `*{original}`) where `{label}` stands."));
    }
    if made_of != Original::Borrowed {
        steps.push(format!(
            "If `{original}` is no text: parse the other side once, outside of the loop, and compare the values."
        ));
    }
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("{} made only to compare it", site.short_type()),
        problem: format!("{}. The copy is compared and dropped.", site.measured()),
        solution,
        steps,
        tradeoffs: "None where it compiles.".to_owned(),
        confidence: match made_of {
            Original::Borrowed => Confidence::High,
            Original::Converted | Original::Unknown => Confidence::Medium,
        },
        effort: META.effort,
        gain: Some(copy::spared(site, ns)),
        fix: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::SiteFacts;
    use crate::impact::{Saved, union};
    use crate::rules::testing::{best_ns, check, hot, run, with_source};

    fn compared(kind: Kind) -> SiteFacts {
        with_source(hot(kind, "other.to_string()", "alloc::string::String"), |source| {
            source.method = Some("to_string".to_owned());
            source.receiver = Some("other".to_owned());
            source.usage = Usage::Compared;
        })
    }

    #[test]
    fn fires_on_copies_that_are_compared() {
        for kind in [Kind::Clone, Kind::ToOwned, Kind::ToVec, Kind::ToString] {
            let found = check(&CmpOwned, compared(kind));
            assert_eq!(found.len(), 1, "{kind}");
            assert_eq!(found[0].title, "`String` made only to compare it");
            assert_eq!(best_ns(&found[0]), Some(410e6));
        }
    }

    #[test]
    fn what_drifts_out_of_a_span_is_neither_sure_nor_denied() {
        let mut facts = run(vec![compared(Kind::Clone)]);
        facts.probes.inside_ns = 9.0;
        let found = CmpOwned.check(&facts, &Thresholds::default()).remove(0);
        let saved = union(&found.gain.expect("it saves something").claims).threads;
        // Of 391 ns for each copy and 10 for each free; twice the free, and the clock at both.
        assert_eq!(saved, Saved { low: 382e6, best: 401e6, high: 429e6 });
    }

    #[test]
    fn a_conversion_of_what_may_be_no_text_is_not_told_to_be_left_out() {
        let found = |declared: Option<&str>| {
            let site = with_source(compared(Kind::ToString), |source| {
                source.declared_type = declared.map(str::to_owned);
            });
            check(&CmpOwned, site).remove(0)
        };
        let text = found(Some("&'a str"));
        assert_eq!(text.solution, "Compare `other` itself.");
        assert_eq!((text.confidence, text.steps.len()), (Confidence::High, 1));
        let unknown = found(None);
        assert_eq!(unknown.solution, "Compare `other` itself, if it is text.");
        assert_eq!((unknown.confidence, unknown.steps.len()), (Confidence::Medium, 2));
        let number = found(Some("u32"));
        assert!(number.steps.len() == 1 && number.steps[0].contains("parse the other side"));
    }

    #[test]
    fn silent_on_other_uses_and_counted_references() {
        for usage in [Usage::Bound, Usage::Borrowed, Usage::Other] {
            let site = with_source(compared(Kind::Clone), |s| s.usage = usage.clone());
            assert!(check(&CmpOwned, site).is_empty(), "{usage:?}");
        }
        let arc = Some("alloc::sync::Arc<str>".to_owned());
        assert!(check(&CmpOwned, SiteFacts { type_name: arc, ..compared(Kind::Clone) }).is_empty());
    }

    #[test]
    fn silent_without_heap_blocks_few_untimed_or_in_tests() {
        let site = || compared(Kind::Clone);
        assert!(check(&CmpOwned, SiteFacts { allocs: <_>::default(), ..site() }).is_empty());
        let few = SiteFacts { count: 99, timed: 99, self_ns: 9_000, ..site() };
        assert!(check(&CmpOwned, few).is_empty());
        assert!(check(&CmpOwned, SiteFacts { timed: 0, ..site() }).is_empty());
        assert!(check(&CmpOwned, with_source(site(), |s| s.in_test = true)).is_empty());
    }
}
