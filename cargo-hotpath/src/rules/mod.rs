//! The rules: pure functions from facts to candidate findings, one file each.

mod alloc_in_loop_reuse;
mod allocator_swap;
mod await_in_loop;
mod awaits;
mod blocking_in_async;
mod build_debug;
mod build_lto_cgu;
mod build_opt;
mod client_per_call;
mod clone_for_borrow;
mod clone_in_loop;
mod clone_last_use;
mod cmp_owned;
mod collect_then_iter;
mod copy;
mod default_hasher_hot;
mod edit;
mod entry_key_alloc;
mod format_push;
mod guard_across_await;
mod holders;
mod linear_search_loop;
mod lines_alloc;
mod lock_contention;
mod long_poll;
mod messages;
mod mutex_to_atomic;
mod n_plus_one;
mod no_capacity;
mod owned_key_lookup;
mod print_loop;
mod regex_per_call;
mod sequential_awaits;
mod settings;
mod site;
mod spawn_per_item;
#[cfg(test)]
pub(crate) mod testing;
mod thresholds;
mod types;
mod unbounded_channel;
mod unbuffered_write;
mod vec_front;

use std::fmt;

use crate::facts::{Facts, Span};
use crate::impact::Claim;
use crate::schema::{Category, Confidence, Effort, Fix};
use crate::text::wrap;

pub use settings::{Level, Setting, Settings};
pub use thresholds::{Threshold, Thresholds};
pub use types::{Home, crate_of, short};

/// The rule whose gain is a share of what all allocations cost, so of what other changes take away.
pub const ALLOCATOR_SWAP: &str = "allocator-swap";

/// The rule whose findings are about time in which nobody computes.
pub const LOCK_CONTENTION: &str = "lock-contention";

/// A rule.
pub trait Rule: Sync {
    /// What is known of the rule without a run.
    fn meta(&self) -> &'static Meta;

    /// What it finds with these limits. Says nothing without dynamic evidence (rules on the build aside), looks at
    /// the facts only, and doesn't judge whether a finding is worth showing: that is
    /// [`crate::rank`]'s.
    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate>;
}

/// What is known of a rule without a run.
#[derive(Debug)]
pub struct Meta {
    /// Id, kebab-case.
    pub id: &'static str,
    /// One line.
    pub summary: &'static str,
    /// What it is about.
    pub category: Category,
    /// What its fix takes.
    pub effort: Effort,
    /// What must have been measured, and what must stand in the source.
    pub evidence: &'static str,
    /// Its limits.
    pub thresholds: &'static [Threshold],
    /// Where to read on.
    pub docs: &'static str,
    /// The long text.
    pub explain: Explain,
}

/// What `explain` prints.
#[derive(Debug)]
pub struct Explain {
    /// What it means.
    pub means: &'static str,
    /// How it is found.
    pub found: &'static str,
    /// When not to do it.
    pub not_when: &'static str,
    /// Code that it fires on.
    pub before: &'static str,
    /// The same after the fix.
    pub after: &'static str,
}

/// Columns of the long text.
const WIDTH: usize = 80;

/// The long text, as `explain` prints it.
impl fmt::Display for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let explain = &self.explain;
        writeln!(f, "{}: {}\n", self.id, self.summary)?;
        writeln!(f, "What it means\n{}", prose(explain.means))?;
        writeln!(f, "How it is found\n{}", prose(explain.found))?;
        writeln!(f, "Evidence\n{}", prose(self.evidence))?;
        if let Some(first) = self.thresholds.first() {
            writeln!(f, "Limits")?;
            for threshold in self.thresholds {
                writeln!(f, "{}", prose(&threshold.described()).trim_end())?;
            }
            writeln!(f, "\nAnother limit, in `[rules]` of the configuration")?;
            writeln!(f, "    \"{}\" = {{ {} }}\n", self.id, first.assigned())?;
        }
        writeln!(f, "When not to do it\n{}", prose(explain.not_when))?;
        writeln!(f, "Before\n{}", code(explain.before))?;
        writeln!(f, "After\n{}", code(explain.after))?;
        writeln!(f, "More: {}", self.docs)
    }
}

fn prose(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    indented(wrap(&words.join(" "), WIDTH - 4).iter().map(String::as_str))
}

fn code(text: &str) -> String {
    indented(text.lines())
}

fn indented<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    lines.flat_map(|line| ["    ", line, "\n"]).collect()
}

/// Something that a rule found.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Where; `None` for the build.
    pub anchor: Option<Anchor>,
    /// One line.
    pub title: String,
    /// What is wrong, with the measured numbers.
    pub problem: String,
    /// What to do.
    pub solution: String,
    /// How, step by step.
    pub steps: Vec<String>,
    /// What it costs, and when not to do it.
    pub tradeoffs: String,
    /// How sure the evidence is.
    pub confidence: Confidence,
    /// What the change takes, here.
    pub effort: Effort,
    /// What it saves; `None` when that can't be told from the run.
    pub gain: Option<Gain>,
    /// An edit, where one can be given byte for byte.
    pub fix: Option<Fix>,
}

/// Where a candidate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Index into [`Facts::functions`].
    pub function: usize,
    /// [`crate::facts::SiteFacts::index`].
    pub site: usize,
    /// Kind of the site.
    pub kind: &'static str,
    /// Range in the source.
    pub span: Span,
    /// Rules switched off here.
    pub allowed: Vec<String>,
}

