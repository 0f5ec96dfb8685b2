//! *Recommendations*: what to change, best first.

use super::{Block, Limits, Section, more};
use crate::schema::{
    Category, Confidence, Effort, Finding, Impact, Metric, Range, Report, Severity,
};
use crate::units;

/// A finding in words.
pub(in crate::report) struct Advice<'r> {
    pub(in crate::report) finding: &'r Finding,
    /// `[High impact]`.
    pub(in crate::report) label: &'static str,
    /// What follows its title and place.
    pub(in crate::report) parts: Vec<Part<'r>>,
}

/// A part of a finding.
pub(in crate::report) enum Part<'r> {
    /// `Problem: ..`
    Field { name: &'static str, text: String },
    /// The same with what only few want to know.
    Aside { name: &'static str, text: String },
    /// What to do, in order.
    Steps(&'r [String]),
    /// An edit, after a sentence about it.
    Diff { about: &'static str, diff: &'r str },
}

pub(super) fn section<'r>(report: &'r Report, limits: &Limits) -> Section<'r> {
    let nothing = report.findings.is_empty().then(|| nothing(limits.floor_pct));
    let first: Vec<_> = [nothing, combined(report), allowed(report)]
        .into_iter()
        .flatten()
        .map(Block::Text)
        .collect();
    let findings = report.findings.iter().take(limits.top);
    let findings = findings.map(|finding| vec![Block::Finding(advice(finding))]);
    let more = more(report.findings.len(), limits.top).map(|more| vec![more]);
    let first = (!first.is_empty()).then_some(first);
    let groups = first.into_iter().chain(findings).chain(more).collect();
    Section { title: "Recommendations", groups }
}

/// The rules that were not asked.
fn allowed(report: &Report) -> Option<String> {
    let rules: Vec<String> =
        report.quality.allowed_rules.iter().map(|rule| format!("`{rule}`")).collect();
    (!rules.is_empty()).then(|| format!("Allowed by the configuration: {}.", rules.join(", ")))
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

fn advice(finding: &Finding) -> Advice<'_> {
    let field = |name, text: &str| Part::Field { name, text: text.to_owned() };
    let mut parts = vec![
        field("Problem", &finding.problem),
        field("Solution", &finding.solution),
        field("Expected improvement", &expected(&finding.impact)),
        Part::Aside { name: "Basis", text: finding.impact.basis.clone() },
        field("Implementation", effort(finding)),
        Part::Steps(&finding.steps),
    ];
    if let Some(fix) = &finding.fix {
        parts.push(Part::Diff { about: "As an edit (check that it compiles):", diff: &fix.diff });
    }
    parts.push(field("Trade-offs", &finding.tradeoffs));
    parts.push(Part::Aside { name: "Rule", text: rule(finding) });
    Advice { finding, label: label(finding.severity), parts }
}

fn label(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "[High impact]",
        Severity::Medium => "[Medium impact]",
        Severity::Low => "[Low impact]",
        Severity::Info => "[Info]",
    }
}

fn rule(finding: &Finding) -> String {
    let denied = if finding.denied { "; denied by the configuration" } else { "" };
    format!("{} (confidence: {}{denied})", finding.rule, confidence(finding.confidence))
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
