//! The probes of async code: a frame per poll, and awaits with their waits.
//!
//! A future that is ready at once is the common case: it has the shortest way, and what else may
//! happen is what is counted.

use core::future::{Future, IntoFuture};
use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop};
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::row::{self, Type};
use crate::probe::{self, Open};
use crate::segment::layout::{Node, Row, Slab};
use crate::site::Function;
use crate::{clock, slab};

/// `last` of a frame that has completed.
const DONE: u64 = u64::MAX;

/// The body of an `async fn`: each poll is a span of its function.
#[must_use]
#[derive(Debug)]
pub struct Frame<F> {
    function: &'static Function,
    /// Start of the first poll, where that was timed; else 0.
    first: u64,
    /// End of the last poll that pended; 0 before, [`DONE`] after completion.
    last: u64,
    future: ManuallyDrop<F>,
}

/// Measures the body of an `async fn`.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn frame<F: Future>(function: &'static Function, future: F) -> Frame<F> {
    Frame { function, first: 0, last: 0, future: ManuallyDrop::new(future) }
}

/// Closes a span that nothing else closes: that of a poll that panicked, or of a drop.
struct Span(Open);

impl Drop for Span {
    // Inlined, so that what it holds needs no place in memory.
    #[inline(always)]
    fn drop(&mut self) {
        let (slab, node, start) = self.0.parts();
        close_dropped(slab, node, start);
    }
}

#[cold]
#[inline(never)]
fn close_dropped(slab: &'static Slab, node: &'static Node, start: u64) {
    Open::of(slab, node, start).close_poll(clock::ticks());
}

impl<F: Future> Future for Frame<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out; `future` stays where it is until it is dropped there.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: `future` is pinned with `self`.
        let future = unsafe { Pin::new_unchecked(&mut *this.future) };
        if this.last == DONE {
            // Polled after completion: the inner future's own answer to that.
            return future.poll(context);
        }
        let open = probe::open(this.function);
        if this.last != 0 {
            resume(open.node(), open.start(), this.last);
        } else if open.is_timed() {
            this.first = open.start();
            open.node().future_bytes.set(size_of::<F>() as u64);
        }
        // A poll that panics never comes back: the future is done.
        this.last = DONE;
        let span = Span(open);
        let result = future.poll(context);
        mem::forget(span);
        if result.is_ready() && this.first == 0 && !open.is_timed() {
            open.close_untimed();
            return result;
        }
        let end = clock::ticks();
        let (slab, node, start) = open.parts();
        close(slab, node, start, if result.is_ready() { this.first } else { 0 }, end);
        if result.is_pending() {
            this.last = end;
        }
        result
    }
}

/// Charges the wait before a poll (or the drop) that is not the first.
#[inline(never)]
fn resume(node: &'static Node, start: u64, last: u64) {
    let now = if start == 0 { clock::ticks() } else { start };
    node.resumed.add(1);
    node.wait.add(probe::elapsed(slab::current(), last, now));
}

/// Closes the span of a poll. The function's distribution holds no polls but the time from `first`,
/// the start of the first one, to completion; 0 where that is not known or not over.
#[inline(never)]
fn close(slab: &'static Slab, node: &'static Node, start: u64, first: u64, end: u64) {
    Open::of(slab, node, start).close_poll(end);
    if first != 0 {
        slab.distribute_call(node, probe::elapsed(slab, first, end), 1);
    }
}

impl<F> Drop for Frame<F> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.last != 0 && self.last != DONE {
            return self.drop_pending();
        }
        // SAFETY: dropped once, here or in `drop_pending`, where it was pinned.
        unsafe { ManuallyDrop::drop(&mut self.future) };
    }
}

impl<F> Frame<F> {
    #[cold]
    #[inline(never)]
    fn drop_pending(&mut self) {
        let _span = cancel(self.function, self.last);
        // SAFETY: as in `drop`, which does nothing after this.
        unsafe { ManuallyDrop::drop(&mut self.future) };
    }
}

