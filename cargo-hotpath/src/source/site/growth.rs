//! Which sites make the collection in a `let` binding grow.

use hotpath_runtime_syntax::Kind;

use super::loops::Loops;
use super::uses::visible;
use super::{Enumerated, Found};
use crate::facts::Origin;

/// A name that a `let`, a parameter or another pattern binds, and where it is in scope, in bytes.
#[derive(Default)]
pub(super) struct Binding {
    pub(super) name: String,
    pub(super) mutable: bool,
    pub(super) from: usize,
    pub(super) until: usize,
    /// Start of the statement that binds it.
    pub(super) statement: usize,
    /// Its type, as it is written.
    pub(super) declared_type: Option<String>,
    /// The innermost loop around.
    pub(super) innermost: Option<usize>,
    /// Closures around it.
    pub(super) closures: u32,
    /// Where the variable is named whose `Result` it was unwrapped from.
    pub(super) unwraps: Option<usize>,
    /// Where it gets its value, seen from within the innermost loop around it.
    pub(super) origin: Origin,
}

/// The sites that grow the binding which holds a site's value.
#[derive(Clone, Default)]
pub(super) struct Growth {
    /// In a loop that starts after the binding.
    pub(super) in_loop: Vec<usize>,
    pub(super) anywhere: Vec<usize>,
}

/// For each site, what grows the binding that holds its value.
pub(super) fn of(
    bindings: &[Binding],
    found: &[Option<Found>],
    loops: &Loops,
    sites: &[Enumerated],
) -> Vec<Growth> {
    let mut grown = vec![Growth::default(); found.len()];
    for (grower, (kind, _)) in sites.iter().enumerate() {
        if !matches!(kind, Kind::Grow | Kind::Write | Kind::Shift) {
            continue;
        }
        let Some(by) = &found[grower] else { continue };
        let Some(receiver) = &by.source.receiver else { continue };
        let name = receiver.trim_start_matches("&mut ").trim();
        let at = by.source.span.byte_start;
        let Some(target) = visible(bindings, name, at) else { continue };
        let held = |site: &Option<Found>| site.as_ref().is_some_and(|f| f.binding == Some(target));
        let Some(source) = found.iter().position(held) else { continue };
        grown[source].anywhere.push(grower);
        let starts_after = |index: usize| loops.span(index).byte_start >= bindings[target].from;
        if by.innermost.is_some_and(starts_after) {
            grown[source].in_loop.push(grower);
        }
    }
    grown
}
