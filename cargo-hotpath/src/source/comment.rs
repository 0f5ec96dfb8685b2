//! Suppression comments: `// hotpath: allow(RULE, ..)` on a line or above it.

use std::collections::HashMap;
use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};

const MARK: &str = "hotpath:";

/// Rules switched off, by the line that they are switched off for.
#[derive(Debug, Default)]
pub(super) struct Suppressions {
    of_line: HashMap<u32, Vec<String>>,
    written: Vec<(u32, Option<String>)>,
}

impl Suppressions {
    /// Finds the comments of a source text.
    pub(super) fn of(text: &str) -> Self {
        let mut found = Self::default();
        if !text.contains(MARK) {
            return found;
        }
        let literals = literals(text);
        // A comment alone on its line is for the next line that is none.
        let mut pending = Vec::new();
        let mut start = 0;
        for (line, number) in text.split_inclusive('\n').zip(1..) {
            let mark = line.find(MARK).map(|at| start + at);
            start += line.len();
            // In a string or a doc comment it is talked about.
            let is_code = mark.is_some_and(|at| !literals.iter().any(|it| it.contains(&at)));
            let rules = if is_code { rules(line) } else { None };
            found.written.extend(rules.iter().flat_map(|rules| written(number, rules)));
            let rules = rules.unwrap_or_default();
            if line.trim_start().starts_with("//") {
                pending.extend(rules);
                continue;
            }
            let all = pending.drain(..).chain(rules);
            // A blank line parts a comment from what follows.
            if !line.trim().is_empty() {
                let all: Vec<String> = all.collect();
                if !all.is_empty() {
                    found.of_line.insert(number, all);
                }
            }
        }
        found
    }

    /// The rules switched off on any of these lines, sorted, each once.
    pub(super) fn on(&self, lines: impl IntoIterator<Item = u32>) -> Vec<String> {
        if self.of_line.is_empty() {
            return Vec::new();
        }
        let mut rules: Vec<String> = lines
            .into_iter()
            .filter_map(|line| self.of_line.get(&line))
            .flatten()
            .cloned()
            .collect();
        rules.sort();
        rules.dedup();
        rules
    }

    /// Every rule that a comment names, with the comment's line; `None` for one that names none.
    pub(super) fn written(&self) -> &[(u32, Option<String>)] {
        &self.written
    }
}

fn written(line: u32, rules: &[String]) -> Vec<(u32, Option<String>)> {
    if rules.is_empty() {
        return vec![(line, None)];
    }
    rules.iter().map(|rule| (line, Some(rule.clone()))).collect()
}

/// What a comment allows; `None` where it isn't about that.
fn rules(line: &str) -> Option<Vec<String>> {
    let (_, comment) = line.split_once("//")?;
    let (_, rest) = comment.split_once(MARK)?;
    let rest = rest.trim_start().strip_prefix("allow")?.trim_start().strip_prefix('(')?;
    let list = rest.split_once(')').map(|(list, _)| list).unwrap_or_default();
    let names = list.split(',').map(str::trim).filter(|rule| !rule.is_empty());
    Some(names.map(str::to_owned).collect())
}

/// Bytes of all literals; doc comments count, as they are attributes with one.
fn literals(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // What doesn't lex has no tokens at all: then nobody asks for suppressions either.
    let mut left: Vec<TokenStream> = text.parse().into_iter().collect();
    while let Some(tokens) = left.pop() {
        for token in tokens {
            match token {
                TokenTree::Group(group) => left.push(group.stream()),
                TokenTree::Literal(literal) => found.push(literal.span().byte_range()),
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_for_its_own_line_or_the_next() {
        let found = Suppressions::of(
            "a(); // hotpath: allow(one, two)\n\
             b();\n\
             // hotpath: allow(three): it is cold\n\
             // and more words\n\
             c(); //hotpath:allow (one)\n\
             // hotpath: allow(lost)\n\
             \n\
             d(\"http://\"); // hotpath: allow(four)\n",
        );
        assert_eq!(found.on([1]), ["one", "two"]);
        assert_eq!(found.on([2, 3, 4]), Vec::<String>::new());
        assert_eq!(found.on([5, 5]), ["one", "three"]);
        assert_eq!(found.on(6..=7), Vec::<String>::new());
        assert_eq!(found.on([8]), ["four"]);
        let lines: Vec<u32> = found.written().iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [1, 1, 3, 5, 6, 8]);
    }

    #[test]
    fn other_comments_say_nothing() {
        for text in ["// hotpath: deny(x)", "hotpath: allow(x)", "// a", "// hotpath: allow it"] {
            let found = Suppressions::of(&format!("{text}\nf();"));
            assert_eq!(found.on([1, 2]), Vec::<String>::new());
            assert!(found.written().is_empty(), "{text}");
        }
    }

    #[test]
    fn strings_and_documentation_only_talk_about_it() {
        let found = Suppressions::of(
            "//! Write `// hotpath: allow(x)`.\n\
             /// Or // hotpath: allow(x) above\n\
             fn f() {\n    let ä = \"\n// hotpath: allow(x)\n\"; g(\"// hotpath: allow(x)\");\n}\n",
        );
        assert_eq!(found.on(1..=9), Vec::<String>::new());
        assert!(found.written().is_empty(), "{:?}", found.written());
    }

    #[test]
    fn a_list_without_rules_or_end_is_known() {
        for text in
            ["f(); // hotpath: allow()", "f(); // hotpath: allow(x", "// hotpath: allow( , )"]
        {
            let found = Suppressions::of(text);
            assert_eq!(found.on([1]), Vec::<String>::new());
            assert_eq!(found.written(), [(1, None)], "{text}");
        }
    }
}
