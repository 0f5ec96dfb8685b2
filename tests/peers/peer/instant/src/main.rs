//! What one writes by hand: two `Instant::now()`, and the time between them added up.

use std::process::ExitCode;
use std::time::Instant;

use shapes::Peer;

shapes::shapes! {
    sync {} { let _timer = Timer(Instant::now()); }
    future {} { let _timer = Timer(Instant::now()); }
}

struct Timer(Instant);

impl Drop for Timer {
    #[inline]
    fn drop(&mut self) {
        shapes::limit::add(self.0.elapsed().as_nanos() as u64);
    }
}

fn around(work: &mut dyn FnMut()) {
    work();
}

fn main() -> ExitCode {
    shapes::main(&Peer { shapes: SHAPES, around })
}
