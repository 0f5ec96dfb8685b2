//! Tells a Rust developer what to change next, how much it will gain, and proves it.
//!
//! The pipeline, one module a stage, each importing only from those before it:
//! build, run, collect, join, facts, rules, impact, rank, report.
#![forbid(unsafe_code)]

pub mod collect;
pub mod facts;
pub mod profile;
pub mod schema;
