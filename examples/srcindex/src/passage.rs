//! Splits a document into passages, the units that are looked at one by one.

/// Lines in a passage; the last one of a document may be shorter.
pub(crate) const LINES: usize = 16;

/// Appends the passages of `text` to `passages`; together they are `text`.
pub(crate) fn split<'a>(text: &'a str, passages: &mut Vec<&'a str>) {
    let mut start = 0;
    let mut lines = 0;
    for (end, _) in text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n') {
        lines += 1;
        if lines == LINES {
            passages.push(&text[start..=end]);
            start = end + 1;
            lines = 0;
        }
    }
    if start < text.len() {
        passages.push(&text[start..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_cover_the_text_without_overlap() {
        let text = "é line\n".repeat(LINES * 2) + "tail without newline";
        let mut passages = Vec::new();
        split(&text, &mut passages);
        assert_eq!(passages.len(), 3);
        assert_eq!(passages.concat(), text);
        assert_eq!(passages[0].lines().count(), LINES);
    }
}
