//! Tells a Rust developer what to change next, how much it will gain, and proves it.
//!
//! The pipeline, one module a stage, each importing only from those before it:
//! build, run, collect, join, facts, impact, rules, rank, report.
#![forbid(unsafe_code)]

pub mod facts;
pub mod impact;
pub mod profile;
pub mod rank;
pub mod report;
pub mod rules;
pub mod schema;
mod text;
pub mod units;
