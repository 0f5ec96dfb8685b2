//! `tracy-client`, with no viewer connected.

use std::process::ExitCode;

use shapes::Peer;
use tracy_client::Client;

shapes::shapes! {
    sync {} { let _span = tracy_client::span!(); }
}

fn around(work: &mut dyn FnMut()) {
    let _span = tracy_client::span!();
    work();
}

fn main() -> ExitCode {
    let _client = Client::start();
    shapes::main(&Peer { shapes: SHAPES, around })
}
