//! `dhat`: a backtrace of each allocation.

use std::process::ExitCode;

use shapes::{PAIR, Peer};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn around(work: &mut dyn FnMut()) {
    work();
}

fn main() -> ExitCode {
    // As in tests of heap use: the same records, but no file at the end.
    let _profiler = dhat::Profiler::builder().testing().build();
    shapes::main(&Peer { shapes: &[PAIR], around })
}
