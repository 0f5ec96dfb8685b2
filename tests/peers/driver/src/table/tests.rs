//! Rows, their order, and what a cell says that has no figure.

use super::{Row, both};
use crate::figures::Figures;
use crate::peer::{PEERS, Peer};

fn row(package: &str, printed: [&str; 2]) -> Row {
    let peer: Peer = *PEERS.iter().find(|peer| peer.package == package).expect("a peer");
    Row { peer, figures: printed.map(Figures::of_text) }
}

fn line<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines().find(|line| line.starts_with(start)).expect("the row is there")
}

#[test]
fn both_profiles_share_a_cell() {
    let mut row = row("peer-limit", ["leaf 20 1\ndeep 21 1.05", "leaf 22 1.1\ndeep 20 1"]);
    row.figures[0].instructions.push(("leaf", 27.2));
    row.figures[1].instructions.push(("leaf", 35.0));
    row.figures[0].memory.push(("leaf", 0.01));
    let text = both(&[row], "here");
    assert!(text.starts_with("here\n\n| probe |"), "{text}");
    let line = line(&text, "| limit");
    assert!(line.contains("| 20.0 / 22.0 | 1.00 / 1.10 | 1.05 / 1.00 | none | none |"), "{line}");
    assert!(line.ends_with("| 27 / 35 | 0 |"), "{line}");
}

#[test]
fn what_was_not_measured_says_so() {
    let text = both(&[row("peer-limit", ["leaf 20 1", ""])], "");
    let line = line(&text, "| limit");
    assert!(line.contains("| 20.0 / not measured | 1.00 / not measured |"), "{line}");
    assert!(line.ends_with("| not measured | not measured |"), "{line}");
}

#[test]
fn allocators_are_held_against_the_default_one() {
    let rows = [
        row("peer-divan", ["pair 4.5 -", "pair 6 -"]),
        row("peer-system", ["pair 4 -", "pair 4 -"]),
        row("peer-dhat", ["pair 1804 -", "pair 1904 -"]),
    ];
    let text = both(&rows, "");
    assert!(line(&text, "| `divan`").contains("| thread | +0.5 / +2.0 |"), "{text}");
    assert!(line(&text, "| `dhat`").contains("| backtrace | +1800 / +1900 |"), "{text}");
    assert!(line(&text, "| default").contains("| nothing | 0 |"), "{text}");
}

#[test]
fn the_limit_is_first_then_ours_then_the_cheapest() {
    let rows = [
        row("peer-tracing", ["leaf 400 20", "leaf 400 20"]),
        row("peer-fastrace", ["leaf 100 5", "leaf 100 5"]),
        row("peer-hotpath-runtime", ["leaf 500 25", "leaf 500 25"]),
        row("peer-limit", ["leaf 600 30", "leaf 600 30"]),
    ];
    let text = both(&rows, "");
    let at = |start| text.find(start).expect("the row is there");
    let order = ["| limit", "| **cargo-hotpath**", "| `fastrace`", "| `tracing`"].map(at);
    assert!(order.is_sorted(), "{text}");
}
