//! Where a span lies, as the tables say it.

use proc_macro2::Span;

/// A file with a 1-based line and a 1-based column in characters.
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Place {
    #[cfg(not(test))]
    pub(crate) fn of(span: Span) -> Self {
        let span = span.unwrap();
        Self { file: span.file(), line: number(span.line()), column: number(span.column()) }
    }

    /// Outside of the compiler spans come from strings.
    #[cfg(test)]
    pub(crate) fn of(span: Span) -> Self {
        let start = span.start();
        Self { file: "test.rs".into(), line: number(start.line), column: number(start.column + 1) }
    }
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
