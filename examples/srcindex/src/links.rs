//! Finds the links in a passage. Holds the planted fault `regex`.

use std::sync::LazyLock;

use hotpath_runtime::hotpath;
use regex::Regex;

/// How many links `text` has. Compiles its pattern at each call.
#[hotpath]
pub(crate) fn count(text: &str) -> usize {
    let link = Regex::new(r"https?://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._~/#?=&%-]*)?")
        .expect("the pattern is a constant");
    link.find_iter(text).count()
}

/// As [`count`], with one pattern for all calls.
#[hotpath]
pub(crate) fn count_shared(text: &str) -> usize {
    static LINK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"https?://[A-Za-z0-9.-]+(?:/[A-Za-z0-9._~/#?=&%-]*)?")
            .expect("the pattern is a constant")
    });
    LINK.find_iter(text).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_variants_find_the_same_links() {
        let text = "// see https://docs.rs/regex/1#syntax, http://a.b and https:/none\n";
        assert_eq!(count(text), 2);
        assert_eq!(count_shared(text), 2);
    }
}
