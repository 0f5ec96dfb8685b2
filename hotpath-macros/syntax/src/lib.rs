//! What is measured, said once: the options of `#[hotpath]`, its budgets, which
//! functions may carry probes, and the enumeration of expression sites.
//!
//! The attribute rewrites what is enumerated here; the command line joins what
//! was measured with the same enumeration of the source.
#![forbid(unsafe_code)]

mod arguments;
mod blocks;
pub mod budget;
mod classify;
pub mod eligible;
mod input;
pub mod kind;
mod label;
mod lookup;
mod mention;
mod name;
mod nearest;
pub mod options;
pub mod returned;
mod scope;
pub mod shape;
pub mod sites;
mod steps;
pub mod wrap;

pub use arguments::evaluates;
pub use blocks::{async_blocks, block_name, block_position, mark_own};
pub use budget::Budget;
pub use eligible::{Refusal, refuse_function, refuse_item};
pub use input::{Input, inputs};
pub use kind::Kind;
pub use mention::{may_grow, may_hold_sites, may_make_empty, mentions_word};
pub use name::{method_name, type_name};
pub use options::{Column, Options, SiteSelection, is_hotpath};
pub use shape::Shape;
pub use sites::{Site, enumerate};
pub use steps::{Steps, steps};
pub use wrap::{Form, Probe, is_constant};

/// Where this package lies while a build reads it; for `hotpath_runtime::SOURCES`.
#[doc(hidden)]
#[cfg(feature = "sources")]
pub const DIRECTORY: &str = env!("CARGO_MANIFEST_DIR");
