//! Probes and counters behind `#[hotpath]`; an empty shell until a build enables it.

pub use hotpath_runtime_macros::hotpath;

#[cfg(any(test, feature = "enabled", feature = "reader"))]
pub mod segment;
