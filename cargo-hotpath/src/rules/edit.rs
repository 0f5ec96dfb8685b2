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
    let changed = [text.get(..range.start)?, replacement, text.get(range.end..)?].concat();
    let edit = Edit {
        file: file.to_owned(),
        byte_start: range.start,
        byte_end: range.end,
        replacement: replacement.to_owned(),
    };
    Some(Fix { applicability, diff: edit::diff(file, text, &changed, false), edits: vec![edit] })
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
        let expected = "--- a/a\n+++ b/a\n@@ -1 +1,2 @@\n-x\n\\ No newline at end of file\n+y\n+z\n\
                        \\ No newline at end of file\n";
        assert_eq!(fix.map(|fix| fix.diff).as_deref(), Some(expected));
    }
}
