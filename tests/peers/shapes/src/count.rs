//! Work for a counter of instructions, which sees the whole thread: the difference between two
//! runs is that of their calls.

use crate::{Peer, Shape};

/// Runs the work `plain` times without probes, and `probed` times with the peer's.
pub(crate) fn run(peer: &Peer, shape: &Shape, plain: u32, probed: u32) {
    peer.run(shape, shape.plain, plain);
    peer.run(shape, shape.probed, probed);
}
