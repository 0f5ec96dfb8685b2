//! Damaged segments and profiles, from real ones: the short form of the fuzzers in `fuzz/`.

use hotpath_tests::damage::{self, Random};
use hotpath_tests::digest::Digest;
use hotpath_tests::seeds;

const SEGMENTS: u64 = 600;
const PROFILES: u64 = 600;

#[test]
fn damaged_segments_are_refused_or_reported() {
    let digest = Digest::new();
    let seeds = seeds::segments();
    assert!(seeds.iter().all(|seed| digest.segment(seed)), "a seed is no segment");
    let mut taken = 0;
    for round in 0..SEGMENTS {
        let mut random = Random(round);
        let mut bytes = seeds[random.below(seeds.len())].clone();
        damage::segment(&mut bytes, &mut random);
        taken += u64::from(digest.segment(&bytes));
    }
    println!("{taken} of {SEGMENTS} were segments still");
    assert!((1..SEGMENTS).contains(&taken));
}

#[test]
fn damaged_profiles_are_refused_or_reported() {
    let digest = Digest::new();
    let seeds = seeds::profiles(&digest);
    assert!(seeds.iter().all(|seed| digest.profile(seed)), "a seed is no profile");
    let mut taken = 0;
    for round in 0..PROFILES {
        let mut random = Random(round);
        let mut bytes = seeds[random.below(seeds.len())].clone();
        damage::profile(&mut bytes, &mut random);
        taken += u64::from(digest.profile(&bytes));
    }
    println!("{taken} of {PROFILES} were profiles still");
    assert!((1..PROFILES).contains(&taken));
}
