use super::{Block, bucket, draw};
use crate::map;
use crate::segment::layout::{HELD_EACH, Retained};
use crate::slab;

fn table() -> &'static Retained {
    let mut room = map::private(size_of::<Retained>() + 4096).expect("some memory");
    &room.split::<Retained>(1).expect("room for one")[0]
}

fn block(size: u64) -> Block {
    Block { size, drawn: size, node: None, site: 3, born: 7 }
}

#[test]
fn a_block_is_found_once() {
    let table = table();
    table.keep(0x1000, &block(24));
    assert!(table.take(0x2000).is_none());
    let taken = table.take(0x1000).expect("it is there");
    assert_eq!((taken.size, taken.drawn, taken.site, taken.born), (24, 24, 3, 7));
    assert!(table.take(0x1000).is_none());
}

#[test]
fn what_finds_no_room_is_counted() {
    let table = table();
    let neighbours: Vec<usize> =
        (1..).map(|i| i * 16).filter(|&at| bucket(at) == 5).take(HELD_EACH + 2).collect();
    for &at in &neighbours {
        table.keep(at, &block(100));
    }
    assert_eq!((table.dropped.get(), table.dropped_bytes.get()), (2, 200));
    let found = neighbours.iter().filter(|&&at| table.take(at).is_some()).count();
    assert_eq!(found, HELD_EACH);
    assert_eq!(table.held[5].load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn threads_share_the_table() {
    let table = table();
    std::thread::scope(|scope| {
        for thread in 1..=4usize {
            scope.spawn(move || {
                for i in 0..20_000 {
                    let at = thread << 40 | i << 4;
                    table.keep(at, &block(at as u64));
                    let dropped = table.dropped.get();
                    let found = table.take(at);
                    assert!(dropped > 0 || found.is_some_and(|block| block.size == at as u64));
                }
            });
        }
    });
    let held = table.held.iter().map(|held| held.load(std::sync::atomic::Ordering::Relaxed));
    assert_eq!(held.map(u64::from).sum::<u64>(), 0);
}

#[test]
fn distances_are_exponential() {
    let slab = slab::attached();
    let distances: Vec<f64> = (0..100_000).map(|_| draw(slab, 1000) as f64).collect();
    let mean = distances.iter().sum::<f64>() / 1e5;
    assert!((mean - 1000.0).abs() < 20.0, "{mean}");
    // The median of an exponential distribution is ln 2 of its mean.
    let below = distances.iter().filter(|&&distance| distance < 693.0).count();
    assert!((49_000..51_000).contains(&below), "{below}");
}
