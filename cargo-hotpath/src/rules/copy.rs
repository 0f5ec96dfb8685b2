//! What it saves not to make a copy at all.

use crate::impact::Saved;
use crate::rules::Gain;
use crate::rules::site::Site;
use crate::units::time;

/// The whole of a copying site that took `ns`, and the frees of its blocks.
pub(super) fn spared(site: &Site<'_>, ns: f64) -> Gain {
    let (allocs, alloc_bytes) = site.gone_allocs();
    let frees = site.frees_ns();
    Gain {
        claims: vec![site.claim(Saved::new(site.sure_ns(), ns + frees, ns + 2.0 * frees))],
        allocs,
        alloc_bytes,
        basis: format!(
            "copies {} + frees {} ({}); low without the frees and 10 ns a copy, high with frees \
             at twice that",
            time(ns),
            time(frees),
            site.allocator().basis()
        ),
    }
}

/// Whether each execution of a site allocates at least a block.
pub(super) fn allocates(site: &Site<'_>) -> bool {
    site.allocs().count >= site.count()
}
