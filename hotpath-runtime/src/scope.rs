//! A measured piece of code inside of an async function.
//!
//! The code runs in polls of the future around it, and may be taken up on another thread after
//! each suspension. So its span is closed when one of its awaits pends, and opened again when that
//! is polled again.

use core::future::{Future, IntoFuture};
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Mutex, PoisonError};

use crate::probe::{self, Open};
use crate::segment::layout::Node;
use crate::site::Function;
use crate::{clock, slab};

/// The span of a piece of async code; counts like an async function.
#[must_use]
#[derive(Debug)]
pub struct Scope {
    function: &'static Function,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<Open>,
    /// End of the last part; 0 before.
    last: u64,
}

/// Opens a scope.
#[inline]
pub fn scope(function: &'static Function) -> Scope {
    let scope = Scope { function, state: Mutex::default() };
    scope.open();
    scope
}

impl Scope {
    /// Measures an await of the scope.
    #[inline]
    pub fn through<F: IntoFuture>(&self, future: F) -> Through<'_, F::IntoFuture> {
        Through { scope: self, future: future.into_future() }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_open(&self) -> bool {
        self.with(|state| state.open.is_some())
    }

    fn open(&self) -> &'static Node {
        let open = probe::open(self.function);
        let node = open.node();
        self.with(|state| {
            if state.last != 0 {
                let now = match open.start() {
                    0 => clock::ticks(),
                    start => start,
                };
                node.resumed.add(1);
                node.wait.add(probe::elapsed(slab::current(), state.last, now));
            }
            state.open = Some(open);
        });
        node
    }

    fn close(&self) {
        let now = clock::ticks();
        let open = self.with(|state| {
            state.last = now;
            state.open.take()
        });
        // Left open by an await that it could not see, and closed on another thread: nothing is
        // open here.
        if let Some(open) = open
            && core::ptr::eq(open.parts().0, slab::current())
        {
            open.close_poll(now);
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if !self.is_open() {
            self.open().cancelled.add(1);
        }
        self.close();
    }
}

/// A future awaited in a scope.
#[must_use]
#[derive(Debug)]
pub struct Through<'s, F> {
    scope: &'s Scope,
    future: F,
}

impl<F: Future> Future for Through<'_, F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out; `future` stays where it is until it is dropped there.
        let this = unsafe { self.get_unchecked_mut() };
        if !this.scope.is_open() {
            this.scope.open();
        }
        // SAFETY: `future` is pinned with `self`.
        let result = unsafe { Pin::new_unchecked(&mut this.future) }.poll(context);
        if result.is_pending() {
            this.scope.close();
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};
    use std::mem;
    use std::pin::pin;
    use std::task::Waker;
    use std::thread;

    use super::*;
    use crate::testing::{function, own, segment};

    async fn yield_once() {
        let mut yielded = false;
        poll_fn(|_| if mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending })
            .await;
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn is_closed_while_it_waits() {
        function!(async F, "scope", "await");
        let mut future = pin!(async {
            let scope = scope(&F);
            scope.through(yield_once()).await;
            scope.through(yield_once()).await;
            drop(scope);
            yield_once().await;
        });
        let before = slab::attached().cur.get().map(core::ptr::from_ref);
        for pending in [true, true, true, false] {
            assert_eq!(poll(future.as_mut()).is_pending(), pending);
            assert_eq!(slab::current().cur.get().map(core::ptr::from_ref), before);
        }
        let node = own().node("scope").clone();
        assert_eq!((node.calls, node.polls, node.cancelled), (1, 3, 0));
        assert!(node.wait > 0);
    }

    #[test]
    fn goes_on_in_another_thread_and_may_be_given_up() {
        function!(async F, "moved scope");
        let mut future = Box::pin(async {
            let scope = scope(&F);
            scope.through(yield_once()).await;
            scope.through(pending::<()>()).await;
        });
        assert!(poll(future.as_mut()).is_pending());
        let moved = thread::spawn(move || {
            assert!(poll(future.as_mut()).is_pending());
            drop(future);
        });
        moved.join().unwrap();
        let segment = segment();
        let nodes = segment.slabs.iter().flat_map(|slab| &slab.nodes);
        let is = |node: &&crate::segment::reader::Node| {
            node.function.is_some_and(|at| segment.functions[at].name == "moved scope")
        };
        let counts = nodes.filter(is).fold((0, 0, 0), |(calls, polls, cancelled), node| {
            (calls + node.calls, polls + node.polls, cancelled + node.cancelled)
        });
        assert_eq!(counts, (1, 2, 1));
    }
}
