//! The report for people: plain text to a given width, coloured only when asked.

mod advice;
mod excerpt;
mod paint;
mod retained;
mod state;
mod table;

use std::collections::BTreeMap;

use crate::rank::FLOOR_PCT;
use crate::schema::{Exit, Report};
use crate::text::wrap;
use crate::units;

use advice::Limits;
use hotpath_runtime::hotpath;
use paint::{Paint, Tone};

/// Functions and findings listed unless asked otherwise.
const TOP: usize = 10;

/// Narrowest width that the layout is made for; less is taken for this.
const LEAST_WIDTH: usize = 48;

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether to colour.
    pub color: bool,
    /// Columns; no line of ours is longer (source lines are cut).
    pub width: usize,
    /// Functions and findings to list; `None` for 10.
    pub top: Option<usize>,
    /// Share of wall time below which findings were left out; `None` for
    /// [`crate::rank::FLOOR_PCT`], 0 where none were.
    pub min_impact_pct: Option<f64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { color: false, width: 80, top: None, min_impact_pct: None }
    }
}

/// The report as text. `sources` holds the files that findings point into; without one of them
/// its finding is shown by position only.
#[hotpath]
pub fn render(report: &Report, sources: &BTreeMap<String, String>, options: &Options) -> String {
    let mut page = Page::new(options);
    warnings(&mut page, report);
    let top = options.top.unwrap_or(TOP);
    state::section(&mut page, report, top);
    retained::section(&mut page, report, top);
    let floor_pct = options.min_impact_pct.unwrap_or(FLOOR_PCT);
    advice::section(&mut page, report, sources, &Limits { top, floor_pct });
    verification(&mut page, report);
    page.text
}

/// Text that grows by lines, none longer than the width.
struct Page {
    text: String,
    width: usize,
    paint: Paint,
}

impl Page {
    fn new(options: &Options) -> Self {
        let width = options.width.max(LEAST_WIDTH);
        Self { text: String::new(), width, paint: Paint::new(options.color) }
    }

    fn blank(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn heading(&mut self, title: &str) {
        self.blank();
        let line = self.paint.apply(Tone::Heading, title);
        self.raw(&line);
    }

    /// A finished line.
    fn raw(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// Wrapped text: `first` before its first line, as many spaces before the others.
    fn item(&mut self, first: &str, text: &str) {
        self.toned_item(Tone::Plain, first, text);
    }

    /// The same with `first` in a tone.
    fn toned_item(&mut self, tone: Tone, first: &str, text: &str) {
        let indent = first.chars().count();
        for (index, line) in wrap(text, self.width.saturating_sub(indent)).iter().enumerate() {
            let lead = if index == 0 { self.paint.apply(tone, first) } else { " ".repeat(indent) };
            self.raw(&format!("{lead}{line}"));
        }
    }
}

fn warnings(page: &mut Page, report: &Report) {
    for warning in &report.quality.warnings {
        let lead = format!("warning[{}]: ", warning.id);
        let text = format!("{lead}{}", warning.message);
        let lines = wrap(&text, page.width);
        for (index, line) in lines.iter().enumerate() {
            let painted = match line.strip_prefix(lead.trim_end()) {
                Some(rest) if index == 0 => page.paint.apply(Tone::Warning, lead.trim_end()) + rest,
                _ => line.clone(),
            };
            page.raw(&painted);
        }
    }
}

fn verification(page: &mut Page, report: &Report) {
    page.heading("Verification steps");
    if report.findings.is_empty() {
        page.item("  ", "Nothing to verify. After your next change, run the same workload again:");
        page.raw("    cargo hotpath run");
        return;
    }
    let steps = [
        ("Keep this state", "cargo hotpath run --save before"),
        ("Make one change, then test", "cargo test"),
        ("Measure the same again", "cargo hotpath run"),
    ];
    for (number, (what, command)) in steps.iter().enumerate() {
        let line = format!("  {}. {what:<28}{command}", number + 1);
        if line.chars().count() <= page.width {
            page.raw(&line);
        } else {
            page.item(&format!("  {}. ", number + 1), what);
            page.raw(&format!("     {command}"));
        }
    }
    let rule = &report.findings[0].rule;
    page.item("  ", "More on a rule, and when not to follow it:");
    page.raw(&format!("    cargo hotpath explain {rule}"));
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

#[cfg(test)]
mod tests;
