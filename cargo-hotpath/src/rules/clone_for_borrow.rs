//! `clone-for-borrow`: a copy that is only looked at.

use hotpath_runtime_syntax::Kind;

use crate::facts::{Facts, SiteSource, Usage};
use crate::rules::site::{MIN_EXECUTIONS, MIN_SHARE_PCT, Site, sites};
use crate::rules::{
    Candidate, Explain, Meta, Rule, Threshold, Thresholds, copy, edit, owned_key_lookup, types,
};
use crate::schema::{Applicability, Category, Confidence, Effort, Fix};

/// Time of one copy below which it is none worth a word, when it allocates nothing.
const MIN_COPY_NS: Threshold =
    Threshold::new("min_copy_ns", 20.0, "a copy that allocates nothing must take this long");

/// Methods that only read their receiver and whose result doesn't outlive the statement's use.
pub(super) const READING: &[&str] = &[
    "as_bytes",
    "as_path",
    "as_ref",
    "as_slice",
    "as_str",
    "binary_search",
    "bytes",
    "char_indices",
    "chars",
    "cmp",
    "contains",
    "contains_key",
    "ends_with",
    "eq",
    "eq_ignore_ascii_case",
    "find",
    "first",
    "get",
    "is_empty",
    "iter",
    "join",
    "keys",
    "last",
    "len",
    "lines",
    "ne",
    "parse",
    "partial_cmp",
    "rfind",
    "split",
    "split_once",
    "split_whitespace",
    "starts_with",
    "to_lowercase",
    "to_uppercase",
    "trim",
    "trim_end",
    "trim_start",
    "values",
    "windows",
];

/// The rule.
pub(super) struct CloneForBorrow;

static META: Meta = Meta {
    id: "clone-for-borrow",
    summary: "a value is copied only to be looked at",
    category: Category::Copy,
    effort: Effort::Trivial,
    evidence: "time and count of the copy; in the source: operand of `&`, receiver of a method that only reads, or held by a `let` that only lends it",
    thresholds: &[MIN_EXECUTIONS, MIN_SHARE_PCT, MIN_COPY_NS],
    docs: "https://rust-lang.github.io/rust-clippy/master/index.html#unnecessary_to_owned",
    explain: Explain {
        means: "The copy is made, borrowed once and dropped. A borrow of the original does the same for nothing.",
        found: "Each `.clone()`, `.to_owned()` and `.to_vec()` is measured. This rule looks at those whose\n\
                value is borrowed on the spot, or held by a `let` that only lends it while the original stays as\n\
                it is. Clones of `Arc`, `Rc`, channel ends and the like are left out: they copy\n\
                no data; so are copies that free a lock (`x.lock().unwrap().clone()`), and those of what the loop\n\
                over the copy changes.",
        not_when: "The original is changed while the copy is in use, the type's `Clone` has an effect of its own, or the\n\
                   callee needs exactly this type behind the reference.",
        before: "for order in &orders {\n    total += price(&order.items.clone());\n}",
        after: "for order in &orders {\n    total += price(&order.items);\n}",
    },
};

impl Rule for CloneForBorrow {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        // Not `to_string`: of a number it is a conversion, and there is nothing to borrow.
        let kinds = [Kind::Clone, Kind::ToOwned, Kind::ToVec];
        let copies = |row: &crate::facts::SiteFacts| {
            row.type_name.as_deref().is_some_and(|name| !types::is_shared(name))
        };
        sites(facts, thresholds, &kinds, copies)
            .iter()
            .filter(|site| site.is_exercised())
            .filter_map(|site| candidate(facts, site))
            .collect()
    }
}

fn candidate(facts: &Facts, site: &Site<'_>) -> Option<Candidate> {
    let source = site.source()?;
    let ns = site.ns()?;
    let use_ = reading_use(source).filter(|_| !site.is_mutably_borrowed())?;
    if source.root_changes_in_use == Some(true) || ends_a_guard(source) {
        return None;
    }
    let each = ns / site.count() as f64;
    if site.allocs().count == 0 && each < site.threshold(&MIN_COPY_NS) {
        return None;
    }
    let receiver = source.receiver.as_deref().unwrap_or("the original");
    if site.kind() != Kind::Clone && owned_key_lookup::is_key(site) {
        return None;
    }
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("copy of a {} that is only borrowed", site.short_type()),
        problem: format!("{}. The copy is {use_} and then dropped.", site.measured()),
        solution: format!("Borrow `{receiver}` instead of copying it."),
        steps: vec![
            format!("Remove the copy: use `{receiver}` where `{}` stands.", site.label()),
            "If the compiler refuses because `".to_owned()
                + receiver
                + "` is changed meanwhile, move the change after the use.",
        ],
        tradeoffs: "None where it compiles, unless the type's `Clone` has an effect of its own."
            .to_owned(),
        confidence: Confidence::High,
        effort: META.effort,
        gain: Some(copy::spared(site, ns)),
        fix: fix(facts, site),
    })
}

