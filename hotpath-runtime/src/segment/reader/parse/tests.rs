use core::mem::offset_of;

use super::{ReadError, SystemReason, raw, read};
use crate::expression::{exit, site};
use crate::histogram::bucket;
use crate::probe::call;
use crate::segment::layout::{BUCKETS, VERSION, bounds};
use crate::segment::reader::{Anchor, Clock, ClockKind};
use crate::testing::{bytes, function, segment};

/// A small pseudo-random generator (splitmix64): the same damage in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Offsets of the words that hold anything: most of a segment is room.
fn used(bytes: &[u8]) -> Vec<usize> {
    (0..bytes.len()).step_by(8).filter(|&at| bytes[at..at + 8] != [0; 8]).collect()
}

fn sample() -> Vec<u8> {
    function!(F, "sample", "clone", "lock");
    for _ in 0..3 {
        let _call = call(&F);
        exit(site(&F, 0), String::new());
        exit(site(&F, 1), 1u8);
    }
    bytes()
}

#[test]
fn foreign_and_newer_and_short_bytes_are_refused_by_name() {
    let good = sample();
    assert_eq!(read(&[], None).err(), Some(ReadError::Foreign));
    assert_eq!(read(b"\x7fELF....", None).err(), Some(ReadError::Foreign));
    assert_eq!(read(&good[..40], None).err(), Some(ReadError::Truncated));
    let mut newer = good.clone();
    newer[8] = 99;
    assert_eq!(
        read(&newer, None).err(),
        Some(ReadError::OtherVersion { found: 99, known: VERSION })
    );
    let text = |found| ReadError::OtherVersion { found, known: 5 }.to_string();
    assert!(text(6).ends_with("update cargo-hotpath"), "{}", text(6));
    assert!(text(4).ends_with("update hotpath-runtime"), "{}", text(4));
    let mut damaged = good;
    damaged[32] ^= 1;
    assert!(matches!(
        read(&damaged, None),
        Err(ReadError::Damaged { what: "checksum", offset: 16 })
    ));
}

#[test]
fn every_truncation_reads_or_is_refused() {
    let good = sample();
    let mut random = Random(1);
    for _ in 0..300 {
        let len = random.below(good.len());
        let _ = read(&good[..len], None);
    }
}

#[test]
fn flipped_bits_never_panic() {
    let good = sample();
    let used = used(&good);
    let mut random = Random(2);
    let mut refused = 0;
    for _ in 0..500 {
        let mut bytes = good.clone();
        for _ in 0..=random.below(8) {
            let at = used[random.below(used.len())] + random.below(8);
            bytes[at] ^= 1 << random.below(8);
        }
        refused += u32::from(read(&bytes, None).is_err());
    }
    assert!(refused > 0);
}

#[test]
fn words_replaced_by_addresses_never_panic_or_hang() {
    let good = sample();
    let base = u64::from_ne_bytes(good[24..32].try_into().unwrap());
    // Past the fixed part, whose checksum would only refuse it.
    let used: Vec<usize> = used(&good).into_iter().filter(|at| *at >= 120).collect();
    let mut random = Random(3);
    for _ in 0..500 {
        let mut bytes = good.clone();
        for _ in 0..=random.below(4) {
            let at = used[random.below(used.len())];
            let address = base + used[random.below(used.len())] as u64;
            bytes[at..at + 8].copy_from_slice(&address.to_ne_bytes());
        }
        let _ = read(&bytes, None);
    }
}

#[test]
fn random_bytes_behind_a_good_header_never_panic() {
    let good = sample();
    let mut random = Random(4);
    for _ in 0..200 {
        let mut bytes = good.clone();
        let from = 112 + random.below(bytes.len() - 112);
        for byte in &mut bytes[from..] {
            *byte = random.next() as u8;
        }
        let _ = read(&bytes, None);
    }
}

#[test]
fn buckets_cover_all_spans_within_the_promised_error() {
    let mut next = 0;
    for index in 0..BUCKETS {
        let (low, high) = bounds(index);
        if low > high {
            continue;
        }
        assert_eq!(low, next);
        assert_eq!((bucket(low), bucket(high)), (index, index));
        // The first holds 0 and 1.
        if (1..BUCKETS - 1).contains(&index) {
            let middle = low + (high - low) / 2;
            let error = (high - middle) as f64 / high.max(1) as f64;
            assert!(error <= 0.016, "{low}..={high}");
        }
        next = high.wrapping_add(1);
    }
    assert_eq!(next, 0);
    assert_eq!(bucket(u64::MAX), BUCKETS - 1);
}

