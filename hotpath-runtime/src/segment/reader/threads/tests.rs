use std::sync::Barrier;
use std::thread;

use super::{Thread, Threads};
use crate::probe::call;
use crate::segment::layout::{Header, PAGE_BYTES, PAGE_SLABS, SlabPage};
use crate::segment::reader::{ReadError, read};
use crate::sys;
use crate::testing::{bytes, function, segment};

/// Reads from bytes as from a file.
fn from(bytes: &[u8]) -> impl FnMut(u64, &mut [u8]) -> usize + Copy {
    move |at, buffer| {
        let rest = usize::try_from(at).ok().and_then(|at| bytes.get(at..)).unwrap_or(&[]);
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        len
    }
}

fn look(bytes: &[u8]) -> Vec<Thread> {
    let threads = Threads::open(from(bytes)).expect("a living process's segment opens");
    let mut seen = vec![];
    threads.look(from(bytes), &mut seen);
    seen
}

fn this(bytes: &[u8]) -> Thread {
    let of = |thread: &&Thread| thread.tid == sys::tid();
    *look(bytes).iter().find(of).expect("this thread holds a slab")
}

#[test]
fn a_thread_is_seen_in_the_node_that_it_is_in() {
    function!(OUTER, "looked at");
    function!(INNER, "looked into");
    let name = |bytes: &[u8]| {
        let segment = read(bytes, None).unwrap();
        let node = this(bytes).node;
        let mut nodes = segment.slabs.iter().flat_map(|slab| &slab.nodes);
        let node = nodes.find(|other| other.offset == node).expect("a node of the segment");
        node.function.map(|function| segment.functions[function].name.clone())
    };
    assert!(this(&bytes()).is_outside);
    assert_eq!(name(&bytes()), None);
    let outer = call(&OUTER);
    assert_eq!(name(&bytes()).as_deref(), Some("looked at"));
    assert!(!this(&bytes()).is_outside);
    let inner = call(&INNER);
    assert_eq!(name(&bytes()).as_deref(), Some("looked into"));
    drop(inner);
    assert_eq!(name(&bytes()).as_deref(), Some("looked at"));
    drop(outer);
    assert!(this(&bytes()).is_outside);
}

#[test]
fn calls_that_leave_and_come_back_show() {
    function!(F, "entered");
    let entered = || {
        let bytes = bytes();
        let threads = Threads::open(from(&bytes)).unwrap();
        threads.entered(from(&bytes), &this(&bytes))
    };
    let first = call(&F);
    assert_eq!((entered(), entered()), (Some(1), Some(1)));
    drop(first);
    let _second = call(&F);
    assert_eq!(entered(), Some(2));
}

#[test]
fn more_threads_than_a_page_has_room_for_are_all_seen() {
    function!(F, "crowd");
    let count = 3 * PAGE_SLABS;
    let (ready, done) = (Barrier::new(count + 1), Barrier::new(count + 1));
    let (tids, seen) = thread::scope(|scope| {
        let run = || {
            let _call = call(&F);
            ready.wait();
            done.wait();
            sys::tid()
        };
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(run)).collect();
        ready.wait();
        let seen = look(&bytes());
        done.wait();
        (threads.into_iter().map(|t| t.join().unwrap()).collect::<Vec<_>>(), seen)
    });
    let inside = |tid: &u32| seen.iter().any(|thread| thread.tid == *tid && !thread.is_outside);
    assert!(tids.iter().all(inside), "{tids:?} {seen:?}");
    assert!(seen.is_sorted_by_key(|thread| thread.slab), "each slab once, page by page");
    let left = look(&bytes());
    let is_gone = |tid: &u32| left.iter().all(|thread| thread.tid != *tid);
    assert!(tids.iter().all(is_gone), "{tids:?} {left:?}");
}

#[test]
fn slabs_share_no_page_with_anything_else() {
    bytes();
    let segment = segment();
    let bytes = bytes();
    let pages: Vec<u64> = look(&bytes).iter().map(|t| t.slab / PAGE_BYTES as u64).collect();
    let nodes = segment.slabs.iter().flat_map(|slab| &slab.nodes);
    for node in nodes {
        assert!(!pages.contains(&(node.offset / PAGE_BYTES as u64)), "{node:?}");
    }
    assert_eq!(core::mem::offset_of!(SlabPage, slabs), 64);
}

#[test]
fn the_end_of_a_process_shows() {
    let mut bytes = bytes();
    let threads = Threads::open(from(&bytes)).unwrap();
    assert!(!threads.is_over(from(&bytes)));
    assert!(threads.is_over(|_, _| 0), "nothing is left to read");
    bytes[core::mem::offset_of!(Header, exited)] = 1;
    assert!(threads.is_over(from(&bytes)));
    assert!(Threads::open(from(&bytes)).unwrap().process.exited);
}

#[test]
fn what_is_no_segment_is_refused() {
    let good = bytes();
    assert_eq!(Threads::open(|_, _| 0).err(), Some(ReadError::Foreign));
    assert_eq!(Threads::open(from(b"\x7fELF")).err(), Some(ReadError::Foreign));
    assert_eq!(Threads::open(from(&good[..64])).err(), Some(ReadError::Truncated));
    // A reader that says it filled more than there is room for.
    assert!(Threads::open(|_, _| usize::MAX).is_err());
    let mut damaged = good;
    damaged[32] ^= 1;
    assert!(matches!(Threads::open(from(&damaged)), Err(ReadError::Damaged { .. })));
}

#[test]
fn files_cut_while_looked_at_show_fewer_threads() {
    let good = bytes();
    let threads = Threads::open(from(&good)).unwrap();
    let whole = look(&good);
    let mut seen = vec![whole[0]; 3];
    for len in (0..good.len()).step_by(PAGE_BYTES / 2) {
        threads.look(from(&good[..len]), &mut seen);
        assert!(seen.len() <= whole.len());
    }
    threads.look(|_, _| 0, &mut seen);
    assert_eq!(seen, []);
}

#[test]
fn random_words_never_panic_or_hang() {
    let good = bytes();
    let threads = Threads::open(from(&good)).unwrap();
    let base = u64::from_ne_bytes(good[24..32].try_into().unwrap());
    let mut state = 5u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 16
    };
    let mut seen = vec![];
    for _ in 0..100 {
        let mut bytes = good.clone();
        for _ in 0..2_000 {
            let at = (random() as usize % (bytes.len() - 8)) & !7;
            // Half of them addresses of pages: links that lead somewhere.
            let word = match random() % 2 {
                0 => base + random() % bytes.len() as u64 / PAGE_BYTES as u64 * PAGE_BYTES as u64,
                _ => random(),
            };
            bytes[at..at + 8].copy_from_slice(&word.to_ne_bytes());
        }
        threads.look(from(&bytes), &mut seen);
        assert!(seen.len() <= bytes.len() / PAGE_BYTES * PAGE_SLABS);
        for thread in &seen {
            threads.entered(from(&bytes), thread);
        }
    }
}