/// Whether the copy lets a lock go that a borrow would hold for as long as it is used.
fn ends_a_guard(source: &SiteSource) -> bool {
    const GUARDS: [&str; 5] = [".lock()", ".read()", ".write()", ".borrow()", ".borrow_mut()"];
    let receiver = source.receiver.as_deref().unwrap_or_default();
    GUARDS.iter().any(|guard| receiver.contains(guard))
}

/// How the value is used, if it is only read.
fn reading_use(source: &SiteSource) -> Option<String> {
    match &source.usage {
        Usage::Bound if is_bound_to_be_lent(source) => {
            source.bound_to.as_ref().map(|name| format!("only lent, as `{name}`,"))
        }
        Usage::Borrowed | Usage::AddAssign { borrowed: true } => Some("borrowed".to_owned()),
        Usage::Argument { callee, borrowed: true, .. } => Some(format!("lent to `{callee}`")),
        Usage::Receiver(method) if READING.contains(&method.as_str()) => {
            Some(format!("read by `{method}`"))
        }
        _ => None,
    }
}

/// Whether a `let` holds the copy for no more than a borrow of the original could give.
fn is_bound_to_be_lent(source: &SiteSource) -> bool {
    source.only_lent == Some(true)
        && !source.changed_or_moved
        && source.original_stays == Some(true)
}

