//! The report for people: plain text to a given width, coloured only when asked.

mod advice;
mod excerpt;
mod paint;
mod table;

use std::collections::BTreeMap;

use super::prose::{Block, Limits, prose};
use crate::schema::{Report, Warning};
use crate::text::wrap;

use hotpath_runtime::hotpath;
use paint::{Paint, Tone};

/// Narrowest width that the layout is made for; less is taken for this.
const LEAST_WIDTH: usize = 48;

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether to colour.
    pub color: bool,
    /// Columns; no line of ours is longer (source lines are cut).
    pub width: usize,
    /// How much is told.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self { color: false, width: 80, limits: Limits::default() }
    }
}

/// The report as text. `sources` holds the files that findings point into; without one of them
/// its finding is shown by position only.
#[hotpath]
pub fn render(report: &Report, sources: &BTreeMap<String, String>, options: &Options) -> String {
    let mut page = Page::new(options);
    let prose = prose(report, &options.limits);
    for warning in prose.warnings {
        warn(&mut page, warning);
    }
    for section in &prose.sections {
        page.heading(section.title);
        for (number, group) in section.groups.iter().enumerate() {
            if number > 0 {
                page.blank();
            }
            for block in group {
                show(&mut page, block, sources);
            }
        }
    }
    page.text
}

fn show(page: &mut Page, block: &Block<'_>, sources: &BTreeMap<String, String>) {
    match block {
        Block::Text(text) => page.item("  ", text),
        Block::Table(table) => {
            for line in table::lines(table, page.width) {
                page.raw(&line);
            }
        }
        Block::Finding(advice) => advice::show(page, advice, sources),
        Block::Steps(steps) => steps_with_commands(page, steps),
        Block::Commands(commands) => {
            for command in commands {
                page.raw(&format!("    {command}"));
            }
        }
    }
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

fn warn(page: &mut Page, warning: &Warning) {
    let lead = format!("warning[{}]: ", warning.id);
    let lines = wrap(&format!("{lead}{}", warning.message), page.width);
    for (index, line) in lines.iter().enumerate() {
        let painted = match line.strip_prefix(lead.trim_end()) {
            Some(rest) if index == 0 => page.paint.apply(Tone::Warning, lead.trim_end()) + rest,
            _ => line.clone(),
        };
        page.raw(&painted);
    }
}

/// Each command beside what it does, or below where the line is too short.
fn steps_with_commands(page: &mut Page, steps: &[(&str, String)]) {
    for (number, (what, command)) in steps.iter().enumerate() {
        let line = format!("  {}. {what:<28}{command}", number + 1);
        if line.chars().count() <= page.width {
            page.raw(&line);
        } else {
            page.item(&format!("  {}. ", number + 1), what);
            page.raw(&format!("     {command}"));
        }
    }
}

#[cfg(test)]
mod tests;
