use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use super::{Awaited, Frame, awaited, frame};
use crate::probe::call;
use crate::segment::reader::{Node, Row};
use crate::site::{Function, Site};
use crate::testing::{function, own, segment};

/// Pends `times` times.
async fn pend(times: u32) {
    let mut left = times;
    poll_fn(|_| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        Poll::Pending
    })
    .await;
}

fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn complete<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context()) {
            return value;
        }
        thread::yield_now();
    }
}

#[test]
fn a_frame_counts_its_call_once_and_each_poll() {
    function!(async F, "frame", "await");
    async fn work(times: u32) -> u32 {
        frame(&F, async move {
            awaited(&F, 0, pend(times)).await;
            times
        })
        .await
    }
    assert_eq!(complete(work(3)), 3);
    assert_eq!(complete(work(0)), 0);
    let own = own();
    let node = own.node("frame");
    assert_eq!((node.calls, node.polls, node.timed, node.cancelled), (2, 5, 5, 0));
    assert!(node.wait > 0 && node.sum > 0 && node.future_bytes > 0);
    assert_eq!(own.distributed("frame", None), 2);
    let row = own.row("frame", 0);
    assert_eq!((row.count, row.polls, row.ready, row.cancelled), (2, 5, 1, 0));
    assert!(row.wait > 0 && row.nested_wait == 0);
    assert_eq!(own.distributed("frame", Some(0)), 1);
}

#[test]
fn a_wait_belongs_to_the_deepest_site() {
    function!(async F, "leaf_outer", "await");
    function!(async G, "leaf_inner", "await");
    async fn inner() {
        frame(&G, async { awaited(&G, 0, pend(2)).await }).await;
    }
    complete(frame(&F, async { awaited(&F, 0, inner()).await }));
    let own = own();
    let (outer, inner) = (own.row("leaf_outer", 0), own.row("leaf_inner", 0));
    assert!(inner.wait > 0 && inner.nested_wait == 0);
    assert!(outer.wait == 0 && outer.nested_wait > 0);
}

