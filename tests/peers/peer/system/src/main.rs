//! The allocator that a program has that installs none.

use std::process::ExitCode;

use shapes::{PAIR, Peer};

fn around(work: &mut dyn FnMut()) {
    work();
}

fn main() -> ExitCode {
    shapes::main(&Peer { shapes: &[PAIR], around })
}
