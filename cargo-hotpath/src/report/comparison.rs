//! What differs between two runs, as text, JSON or Markdown.

use std::fmt::Write as _;

use serde::Serialize;

use super::markdown::escape;
use crate::compare::instructions::{self, Instructions};
use crate::compare::noise::{Claim, Times};
use crate::compare::{Change, Comparison, FunctionChange, Kind};
use crate::error::Error;
use crate::schema::SCHEMA_VERSION;
use crate::snapshot::Count;
use crate::units;

/// One line of the table.
struct Line {
    name: String,
    calls: String,
    allocs: String,
    time: String,
}

/// For people.
pub fn human(comparison: &Comparison, (base, new): (&str, &str), top: usize) -> String {
    let mut text = format!("{base} -> {new}\n");
    for warning in &comparison.warnings {
        // Writing to a string can't fail.
        let _ = writeln!(text, "warning: {warning}");
    }
    text.push('\n');
    for (name, value) in sums(comparison) {
        let _ = writeln!(text, "  {name:<18}{value}");
    }
    let lines = lines(comparison, top);
    if !lines.is_empty() {
        let width = |of: fn(&Line) -> &String, title: &str| {
            let cells = lines.iter().map(|line| of(line).chars().count());
            cells.chain([title.chars().count()]).max().unwrap_or(0)
        };
        let calls = width(|line| &line.calls, "calls");
        let allocs = width(|line| &line.allocs, "allocations");
        let time = width(|line| &line.time, "self time");
        let mut row = |a: &str, b: &str, c: &str, d: &str| {
            let _ = writeln!(text, "  {a:<calls$}  {b:<allocs$}  {c:<time$}  {d}");
        };
        row("calls", "allocations", "self time", "function");
        for line in &lines {
            row(&line.calls, &line.allocs, &line.time, &line.name);
        }
    }
    text.push('\n');
    let _ = writeln!(text, "{}", rest(comparison, top));
    text
}

/// For pull requests.
pub fn markdown(comparison: &Comparison, (base, new): (&str, &str), top: usize) -> String {
    let mut text =
        format!("# cargo hotpath: {} against {}\n", escape::code(new), escape::code(base));
    if !comparison.warnings.is_empty() {
        text.push_str("\n> [!WARNING]\n");
        for warning in &comparison.warnings {
            let _ = writeln!(text, "> - {}", escape::text(warning));
        }
    }
    text.push('\n');
    for (name, value) in sums(comparison) {
        let _ = writeln!(text, "- {name}: {}", escape::text(&value));
    }
    let lines = lines(comparison, top);
    if !lines.is_empty() {
        text.push_str(
            "\n| calls | allocations | self time | function |\n| --- | --- | --- | --- |\n",
        );
    }
    for Line { name, calls, allocs, time } in &lines {
        let [calls, allocs, time] = [calls, allocs, time].map(|cell| escape::text(cell));
        let _ = writeln!(text, "| {calls} | {allocs} | {time} | {} |", escape::cell(name));
    }
    let _ = writeln!(text, "\n{}", escape::text(&rest(comparison, top)));
    text
}

/// For machines.
///
/// # Errors
///
/// None that is known: an internal error should there be one.
pub fn json(comparison: &Comparison, (base, new): (&str, &str)) -> Result<String, Error> {
    #[derive(Serialize)]
    struct Document<'a> {
        schema_version: u32,
        base: &'a str,
        new: &'a str,
        #[serde(flatten)]
        comparison: &'a Comparison,
    }
    let document = Document { schema_version: SCHEMA_VERSION, base, new, comparison };
    let text = serde_json::to_string_pretty(&document);
    text.map(|text| text + "\n").map_err(|error| Error::Internal(error.to_string()))
}

fn sums(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let mut sums = Vec::new();
    if let Some(wall) = &comparison.wall {
        sums.push(("wall time", times(wall)));
    }
    if let Some(it) = &comparison.instructions {
        sums.push(("instructions", instructions(it)));
    }
    let counts = [
        ("allocations", comparison.allocs, units::count as fn(u64) -> String),
        ("allocated", comparison.alloc_bytes, units::bytes),
        ("most live at once", comparison.peak_live_bytes, units::bytes),
    ];
    let changes = counts.into_iter().filter_map(|(name, change, unit)| Some((name, change?, unit)));
    sums.extend(changes.map(|(name, it, unit)| (name, change(it, unit))));
    sums
}

fn lines(comparison: &Comparison, top: usize) -> Vec<Line> {
    let line = |it: &FunctionChange| Line {
        name: match it.kind {
            Kind::New => format!("{} (new)", it.path),
            Kind::Gone => format!("{} (gone)", it.path),
            Kind::Changed => it.path.clone(),
        },
        calls: change(it.calls, units::count),
        allocs: it.allocs.map_or_else(|| "-".to_owned(), |it| change(it, units::count)),
        time: it.self_time.as_ref().map_or_else(|| "-".to_owned(), times),
    };
    comparison.functions.iter().take(top).map(line).collect()
}

