//! What is measured, said once: the options of `#[hotpath]`, which functions
//! may carry probes, and the enumeration of expression sites.
//!
//! The attribute rewrites what is enumerated here; the command line joins what
//! was measured with the same enumeration of the source.
#![forbid(unsafe_code)]

pub mod kind;

pub use kind::Kind;
