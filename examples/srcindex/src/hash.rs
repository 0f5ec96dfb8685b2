//! A fast hash for trusted keys.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map for keys that nobody chooses in order to make them collide.
pub(crate) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<FastHasher>>;

const MULTIPLIER: u64 = 0xf135_7aea_2e62_a9c5;

/// Multiplies and rotates, eight bytes at a time.
#[derive(Default)]
pub(crate) struct FastHasher(u64);

impl FastHasher {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(MULTIPLIER);
    }
}

impl Hasher for FastHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.add(u64::from_le_bytes(last) ^ rest.len() as u64);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.add(u64::from(byte));
    }

    fn write_u64(&mut self, word: u64) {
        self.add(word);
    }

    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }
}

/// The hash of `bytes`.
pub(crate) fn of(bytes: &[u8]) -> u64 {
    let mut hasher = FastHasher::default();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn length_and_order_matter() {
        assert_ne!(of(b"ab"), of(b"ab\0"));
        assert_ne!(of(b"12345678abcdefgh"), of(b"abcdefgh12345678"));
        assert_eq!(of(b"12345678abc"), of(b"12345678abc"));
    }
}
