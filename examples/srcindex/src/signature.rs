//! The text by which passages are told apart. Holds the planted fault `string`.

use std::fmt::Write as _;

use hotpath_runtime::hotpath;

/// How often a passage has a term, by the term's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TermCount {
    pub(crate) term: u32,
    pub(crate) count: u32,
}

/// Writes `counts` as `term:count` pairs to `signature`. Makes a string of each pair first.
#[hotpath]
pub(crate) fn write(counts: &[TermCount], terms: &[Box<str>], signature: &mut String) {
    signature.clear();
    for &TermCount { term, count } in counts {
        signature.push_str(&format!("{}:{count} ", terms[term as usize]));
    }
}

/// As [`write`], with each pair written where it belongs.
#[hotpath]
pub(crate) fn write_in_place(counts: &[TermCount], terms: &[Box<str>], signature: &mut String) {
    signature.clear();
    for &TermCount { term, count } in counts {
        let _ = write!(signature, "{}:{count} ", terms[term as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_variants_write_the_same_text() {
        let terms = ["alpha".into(), "beta".into()];
        let counts = [TermCount { term: 1, count: 12 }, TermCount { term: 0, count: 1 }];
        let mut signature = String::from("old");
        write(&counts, &terms, &mut signature);
        assert_eq!(signature, "beta:12 alpha:1 ");
        write_in_place(&counts, &terms, &mut signature);
        assert_eq!(signature, "beta:12 alpha:1 ");
    }
}
