//! The report in words: what every format for people lays out, with the same figures and wording.
//!
//! Names and code stand in backticks, as in the texts of the rules.

mod advice;
mod costly;
mod functions;
mod profiling;
mod retained;
mod shell;
mod state;
mod verification;

use crate::rank::FLOOR_PCT;
use crate::schema::{Exit, Report, Warning};
use crate::units;

pub(super) use advice::{Advice, Part};

/// Functions and findings listed unless asked otherwise.
const TOP: usize = 10;

/// How much is told.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Functions and findings listed.
    pub top: usize,
    /// Share of wall time below which findings were left out; 0 where none were.
    pub floor_pct: f64,
}

impl Limits {
    /// As the user asked, where they did.
    pub fn new(top: Option<usize>, floor_pct: Option<f64>) -> Self {
        Self { top: top.unwrap_or(TOP), floor_pct: floor_pct.unwrap_or(FLOOR_PCT) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(None, None)
    }
}

/// A report in words.
pub(super) struct Prose<'r> {
    /// What to know before reading on.
    pub(super) warnings: &'r [Warning],
    pub(super) sections: Vec<Section<'r>>,
}

/// A part of it under a heading.
pub(super) struct Section<'r> {
    pub(super) title: &'static str,
    /// Blocks that belong together.
    pub(super) groups: Vec<Vec<Block<'r>>>,
}

/// What sections are made of.
pub(super) enum Block<'r> {
    /// A paragraph.
    Text(String),
    Table(Table),
    /// Something to change.
    Finding(Advice<'r>),
    /// What to do one after the other, each with its command.
    Steps(Vec<(&'static str, String)>),
    /// Lines for a shell.
    Commands(Vec<String>),
}

/// Numbers by name.
pub(super) struct Table {
    pub(super) header: &'static [&'static str],
    /// As long as the header; the last cell is the name, in no backticks.
    pub(super) rows: Vec<Vec<String>>,
}

/// Puts the report into words.
pub(super) fn prose<'r>(report: &'r Report, limits: &Limits) -> Prose<'r> {
    let sections = [
        Some(state::section(report, limits.top)),
        retained::section(report, limits.top),
        Some(advice::section(report, limits)),
        profiling::section(report),
        Some(verification::section(report)),
    ];
    Prose { warnings: &report.quality.warnings, sections: sections.into_iter().flatten().collect() }
}

/// `exit code 3`, `signal 9`; `None` for success.
fn failure(exit: &Exit) -> Option<String> {
    match (exit.signal, exit.code) {
        (Some(signal), _) => Some(format!("signal {signal}")),
        (None, Some(0)) => None,
        (None, Some(code)) => Some(format!("exit code {code}")),
        (None, None) => Some("unknown exit".to_owned()),
    }
}

/// A count, or `-` where nothing was measured.
fn count_or_dash(count: Option<u64>) -> String {
    count.map_or_else(|| "-".to_owned(), units::count)
}

/// `and 12 more, --top 22 lists all`.
fn more(all: usize, top: usize) -> Option<Block<'static>> {
    let left = all.checked_sub(top).filter(|left| *left > 0)?;
    Some(Block::Text(format!("and {} more, --top {all} lists all", units::count(left as u64))))
}
