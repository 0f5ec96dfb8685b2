//! The probes of async code: a frame per poll, and awaits with their waits.
//!
//! A future that is ready at once is the common case: it has the shortest way, and what else may
//! happen is what is counted.

use core::future::{Future, IntoFuture};
use core::mem::{self, ManuallyDrop, MaybeUninit};
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::probe::{self, Open};
use crate::row::{self, Type};
use crate::segment::layout::{Node, Row};
use crate::site::Function;
use crate::{clock, fork, processor, slab};

/// `last` of a frame that has completed.
const DONE: u64 = u64::MAX;

/// The body of an `async fn`: each poll is a span of its function.
#[must_use]
#[derive(Debug)]
pub struct Frame<F> {
    function: &'static Function,
    /// End of the last poll that pended; 0 before, [`DONE`] after completion.
    last: u64,
    /// Start of the first poll, where that was timed; else 0. Set once one has pended.
    first: MaybeUninit<u64>,
    future: ManuallyDrop<F>,
}

/// Measures the body of an `async fn`.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn frame<F: Future>(function: &'static Function, future: F) -> Frame<F> {
    let future = ManuallyDrop::new(future);
    Frame { function, last: 0, first: MaybeUninit::uninit(), future }
}

// Where a future completes at once and its poll is inlined, it need not lie in memory at all. For
// that none of the cold ways below gets its address, and none of them unwinds, which `extern "C"`
// says: whoever could catch that would need it in memory.

/// Closes a span that nothing else closes: that of a poll that panicked, or of a drop. It is of
/// this thread's slab: two words need no place in memory to be returned.
struct Span(&'static Node, u64);

impl Drop for Span {
    #[inline(always)]
    fn drop(&mut self) {
        close_dropped(self.0, self.1);
    }
}

#[cold]
#[inline(never)]
extern "C" fn close_dropped(node: &'static Node, start: u64) {
    Open::of(slab::current(), node, start).close_poll(clock::ticks());
}

impl<F: Future> Future for Frame<F> {
    type Output = F::Output;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out; `future` stays where it is until it is dropped there.
        let this = unsafe { self.get_unchecked_mut() };
        let last = this.last;
        // Polled after completion it gives the inner future's own answer to that, uncounted.
        let open = if last == DONE { Open::none() } else { probe::open(this.function) };
        // The slab is not kept over the poll: it is found again for less.
        let (_, node, start) = open.parts();
        if last != 0 {
            resume(node, start, last);
        }
        // A poll that panics never comes back: the future is done.
        this.last = DONE;
        let span = Span(node, start);
        // SAFETY: `future` is pinned with `self`.
        let result = unsafe { Pin::new_unchecked(&mut *this.future) }.poll(context);
        mem::forget(span);
        let first = match last {
            0 => First::This(size_of::<F>() as u64),
            DONE => First::Unknown,
            // SAFETY: set when `last` was.
            _ => First::At(unsafe { this.first.assume_init() }),
        };
        if result.is_pending() {
            if last != DONE {
                let (end, first) = suspend(node, start, first);
                this.first.write(first);
                this.last = end;
            }
        } else if last == 0 && start == 0 {
            Open::of(slab::current(), node, 0).close_untimed();
        } else {
            complete_call(node, start, first);
        }
        result
    }
}

/// The start of a call's first poll.
#[derive(Clone, Copy, Debug)]
enum First {
    /// It is the one that closes. With the size of the future.
    This(u64),
    /// 0 where that is not known.
    At(u64),
    Unknown,
}

impl First {
    fn start(self, node: &Node, start: u64) -> u64 {
        match self {
            Self::This(_) if start == 0 => 0,
            Self::This(bytes) => {
                node.future_bytes.set(bytes);
                probe::known_start(node, start)
            }
            Self::At(first) => first,
            Self::Unknown => 0,
        }
    }
}