#[test]
fn siblings_polled_in_one_poll_wait_each_for_itself() {
    function!(async F, "siblings", "await", "await", "await");
    let both = async {
        let mut a = pin!(awaited(&F, 0, pend(2)));
        let mut b = pin!(awaited(&F, 1, pend(1)));
        let (mut a_done, mut b_done) = (false, false);
        poll_fn(|context| {
            a_done = a_done || a.as_mut().poll(context).is_ready();
            b_done = b_done || b.as_mut().poll(context).is_ready();
            if a_done && b_done { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    };
    complete(awaited(&F, 2, both));
    let own = own();
    for site in 0..2 {
        let row = own.row("siblings", site);
        assert!(row.wait > 0 && row.nested_wait == 0, "{row:#?}");
    }
    assert_eq!(own.row("siblings", 2).wait, 0);
}

#[test]
fn a_future_dropped_while_it_waits_is_cancelled() {
    function!(async F, "cancelled", "await");
    let work = || {
        frame(&F, async {
            let held = black_box(vec![0u8; 123]);
            awaited(&F, 0, pend(u32::MAX)).await;
            drop(held);
        })
    };
    {
        let mut future = pin!(work());
        assert!(future.as_mut().poll(&mut context()).is_pending());
        assert!(future.as_mut().poll(&mut context()).is_pending());
    }
    drop(work());
    let own = own();
    let node = own.node("cancelled");
    assert_eq!((node.calls, node.polls, node.cancelled), (1, 2, 1));
    assert_eq!((node.allocs.bytes, node.allocs.freed_bytes), (123, 123));
    let row = own.row("cancelled", 0);
    assert_eq!((row.count, row.polls, row.ready, row.cancelled), (1, 2, 0, 1));
    assert!(row.wait > 0);
    assert_eq!(own.distributed("cancelled", None), 0);
}

#[test]
fn a_panic_in_a_poll_leaves_no_frame() {
    function!(OUTER, "async_panic_outer");
    function!(async F, "async_panic", "await");
    let _outer = call(&OUTER);
    let caught = std::panic::catch_unwind(|| {
        complete(frame(&F, async {
            awaited(&F, 0, async { std::panic::resume_unwind(Box::new(())) }).await
        }));
    });
    assert!(caught.is_err());
    let own = own();
    let node = own.node("async_panic");
    assert_eq!((node.calls, node.polls, node.open, node.cancelled), (1, 1, 0, 0));
    assert_eq!(own.node("async_panic_outer").open, 1);
}

#[test]
fn wrappers_stay_small() {
    type Inner = [u64; 8];
    assert!(size_of::<Frame<Inner>>() <= size_of::<Inner>() + 40);
    assert!(size_of::<Awaited<Inner>>() <= size_of::<Inner>() + 32);
}

#[test]
fn futures_grow_by_a_little_a_level_only() {
    function!(async F, "sizes", "await");
    async fn plain(depth: u32, value: [u8; 256]) -> [u8; 256] {
        async move {
            pend(depth).await;
            value
        }
        .await
    }
    async fn plain_outer(value: [u8; 256]) -> [u8; 256] {
        async move { plain(1, value).await }.await
    }
    async fn probed(depth: u32, value: [u8; 256]) -> [u8; 256] {
        frame(&F, async move {
            awaited(&F, 0, pend(depth)).await;
            value
        })
        .await
    }
    async fn probed_outer(value: [u8; 256]) -> [u8; 256] {
        frame(&F, async move { awaited(&F, 0, probed(1, value)).await }).await
    }
    let (plain, probed) =
        (size_of_val(&plain_outer([0; 256])), size_of_val(&probed_outer([0; 256])));
    assert!(probed <= plain + 3 * 72, "{probed} against {plain}");
}

/// Polls whatever is queued, on four threads, until all is done: tasks change threads.
fn run_on_four_threads(tasks: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>) {
    let queue = Arc::new(Mutex::new(VecDeque::from(tasks)));
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || {
                loop {
                    let task = queue.lock().unwrap().pop_front();
                    let Some(mut task) = task else { return };
                    if task.as_mut().poll(&mut context()).is_pending() {
                        queue.lock().unwrap().push_back(task);
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
}

#[test]
fn a_thread_that_only_polls_counts_no_call() {
    static F: Function = Function::new(None, None, "", "moved", "", 1, 1, true, &[]);
    static HERE: Function = Function::new(None, None, "", "here", "", 1, 1, false, &[]);
    // This thread has its slab before the other one takes and hands back its own.
    drop(call(&HERE));
    let mut task: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(frame(&F, pend(2)));
    let start = move || {
        assert!(task.as_mut().poll(&mut context()).is_pending());
        task
    };
    let mut task = thread::spawn(start).join().unwrap();
    complete(task.as_mut());
    let segment = segment();
    let is = |i: usize| segment.functions[i].name == "moved";
    let nodes = segment.slabs.iter().flat_map(|slab| &slab.nodes);
    let nodes = nodes.filter(|node| node.function.is_some_and(is));
    let sums = nodes.fold((0, 0), |(calls, polls), node| (calls + node.calls, polls + node.polls));
    assert_eq!(sums, (1, 3));
}

#[test]
fn counts_are_exact_when_tasks_change_threads() {
    static F: Function = Function::new(
        None,
        None,
        "",
        "migrating",
        "",
        1,
        1,
        true,
        &[Site::new("await", 1, 1, ""), Site::new("clone", 1, 1, "")],
    );
    async fn task() {
        frame(&F, async {
            for _ in 0..5 {
                drop(black_box(vec![0u8; 10]));
                let token = crate::expression::site(&F, 1);
                drop(crate::expression::exit(token, black_box(vec![0u8; 7])));
                awaited(&F, 0, pend(1)).await;
            }
        })
        .await;
    }
    run_on_four_threads((0..50).map(|_| Box::pin(task()) as _).collect());
    let segment = segment();
    let is = |i: usize| segment.functions[i].name == "migrating";
    let nodes = segment.slabs.iter().flat_map(|slab| &slab.nodes);
    let nodes: Vec<&Node> = nodes.filter(|node| node.function.is_some_and(is)).collect();
    let sum = |of: fn(&Node) -> u64| nodes.iter().map(|node| of(node)).sum::<u64>();
    assert_eq!((sum(|n| n.calls), sum(|n| n.polls), sum(|n| n.open)), (50, 300, 0));
    assert_eq!((sum(|n| n.allocs.count), sum(|n| n.allocs.frees)), (500, 500));
    assert_eq!(sum(|n| n.allocs.bytes), 50 * 5 * 17);
    let rows = segment.slabs.iter().flat_map(|slab| &slab.rows);
    let rows: Vec<&Row> = rows.filter(|row| is(row.function)).collect();
    let awaits = rows.iter().filter(|row| row.site == 0);
    assert_eq!(awaits.map(|row| row.count).sum::<u64>(), 250);
    let clones = rows.iter().filter(|row| row.site == 1);
    assert_eq!(clones.map(|row| row.allocs.count).sum::<u64>(), 250);
}
