//! The `cargo hotpath` subcommand.
#![forbid(unsafe_code)]

fn main() {}