/// Charges the wait before a poll (or the drop) that is not the first.
#[inline(never)]
extern "C" fn resume(node: &'static Node, start: u64, last: u64) {
    if last == DONE {
        return;
    }
    let start = if start == 0 { 0 } else { probe::known_start(node, start) };
    let now = if start == 0 { clock::ticks() } else { start };
    node.resumed.add(1);
    node.wait.add(probe::elapsed(slab::current(), last.max(fork::born()), now));
}

/// Closes the span of a poll that pended; gives its end, and the start of the first.
#[inline(never)]
extern "C" fn suspend(node: &'static Node, start: u64, first: First) -> (u64, u64) {
    let end = clock::ticks();
    let (slab, first) = (slab::current(), first.start(node, start));
    Open::of(slab, node, start).close_poll(end);
    processor::closed(slab, node);
    (end, first)
}

/// Closes the span of the last poll. The function's distribution holds no polls but the time from
/// the start of the first one to completion.
#[inline(never)]
extern "C" fn complete_call(node: &'static Node, start: u64, first: First) {
    let (slab, end) = (slab::current(), clock::ticks());
    let first = first.start(node, start);
    Open::of(slab, node, start).close_poll(end);
    processor::closed(slab, node);
    if first != 0 {
        slab.distribute_call(node, probe::elapsed(slab, first.max(fork::born()), end), 1);
    }
}

impl<F> Drop for Frame<F> {
    #[inline(always)]
    fn drop(&mut self) {
        let _span = match self.last {
            0 | DONE => None,
            last => Some(cancel(self.function, last)),
        };
        // SAFETY: dropped once, where it was pinned.
        unsafe { ManuallyDrop::drop(&mut self.future) };
    }
}

/// Opens the span of the drop of a future that is not done.
#[cold]
#[inline(never)]
extern "C" fn cancel(function: &'static Function, last: u64) -> Span {
    let (_, node, start) = probe::open(function).parts();
    resume(node, start, last);
    node.cancelled.add(1);
    Span(node, start)
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
    /// Ends of the first poll and of the last one that pended. Set once one has.
    pended: MaybeUninit<Pended>,
    future: F,
}

/// Ends of polls that pended, ticks.
#[derive(Clone, Copy, Debug)]
struct Pended {
    first: u64,
    last: u64,
}

/// Measures an await. The recorded type is the future's.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn awaited<F: IntoFuture>(
    function: &'static Function,
    index: u32,
    future: F,
) -> Awaited<F::IntoFuture> {
    let (future, pended) = (future.into_future(), MaybeUninit::uninit());
    Awaited { function, index, state: State::Fresh, pended, future }
}

/// A first poll that panics: the row counts those that completed by those that did not.
struct Unready {
    function: &'static Function,
    index: u32,
    is_first: bool,
    of: Type,
}

impl Drop for Unready {
    #[inline(always)]
    fn drop(&mut self) {
        if self.is_first {
            unready(self.function, self.index, self.of.name, self.of.layout);
        }
    }
}

#[cold]
#[inline(never)]
extern "C" fn unready(function: &'static Function, index: u32, name: &'static str, layout: u64) {
    if let Some(row) = row::find(slab::current(), function, index, Type { name, layout }).1 {
        row.not_ready.add(1);
    }
}

