//! Cuts a passage into words: identifiers, keywords and the words of comments.

/// One word and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    /// As it is written.
    pub(crate) text: &'a str,
    /// Whether it is part of a doc comment.
    pub(crate) in_doc: bool,
}

/// The words of `text` in their order. Numbers and single letters are none.
pub(crate) fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    text.lines().flat_map(|line| {
        let code = line.trim_start();
        let in_doc = code.starts_with("///") || code.starts_with("//!");
        Words { rest: code }.map(move |text| Word { text, in_doc })
    })
}

struct Words<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let start = self.rest.bytes().position(is_part)?;
            let tail = &self.rest[start..];
            let length = tail.bytes().position(|byte| !is_part(byte)).unwrap_or(tail.len());
            let (word, rest) = tail.split_at(length);
            self.rest = rest;
            if word.len() > 1 && !word.as_bytes()[0].is_ascii_digit() {
                return Some(word);
            }
        }
    }
}

/// Every byte of a letter outside ASCII is a part, so that cuts fall between characters.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_whether_they_document() {
        let found: Vec<_> = words("/// The naïve way\n  let x_1 = 0x1f + Größe;").collect();
        let texts: Vec<_> = found.iter().map(|word| word.text).collect();
        assert_eq!(texts, ["The", "naïve", "way", "let", "x_1", "Größe"]);
        assert_eq!(found.iter().filter(|word| word.in_doc).count(), 3);
    }
}
