//! Edits with their unified diff.

use crate::schema::{Applicability, Edit, Fix};

/// Lines shown before and after a change.
const CONTEXT: usize = 3;

/// A fix that replaces one range of a file; `None` if the range isn't in the text.
pub(super) fn replace(
    file: &str,
    text: &str,
    range: std::ops::Range<usize>,
    replacement: &str,
    applicability: Applicability,
) -> Option<Fix> {
    text.get(range.clone())?;
    let edit = Edit {
        file: file.to_owned(),
        byte_start: range.start,
        byte_end: range.end,
        replacement: replacement.to_owned(),
    };
    Some(Fix { applicability, diff: diff(file, text, range, replacement), edits: vec![edit] })
}

fn diff(file: &str, text: &str, range: std::ops::Range<usize>, replacement: &str) -> String {
    let block_start = text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
    let block_end = text[range.end..].find('\n').map_or(text.len(), |newline| range.end + newline);
    let old: Vec<&str> = text[block_start..block_end].split('\n').collect();
    let changed = [&text[block_start..range.start], replacement, &text[range.end..block_end]];
    let changed = changed.concat();
    let new: Vec<&str> = changed.split('\n').collect();

    let before: Vec<&str> = text[..block_start].split_terminator('\n').collect();
    let before = &before[before.len().saturating_sub(CONTEXT)..];
    let after: Vec<&str> = text[block_end..].split_terminator('\n').skip(1).take(CONTEXT).collect();
    let first = text[..block_start].lines().count() + 1 - before.len();
    let around = before.len() + after.len();

    let mut lines = vec![
        format!("--- a/{file}"),
        format!("+++ b/{file}"),
        format!("@@ -{first},{} +{first},{} @@", around + old.len(), around + new.len()),
    ];
    lines.extend(before.iter().map(|line| format!(" {line}")));
    lines.extend(old.iter().map(|line| format!("-{line}")));
    lines.extend(new.iter().map(|line| format!("+{line}")));
    lines.extend(after.iter().map(|line| format!(" {line}")));
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a\nb\nc\nd\ng(&x.clone());\ne\n";

    #[test]
    fn the_diff_shows_three_lines_around() {
        let at = TEXT.find(".clone()").unwrap_or_default();
        let fix = replace("src/a.rs", TEXT, at..at + 8, "", Applicability::MaybeIncorrect);
        let expected = "--- a/src/a.rs\n+++ b/src/a.rs\n@@ -2,5 +2,5 @@\n b\n c\n d\n\
                        -g(&x.clone());\n+g(&x);\n e\n";
        assert_eq!(fix.map(|fix| fix.diff).as_deref(), Some(expected));
    }

    #[test]
    fn a_range_outside_of_the_text_is_no_fix() {
        assert!(replace("a", "é", 1..2, "", Applicability::Manual).is_none());
        assert!(replace("a", "x", 0..9, "", Applicability::Manual).is_none());
    }

    #[test]
    fn the_first_and_only_line_can_change() {
        let fix = replace("a", "x", 0..1, "y\nz", Applicability::Manual);
        let expected = "--- a/a\n+++ b/a\n@@ -1,1 +1,2 @@\n-x\n+y\n+z\n";
        assert_eq!(fix.map(|fix| fix.diff).as_deref(), Some(expected));
    }
}