impl<F: Future> Future for Awaited<F> {
    type Output = F::Output;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out; `future` stays where it is until it is dropped there.
        let this = unsafe { self.get_unchecked_mut() };
        let (function, index, state, of) = (this.function, this.index, this.state, Type::of::<F>());
        let mut slab = slab::current();
        let mut channel = None;
        if state == State::Fresh {
            let row;
            (slab, row) = row::find(slab, function, index, of);
            if let Some(row) = row {
                row.count.add(1);
                channel = row.channel.get();
            }
        } else if state != State::Done {
            // SAFETY: set before `state` became what it is.
            poll_again(
                function,
                index,
                of.name,
                of.layout,
                state,
                unsafe { this.pended.assume_init() }.last,
            );
        }
        this.state = State::Done;
        let before = slab.pended.get();
        let unready = Unready { function, index, is_first: state == State::Fresh, of };
        // SAFETY: `future` is pinned with `self`.
        let result = unsafe { Pin::new_unchecked(&mut this.future) }.poll(context);
        mem::forget(unready);
        if state == State::Done {
            // Polled after completion: the inner future's own answer to that.
            return result;
        }
        if result.is_ready() {
            if slab.pended.get() != before {
                // Nobody waits for sites that pended inside of a poll that completes.
                slab.pended.set(before);
            }
            if let Some(channel) = channel {
                channel.receive();
            }
            if state != State::Fresh {
                // SAFETY: as above.
                complete(
                    function,
                    index,
                    of.name,
                    of.layout,
                    unsafe { this.pended.assume_init() }.first,
                );
            }
        } else {
            let last = pend(function, index, of.name, of.layout, state == State::Fresh);
            this.state = if slab.pended.get() == before { State::Leaf } else { State::Outer };
            slab.pended.set(slab.pended.get().wrapping_add(1));
            let first = match state {
                State::Fresh => last,
                // SAFETY: as above.
                _ => unsafe { this.pended.assume_init() }.first,
            };
            this.pended.write(Pended { first, last });
        }
        result
    }
}

/// Counts a poll that is not the first, and charges the wait before it.
#[cold]
#[inline(never)]
extern "C" fn poll_again(
    function: &'static Function,
    index: u32,
    name: &'static str,
    layout: u64,
    state: State,
    last: u64,
) {
    if let Some(row) = row::find(slab::current(), function, index, Type { name, layout }).1 {
        row.repolls.add(1);
        charge(row, state, last);
    }
}

/// Counts a first poll that pends. Gives the time.
#[inline(never)]
extern "C" fn pend(
    function: &'static Function,
    index: u32,
    name: &'static str,
    layout: u64,
    is_first: bool,
) -> u64 {
    if is_first {
        unready(function, index, name, layout);
    }
    clock::ticks()
}

/// Charges the time since the last poll.
fn charge(row: &Row, state: State, last: u64) {
    let wait = probe::elapsed(slab::current(), last.max(fork::born()), clock::ticks());
    match state {
        State::Leaf => row.wait.add(wait),
        State::Outer => row.nested_wait.add(wait),
        State::Fresh | State::Done => {}
    }
}

/// Distributes the time since the end of the first poll, and counts what was received.
#[cold]
#[inline(never)]
extern "C" fn complete(
    function: &'static Function,
    index: u32,
    name: &'static str,
    layout: u64,
    first: u64,
) {
    let row = row::find(slab::current(), function, index, Type { name, layout }).1;
    if let Some(channel) = row.and_then(|row| row.channel.get()) {
        channel.receive();
    }
    if let Some(histogram) = row.and_then(|row| row.histogram.get()) {
        let slab = slab::current();
        let first = first.max(fork::born());
        slab.distribute(histogram.bucket_of(probe::elapsed(slab, first, clock::ticks())));
    }
}

#[cold]
#[inline(never)]
extern "C" fn cancel_wait(
    function: &'static Function,
    index: u32,
    name: &'static str,
    layout: u64,
    state: State,
    last: u64,
) {
    if let Some(row) = row::find(slab::current(), function, index, Type { name, layout }).1 {
        charge(row, state, last);
        row.cancelled.add(1);
    }
}

impl<F> Drop for Awaited<F> {
    #[inline(always)]
    fn drop(&mut self) {
        if matches!(self.state, State::Leaf | State::Outer) {
            // SAFETY: set before `state` became what it is.
            let last = unsafe { self.pended.assume_init() }.last;
            let Type { name, layout } = Type::of::<F>();
            cancel_wait(self.function, self.index, name, layout, self.state, last);
        }
    }
}

#[cfg(test)]
mod tests;
