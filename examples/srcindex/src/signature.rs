//! The text by which passages are told apart: each three words that follow each other. Holds the
//! planted fault `string`.

use std::fmt::Write as _;

use hotpath_runtime::hotpath;

/// Writes the triples of neighbours in `words` to `signature`. Makes a string of each one first.
#[allow(clippy::format_push_string, reason = "the planted fault")]
#[hotpath]
pub(crate) fn write(words: &[u32], terms: &[Box<str>], signature: &mut String) {
    signature.clear();
    for triple in words.windows(3) {
        let [first, second, third] = [0, 1, 2].map(|place| &terms[triple[place] as usize]);
        signature.push_str(&format!("{first} {second} {third};"));
    }
}

/// As [`write()`], with each triple written where it belongs.
#[hotpath]
pub(crate) fn write_in_place(words: &[u32], terms: &[Box<str>], signature: &mut String) {
    signature.clear();
    for triple in words.windows(3) {
        let [first, second, third] = [0, 1, 2].map(|place| &terms[triple[place] as usize]);
        let _ = write!(signature, "{first} {second} {third};");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_variants_write_the_same_text() {
        let terms = ["alpha".into(), "beta".into()];
        let mut signature = String::from("old");
        write(&[1, 0, 0, 1], &terms, &mut signature);
        assert_eq!(signature, "beta alpha alpha;alpha alpha beta;");
        write_in_place(&[1, 0, 0, 1], &terms, &mut signature);
        assert_eq!(signature, "beta alpha alpha;alpha alpha beta;");
    }
}
