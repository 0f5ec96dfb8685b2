//! `clone-last-use`: a copy of a value that nothing uses afterwards.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, SiteFacts, Usage};
use crate::rules::site::{MIN_EXECUTIONS, MIN_SHARE_PCT, Site, sites};
use crate::rules::{Candidate, Explain, Meta, Rule, Thresholds, copy, edit, types};
use crate::schema::{Applicability, Category, Confidence, Effort, Fix};

/// The rule.
pub(super) struct CloneLastUse;

static META: Meta = Meta {
    id: "clone-last-use",
    summary: "a value is copied though nothing uses the original afterwards",
    category: Category::Copy,
    effort: Effort::Trivial,
    evidence: "time, count, allocations and type of the copy; in the source: an owned variable, not named in or after the statement",
    thresholds: &[MIN_EXECUTIONS, MIN_SHARE_PCT],
    docs: "https://rust-lang.github.io/rust-clippy/master/index.html#redundant_clone",
    explain: Explain {
        means: "The original is dropped right after its copy was made. Handing on the original itself copies nothing.",
        found: "Each copy is measured. The source says that its receiver is a parameter or a `let` of just the type that\n\
                the copy was measured to have (so not a reference), that nothing names it in or after the\n\
                statement, that the copy isn't made in a closure or a deeper loop, and that no variable which may\n\
                borrow from it is used later.",
        not_when: "Dropping the original has an effect at its place (guards, handles).",
        before: "fn add(&mut self, row: Row) {\n    self.index(&row);\n    self.rows.push(row.clone());\n}",
        after: "fn add(&mut self, row: Row) {\n    self.index(&row);\n    self.rows.push(row);\n}",
    },
};

impl Rule for CloneLastUse {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let owned = |row: &SiteFacts| {
            row.needs_drop && row.type_name.as_deref().is_some_and(|name| !types::is_shared(name))
        };
        sites(facts, thresholds, &[Kind::Clone], owned)
            .iter()
            .filter(|site| site.is_exercised() && copy::allocates(site) && is_owned(site))
            .filter_map(|site| candidate(facts, site))
            .collect()
    }
}

/// Whether the receiver's variable holds the value itself: it was declared with the type that the copy
/// has, or bound to an expression that was measured to have it.
fn is_owned(site: &Site<'_>) -> bool {
    let (Some(source), Some(copied)) = (site.source(), site.type_name()) else { return false };
    if let Some(declared) = &source.declared_type {
        let plain = !declared.trim_start().starts_with(['&', '*', '(', '[']);
        return plain && types::last_segment(declared) == types::last_segment(copied);
    }
    let bound_by = source.bound_by.and_then(|index| site.other(index));
    // The type of these is their value's.
    bound_by.is_some_and(|bound_by| {
        !matches!(
            bound_by.kind(),
            Kind::Grow
                | Kind::Lock
                | Kind::Lookup
                | Kind::Search
                | Kind::Shift
                | Kind::Write
                | Kind::Call
        ) && bound_by.type_name() == Some(copied)
    })
}

fn candidate(facts: &Facts, site: &Site<'_>) -> Option<Candidate> {
    let source = site.source().filter(|source| source.last_use == Some(true))?;
    let ns = site.ns()?;
    let original = source.receiver.as_deref()?;
    // What only borrows the copy is `clone-for-borrow`'s and `cmp-owned`'s.
    let moves = match &source.usage {
        Usage::Argument { borrowed, .. } => !borrowed,
        Usage::Bound | Usage::Other => true,
        _ => false,
    };
    if !moves {
        return None;
    }
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("copy of a {} that nothing uses afterwards", site.short_type()),
        problem: format!("{}. `{original}` is dropped without another use.", site.measured()),
        solution: format!("Hand on `{original}` itself."),
        steps: vec![
            format!("Remove `.clone()`: use `{original}` where `{}` stands.", site.label()),
            format!(
                "If the compiler refuses because `{original}` is still borrowed, end that borrow first."
            ),
        ],
        tradeoffs:
            "None where it compiles, unless the type's `Clone` or `Drop` has an effect of its own."
                .to_owned(),
        confidence: Confidence::Medium,
        effort: META.effort,
        gain: Some(copy::spared(site, ns)),
        fix: fix(facts, site),
    })
}