/// `12 -> 13 (+1)`; one number where nothing changed.
fn change(change: Change, unit: fn(u64) -> String) -> String {
    let Change { base, new } = change;
    if base == new {
        return count(base, unit);
    }
    let difference = change.difference();
    let size = unit(u64::try_from(difference.unsigned_abs()).unwrap_or(u64::MAX));
    let by = match difference {
        0 => "no claim".to_owned(),
        1.. => format!("+{size}"),
        _ => format!("-{size}"),
    };
    format!("{} -> {} ({by})", count(base, unit), count(new, unit))
}

/// `12`, or `12 to 14` where repetitions differ.
pub(crate) fn count(count: Count, unit: fn(u64) -> String) -> String {
    if count.is_exact() {
        unit(count.least)
    } else {
        format!("{} to {}", unit(count.least), unit(count.most))
    }
}

/// `1.00 s -> 1.20 s (x 1.20, 1.15 to 1.24)`, or why nothing is claimed.
fn times(times: &Times) -> String {
    let Times { base_ns, new_ns, ratio, ratio_low, ratio_high, p, noise_pct, claim } = times;
    let said = match claim {
        Claim::Slower | Claim::Faster => {
            format!("x {ratio:.3}, {ratio_low:.3} to {ratio_high:.3}")
        }
        Claim::None => format!("no claim: p {p:.2}, noise {}", units::percent(*noise_pct)),
    };
    format!("{} -> {} ({said})", units::time(*base_ns), units::time(*new_ns))
}

/// `1 000 -> 1 100 (x 1.100, 1.099 to 1.101)`, or that nothing is claimed.
fn instructions(it: &Instructions) -> String {
    let [base, new] = [it.base, it.new].map(|count| units::count(count.round() as u64));
    let claim = if it.claim == instructions::Claim::None { "no claim: " } else { "" };
    let range = format!("{:.4} to {:.4}", it.ratio_low, it.ratio_high);
    format!("{base} -> {new} ({claim}x {:.4}, {range}, by {})", it.ratio, it.source.name())
}

fn rest(comparison: &Comparison, top: usize) -> String {
    let same = units::counted(comparison.unchanged as u64, "function");
    match comparison.functions.len().checked_sub(top).filter(|more| *more > 0) {
        Some(more) => format!(
            "and {more} more that differ, --top {} lists all; no difference in {same}",
            comparison.functions.len()
        ),
        None => format!("no difference in {same}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::compare;
    use crate::snapshot::{Figures, Snapshot};

    fn snapshot(allocs: u64, self_ns: u64) -> Snapshot {
        let figures = Figures {
            calls: Count::exact(10),
            allocs: Some(Count::exact(allocs)),
            self_ns: (0..5).map(|i| self_ns + i).collect(),
            ..Figures::default()
        };
        let mut snapshot = Snapshot::default();
        snapshot.totals.allocs = Some(Count::exact(allocs));
        snapshot.totals.wall_ns.clone_from(&figures.self_ns);
        snapshot.functions.insert("app::a|b".to_owned(), figures.clone());
        snapshot.functions.insert("app::same".to_owned(), Figures { allocs: None, ..figures });
        snapshot
    }

    #[test]
    fn changes_are_said_with_their_difference() {
        let compared = compare(&snapshot(20, 1_000_000), &snapshot(30, 2_000_000));
        let text = human(&compared, ("before", "last"), 20);
        assert!(text.starts_with("before -> last\n"), "{text}");
        assert!(text.contains("allocations       20 -> 30 (+10)"), "{text}");
        assert!(text.contains("1.00 ms -> 2.00 ms (x 2.000, "), "{text}");
        let text = markdown(&compared, ("before", "last"), 20);
        assert!(text.contains("| `app::a\\|b` |"), "{text}");
        let value: serde_json::Value =
            serde_json::from_str(&json(&compared, ("before", "last")).unwrap()).unwrap();
        assert_eq!(value["functions"][0]["self_time"]["claim"], "slower");
        assert_eq!(value["allocs"], serde_json::json!({"base": 20, "new": 30}));
    }

    #[test]
    fn nothing_is_claimed_of_what_is_the_same() {
        let compared = compare(&snapshot(20, 1_000_000), &snapshot(20, 1_000_000));
        let text = human(&compared, ("a", "b"), 20);
        assert!(text.contains("(no claim: p 1.00"), "{text}");
        assert!(text.ends_with("no difference in 2 functions\n"), "{text}");
    }
}
