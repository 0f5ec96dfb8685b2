//! `explain`: what a rule means, when not to follow it, before and after.

use std::fmt::Write as _;

use crate::cli::ExplainArgs;
use crate::error::{Error, Exit};
use crate::rules;
use crate::term;

/// Prints one rule, or the list of all.
pub fn explain(args: &ExplainArgs) -> Result<Exit, Error> {
    let text = match &args.rule {
        Some(id) => one(id)?,
        None => all(),
    };
    term::write_stdout(&text)?;
    Ok(Exit::Success)
}

fn one(id: &str) -> Result<String, Error> {
    match rules::find(id) {
        Ok(rule) => Ok(rule.meta().to_string()),
        Err(unknown) => Err(Error::usage(format!("no rule is called `{id}`"), unknown.hint())),
    }
}

fn all() -> String {
    let width = rules::all().iter().map(|rule| rule.meta().id.len()).max().unwrap_or_default();
    let mut text = String::new();
    for meta in rules::all().iter().map(|rule| rule.meta()) {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{:width$}  {}", meta.id, meta.summary);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_rule_can_be_explained() {
        let list = all();
        assert_eq!(list.lines().count(), rules::all().len());
        for line in list.lines() {
            let id = line.split(' ').next().unwrap();
            assert!(one(id).unwrap().starts_with(id));
        }
    }

    #[test]
    fn an_unknown_rule_is_a_usage_error() {
        let near = one("clone-in-lop").unwrap_err();
        assert_eq!(near.exit(), Exit::Usage);
        assert_eq!(near.hint().unwrap(), "did you mean `clone-in-loop`?");
        assert!(one("zzzzzz").unwrap_err().hint().unwrap().contains("lists all rules"));
    }
}
