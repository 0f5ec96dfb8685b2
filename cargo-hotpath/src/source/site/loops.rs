//! The loops of a function, and the variables that change in them.

use std::collections::HashSet;

use crate::facts::Span;

/// All loops met so far; those around the current expression are open.
#[derive(Default)]
pub(super) struct Loops {
    all: Vec<Loop>,
    open: Vec<usize>,
}

struct Loop {
    span: Span,
    changed: HashSet<String>,
}

impl Loops {
    /// Starts a loop inside the open ones.
    pub(super) fn enter(&mut self, span: Span) {
        self.open.push(self.all.len());
        self.all.push(Loop { span, changed: HashSet::new() });
    }

    /// Ends the innermost loop.
    pub(super) fn leave(&mut self) {
        self.open.pop();
    }

    /// Notes that a variable is bound or changed in all open loops.
    pub(super) fn change(&mut self, name: Option<String>) {
        let Some(name) = name else { return };
        for &index in &self.open {
            if !self.all[index].changed.contains(&name) {
                self.all[index].changed.insert(name.clone());
            }
        }
    }

    /// How many are open.
    pub(super) fn depth(&self) -> u32 {
        self.open.len() as u32
    }

    /// The innermost open one.
    pub(super) fn innermost(&self) -> Option<usize> {
        self.open.last().copied()
    }

    /// Its range.
    pub(super) fn innermost_span(&self) -> Option<Span> {
        self.innermost().map(|index| self.span(index))
    }

    /// Range of a loop.
    pub(super) fn span(&self, index: usize) -> Span {
        self.all[index].span
    }

    /// Whether `name` changes in a loop; complete once the loop has ended.
    pub(super) fn changes(&self, index: usize, name: &str) -> bool {
        self.all[index].changed.contains(name)
    }
}
