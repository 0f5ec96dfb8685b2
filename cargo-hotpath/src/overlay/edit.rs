//! Changes to a file of the copy, by byte ranges of the user's.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use super::error::OverlayError;
use crate::fnv::fnv1a;

/// One piece of text that is replaced; an empty range inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Bytes of the file as it is.
    pub range: Range<usize>,
    /// What stands there in the copy, without a line break: line numbers hold.
    pub text: String,
}

/// The changes to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edits {
    /// Of the text that the ranges are of.
    original: u64,
    /// In order, none overlapping another.
    list: Vec<Edit>,
}

impl Edits {
    /// Changes to this text; of those that overlap the first is kept.
    pub fn new(text: &str, mut list: Vec<Edit>) -> Self {
        list.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let mut end = 0;
        list.retain(|edit| {
            let fits = edit.range.start >= end && text.get(edit.range.clone()).is_some();
            end = if fits { edit.range.end } else { end };
            fits
        });
        Self { original: fnv1a(text), list }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Of the same value only for the same changes to the same text.
    pub(super) fn identity(&self) -> u64 {
        let mut all = self.original.to_string();
        for Edit { range, text } in &self.list {
            // Writing to a string can't fail.
            let _ = write!(all, "\n{} {} {text}", range.start, range.end);
        }
        fnv1a(&all)
    }

    /// The text of the file with its changes.
    pub(super) fn apply(&self, path: &Path, bytes: Vec<u8>) -> Result<String, OverlayError> {
        let changed = || OverlayError::Changed { path: path.to_owned() };
        let text = String::from_utf8(bytes).map_err(|_| changed())?;
        if fnv1a(&text) != self.original {
            return Err(changed());
        }
        let mut edited = String::with_capacity(text.len() + text.len() / 8);
        let mut done = 0;
        for Edit { range, text: new } in &self.list {
            edited.push_str(&text[done..range.start]);
            edited.push_str(new);
            done = range.end;
        }
        edited.push_str(&text[done..]);
        Ok(edited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(range: Range<usize>, text: &str) -> Edit {
        Edit { range, text: text.to_owned() }
    }

    #[test]
    fn insertions_and_replacements_are_made_in_order() {
        let text = "static A: T = E;";
        let edits =
            Edits::new(text, vec![edit(14..15, "N(E)"), edit(0..0, "#[a] "), edit(10..11, "W<T>")]);
        let edited = edits.apply(Path::new("a.rs"), text.into()).unwrap();
        assert_eq!(edited, "#[a] static A: W<T> = N(E);");
    }

    #[test]
    fn what_overlaps_or_lies_outside_is_left_out() {
        let text = "ä bc";
        let edits = Edits::new(
            text,
            vec![edit(1..2, "x"), edit(3..5, "y"), edit(4..4, "z"), edit(9..9, "w")],
        );
        assert_eq!(edits.apply(Path::new("a.rs"), text.into()).unwrap(), "ä y");
        assert!(Edits::new(text, vec![edit(9..9, "")]).is_empty());
    }

    #[test]
    fn a_file_that_changed_meanwhile_is_refused_by_name() {
        let edits = Edits::new("abc", vec![edit(0..0, "x")]);
        let error = edits.apply(Path::new("src/a.rs"), b"abd".to_vec()).unwrap_err().to_string();
        assert!(error.contains("src/a.rs") && error.contains("changed"), "{error}");
        assert!(edits.apply(Path::new("a.rs"), vec![0xff]).is_err());
    }

    #[test]
    fn other_edits_have_another_identity() {
        let one = |text: &str, range, new| Edits::new(text, vec![edit(range, new)]).identity();
        let first = one("abc", 0..0, "x");
        assert_eq!(first, one("abc", 0..0, "x"));
        for other in [one("abd", 0..0, "x"), one("abc", 1..1, "x"), one("abc", 0..0, "y")] {
            assert_ne!(first, other);
        }
    }
}
