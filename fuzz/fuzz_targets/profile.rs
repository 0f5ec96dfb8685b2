//! Any bytes as a profile: read, and taken through all that follows.
#![no_main]

use std::sync::LazyLock;

use hotpath_tests::damage::{self, Random};
use hotpath_tests::digest::Digest;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

static DIGEST: LazyLock<Digest> = LazyLock::new(Digest::new);

fuzz_target!(|bytes: &[u8]| {
    DIGEST.profile(bytes);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = Random(u64::from(seed));
    if random.below(4) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut bytes = data[..size].to_vec();
    damage::profile(&mut bytes, &mut random);
    bytes.truncate(max_size);
    data[..bytes.len()].copy_from_slice(&bytes);
    bytes.len()
});
