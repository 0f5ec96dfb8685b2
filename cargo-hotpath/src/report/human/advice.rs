//! *Recommendations*: what to change, best first.

use std::collections::BTreeMap;

use super::paint::Tone;
use super::{Page, excerpt};
use crate::schema::{
    Category, Confidence, Effort, Finding, Impact, Metric, Range, Report, Severity,
};
use crate::units;

/// What is shown of the findings.
pub(super) struct Limits {
    pub(super) top: usize,
    pub(super) floor_pct: f64,
}

pub(super) fn section(
    page: &mut Page,
    report: &Report,
    sources: &BTreeMap<String, String>,
    limits: &Limits,
) {
    page.heading("Recommendations");
    if report.findings.is_empty() {
        page.item("  ", &nothing(limits.floor_pct));
        return;
    }
    if let Some(combined) = combined(report) {
        page.item("  ", &combined);
    }
    for finding in report.findings.iter().take(limits.top) {
        page.blank();
        show(page, finding, sources);
    }
    let all = report.findings.len();
    if all > limits.top {
        page.blank();
        let more = units::count((all - limits.top) as u64);
        page.item("  ", &format!("and {more} more, --top {all} lists all"));
    }
}

fn nothing(floor_pct: f64) -> String {
    if floor_pct > 0.0 {
        format!("Nothing worth fixing above {} of the wall time.", units::percent(floor_pct))
    } else {
        "Nothing to fix: no rule found anything.".to_owned()
    }
}

/// The union of several findings; with one it would only repeat it.
fn combined(report: &Report) -> Option<String> {
    let estimated = report.findings.iter().filter(|finding| finding.impact.wall_pct.is_some());
    let count = estimated.count();
    let range = report.combined.wall_pct.filter(|_| count > 1)?;
    Some(format!(
        "All {count} estimates together: {} of the wall time (they overlap: don't add them up).",
        percent_range(&range)
    ))
}

fn show(page: &mut Page, finding: &Finding, sources: &BTreeMap<String, String>) {
    let label = match finding.severity {
        Severity::High => "[High impact]",
        Severity::Medium => "[Medium impact]",
        Severity::Low => "[Low impact]",
        Severity::Info => "[Info]",
    };
    let lead = format!("{}. {label} ", finding.rank);
    page.toned_item(Tone::Impact(finding.severity), &lead, &finding.title);
    place(page, finding, sources);
    page.toned_item(Tone::Strong, "   Problem: ", &finding.problem);
    page.toned_item(Tone::Strong, "   Solution: ", &finding.solution);
    page.toned_item(Tone::Strong, "   Expected improvement: ", &expected(&finding.impact));
    page.toned_item(Tone::Dim, "   Basis: ", &finding.impact.basis);
    page.toned_item(Tone::Strong, "   Implementation: ", effort(finding));
    for (number, step) in finding.steps.iter().enumerate() {
        page.item(&format!("     {}. ", number + 1), step);
    }
    diff(page, finding);
    page.toned_item(Tone::Strong, "   Trade-offs: ", &finding.tradeoffs);
    page.toned_item(
        Tone::Dim,
        "   Rule: ",
        &format!("{} (confidence: {})", finding.rule, confidence(finding.confidence)),
    );
}

fn place(page: &mut Page, finding: &Finding, sources: &BTreeMap<String, String>) {
    if let Some(excerpt) = excerpt::excerpt(finding, sources, page.width, page.paint.is_on()) {
        for line in excerpt.lines() {
            page.raw(line);
        }
        return;
    }
    if let Some(file) = &finding.file {
        let position = match (finding.line, finding.column) {
            (Some(line), Some(column)) => format!(":{line}:{column}"),
            _ => String::new(),
        };
        page.item("   --> ", &format!("{file}{position}"));
    }
}

fn expected(impact: &Impact) -> String {
    let mut parts = Vec::new();
    match &impact.wall_pct {
        Some(range) => parts.push(format!("{} of the wall time", percent_range(range))),
        None => parts.push("not measured".to_owned()),
    }
    if let Some(range) = impact.cpu_pct.filter(|_| impact.metric == Metric::Cpu) {
        parts.push(format!("{} of the CPU time", percent_range(&range)));
    }
    if let Some(range) = impact.peak_memory_pct {
        parts.push(format!("{} of the peak memory", percent_range(&range)));
    }
    if let Some(allocs) = impact.allocs.filter(|allocs| *allocs > 0) {
        let bytes = impact.alloc_bytes.map(|bytes| format!(" ({})", units::bytes(bytes)));
        let allocs = units::counted(allocs, "allocation");
        parts.push(format!("{allocs}{} less", bytes.unwrap_or_default()));
    }
    parts.join(", ")
}

/// `12.0 to 18.0 %, likely 15.0 %`.
fn percent_range(range: &Range) -> String {
    let number = units::percent_number;
    if number(range.low) == number(range.high) {
        return units::percent(range.best);
    }
    format!(
        "{} to {}, likely {}",
        number(range.low),
        units::percent(range.high),
        units::percent(range.best)
    )
}

fn diff(page: &mut Page, finding: &Finding) {
    let Some(fix) = &finding.fix else { return };
    page.item("     ", "As an edit (check that it compiles):");
    for line in fix.diff.lines() {
        let cut: String = line.chars().take(page.width.saturating_sub(7)).collect();
        page.raw(&format!("       {cut}"));
    }
}

fn effort(finding: &Finding) -> &'static str {
    match (finding.category, finding.effort) {
        (Category::Config, _) => "the build",
        (_, Effort::Trivial) => "a single expression",
        (_, Effort::Local) => "within one function",
        (_, Effort::Signature) => "a signature and its callers",
        (_, Effort::Design) => "a change of design",
    }
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    }
}
