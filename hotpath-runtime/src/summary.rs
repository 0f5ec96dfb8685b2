//! The short table at exit of a process that nobody collects from.

use std::fmt::Write as _;

use crate::segment::reader::{self, Node, Segment};
use crate::{map, slab, sys};

/// Functions shown.
const SHOWN: usize = 10;

/// Prints it to stderr, unless `CARGO_HOTPATH_SUMMARY=0`.
pub(crate) fn print() {
    if sys::variable(c"CARGO_HOTPATH_SUMMARY") == Some(b"0") {
        return;
    }
    let text = slab::aside(None, || {
        let segment = reader::read(&slab::exclusive(|| Some(map::snapshot()))?, None).ok()?;
        Some(render(&segment)).filter(|text| !text.is_empty())
    });
    if let Some(text) = text {
        sys::write_stderr(text.as_bytes());
    }
}

#[derive(Clone, Default)]
struct Line {
    calls: u64,
    total: u64,
    own: u64,
    allocs: u64,
}

/// The table; empty where no measured function ran.
fn render(segment: &Segment) -> String {
    let mut lines = vec![Line::default(); segment.functions.len()];
    for slab in &segment.slabs {
        for (node, own) in slab.nodes.iter().zip(self_ticks(&slab.nodes)) {
            let Some(line) = node.function.and_then(|i| lines.get_mut(i)) else { continue };
            line.calls += node.calls;
            line.allocs += node.allocs.count;
            line.own = line.own.wrapping_add(own);
            if node.alias_of.is_none() {
                line.total += node.sum;
            }
        }
    }
    for line in &mut lines {
        // Estimates of children may exceed what their parent took.
        line.own = u64::try_from(line.own.cast_signed()).unwrap_or(0);
    }
    let mut named: Vec<_> = lines.into_iter().zip(&segment.functions).collect();
    named.retain(|(line, _)| line.calls > 0);
    named.sort_by_key(|(line, _)| core::cmp::Reverse(line.own));
    let mut text = String::new();
    if named.is_empty() {
        return text;
    }
    let _ = writeln!(
        text,
        "hotpath: {:>12} {:>12} {:>12} {:>12}  function",
        "calls", "total ms", "self ms", "self allocs"
    );
    for (line, function) in named.iter().take(SHOWN) {
        // Without a counting allocator nothing is known of them: not 0.
        let allocs = segment.memory.map_or_else(|| "-".to_owned(), |_| line.allocs.to_string());
        let _ = writeln!(
            text,
            "hotpath: {:>12} {:>12.3} {:>12.3} {:>12}  {}::{}",
            line.calls,
            millis(segment, line.total),
            millis(segment, line.own),
            allocs,
            function.module,
            function.name,
        );
    }
    if named.len() > SHOWN {
        let _ = writeln!(
            text,
            "hotpath: and {} more; `cargo hotpath run` ranks what to change",
            named.len() - SHOWN
        );
    }
    text
}

fn millis(segment: &Segment, ticks: u64) -> f64 {
    segment.clock.nanos(ticks) / 1e6
}

/// Ticks of each node less those of its children. Exact modulo 2^64.
pub(crate) fn self_ticks(nodes: &[Node]) -> Vec<u64> {
    let mut own: Vec<u64> = nodes
        .iter()
        .map(|node| if node.alias_of.is_some() { 0 } else { node.sum.wrapping_add(node.nested) })
        .collect();
    for node in nodes {
        let span = node.sum.wrapping_add(node.nested);
        if let Some(of) = node.alias_of.and_then(|i| own.get_mut(i)) {
            *of = of.wrapping_add(span);
        }
        if let Some(parent) = node.parent.and_then(|i| own.get_mut(i)) {
            *parent = parent.wrapping_sub(span);
        }
    }
    own
}
