//! `divan`'s allocator: counters of the thread.

use divan::AllocProfiler;
use shapes::{PAIR, Peer};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn around(work: &mut dyn FnMut()) {
    work();
}

fn main() -> ExitCode {
    shapes::main(&Peer { shapes: &[PAIR], around })
}
