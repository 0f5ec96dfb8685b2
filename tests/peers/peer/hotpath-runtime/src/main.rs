//! Our probes, put in as users do: by the attribute, on the caller too.

use std::process::ExitCode;

use hotpath_runtime::hotpath;
use shapes::Peer;

shapes::shapes! {
    sync { #[hotpath] } {}
    future { #[hotpath] } {}
}

#[hotpath]
fn around(work: &mut dyn FnMut()) {
    work();
}

fn main() -> ExitCode {
    shapes::main(&Peer { shapes: SHAPES, around })
}
