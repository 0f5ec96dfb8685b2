//! The mapped segment of one process: its layout, and the safe reader of it.

#[cfg(any(test, feature = "reader"))]
pub mod reader;
