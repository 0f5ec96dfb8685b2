//! The source of a finding, shown as rustc would.

use std::collections::BTreeMap;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::schema::Finding;
use crate::units;

/// Lines shown at most; a longer expression is marked at its first line.
const MOST_LINES: u32 = 6;

/// The marked lines, none longer than `width`; `None` without source, or where it doesn't have
/// the position any more.
pub(super) fn excerpt(
    finding: &Finding,
    sources: &BTreeMap<String, String>,
    width: usize,
    color: bool,
) -> Option<String> {
    let file = finding.file.as_deref()?;
    let source = sources.get(file)?;
    let range = range(finding, source)?;
    let plain = Renderer::plain().term_width(width);
    let labels = labels(finding);
    let fitting = labels.iter().find_map(|label| {
        let text = show(&plain, file, source, range.clone(), label);
        text.lines().all(|line| line.chars().count() <= width).then_some((label, text))
    });
    let Some((label, text)) = fitting else {
        // A path or a line that can't be cut any further: the position has to do.
        return None;
    };
    if !color {
        return Some(text);
    }
    Some(show(&Renderer::styled().term_width(width), file, source, range, label))
}

fn show(renderer: &Renderer, file: &str, source: &str, range: Range<usize>, label: &str) -> String {
    let annotation = AnnotationKind::Primary.span(range);
    let annotation = if label.is_empty() { annotation } else { annotation.label(label) };
    let snippet = Snippet::source(source).path(file).annotation(annotation);
    renderer.render(&[Group::with_level(Level::WARNING).element(snippet)])
}

/// The numbers beside the marker, longest first: the first that fits is taken.
fn labels(finding: &Finding) -> Vec<String> {
    let Some(wall) = &finding.impact.wall_pct else { return vec![String::new()] };
    let short = units::percent(wall.best);
    let long = format!("{short} of the wall time");
    let allocs = finding.impact.allocs.filter(|allocs| *allocs > 0);
    let longest = allocs.map(|allocs| format!("{long}, {}", units::counted(allocs, "allocation")));
    longest.into_iter().chain([long, short, String::new()]).collect()
}

/// Bytes of the finding's range.
fn range(finding: &Finding, source: &str) -> Option<Range<usize>> {
    let (line, end_line) = (finding.line?, finding.end_line?);
    let start = offset(source, line, finding.column?)?;
    let line_end = start + source[start..].find('\n').unwrap_or(source.len() - start);
    let end = offset(source, end_line, finding.end_column?).filter(|end| *end > start);
    match end {
        Some(end) if end_line - line < MOST_LINES => Some(start..end),
        Some(_) => Some(start..line_end),
        // Only the start is known: mark the word there.
        None => {
            let word = source[start..line_end]
                .find(|character: char| !(character.is_alphanumeric() || character == '_'))
                .unwrap_or(line_end - start);
            Some(start..start + word.max(1).min(line_end - start))
        }
    }
}

/// Byte offset of a 1-based line and column in characters.
fn offset(source: &str, line: u32, column: u32) -> Option<usize> {
    let mut start = 0;
    for _ in 1..line {
        start += source[start..].find('\n')? + 1;
    }
    let text = source[start..].split('\n').next()?;
    let wanted = column.checked_sub(1)? as usize;
    let mut offsets = text.char_indices().map(|(offset, _)| offset).chain([text.len()]);
    offsets.nth(wanted).map(|offset| start + offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_lines_and_characters() {
        assert_eq!(offset("ab\néd\n", 2, 2), Some(5));
        assert_eq!(offset("ab\néd\n", 2, 3), Some(6));
        assert_eq!(offset("ab\n", 1, 9), None);
        assert_eq!(offset("ab\n", 7, 1), None);
        assert_eq!(offset("ab\n", 1, 0), None);
    }
}
