//! Numbers that follow no period of the program that is looked at.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// A generator (xorshift64*): good for spreading looks, not for secrets.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// Seeded by the system, differently each time.
    pub(super) fn new() -> Self {
        Self::from_seed(RandomState::new().build_hasher().finish())
    }

    pub(super) fn from_seed(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// One whose numbers are others.
    pub(super) fn other(&self) -> Self {
        Self::from_seed(self.clone().next())
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Uniform from 0 up to 1.
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform from 0 up to `end`; 0 where that is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        ((self.share() * end as f64) as usize).min(end.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spread_evenly() {
        let mut random = Random::from_seed(7);
        let mut seen = [0; 10];
        for _ in 0..10_000 {
            seen[random.below(10)] += 1;
        }
        assert!(seen.iter().all(|count| (850..1150).contains(count)), "{seen:?}");
        assert_eq!(random.below(0), 0);
        assert_eq!(random.below(1), 0);
    }

    #[test]
    fn two_generators_differ() {
        let mut first = Random::new();
        let mut second = first.other();
        assert_ne!(first.next(), second.next());
        assert_ne!(Random::new().next(), Random::new().next());
    }
}