/// Removing `.clone()`, where the text is exactly that.
fn fix(facts: &Facts, site: &Site<'_>) -> Option<Fix> {
    let source = site.source()?;
    let text = facts.sources.get(&site.of.file)?;
    let original = source.receiver.as_deref()?;
    if site.of.from_macro || site.text()?.strip_prefix(original)? != ".clone()" {
        return None;
    }
    let from = source.span.byte_start + original.len();
    let range = from..source.span.byte_end;
    edit::replace(&site.of.file, text, range, "", Applicability::MaybeIncorrect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Span;
    use crate::rules::testing::{best_ns, check, hot, run, with_source};

    fn copied() -> SiteFacts {
        with_source(hot(Kind::Clone, "row.clone()", "alloc::vec::Vec<u8>"), |source| {
            source.receiver = Some("row".to_owned());
            source.declared_type = Some("Vec<u8>".to_owned());
            source.last_use = Some(true);
            source.usage =
                Usage::Argument { callee: "push".to_owned(), position: 0, borrowed: false };
        })
    }

    #[test]
    fn fires_on_the_last_use_of_an_owned_variable() {
        let found = check(&CloneLastUse, copied());
        assert_eq!(found[0].title, "copy of a `Vec<u8>` that nothing uses afterwards");
        assert_eq!(best_ns(&found[0]), Some(410e6));
        let bound = with_source(copied(), |source| source.usage = Usage::Bound);
        assert_eq!(check(&CloneLastUse, bound).len(), 1);
    }

    #[test]
    fn fires_on_variables_bound_to_a_value_of_the_type() {
        let bound = |kind: Kind, type_name: &str| {
            let copied = with_source(copied(), |source| {
                source.declared_type = None;
                source.bound_by = Some(1);
            });
            let value = SiteFacts { index: 1, ..hot(kind, "x.to_vec()", type_name) };
            CloneLastUse.check(&run(vec![copied, value]), &Thresholds::default()).len()
        };
        assert_eq!(bound(Kind::ToVec, "alloc::vec::Vec<u8>"), 1);
        assert_eq!(bound(Kind::ToVec, "&alloc::vec::Vec<u8>"), 0);
        assert_eq!(bound(Kind::Lookup, "alloc::vec::Vec<u8>"), 0, "that is the receiver's");
    }

    #[test]
    fn silent_on_references_and_unknown_types() {
        for declared in ["&Vec<u8>", "&'a mut Vec<u8>", "T", "impl Into<Vec<u8>>", "Rows"] {
            let site = with_source(copied(), |s| s.declared_type = Some(declared.to_owned()));
            assert!(check(&CloneLastUse, site).is_empty(), "{declared}");
        }
        let unknown = with_source(copied(), |source| source.declared_type = None);
        assert!(check(&CloneLastUse, unknown).is_empty());
    }

    #[test]
    fn silent_where_it_is_used_later_or_only_borrowed() {
        assert!(
            check(&CloneLastUse, with_source(copied(), |s| s.last_use = Some(false))).is_empty()
        );
        for usage in [Usage::Borrowed, Usage::Compared, Usage::Receiver("len".to_owned())] {
            let site = with_source(copied(), |source| source.usage = usage.clone());
            assert!(check(&CloneLastUse, site).is_empty(), "{usage:?}");
        }
    }

    #[test]
    fn silent_on_handles_copies_without_blocks_few_and_in_tests() {
        let arc = Some("alloc::sync::Arc<u8>".to_owned());
        assert!(check(&CloneLastUse, SiteFacts { type_name: arc, ..copied() }).is_empty());
        assert!(check(&CloneLastUse, SiteFacts { needs_drop: false, ..copied() }).is_empty());
        assert!(check(&CloneLastUse, SiteFacts { allocs: <_>::default(), ..copied() }).is_empty());
        let few = SiteFacts { count: 99, timed: 99, self_ns: 9_000, ..copied() };
        assert!(check(&CloneLastUse, few).is_empty());
        assert!(check(&CloneLastUse, with_source(copied(), |s| s.in_test = true)).is_empty());
    }

    #[test]
    fn the_edit_removes_the_clone_and_nothing_else() {
        let text = "fn add() { rows.push(row.clone()); }\n";
        let site = with_source(copied(), |source| {
            source.span = Span { byte_start: 21, byte_end: 32, ..Span::default() };
        });
        let mut facts = run(vec![site]);
        facts.sources.insert("src/main.rs".to_owned(), text.to_owned());
        let found = CloneLastUse.check(&facts, &Thresholds::default());
        let fix = found[0].fix.as_ref().expect("an edit");
        assert!(fix.diff.contains("+fn add() { rows.push(row); }"), "{}", fix.diff);
    }
}