/// Removing `.clone()`, where the text is exactly that.
fn fix(facts: &Facts, site: &Site<'_>) -> Option<Fix> {
    let source = site.source()?;
    let text = facts.sources.get(&site.of.file)?;
    let expression = site.text()?;
    let receiver = source.receiver.as_deref()?;
    if site.of.from_macro || expression.strip_prefix(receiver)? != ".clone()" {
        return None;
    }
    let (range, with) = if source.usage == Usage::Bound {
        (source.span.byte_start..source.span.byte_end, format!("&{receiver}"))
    } else {
        (source.span.byte_start + receiver.len()..source.span.byte_end, String::new())
    };
    edit::replace(&site.of.file, text, range, &with, Applicability::MaybeIncorrect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{SiteFacts, Span};
    use crate::rules::testing::{best_ns, check, hot, run, with_source};

    fn borrowed() -> SiteFacts {
        with_source(hot(Kind::Clone, "x.clone()", "alloc::string::String"), |source| {
            source.usage = Usage::Borrowed;
            source.receiver = Some("x".to_owned());
        })
    }

    #[test]
    fn fires_on_a_copy_behind_a_reference() {
        let found = check(&CloneForBorrow, borrowed());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].title, "copy of a `String` that is only borrowed");
        assert!(found[0].problem.contains("ran 1 000 000 times and took 400 ms"), "{found:?}");
        assert_eq!(best_ns(&found[0]), Some(410_000_000.0));
        assert_eq!(found[0].gain.as_ref().and_then(|gain| gain.allocs), Some(1_000_000));
    }

    /// `let tags = x.clone();`
    fn held() -> SiteFacts {
        with_source(borrowed(), |source| {
            source.usage = Usage::Bound;
            source.bound_to = Some("tags".to_owned());
            source.only_lent = Some(true);
            source.original_stays = Some(true);
        })
    }

    #[test]
    fn fires_on_a_let_that_only_lends_its_copy() {
        let found = check(&CloneForBorrow, held());
        assert_eq!(found.len(), 1);
        assert!(found[0].problem.contains("only lent, as `tags`, and then dropped"), "{found:?}");
    }

    #[test]
    fn silent_on_a_let_whose_copy_is_needed() {
        let needed: [fn(&mut SiteSource); 4] = [
            |source| source.only_lent = Some(false),
            |source| source.changed_or_moved = true,
            |source| source.original_stays = Some(false),
            |source| source.original_stays = None,
        ];
        for change in needed {
            assert!(check(&CloneForBorrow, with_source(held(), change)).is_empty());
        }
    }

    #[test]
    fn a_held_copy_becomes_a_borrow() {
        let text = "let tags = x.clone();";
        let mut facts = run(vec![with_source(held(), |source| {
            source.span = Span { byte_start: 11, byte_end: 20, ..Span::default() };
        })]);
        let file = facts.functions[0].file.clone();
        facts.sources.insert(file, text.to_owned());
        let found = CloneForBorrow.check(&facts, &Thresholds::default());
        let fix = found[0].fix.as_ref().expect("an edit");
        assert_eq!(fix.edits[0].replacement, "&x");
        assert_eq!((fix.edits[0].byte_start, fix.edits[0].byte_end), (11, 20));
    }

    #[test]
    fn fires_on_receivers_of_reading_methods_only() {
        let receiver = |method: &str| {
            let site = with_source(borrowed(), |s| s.usage = Usage::Receiver(method.to_owned()));
            check(&CloneForBorrow, site).len()
        };
        assert_eq!(receiver("len"), 1);
        assert_eq!(receiver("into_iter"), 0);
        assert_eq!(receiver("push"), 0);
    }

    #[test]
    fn silent_where_the_copy_is_kept() {
        for usage in [Usage::Bound, Usage::Other, Usage::AddAssign { borrowed: false }] {
            assert!(
                check(&CloneForBorrow, with_source(borrowed(), |s| s.usage = usage)).is_empty()
            );
        }
        let given = Usage::Argument { callee: "push".to_owned(), position: 0, borrowed: false };
        assert!(check(&CloneForBorrow, with_source(borrowed(), |s| s.usage = given)).is_empty());
    }

    #[test]
    fn silent_where_a_borrow_would_hold_a_lock_or_forbid_a_change() {
        for receiver in ["shared.lock().unwrap()", "cell.borrow().rows", "self.rows.read()?"] {
            let site = with_source(borrowed(), |s| s.receiver = Some(receiver.to_owned()));
            assert!(check(&CloneForBorrow, site).is_empty(), "{receiver}");
        }
        let changed = with_source(borrowed(), |s| s.root_changes_in_use = Some(true));
        assert!(check(&CloneForBorrow, changed).is_empty());
    }

    #[test]
    fn silent_on_counted_references() {
        for name in ["alloc::sync::Arc<app::Config>", "alloc::rc::Rc<str>", "&str"] {
            let site = SiteFacts { type_name: Some(name.to_owned()), ..borrowed() };
            assert!(check(&CloneForBorrow, site).is_empty(), "{name}");
        }
    }

    #[test]
    fn silent_in_tests_without_source_untimed_or_unexercised() {
        assert!(check(&CloneForBorrow, with_source(borrowed(), |s| s.in_test = true)).is_empty());
        assert!(check(&CloneForBorrow, SiteFacts { source: None, ..borrowed() }).is_empty());
        assert!(check(&CloneForBorrow, SiteFacts { timed: 0, ..borrowed() }).is_empty());
        let few = SiteFacts { count: 99, timed: 99, self_ns: 9_000_000, ..borrowed() };
        assert!(check(&CloneForBorrow, few).is_empty());
    }

    #[test]
    fn silent_on_cheap_copies_without_a_heap_block() {
        let cheap = SiteFacts { self_ns: 5_000_000, allocs: <_>::default(), ..borrowed() };
        assert!(check(&CloneForBorrow, cheap).is_empty());
    }

    #[test]
    fn few_but_dear_copies_are_spoken_of() {
        let dear = SiteFacts { count: 3, timed: 3, ..borrowed() };
        assert_eq!(check(&CloneForBorrow, dear).len(), 1);
    }

    #[test]
    fn silent_where_the_copy_is_changed_or_a_conversion() {
        let text = "fn run() {\n    g(&mut x.clone());\n}\n";
        let site = with_source(borrowed(), |source| {
            source.span = Span { byte_start: 22, byte_end: 31, ..Span::default() };
        });
        let mut facts = run(vec![site]);
        facts.sources.insert("src/main.rs".to_owned(), text.to_owned());
        assert!(CloneForBorrow.check(&facts, &Thresholds::default()).is_empty());
        let number = SiteFacts { kind: Kind::ToString, ..borrowed() };
        assert!(check(&CloneForBorrow, number).is_empty());
    }

    #[test]
    fn the_edit_removes_the_clone_and_nothing_else() {
        let text = "fn run() {\n    g(&x.clone());\n}\n";
        let site = with_source(borrowed(), |source| {
            source.span = Span { byte_start: 18, byte_end: 27, ..Span::default() };
        });
        let mut facts = run(vec![site]);
        facts.sources.insert("src/main.rs".to_owned(), text.to_owned());
        let found = CloneForBorrow.check(&facts, &Thresholds::default());
        let fix = found[0].fix.as_ref().expect("an edit");
        assert_eq!((fix.edits[0].byte_start, fix.edits[0].byte_end), (19, 27));
        assert!(fix.diff.contains("-    g(&x.clone());\n+    g(&x);\n"), "{}", fix.diff);

        facts.sources.insert("src/main.rs".to_owned(), text.replace("x.clone", "y.clone"));
        assert!(
            CloneForBorrow.check(&facts, &Thresholds::default())[0].fix.is_none(),
            "the source has changed"
        );
    }
}
