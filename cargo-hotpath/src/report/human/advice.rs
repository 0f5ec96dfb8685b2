//! A finding, laid out for people.

use std::collections::BTreeMap;

use super::paint::Tone;
use super::{Page, excerpt};
use crate::report::prose::{Advice, Part};
use crate::schema::Finding;

pub(super) fn show(page: &mut Page, advice: &Advice<'_>, sources: &BTreeMap<String, String>) {
    let finding = advice.finding;
    let lead = format!("{}. {} ", finding.rank, advice.label);
    page.toned_item(Tone::Impact(finding.severity), &lead, &finding.title);
    place(page, finding, sources);
    for part in &advice.parts {
        match part {
            Part::Field { name, text } => field(page, Tone::Strong, name, text),
            Part::Aside { name, text } => field(page, Tone::Dim, name, text),
            Part::Steps(steps) => {
                for (number, step) in steps.iter().enumerate() {
                    page.item(&format!("     {}. ", number + 1), step);
                }
            }
            Part::Diff { about, diff: text } => {
                page.item("     ", about);
                diff(page, text);
            }
        }
    }
}

fn field(page: &mut Page, tone: Tone, name: &str, text: &str) {
    page.toned_item(tone, &format!("   {name}: "), text);
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

fn diff(page: &mut Page, diff: &str) {
    for line in diff.lines() {
        let cut: String = line.chars().take(page.width.saturating_sub(7)).collect();
        page.raw(&format!("       {cut}"));
    }
}
