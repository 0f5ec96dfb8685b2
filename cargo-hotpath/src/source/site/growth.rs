//! Which sites make the collection in a `let` binding grow in a loop.

use hotpath_runtime_syntax::Kind;

use super::loops::Loops;
use super::{Enumerated, Found};

/// A name that a `let` binds, and where it is in scope, in bytes.
pub(super) struct Binding {
    pub(super) name: String,
    pub(super) mutable: bool,
    pub(super) from: usize,
    pub(super) until: usize,
}

/// For each site, the sites that grow the binding which holds its value.
pub(super) fn grown_by(
    bindings: &[Binding],
    found: &[Option<Found>],
    loops: &Loops,
    sites: &[Enumerated],
) -> Vec<Vec<usize>> {
    let mut grown = vec![Vec::new(); found.len()];
    for (grower, (kind, _)) in sites.iter().enumerate() {
        if !matches!(kind, Kind::Grow | Kind::Write) {
            continue;
        }
        let Some(by) = &found[grower] else { continue };
        let (Some(receiver), Some(innermost)) = (&by.source.receiver, by.innermost) else {
            continue;
        };
        let name = receiver.trim_start_matches("&mut ").trim();
        let at = by.source.span.byte_start;
        let Some(target) = visible(bindings, name, at) else { continue };
        if loops.span(innermost).byte_start < bindings[target].from {
            continue;
        }
        let held = |site: &Option<Found>| site.as_ref().is_some_and(|f| f.binding == Some(target));
        if let Some(source) = found.iter().position(held) {
            grown[source].push(grower);
        }
    }
    grown
}

/// The binding that `name` means at a place: the last one made before it whose scope holds it.
fn visible(bindings: &[Binding], name: &str, at: usize) -> Option<usize> {
    let covers = |b: &Binding| b.name == name && b.from <= at && at < b.until;
    (0..bindings.len()).filter(|&index| covers(&bindings[index])).max_by_key(|&i| bindings[i].from)
}
