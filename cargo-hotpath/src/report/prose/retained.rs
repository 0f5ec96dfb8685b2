//! *Retained memory*: what was live at the end, where it was asked for.

use super::{Block, Section, Table};
use crate::schema::{Report, RetainedSite};
use crate::units;

/// Sites listed at most.
const MOST: usize = 5;

/// What is kept of every quarter is at least this share of what an even growth would keep.
const STEADY: f64 = 0.5;

pub(super) fn section(report: &Report, top: usize) -> Option<Section<'static>> {
    let retained = report.retained.as_ref()?;
    let total = format!(
        "{} were live at the end, estimated from a sample of 1 in {}; then the standard error, and \
         the share from each quarter of the run.",
        with_error(retained.bytes, retained.error_bytes),
        units::bytes(retained.period_bytes)
    );
    let mut blocks = vec![Block::Text(total)];
    let shown = || retained.sites.iter().take(top.min(MOST));
    if !retained.sites.is_empty() {
        blocks.push(Block::Table(Table {
            header: &["bytes", "+-", "1st", "2nd", "3rd", "4th", "where"],
            rows: shown().map(row).collect(),
        }));
    }
    blocks.extend(shown().filter(|site| grows(site)).map(|site| {
        let place = place(site);
        Block::Text(format!("`{place}` keeps some of every quarter: it grows with the run."))
    }));
    Some(Section { title: "Retained memory", groups: vec![blocks] })
}

fn row(site: &RetainedSite) -> Vec<String> {
    let mut cells = vec![units::bytes(site.bytes), units::bytes(site.error_bytes)];
    cells.extend(site.born_bytes.map(|born| share(born, site.bytes)));
    cells.push(place(site));
    cells
}

fn with_error(bytes: u64, error: u64) -> String {
    format!("{} +- {}", units::bytes(bytes), units::bytes(error))
}

fn share(part: u64, whole: u64) -> String {
    units::percent(100.0 * part as f64 / whole.max(1) as f64)
}

/// Whether it keeps about as much of each part of the run, beyond what its error could make up.
fn grows(site: &RetainedSite) -> bool {
    let least = site.born_bytes.iter().copied().min().unwrap_or(0) as f64;
    site.bytes > 2 * site.error_bytes && least >= STEADY * site.bytes as f64 / 4.0
}

/// `path: text (file:line)`.
fn place(site: &RetainedSite) -> String {
    let Some(path) = &site.path else { return "outside of measured functions".to_owned() };
    let text = site.text.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
    let position = site.file.as_ref().zip(site.line);
    let position = position.map(|(file, line)| format!(" ({file}:{line})")).unwrap_or_default();
    format!("{path}{text}{position}")
}
