//! A full-text index over Rust sources, with five planted faults and a fixed twin of each.
//!
//! The pipe is `walk` -> `index` (per document: `passage`, `tokenize`, `links`, `density`,
//! `signature`, `trigrams`) -> `rank` -> `report`. `main.rs` says which fault lies where.

pub mod error;
pub mod fix;
pub mod generate;
pub mod index;
pub mod options;
pub mod report;
pub mod walk;

mod density;
mod hash;
mod links;
mod passage;
mod rank;
mod signature;
mod tokenize;
mod trigrams;

use std::path::Path;

use hotpath_runtime::hotpath;

use crate::error::Error;
use crate::fix::Fixes;
use crate::index::Index;
use crate::report::Summary;
use crate::walk::Sources;

/// Indexes `sources`, ranks the built-in queries and writes the result file `out`.
///
/// The result is the same for every set of `fixes`.
///
/// # Errors
///
/// When a source file can't be read, or `out` can't be written.
#[hotpath]
pub fn run(sources: &Sources, out: &Path, fixes: Fixes) -> Result<Summary, Error> {
    let index = Index::build(sources, fixes)?;
    let results = rank::all(&index);
    report::write(&index, &results, out, fixes)?;
    Ok(Summary::of(&index))
}
