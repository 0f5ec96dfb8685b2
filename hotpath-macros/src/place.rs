//! Where a span lies, as the tables say it.

use proc_macro2::Span;

/// A 1-based line and a 1-based column in characters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Position {
    /// Asks the compiler twice.
    #[cfg(not(test))]
    pub(crate) fn of(span: Span) -> Self {
        let span = span.unwrap();
        Self { line: number(span.line()), column: number(span.column()) }
    }

    /// Outside of the compiler spans come from strings.
    #[cfg(test)]
    pub(crate) fn of(span: Span) -> Self {
        let start = span.start();
        Self { line: number(start.line), column: number(start.column + 1) }
    }
}

/// The file of a span.
#[cfg(not(test))]
pub(crate) fn file(span: Span) -> String {
    span.unwrap().file()
}

/// Outside of the compiler there is none.
#[cfg(test)]
pub(crate) fn file(_: Span) -> String {
    "test.rs".into()
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
