//! Fixes by one edit, with the diff that it makes.

use crate::edit;
use crate::schema::{Applicability, Edit, Fix};

/// A fix that replaces one range of a file; `None` if the range isn't in the text.
pub(super) fn replace(
    file: &str,
    text: &str,
    range: std::ops::Range<usize>,
    replacement: &str,
    applicability: Applicability,
) -> Option<Fix> {
    let (start, end) = around(text, &range)?;
    let before = text.get(start..end)?;
    let after = [text.get(start..range.start)?, replacement, text.get(range.end..end)?].concat();
    let skipped = text[..start].matches('\n').count();
    let edit = Edit {
        file: file.to_owned(),
        byte_start: range.start,
        byte_end: range.end,
        replacement: replacement.to_owned(),
    };
    Some(Fix {
        applicability,
        diff: edit::diff_from(file, skipped, (before, &after)),
        edits: vec![edit],
    })
}

/// The lines that a diff shows: comparing whole files is slow where there are thousands of fixes.
fn around(text: &str, range: &std::ops::Range<usize>) -> Option<(usize, usize)> {
    let (before, after) = (text.get(..range.start)?, text.get(range.end..)?);
    let start = before.rmatch_indices('\n').nth(edit::CONTEXT).map_or(0, |(at, _)| at + 1);
    let end = after.match_indices('\n').nth(edit::CONTEXT);
    Some((start, end.map_or(text.len(), |(at, _)| range.end + at + 1)))
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
    fn the_diff_is_that_of_the_whole_file() {
        let lines: Vec<String> = (0..40).map(|line| format!("line {line}\n")).collect();
        let text = lines.concat();
        for line in 0..40 {
            let words = format!("line {line}\n");
            let at = text.find(&words).unwrap_or_default();
            for (range, with) in [(at..at + 4, "word"), (at..at + words.len(), ""), (at..at, "x\n")]
            {
                let fix = replace("a", &text, range.clone(), with, Applicability::Manual);
                let mut changed = text.clone();
                changed.replace_range(range, with);
                let whole = edit::diff("a", &text, &changed, false);
                assert_eq!(fix.map(|fix| fix.diff), Some(whole), "{line} {with:?}");
            }
        }
    }

    #[test]
    fn a_range_outside_of_the_text_is_no_fix() {
        assert!(replace("a", "é", 1..2, "", Applicability::Manual).is_none());
        assert!(replace("a", "x", 0..9, "", Applicability::Manual).is_none());
    }

    #[test]
    fn the_first_and_only_line_can_change() {
        let fix = replace("a", "x", 0..1, "y\nz", Applicability::Manual);
        let expected = "--- a/a\n+++ b/a\n@@ -1 +1,2 @@\n-x\n\\ No newline at end of file\n+y\n+z\n\
                        \\ No newline at end of file\n";
        assert_eq!(fix.map(|fix| fix.diff).as_deref(), Some(expected));
    }
}
