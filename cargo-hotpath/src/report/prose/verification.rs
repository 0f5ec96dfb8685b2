//! *Verification steps*: how to find out whether a change helped.

use super::{Block, Section};
use crate::schema::Report;

const RUN: &str = "cargo hotpath run";

pub(super) fn section(report: &Report) -> Section<'static> {
    let blocks = match report.findings.first() {
        None => vec![
            Block::Text(
                "Nothing to verify. After your next change, run the same workload again:"
                    .to_owned(),
            ),
            Block::Commands(vec![RUN.to_owned()]),
        ],
        Some(first) => vec![
            Block::Steps(vec![
                ("Keep this state", "cargo hotpath run --save before"),
                ("Make one change, then test", "cargo test"),
                ("Measure the same again", RUN),
            ]),
            Block::Text("More on a rule, and when not to follow it:".to_owned()),
            Block::Commands(vec![format!("cargo hotpath explain {}", first.rule)]),
        ],
    };
    Section { title: "Verification steps", groups: vec![blocks] }
}
