//! Whether what a copy is made from stays as it is while the copy lives, so that a borrow would do.

use super::uses::visible;
use super::{Found, Walker};

/// Statements in which variables change, and in which a method is called on them that may change them.
#[derive(Default)]
pub(super) struct Outlived {
    /// Name, and start of the statement.
    changed: Vec<(String, usize)>,
    called: Vec<(String, usize)>,
}

impl Outlived {
    /// Notes a method that is not known to leave its receiver as it is.
    pub(super) fn call(&mut self, name: Option<String>, at: usize) {
        self.called.extend(name.map(|name| (name, at)));
    }
}

impl Walker<'_> {
    /// Notes that a variable is bound or changed.
    pub(super) fn change(&mut self, name: Option<String>) {
        let at = self.at_statement();
        self.outlived.changed.extend(name.clone().map(|name| (name, at)));
        self.loops.change(name);
    }

    /// Start of the innermost statement around, in bytes.
    pub(super) fn at_statement(&self) -> usize {
        self.statement.map_or(0, |(start, _)| self.lines.byte(start))
    }

    /// Where a `let` holds the site's value: whether nothing changes or takes the variable that it is
    /// made from for as long as the binding is in scope. `None` where there is no such variable.
    pub(super) fn original_stays(&self, found: &Found) -> Option<bool> {
        let (copy, root) = (&self.bindings[found.binding?], found.source.receiver_root.as_deref()?);
        let alive = found.source.span.byte_end..copy.until;
        let origin = visible(&self.bindings, root, found.source.span.byte_start);
        let is_shared = origin
            .and_then(|it| self.bindings[it].declared_type.as_deref())
            .is_some_and(|declared| declared.starts_with('&') && !declared.starts_with("&mut"));
        let meets = |noted: &[(String, usize)]| {
            noted.iter().any(|(name, at)| name == root && alive.contains(at))
        };
        if meets(&self.outlived.changed) || (!is_shared && meets(&self.outlived.called)) {
            return Some(false);
        }
        let uses = self.all_uses().iter().filter(|it| it.name == root && it.binding == origin);
        let last = uses.clone().map(|it| it.at).max()?;
        // What is named again after it was given away is a reference, or a number.
        let mut taken = uses.filter(|it| it.moved && alive.contains(&it.at));
        Some(is_shared || taken.all(|it| it.at < last))
    }
}
