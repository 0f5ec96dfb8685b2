//! Depends on one crate, whose build is timed.

fn main() {}
