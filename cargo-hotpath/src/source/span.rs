//! Places in a source text: line and column in characters, and byte offsets.

use proc_macro2::LineColumn;

use crate::facts::Span;

/// A source text with an index of its lines.
pub(super) struct Lines<'t> {
    text: &'t str,
    /// Byte offset of each line; of the first, after what the lexer doesn't count as text.
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Indexes `text`; a byte order mark belongs to no line.
    pub(super) fn new(text: &'t str) -> Self {
        let mark = text.len() - text.trim_start_matches('\u{feff}').len();
        let mut starts = vec![mark];
        starts.extend(text.match_indices('\n').map(|(newline, _)| newline + 1));
        Self { text, starts }
    }

    /// Byte offset of a place; of one past the end of its line or of the text, that end.
    pub(super) fn byte(&self, place: LineColumn) -> usize {
        let Some(&start) = self.starts.get(place.line.saturating_sub(1)) else {
            return self.text.len();
        };
        let end = self.starts.get(place.line).copied().unwrap_or(self.text.len());
        let line = &self.text[start..end];
        let column = match line.as_bytes().get(..place.column) {
            Some(before) if before.is_ascii() => place.column,
            _ => line.char_indices().nth(place.column).map_or(line.len(), |(byte, _)| byte),
        };
        start + column
    }

    /// The range between two places.
    pub(super) fn span(&self, (start, end): (LineColumn, LineColumn)) -> Span {
        Span {
            byte_start: self.byte(start),
            byte_end: self.byte(end),
            line: start.line as u32,
            column: start.column as u32 + 1,
            end_line: end.line as u32,
            end_column: end.column as u32 + 1,
        }
    }

    /// The text between two places.
    pub(super) fn text(&self, (start, end): (LineColumn, LineColumn)) -> &'t str {
        self.text.get(self.byte(start)..self.byte(end)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: usize, column: usize) -> LineColumn {
        LineColumn { line, column }
    }

    #[test]
    fn columns_are_characters_and_offsets_are_bytes() {
        let lines = Lines::new("let a = \"ä€\"; b\r\nc\n");
        assert_eq!(lines.byte(at(1, 8)), 8);
        assert_eq!(lines.byte(at(1, 14)), 17);
        assert_eq!(lines.text((at(1, 14), at(1, 15))), "b");
        assert_eq!(lines.text((at(2, 0), at(2, 1))), "c");
        let span = lines.span((at(1, 9), at(2, 1)));
        assert_eq!((span.byte_start, span.byte_end), (9, 21));
        assert_eq!((span.line, span.column, span.end_line, span.end_column), (1, 10, 2, 2));
    }

    #[test]
    fn a_byte_order_mark_shifts_bytes_but_not_columns() {
        let lines = Lines::new("\u{feff}fn f() {}\nx");
        assert_eq!(lines.byte(at(1, 3)), 6);
        assert_eq!(lines.text((at(1, 3), at(1, 4))), "f");
        assert_eq!(lines.text((at(2, 0), at(2, 1))), "x");
    }

    #[test]
    fn places_outside_are_the_end() {
        let lines = Lines::new("ab\nc");
        assert_eq!(lines.byte(at(9, 0)), 4);
        assert_eq!(lines.byte(at(2, 9)), 4);
        assert_eq!(lines.byte(at(1, 99)), 3);
    }
}
