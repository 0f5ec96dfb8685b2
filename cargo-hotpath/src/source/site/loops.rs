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
    /// Where the body of a `for` begins.
    body: Option<usize>,
    changed: HashSet<String>,
    moves: bool,
    /// Whether its iterations may run at once.
    shared: bool,
}

impl Loops {
    /// Starts a loop inside the open ones.
    pub(super) fn enter(&mut self, span: Span) {
        self.open.push(self.all.len());
        let changed = HashSet::new();
        self.all.push(Loop { span, body: None, changed, moves: false, shared: false });
    }

    /// Says that iterations of the innermost loop may run at once.
    pub(super) fn share(&mut self) {
        if let Some(&index) = self.open.last() {
            self.all[index].shared = true;
        }
    }

    /// Whether a loop's iterations may run at once.
    pub(super) fn is_shared(&self, index: usize) -> bool {
        self.all[index].shared
    }

    /// Says where the body of the innermost loop begins, which is a `for`.
    pub(super) fn body_at(&mut self, byte: usize) {
        if let Some(&index) = self.open.last() {
            self.all[index].body = Some(byte);
        }
    }

    /// The body of the innermost `for` whose head holds this range, in bytes.
    pub(super) fn body_below(&self, head: Span) -> Option<std::ops::Range<usize>> {
        let bodies = self.all.iter().filter_map(|it| {
            let body = it.body.filter(|&body| head.byte_end <= body)?;
            holds(it.span, head).then_some(body..it.span.byte_end)
        });
        bodies.max_by_key(|body| body.start)
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

    /// Notes a `move` closure or block in all open loops.
    pub(super) fn move_away(&mut self) {
        for &index in &self.open {
            self.all[index].moves = true;
        }
    }

    /// Whether a loop holds a `move` closure or block; complete once it has ended.
    pub(super) fn moves(&self, index: usize) -> bool {
        self.all[index].moves
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

    /// Whether `name` changes in a loop whose head, and not its body, holds this range; `innermost`
    /// is the loop around the range.
    pub(super) fn changes_below(&self, head: Span, innermost: Option<usize>, name: &str) -> bool {
        let around = innermost.map(|index| self.span(index));
        self.all.iter().any(|it| {
            holds(it.span, head)
                && !around.is_some_and(|around| holds(it.span, around))
                && it.changed.contains(name)
        })
    }

    /// Whether `name` changes in a loop around this one.
    pub(super) fn changes_around(&self, index: usize, name: &str) -> bool {
        let inner = self.span(index);
        let mut others = self.all.iter().enumerate().filter(|(other, _)| *other != index);
        others.any(|(_, it)| holds(it.span, inner) && it.changed.contains(name))
    }

    /// Whether `name` changes in a loop; complete once the loop has ended.
    pub(super) fn changes(&self, index: usize, name: &str) -> bool {
        self.all[index].changed.contains(name)
    }
}

fn holds(outer: Span, inner: Span) -> bool {
    outer.byte_start <= inner.byte_start && inner.byte_end <= outer.byte_end
}
