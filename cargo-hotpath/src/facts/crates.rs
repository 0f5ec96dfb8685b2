//! Whether a path leads into the measured code or into a dependency.

use std::collections::BTreeMap;

use super::Facts;

/// First segments of a path that name no dependency.
const NOT_A_DEPENDENCY: &[&str] = &["std", "core", "alloc", "crate", "self", "super", "Self"];

/// Names by whose code they stand for.
#[derive(Debug)]
pub struct Crates<'a> {
    facts: &'a Facts,
    /// Names looked up so far: whether they are the measured code's own.
    own: BTreeMap<String, bool>,
}

impl<'a> Crates<'a> {
    /// As these facts have them.
    pub fn new(facts: &'a Facts) -> Self {
        Self { facts, own: BTreeMap::new() }
    }

    /// Whether a path that starts with this name leads into the measured code: measured functions
    /// lie there, or a source declares or imports it as a module.
    pub fn is_own(&mut self, name: &str) -> bool {
        if let Some(known) = self.own.get(name) {
            return *known;
        }
        let mut functions = self.facts.functions.iter();
        let own = functions.any(|function| function.path.split("::").any(|part| part == name))
            || self
                .facts
                .sources
                .values()
                .flat_map(|text| text.lines())
                .any(|line| names_module(line, name));
        self.own.insert(name.to_owned(), own);
        own
    }
}

/// The crate that a call leads to by its path: `serde_json` of `serde_json::from_str(..)`.
pub fn called_crate(label: &str) -> Option<&str> {
    let path = label.split('(').next()?;
    let (first, _) = path.split_once("::")?;
    let is_crate = first.starts_with(|c: char| c.is_ascii_lowercase())
        && first.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !NOT_A_DEPENDENCY.contains(&first);
    is_crate.then_some(first)
}

/// `mod name;`, `pub mod name {`, `use crate::a::name;`, `use super::{name, other};`.
fn names_module(line: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = line.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).peekable();
    let mut own_path = false;
    while let Some(word) = words.next() {
        match word {
            "mod" if words.peek() == Some(&name) => return true,
            "use" => own_path = matches!(words.peek(), Some(&("crate" | "self" | "super"))),
            _ if own_path && word == name => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_and_own_imports_name_modules() {
        for line in ["mod report;", "pub(crate) mod report {", "use super::report as r;"] {
            assert!(names_module(line, "report"), "{line}");
        }
        for line in ["use report::show;", "mod reports;", "// the report", "use crate::x; // y"] {
            assert!(!names_module(line, "report"), "{line}");
        }
    }
}