/// Opens the span of the drop of a future that is not done.
#[cold]
#[inline(never)]
fn cancel(function: &'static Function, last: u64) -> Span {
    let open = probe::open(function);
    resume(open.node(), open.start(), last);
    open.node().cancelled.add(1);
    Span(open)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
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
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn awaited<F: IntoFuture>(
    function: &'static Function,
    index: u32,
    future: F,
) -> Awaited<F::IntoFuture> {
    let future = future.into_future();
    Awaited { function, index, state: State::Fresh, first: 0, last: 0, future }
}

/// A first poll that did not complete its future: the row counts those that did by these.
struct Unready<'a, F> {
    function: &'a &'static Function,
    index: &'a u32,
    future: PhantomData<F>,
}

impl<F> Drop for Unready<'_, F> {
    #[inline(always)]
    fn drop(&mut self) {
        unready::<F>(self.function, *self.index);
    }
}

#[cold]
#[inline(never)]
fn unready<F>(function: &'static Function, index: u32) {
    if let Some(row) = row::find(function, index, Type::of::<F>()) {
        row.not_ready.add(1);
    }
}

impl<F: Future> Future for Awaited<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out; `future` stays where it is until it is dropped there.
        let this = unsafe { self.get_unchecked_mut() };
        if this.state != State::Fresh {
            // SAFETY: it was pinned, and nothing was moved.
            return unsafe { Pin::new_unchecked(this) }.poll_again(context);
        }
        if let Some(row) = row::find(this.function, this.index, Type::of::<F>()) {
            row.count.add(1);
        }
        this.state = State::Done;
        let before = slab::current().pended.get();
        let unready =
            Unready { function: &this.function, index: &this.index, future: PhantomData::<F> };
        // SAFETY: `future` is pinned with `self`.
        let result = unsafe { Pin::new_unchecked(&mut this.future) }.poll(context);
        if result.is_ready() {
            mem::forget(unready);
            forget_pending(before);
            return result;
        }
        drop(unready);
        (this.state, this.last) = pend(before);
        this.first = this.last;
        result
    }
}

impl<F: Future> Awaited<F> {
    /// A poll that is not the first.
    #[inline(never)]
    fn poll_again(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out; `future` stays where it is until it is dropped there.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: `future` is pinned with `self`.
        let future = unsafe { Pin::new_unchecked(&mut this.future) };
        if this.state == State::Done {
            // Polled after completion: the inner future's own answer to that.
            return future.poll(context);
        }
        let row = row::find(this.function, this.index, Type::of::<F>());
        if let Some(row) = row {
            row.repolls.add(1);
            charge(row, this.state, this.last);
        }
        this.state = State::Done;
        let before = slab::current().pended.get();
        let result = future.poll(context);
        if result.is_ready() {
            forget_pending(before);
            complete(row, this.first);
        } else {
            (this.state, this.last) = pend(before);
        }
        result
    }
}

/// Says whose wait it is that begins, and when.
#[inline(never)]
fn pend(before: u64) -> (State, u64) {
    let slab = slab::current();
    let pended = slab.pended.get();
    slab.pended.set(pended.wrapping_add(1));
    (if pended == before { State::Leaf } else { State::Outer }, clock::ticks())
}

/// Nobody waits for sites that pended inside of a poll that completes.
#[inline(always)]
fn forget_pending(before: u64) {
    let slab = slab::current();
    if slab.pended.get() != before {
        slab.pended.set(before);
    }
}

/// Charges the time since the last poll.
#[inline(never)]
fn charge(row: &Row, state: State, last: u64) {
    let wait = probe::elapsed(slab::current(), last, clock::ticks());
    match state {
        State::Leaf => row.wait.add(wait),
        State::Outer => row.nested_wait.add(wait),
        State::Fresh | State::Done => {}
    }
}

/// Distributes the time since the end of the first poll.
#[inline(never)]
fn complete(row: Option<&'static Row>, first: u64) {
    if let Some(histogram) = row.and_then(|row| row.histogram.get()) {
        let slab = slab::current();
        slab.distribute(histogram.bucket_of(probe::elapsed(slab, first, clock::ticks())));
    }
}

impl<F> Awaited<F> {
    #[cold]
    fn cancel(&self) {
        if let Some(row) = row::find(self.function, self.index, Type::of::<F>()) {
            charge(row, self.state, self.last);
            row.cancelled.add(1);
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
