//! The tables, in Markdown.

use std::fmt::Write;

use crate::figures::Figures;
use crate::peer::{Peer, Role};

/// A peer with its figures in cargo's default release profile and in the worst case.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) peer: Peer,
    pub(crate) figures: [Figures; 2],
}

/// Probes, then allocators; `conditions` say where the figures are from.
pub(crate) fn both(rows: &[Row], conditions: &str) -> String {
    format!("{conditions}\n\n{}\n{}", probes(rows), allocators(rows))
}

/// What probes add to a call, as multiples of the limit.
fn probes(rows: &[Row]) -> String {
    let mut text = "\
        | probe | leaf, ns | leaf | 10 deep | 16 in turn | async, ready | CPU: 2 threads / 1 \
        | instructions | memory, B |\n\
        | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    let mut rows: Vec<&Row> = rows.iter().filter(|row| row.peer.role.has_probes()).collect();
    sort(&mut rows, |row| row.figures[0].ratio("leaf"));
    for row in rows {
        let ratio = |shape: &str| pair(row, |figures| figures.ratio(shape), fixed);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.peer.name,
            pair(row, |figures| figures.added("leaf"), nanoseconds),
            ratio("leaf"),
            ratio("deep"),
            ratio("turn"),
            ratio("async"),
            ratio("threads"),
            instructions(row, "leaf"),
            memory(row, "leaf"),
        );
    }
    text
}

/// What allocators add to an allocation and its release, over what a program has anyway.
fn allocators(rows: &[Row]) -> String {
    let mut text = "\
        | global allocator | counts by | allocation and free, ns over the default \
        | instructions over `System` | memory, B |\n\
        | --- | --- | --- | --- | --- |\n"
        .to_owned();
    let mut rows: Vec<&Row> = rows.iter().filter(|row| row.peer.role.has_allocator()).collect();
    let default = rows.iter().find(|row| row.peer.role == Role::DefaultAllocator);
    let default = default.map(|row| row.figures.each_ref().map(|figures| figures.added("pair")));
    sort(&mut rows, |row| row.figures[0].added("pair"));
    for row in rows {
        let (by, cost) = match row.peer.role {
            Role::Allocator(by) | Role::Both(by) => (by, over(row, default)),
            _ => ("nothing", "0".to_owned()),
        };
        let _ = writeln!(
            text,
            "| {} | {by} | {cost} | {} | {} |",
            row.peer.name,
            instructions(row, "pair"),
            memory(row, "pair"),
        );
    }
    text
}

/// Ours stay first, in their order; the limit and the default allocator before them.
fn sort(rows: &mut [&Row], cost: impl Fn(&Row) -> Option<f64>) {
    let key = |row: &&Row| match row.peer.role {
        Role::Limit | Role::DefaultAllocator => f64::NEG_INFINITY,
        _ if row.peer.is_ours() => f64::MIN,
        _ => cost(row).unwrap_or(f64::INFINITY),
    };
    rows.sort_by(|one, two| key(one).total_cmp(&key(two)));
}

/// The pair's nanoseconds over those of the default allocator.
fn over(row: &Row, default: Option<[Option<f64>; 2]>) -> String {
    let Some(default) = default else { return "not measured".to_owned() };
    let [one, two] = [0, 1].map(|profile| {
        let cost = row.figures[profile].added("pair")? - default[profile]?;
        Some(cost)
    });
    format!("{} / {}", cell(one, signed), cell(two, signed))
}

fn instructions(row: &Row, shape: &str) -> String {
    let of = |figures: &Figures| value(&figures.instructions, shape);
    if row.figures.iter().all(|figures| of(figures).is_none()) {
        return "not measured".to_owned();
    }
    pair(row, of, |count| format!("{count:.0}"))
}

/// The same in both profiles: measured in one.
fn memory(row: &Row, shape: &str) -> String {
    let bytes = value(&row.figures[0].memory, shape);
    bytes.map_or_else(|| "not measured".to_owned(), |bytes| format!("{bytes:.0}"))
}

fn value(values: &[(&'static str, f64)], name: &str) -> Option<f64> {
    values.iter().find(|(of, _)| *of == name).map(|(_, value)| *value)
}

/// Default release profile / worst case; what the peer doesn't have is left out.
fn pair(
    row: &Row,
    of: impl Fn(&Figures) -> Option<f64>,
    show: impl Fn(f64) -> String + Copy,
) -> String {
    match row.figures.each_ref().map(of) {
        [None, None] => "none".to_owned(),
        [one, two] => format!("{} / {}", cell(one, show), cell(two, show)),
    }
}

fn cell(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.filter(|value| value.is_finite()).map_or_else(|| "not measured".to_owned(), show)
}

fn nanoseconds(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn signed(value: f64) -> String {
    if value < 100.0 { format!("{value:+.1}") } else { format!("{value:+.0}") }
}

fn fixed(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

/// How far the processes of a peer were apart: a line for each, not for the README.
pub(crate) fn spreads(rows: &[Row]) -> String {
    let mut text = "Leaf, multiples of the limit, least to greatest process:\n".to_owned();
    for row in rows.iter().filter(|row| row.peer.role.has_probes()) {
        let [one, two] = row.figures.each_ref().map(|figures| {
            let spread = figures.spread("leaf");
            spread.map_or_else(|| "none".to_owned(), |(from, to)| format!("{from:.3} to {to:.3}"))
        });
        let _ = writeln!(text, "  {:60} {one:18} lto off: {two}", row.peer.name);
    }
    text
}

#[cfg(test)]
mod tests;
