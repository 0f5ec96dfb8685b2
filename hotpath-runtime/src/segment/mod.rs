//! The mapped segment of one process: its layout, and the safe reader of it.

pub(crate) mod cell;
pub(crate) mod layout;
pub mod reader;
