//! The limit as a peer: what its ratios differ from 1 by is the error of the others.

use std::process::ExitCode;

use shapes::Peer;
use shapes::limit::Probe;

shapes::shapes! {
    sync {} { let _probe = Probe::enter(); }
    future {} { let _probe = Probe::enter(); }
}

fn around(work: &mut dyn FnMut()) {
    work();
}

fn main() -> ExitCode {
    shapes::main(&Peer { shapes: SHAPES, around })
}
