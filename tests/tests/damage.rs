//! Damaged segments and profiles, from real ones: the short form of the fuzzers in `fuzz/`.

use std::panic::{self, AssertUnwindSafe};

use hotpath_tests::damage::{self, Random};
use hotpath_tests::digest::Digest;
use hotpath_tests::seeds;

const ROUNDS: u64 = 300;

/// Damages one of the seeds in each round and has it digested.
fn withstands(
    seeds: &[Vec<u8>],
    damage: fn(&mut Vec<u8>, &mut Random),
    digest: impl Fn(&[u8]) -> bool,
) {
    assert!(seeds.iter().all(|seed| digest(seed)), "a seed is refused");
    let (mut taken, mut panicked) = (0, Vec::new());
    for round in 0..ROUNDS {
        let mut random = Random(round);
        let mut bytes = seeds[random.below(seeds.len())].clone();
        damage(&mut bytes, &mut random);
        match panic::catch_unwind(AssertUnwindSafe(|| digest(&bytes))) {
            Ok(is_one) => taken += u64::from(is_one),
            Err(_) => panicked.push(round),
        }
    }
    assert!(panicked.is_empty(), "rounds {panicked:?} of {ROUNDS} panicked");
    println!("{taken} of {ROUNDS} were taken");
    assert!((1..ROUNDS).contains(&taken));
}

#[test]
fn damaged_segments_are_refused_or_reported() {
    let digest = Digest::new();
    withstands(&seeds::segments(), damage::segment, |bytes| digest.segment(bytes));
}

#[test]
fn damaged_profiles_are_refused_or_reported() {
    let digest = Digest::new();
    withstands(&seeds::profiles(&digest), damage::profile, |bytes| digest.profile(bytes));
}
