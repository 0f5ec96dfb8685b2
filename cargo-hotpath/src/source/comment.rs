//! Suppression comments: `// hotpath: allow(rule, other-rule)` on a line or above it.

use std::collections::HashMap;

const MARK: &str = "hotpath: allow(";

/// Rules switched off, by the line that they are switched off for.
#[derive(Debug, Default)]
pub(super) struct Suppressions {
    of_line: HashMap<u32, Vec<String>>,
}

impl Suppressions {
    /// Finds the comments of a source text.
    pub(super) fn of(text: &str) -> Self {
        let mut found = Self::default();
        if !text.contains(MARK) {
            return found;
        }
        // A comment alone on its line is for the next line that is none.
        let mut pending = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let number = index as u32 + 1;
            let rules = rules(line);
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
}

fn rules(line: &str) -> Vec<String> {
    let Some((_, comment)) = line.split_once("//") else { return Vec::new() };
    let Some((_, rest)) = comment.split_once(MARK) else { return Vec::new() };
    let Some((list, _)) = rest.split_once(')') else { return Vec::new() };
    list.split(',').map(str::trim).filter(|rule| !rule.is_empty()).map(str::to_owned).collect()
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
             c(); // hotpath: allow(one)\n\
             // hotpath: allow(lost)\n\
             \n\
             d();\n",
        );
        assert_eq!(found.on([1]), ["one", "two"]);
        assert_eq!(found.on([2, 3, 4]), Vec::<String>::new());
        assert_eq!(found.on([5, 5]), ["one", "three"]);
        assert_eq!(found.on(6..=8), Vec::<String>::new());
    }

    #[test]
    fn other_comments_say_nothing() {
        for text in ["// hotpath: deny(x)", "hotpath: allow(x)", "// hotpath: allow(x", "// a"] {
            assert_eq!(Suppressions::of(&format!("{text}\nf();")).on([1, 2]), Vec::<String>::new());
        }
    }
}
