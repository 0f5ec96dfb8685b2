//! The commands, each from options to exit code.

pub mod annotate;
pub mod baseline;
pub mod check;
pub mod clean;
pub mod compare;
pub mod explain;
pub mod init;
pub mod list;
mod measure;
pub mod report;
pub mod run;
