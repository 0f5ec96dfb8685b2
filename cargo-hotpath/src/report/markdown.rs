//! The report as Markdown for GitHub: pull requests, issues, job summaries.

pub(crate) mod escape;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hotpath_runtime::hotpath;

use super::prose::{Advice, Block, Limits, Part, Table, prose};
use crate::schema::{Finding, Report, Warning};
use escape::{cell, code, fenced, text};

/// Lines of source shown at most for a finding.
const MOST_LINES: usize = 6;

/// The report as Markdown. `sources` holds the files that findings point into; without one of them
/// its finding is shown by position only.
#[hotpath]
pub fn render(report: &Report, sources: &BTreeMap<String, String>, limits: &Limits) -> String {
    let prose = prose(report, limits);
    let workload = &report.workload;
    let mut page = Page::default();
    page.block(&format!("# cargo hotpath: {} {}", text(&workload.kind), code(&workload.name)));
    page.warnings(prose.warnings);
    for section in &prose.sections {
        page.block(&format!("## {}", section.title));
        for block in section.groups.iter().flatten() {
            page.show(block, sources);
        }
    }
    page.0
}

/// Blocks with a blank line between them.
#[derive(Default)]
struct Page(String);

impl Page {
    fn block(&mut self, block: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(block.trim_end());
        self.0.push('\n');
    }

    fn warnings(&mut self, warnings: &[Warning]) {
        if warnings.is_empty() {
            return;
        }
        let lines = warnings.iter().fold(String::new(), |mut lines, warning| {
            // Writing to a string can't fail.
            let _ = writeln!(lines, "> - **{}**: {}", text(&warning.id), text(&warning.message));
            lines
        });
        self.block(&format!("> [!WARNING]\n{lines}"));
    }

    fn show(&mut self, block: &Block<'_>, sources: &BTreeMap<String, String>) {
        match block {
            Block::Text(words) => self.block(&text(words)),
            Block::Table(rows) => self.block(&table(rows)),
            Block::Finding(advice) => self.finding(advice, sources),
            Block::Steps(steps) => {
                let steps =
                    steps.iter().map(|(what, run)| format!("{}: {}", text(what), code(run)));
                self.block(&numbered(steps));
            }
            Block::Commands(commands) => self.block(&fenced("sh", &commands.join("\n"))),
        }
    }

    fn finding(&mut self, advice: &Advice<'_>, sources: &BTreeMap<String, String>) {
        let Advice { finding, label, parts } = advice;
        self.block(&format!("### {}. {} {}", finding.rank, text(label), text(&finding.title)));
        if let Some(place) = place(finding) {
            self.block(&code(&place));
        }
        if let Some(excerpt) = excerpt(finding, sources) {
            self.block(&fenced("rust", &excerpt));
        }
        for part in parts {
            match part {
                Part::Field { name, text: words } => {
                    self.block(&format!("**{name}:** {}", text(words)));
                }
                Part::Aside { name, text: words } => {
                    self.block(&format!("*{name}:* {}", text(words)));
                }
                Part::Steps(steps) => self.block(&numbered(steps.iter().map(|step| text(step)))),
                Part::Diff { about, diff } => {
                    self.block(&text(about));
                    self.block(&fenced("diff", diff));
                }
            }
        }
    }
}

fn numbered(steps: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> =
        steps.zip(1..).map(|(step, number)| format!("{number}. {step}")).collect();
    lines.join("\n")
}

/// Numbers to the right, names as code.
fn table(table: &Table) -> String {
    let last = table.header.len().saturating_sub(1);
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let header = table.header.iter().map(|name| text(name)).collect();
    let rule = (0..=last).map(|column| if column < last { "---:" } else { "---" }.to_owned());
    let rows = table.rows.iter().map(|row| {
        let cells = row.iter().enumerate();
        line(cells.map(|(column, it)| if column < last { text(it) } else { cell(it) }).collect())
    });
    [line(header), line(rule.collect())].into_iter().chain(rows).collect()
}

/// `src/main.rs:5:23`.
fn place(finding: &Finding) -> Option<String> {
    let file = finding.file.as_deref()?;
    Some(match (finding.line, finding.column) {
        (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
        _ => file.to_owned(),
    })
}

/// The lines of the finding, moved to the left; `None` without source, or where it doesn't have
/// them any more.
fn excerpt(finding: &Finding, sources: &BTreeMap<String, String>) -> Option<String> {
    let source = sources.get(finding.file.as_deref()?)?;
    let (first, last) = (finding.line? as usize, finding.end_line? as usize);
    let count = (last.saturating_sub(first) + 1).min(MOST_LINES);
    let lines: Vec<&str> = source.lines().skip(first.checked_sub(1)?).take(count).collect();
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let shared = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min()?;
    let moved: Vec<&str> =
        lines.iter().map(|line| line.get(shared..).unwrap_or_default().trim_end()).collect();
    Some(moved.join("\n"))
}

#[cfg(test)]
mod tests;
