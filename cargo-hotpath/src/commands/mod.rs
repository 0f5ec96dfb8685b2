//! The commands, each from options to exit code.

pub mod annotate;
pub mod clean;
pub mod explain;
pub mod init;
pub mod list;
pub mod report;
pub mod run;
