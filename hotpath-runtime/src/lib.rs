//! Probes and counters behind `#[hotpath]`; an empty shell until a build enables it.
//!
//! Annotate functions with [`macro@hotpath`]. Without the feature `enabled` the attribute hands
//! its item back and this crate is empty. `cargo hotpath run` switches the feature on.
#![cfg_attr(not(any(test, feature = "enabled", feature = "reader")), no_std)]

pub use hotpath_runtime_macros::hotpath;

#[doc(hidden)]
#[cfg(any(test, feature = "enabled"))]
#[path = "private.rs"]
pub mod __private;
#[cfg(any(test, feature = "enabled"))]
mod inert;
#[cfg(any(test, feature = "enabled", feature = "reader"))]
pub mod segment;
#[cfg(any(test, feature = "enabled"))]
mod site;
