//! `puffin`: each batch is a frame, with a scope around its calls, so that they are nested.

use std::process::ExitCode;

use shapes::Peer;

shapes::shapes! {
    sync {} { puffin::profile_function!(); }
}

fn around(work: &mut dyn FnMut()) {
    {
        puffin::profile_scope!("batch");
        work();
    }
    puffin::GlobalProfiler::lock().new_frame();
}

fn main() -> ExitCode {
    puffin::set_scopes_on(true);
    shapes::main(&Peer { shapes: SHAPES, around })
}
