//! Cargo: what is in the workspace, what is the workload, building it and running it.

pub mod build;
pub mod config;
pub mod executable;
pub mod lock;
pub mod metadata;
pub mod process;
pub mod profile;
pub mod select;
pub mod stdin;
pub mod variables;

/// The cargo that called us, else the one on the path.
pub fn program() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
