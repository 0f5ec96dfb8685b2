//! `stats_alloc`: counters that all threads share.

use shapes::{PAIR, Peer};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn around(work: &mut dyn FnMut()) {
    work();
}

fn main() -> ExitCode {
    shapes::main(&Peer { shapes: &[PAIR], around })
}
