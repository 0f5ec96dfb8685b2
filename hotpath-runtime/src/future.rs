//! The probes of async code: a frame per poll, and awaits with their waits.

use core::future::{Future, IntoFuture};
use core::mem::ManuallyDrop;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::probe::{self, Call};
use crate::row::{self, Type};
use crate::segment::layout::{Row, Slab};
use crate::site::Function;
use crate::{clock, slab, tree};

/// `last` of a future that has completed.
const DONE: u64 = u64::MAX;
/// `first` of a future whose first poll was not timed.
const UNTIMED: u64 = 1;

/// The body of an `async fn`: each poll is a span of its function.
#[must_use]
#[derive(Debug)]
pub struct Frame<F> {
    function: &'static Function,
    /// Start of the first poll, or [`UNTIMED`]; 0 before.
    first: u64,
    /// End of the last poll that pended; 0 before, [`DONE`] after completion.
    last: u64,
    future: ManuallyDrop<F>,
}

/// Measures the body of an `async fn`.
#[inline(always)]
pub fn frame<F: Future>(function: &'static Function, future: F) -> Frame<F> {
    Frame { function, first: 0, last: 0, future: ManuallyDrop::new(future) }
}

/// A span of an async function, closed on panic too. Its length goes to no histogram: that of an
/// async function holds the time from the first poll to completion.
struct Span(ManuallyDrop<Call>);

impl Drop for Span {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.close_poll(if self.0.start() == 0 { 0 } else { clock::ticks() });
    }
}

impl<F> Frame<F> {
    /// Opens the span of a poll (or of the drop), and charges the wait before it.
    #[inline(always)]
    fn open(&mut self) -> Span {
        let (slab, node) = tree::enter(self.function);
        let is_first = self.first == 0;
        if is_first {
            node.started.add(1);
            node.future_bytes.set(size_of::<F>() as u64);
        }
        let call = probe::open(slab, node);
        if is_first {
            self.first = call.start().max(UNTIMED);
        } else {
            let now = if call.start() == 0 { clock::ticks() } else { call.start() };
            node.wait.add(probe::elapsed(slab, self.last, now));
        }
        Span(ManuallyDrop::new(call))
    }
}

impl<F: Future> Future for Frame<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out; `future` stays where it is until it is dropped there.
        let this = unsafe { self.get_unchecked_mut() };
        if this.last == DONE {
            // Polled after completion: the inner future's own answer to that.
            // SAFETY: `future` is pinned with `self`.
            return unsafe { Pin::new_unchecked(&mut *this.future) }.poll(context);
        }
        let span = this.open();
        // A poll that panics never comes back: the future is done.
        this.last = DONE;
        // SAFETY: `future` is pinned with `self`.
        let result = unsafe { Pin::new_unchecked(&mut *this.future) }.poll(context);
        let is_pending = result.is_pending();
        let is_distributed = !is_pending && this.first != UNTIMED;
        let is_timed = is_pending || is_distributed || span.0.start() != 0;
        let end = if is_timed { clock::ticks() } else { 0 };
        span.0.close_poll(end);
        if is_pending {
            this.last = end;
        } else if is_distributed {
            let slab = slab::current();
            slab.distribute_call(span.0.node(), probe::elapsed(slab, this.first, end), 1);
        }
        core::mem::forget(span);
        result
    }
}

impl<F> Drop for Frame<F> {
    fn drop(&mut self) {
        let dropped_early = self.first != 0 && self.last != DONE;
        let span = dropped_early.then(|| self.open());
        if let Some(span) = &span {
            span.0.node().cancelled.add(1);
        }
        // SAFETY: dropped once, here, where it was pinned.
        unsafe { ManuallyDrop::drop(&mut self.future) };
        drop(span);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fresh,
    /// Pending, and no site inside pended: the wait is its own.
    Leaf,
    /// Pending because a site inside pends.
    Outer,
    Done,
}

/// An awaited future: counts its polls, and the time between them.
#[must_use]
#[derive(Debug)]
pub struct Awaited<F> {
    function: &'static Function,
    index: u32,
    state: State,
    /// End of the first poll, if that pended.
    first: u64,
    /// End of the last poll that pended.
    last: u64,
    future: F,
}

/// Measures an await. The recorded type is the future's.
#[inline(always)]
pub fn awaited<F: IntoFuture>(
    function: &'static Function,
    index: u32,
    future: F,
) -> Awaited<F::IntoFuture> {
    let future = future.into_future();
    Awaited { function, index, state: State::Fresh, first: 0, last: 0, future }
}

impl<F> Awaited<F> {
    #[inline(always)]
    fn row(&self, slab: &Slab) -> Option<&'static Row> {
        row::find(slab, self.function, self.index, Type::of::<F>())
    }

    /// Charges the time since the last poll.
    fn charge(&self, slab: &Slab, row: &Row, now: u64) {
        let wait = probe::elapsed(slab, self.last, now);
        match self.state {
            State::Leaf => row.wait.add(wait),
            State::Outer => row.nested_wait.add(wait),
            State::Fresh | State::Done => {}
        }
    }

    #[cold]
    fn cancel(&self) {
        let slab = slab::attached();
        if let Some(row) = self.row(slab) {
            self.charge(slab, row, clock::ticks());
            row.cancelled.add(1);
        }
    }
}

impl<F: Future> Future for Awaited<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out; `future` stays where it is until it is dropped there.
        let this = unsafe { self.get_unchecked_mut() };
        let before = this.state;
        let slab = slab::attached();
        let row = this.row(slab);
        if let Some(row) = row {
            match before {
                State::Fresh => row.count.add(1),
                State::Leaf | State::Outer => this.charge(slab, row, clock::ticks()),
                State::Done => {}
            }
            row.polls.add(1);
        }
        this.state = State::Done;
        let around = slab.leaf.get();
        slab.leaf.set(0);
        // SAFETY: `future` is pinned with `self`.
        let result = unsafe { Pin::new_unchecked(&mut this.future) }.poll(context);
        let Some(row) = row else { return result };
        if result.is_pending() {
            this.pend(slab, before);
        } else {
            slab.leaf.set(around);
            this.complete(slab, row, before);
        }
        result
    }
}

impl<F> Awaited<F> {
    #[inline]
    fn pend(&mut self, slab: &Slab, before: State) {
        self.last = clock::ticks();
        if before == State::Fresh {
            self.first = self.last;
        }
        self.state = if slab.leaf.get() == 0 { State::Leaf } else { State::Outer };
        slab.leaf.set(1);
    }

    #[inline]
    fn complete(&self, slab: &Slab, row: &Row, before: State) {
        if before == State::Fresh {
            row.ready.add(1);
        } else if let Some(histogram) = row.histogram.get() {
            let elapsed = probe::elapsed(slab, self.first, clock::ticks());
            slab.distribute(histogram, elapsed);
        }
    }
}

impl<F> Drop for Awaited<F> {
    #[inline]
    fn drop(&mut self) {
        if matches!(self.state, State::Leaf | State::Outer) {
            self.cancel();
        }
    }
}

#[cfg(test)]
mod tests;