#[test]
fn ticks_become_nanoseconds_by_the_anchors() {
    let anchor = |ticks, monotonic_ns| Anchor { ticks, monotonic_ns };
    let clock = Clock {
        kind: ClockKind::Tsc,
        start: anchor(1_000, 500),
        end: anchor(1_000 + 3_000_000, 500 + 1_000_000),
        system_reason: None,
        off_ppm: 0,
    };
    assert!((clock.nanos(3_000) - 1_000.0).abs() < 1e-6);
    let unknown = Clock { end: clock.start, ..clock };
    assert!((unknown.nanos(7) - 7.0).abs() < 1e-9);
}

#[test]
fn an_open_call_is_closed_at_the_end_given() {
    function!(F, "open");
    let _call = call(&F);
    let bytes = bytes();
    let ticks = crate::clock::ticks() + 1_000_000;
    let segment = read(&bytes, Some(Anchor { ticks, monotonic_ns: u64::MAX })).unwrap();
    let of = |i: usize| segment.functions[i].name == "open";
    let mut nodes = segment.slabs.iter().flat_map(|slab| &slab.nodes);
    let node = nodes.find(|node| node.function.is_some_and(of)).unwrap();
    assert_eq!((node.calls, node.open, node.timed), (1, 1, 0));
    assert!(node.sum >= 1_000_000);
    assert_eq!(segment.clock.end.ticks, ticks);
    assert!(!segment.process.exited);
}

#[test]
fn clocks_run_forward_and_agree() {
    // The process may have refused the processor's counter.
    let kind = segment().clock.kind;
    let first = crate::segment::reader::anchor(kind).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(5));
    let second = crate::segment::reader::anchor(kind).unwrap();
    assert!(second.ticks > first.ticks);
    assert!(second.monotonic_ns - first.monotonic_ns >= 5_000_000);
    let native = crate::segment::reader::native_clock();
    let other = if native == ClockKind::Cntvct { ClockKind::Tsc } else { ClockKind::Cntvct };
    assert_eq!(crate::segment::reader::anchor(other), None);
}

#[test]
fn a_clock_that_changed_its_rate_is_told() {
    let word = |bytes: &mut Vec<u8>, at: usize, value: u64| {
        bytes[at..at + 8].copy_from_slice(&value.to_ne_bytes());
    };
    let mut bytes = sample();
    // Of this process, whose clock may have changed its rate.
    word(&mut bytes, offset_of!(raw::Header, clock_off_ppm), 0);
    assert_eq!(read(&bytes, None).unwrap().clock.off_ppm, 0);
    word(&mut bytes, offset_of!(raw::Header, clock_off_ppm), 4_200);
    assert_eq!(read(&bytes, None).unwrap().clock.off_ppm, 4_200);

    // The last interval, which nobody in the process could look at any more.
    word(&mut bytes, offset_of!(raw::Header, exited), 0);
    let start = read(&bytes, None).unwrap().clock.start;
    let later = |tenths: u64, ms: u64| Anchor {
        ticks: start.ticks + tenths * 2_500_000,
        monotonic_ns: start.monotonic_ns + ms * 1_000_000,
    };
    let own = later(200, 20);
    word(&mut bytes, offset_of!(raw::Header, clock_off_ppm), 0);
    word(&mut bytes, offset_of!(raw::Header, end_ticks), own.ticks);
    word(&mut bytes, offset_of!(raw::Header, end_ns), own.monotonic_ns);
    let off = |end| read(&bytes, Some(end)).unwrap().clock.off_ppm;
    assert_eq!(off(later(1_200, 120)), 0);
    assert_eq!(off(later(1_300, 120)), 100_000);
    assert_eq!(off(later(210, 40)), 950_000);
}

#[test]
fn a_system_reason_is_told_by_its_number() {
    let mut bytes = sample();
    let at = offset_of!(raw::Header, clock_reason);
    let mut reason = |code: u64| {
        bytes[at..at + 8].copy_from_slice(&code.to_ne_bytes());
        read(&bytes, None).unwrap().clock.system_reason
    };
    assert_eq!((reason(0), reason(8), reason(u64::MAX)), (None, None, None));
    for code in 1..8 {
        assert_eq!(reason(code).map(SystemReason::code), Some(code));
    }
}
