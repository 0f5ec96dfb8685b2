//! `hotpath`, put in as its documentation says; with its feature `hotpath-alloc` its `main`
//! installs its allocator.

use std::process::ExitCode;

use shapes::Peer;

shapes::shapes! {
    sync { #[hotpath::measure] } {}
    future { #[hotpath::measure] } {}
}

#[hotpath::measure]
fn around(work: &mut dyn FnMut()) {
    work();
}

#[hotpath::main(format = "none")]
fn main() -> ExitCode {
    shapes::main(&Peer { shapes: SHAPES, around })
}