/// What a candidate saves.
#[derive(Clone, Debug)]
pub struct Gain {
    /// Time by site.
    pub claims: Vec<Claim>,
    /// Allocations that go; `None` when they were not measured.
    pub allocs: Option<u64>,
    /// Their bytes.
    pub alloc_bytes: Option<u64>,
    /// The formula with its numbers.
    pub basis: String,
}

static ALL: [&dyn Rule; 33] = [
    &alloc_in_loop_reuse::AllocInLoopReuse,
    &allocator_swap::AllocatorSwap,
    &await_in_loop::AwaitInLoop,
    &blocking_in_async::BlockingInAsync,
    &build_debug::BuildDebug,
    &build_lto_cgu::BuildLtoCgu,
    &build_opt::BuildOpt,
    &client_per_call::ClientPerCall,
    &clone_for_borrow::CloneForBorrow,
    &clone_in_loop::CloneInLoop,
    &clone_last_use::CloneLastUse,
    &cmp_owned::CmpOwned,
    &collect_then_iter::CollectThenIter,
    &default_hasher_hot::DefaultHasherHot,
    &entry_key_alloc::EntryKeyAlloc,
    &format_push::FormatPush,
    &guard_across_await::GuardAcrossAwait,
    &linear_search_loop::LinearSearchLoop,
    &lines_alloc::LinesAlloc,
    &lock_contention::LockContention,
    &long_poll::LongPoll,
    &mutex_to_atomic::MutexToAtomic,
    &n_plus_one::NPlusOne,
    &owned_key_lookup::OwnedKeyLookup,
    &print_loop::PrintLoop,
    &regex_per_call::RegexPerCall,
    &sequential_awaits::SequentialAwaits,
    &spawn_per_item::SpawnPerItem,
    &no_capacity::STRING,
    &unbounded_channel::UnboundedChannel,
    &unbuffered_write::UnbufferedWrite,
    &vec_front::VecFront,
    &no_capacity::VEC,
];

/// Every rule, in the order of their ids.
pub fn all() -> &'static [&'static dyn Rule] {
    &ALL
}

/// The rule with this id.
///
/// # Errors
/// There is none; the error names the nearest one.
pub fn find(id: &str) -> Result<&'static dyn Rule, Suggestion> {
    all().iter().copied().find(|rule| rule.meta().id == id).ok_or_else(|| Suggestion::for_id(id))
}

/// An id that no rule has.
#[derive(Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// As it was given.
    pub given: String,
    /// The rule that was probably meant.
    pub nearest: Option<&'static str>,
}

impl Suggestion {
    fn for_id(given: &str) -> Self {
        let nearest = all()
            .iter()
            .map(|rule| (strsim::jaro_winkler(given, rule.meta().id), rule.meta().id))
            // A word as short as `all` is like any id that begins with it.
            .filter(|(likeness, _)| *likeness > 0.75 && given.chars().count() > 3)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, id)| id);
        Self { given: given.to_owned(), nearest }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match self.nearest {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "`cargo hotpath explain` lists all rules".to_owned(),
        }
    }
}

impl fmt::Display for Suggestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no rule `{}`", self.given)?;
        if let Some(nearest) = self.nearest {
            return write!(f, "; did you mean `{nearest}`?");
        }
        let ids: Vec<_> = all().iter().map(|rule| rule.meta().id).collect();
        write!(f, "; the rules are {}", ids.join(", "))
    }
}

impl std::error::Error for Suggestion {}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the configuration says of a rule beside its limits.
    const RESERVED: [&str; 2] = ["level", "min_impact_pct"];

    #[test]
    fn ids_are_sorted_and_unique() {
        let ids: Vec<_> = all().iter().map(|rule| rule.meta().id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }

    #[test]
    fn every_rule_explains_itself() {
        for rule in all() {
            let meta = rule.meta();
            let text = meta.to_string();
            assert!(text.starts_with(meta.id), "{text}");
            for part in ["When not to do it\n    ", "Before\n    ", "After\n    ", "https://"] {
                assert!(text.contains(part), "{}: no {part:?} in\n{text}", meta.id);
            }
            for threshold in meta.thresholds {
                let name = threshold.name();
                assert!(text.contains(name), "{}: {name}", meta.id);
                let is_snake = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                assert!(is_snake && !RESERVED.contains(&name), "{}: {name}", meta.id);
            }
            let is_link = |line: &str| line.contains("https://");
            let long = text.lines().find(|line| line.chars().count() > WIDTH && !is_link(line));
            assert_eq!(long, None, "{}", meta.id);
            assert_ne!(meta.explain.before, meta.explain.after, "{}", meta.id);
        }
    }

    #[test]
    fn no_rule_speaks_without_evidence() {
        for rule in all() {
            assert!(
                rule.check(&Facts::default(), &Thresholds::default()).is_empty(),
                "{}",
                rule.meta().id
            );
        }
    }

    #[test]
    fn an_unknown_id_names_the_nearest() {
        assert_eq!(find("print-loop").map(|rule| rule.meta().id), Ok("print-loop"));
        let typo = find("clone-for-borow").err();
        assert_eq!(typo.and_then(|suggestion| suggestion.nearest), Some("clone-for-borrow"));
        assert_eq!(find("all").err().and_then(|suggestion| suggestion.nearest), None);
        let none = find("zzz").err().map(|suggestion| suggestion.to_string());
        assert!(none.is_some_and(|text| text.contains("the rules are alloc-in-loop-reuse")));
    }
}
