//! `format-push`: a `String` made by `format!` only to be appended to another.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, Usage};
use crate::impact::Saved;
use crate::rules::site::{MIN_EXECUTIONS, MIN_SHARE_PCT, Site, sites};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Thresholds};
use crate::schema::{Category, Confidence, Effort};

/// Where between its bounds the likely saving lies: formatting itself stays.
const LIKELY: f64 = 1.0 / 3.0;

/// The rule.
pub(super) struct FormatPush;

static META: Meta = Meta {
    id: "format-push",
    summary: "a formatted String is made only to be appended to another",
    category: Category::String,
    effort: Effort::Trivial,
    evidence: "time, count and allocations of `format!`; in the source: argument of `push_str` or right side of `+= &`",
    thresholds: &[MIN_EXECUTIONS, MIN_SHARE_PCT],
    docs: "https://rust-lang.github.io/rust-clippy/master/index.html#format_push_string",
    explain: Explain {
        means: "`format!` allocates a String, which is copied to the end of another and freed. `write!` formats\n\
                straight into the other.",
        found: "Each `format!` is measured; the source says that its value is borrowed by `push_str` or `+=`.",
        not_when: "It is the only append and readability matters more. `write!` to a String can't fail, so its result\n\
                   may be ignored. `std::fmt::Write` and `std::io::Write` in one scope clash: import one as `_`.",
        before: "out.push_str(&format!(\"{key}={value};\"));",
        after: "use std::fmt::Write as _;\nlet _ = write!(out, \"{key}={value};\");",
    },
};

impl Rule for FormatPush {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        sites(facts, thresholds, &[Kind::Format], |_| true)
            .iter()
            .filter(|site| site.is_exercised())
            .filter_map(candidate)
            .collect()
    }
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let source = site.source()?;
    let ns = site.ns()?;
    if !is_appended(&source.usage) {
        return None;
    }
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: "String made by `format!` only to be appended".to_owned(),
        problem: format!("{}. Its String is copied to the end of another and dropped.", site.measured()),
        solution: "Format straight into the target with `write!`.".to_owned(),
        steps: vec![
            "Add `use std::fmt::Write as _;` to the function or module.".to_owned(),
            "Replace the statement by `let _ = write!(target, ..);` with the arguments of `format!` \
             (writing to a String can't fail)."
                .to_owned(),
        ],
        tradeoffs: "The result of `write!` has to be ignored. With `std::io::Write` in scope too, import one `as _`."
            .to_owned(),
        confidence: Confidence::High,
        effort: META.effort,
        gain: Some(gain(site, ns)),
        fix: None,
    })
}

fn gain(site: &Site<'_>, ns: f64) -> Gain {
    let allocs = site.allocs();
    let frees = site.frees_ns();
    let read = site.read_ns().unwrap_or_default();
    let temporary = (site.allocs_ns() + allocs.realloc_ns as f64).min(read) + frees;
    let high = ns + frees;
    let most = site.most_ns() + frees;
    let (gone, gone_bytes) = site.gone_allocs();
    let time = crate::units::time;
    Gain {
        claims: vec![site.claim(Saved::new(
            temporary,
            temporary + (high - temporary) * LIKELY,
            most,
        ))],
        allocs: gone,
        alloc_bytes: gone_bytes,
        basis: format!(
            "low: allocations and frees of the temporaries {}; high: all of `format!` {} + frees {} \
                 ({}) and all that may have hidden behind the clock; formatting itself \
                 stays: likely is a third of the way to `format!` and frees",
            time(temporary),
            time(ns),
            time(frees),
            site.allocator().basis()
        ),
    }
}

fn is_appended(usage: &Usage) -> bool {
    match usage {
        Usage::AddAssign { borrowed } => *borrowed,
        Usage::Argument { callee, borrowed: true, .. } => callee == "push_str",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::SiteFacts;
    use crate::rules::testing::{check, hot, with_source};

    fn pushed() -> SiteFacts {
        with_source(hot(Kind::Format, "format!(\"{key}\")", "alloc::string::String"), |source| {
            source.usage =
                Usage::Argument { callee: "push_str".to_owned(), position: 0, borrowed: true };
        })
    }

    fn added(borrowed: bool) -> Usage {
        Usage::AddAssign { borrowed }
    }

    #[test]
    fn fires_with_the_temporary_as_the_sure_part() {
        let found = check(&FormatPush, pushed());
        let saved = found[0].gain.as_ref().map(|gain| gain.claims[0].saved);
        assert_eq!(saved, Some(Saved { low: 25e6, best: 25e6 + 385e6 / 3.0, high: 420e6 }));
        assert!(found[0].problem.starts_with("`format!(\"{key}\")` in `app::run` ran"));
    }

    #[test]
    fn fires_on_add_assign() {
        assert_eq!(check(&FormatPush, with_source(pushed(), |s| s.usage = added(true))).len(), 1);
    }

    #[test]
    fn silent_where_the_string_is_kept() {
        let kept = [
            Usage::Bound,
            Usage::Other,
            Usage::Borrowed,
            added(false),
            Usage::Argument { callee: "push".to_owned(), position: 0, borrowed: false },
            Usage::Argument { callee: "get".to_owned(), position: 0, borrowed: true },
        ];
        for usage in kept {
            let site = with_source(pushed(), |s| s.usage = usage.clone());
            assert!(check(&FormatPush, site).is_empty(), "{usage:?}");
        }
    }

    #[test]
    fn silent_in_tests_without_source_and_unexercised() {
        assert!(check(&FormatPush, with_source(pushed(), |s| s.in_test = true)).is_empty());
        assert!(check(&FormatPush, SiteFacts { source: None, ..pushed() }).is_empty());
        let few = SiteFacts { count: 10, timed: 10, self_ns: 4_000, ..pushed() };
        assert!(check(&FormatPush, few).is_empty());
    }
}
