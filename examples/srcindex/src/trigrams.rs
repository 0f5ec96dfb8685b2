//! The trigrams of a line, by which substrings are looked up. Holds the planted fault `growth`.

use hotpath_runtime::hotpath;

const WORDS: usize = 64;

/// The distinct trigrams of `line`, sorted. Grows its vector step by step.
#[hotpath]
pub(crate) fn of_line(line: &str) -> Vec<u32> {
    let mut trigrams = Vec::new();
    for window in line.as_bytes().windows(3) {
        trigrams.push(pack(window));
    }
    trigrams.sort_unstable();
    trigrams.dedup();
    trigrams
}

/// As [`of_line`], with the vector made as long as it gets.
#[hotpath]
pub(crate) fn of_line_sized(line: &str) -> Vec<u32> {
    let windows = line.as_bytes().windows(3);
    let mut trigrams = Vec::with_capacity(windows.len());
    for window in windows {
        trigrams.push(pack(window));
    }
    trigrams.sort_unstable();
    trigrams.dedup();
    trigrams
}

fn pack(window: &[u8]) -> u32 {
    window.iter().fold(0, |packed, &byte| packed << 8 | u32::from(byte))
}

/// A Bloom filter over the trigrams of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter([u64; WORDS]);

impl Filter {
    pub(crate) fn new() -> Self {
        Self([0; WORDS])
    }

    pub(crate) fn add(&mut self, trigrams: &[u32]) {
        for &trigram in trigrams {
            let slot = trigram.wrapping_mul(0x9e37_79b1) >> 20;
            self.0[slot as usize / 64] |= 1 << (slot % 64);
        }
    }

    /// How many of its bits are set.
    pub(crate) fn ones(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_variants_give_each_trigram_once() {
        let expected = [0x61_6261, 0x62_6162];
        assert_eq!(of_line("ababab"), expected);
        assert_eq!(of_line_sized("ababab"), expected);
        assert!(of_line("ab").is_empty() && of_line_sized("").is_empty());
    }

    #[test]
    fn filter_counts_its_bits_once() {
        let mut filter = Filter::new();
        filter.add(&of_line("fn main"));
        let ones = filter.ones();
        filter.add(&of_line("fn main"));
        assert_eq!(filter.ones(), ones);
        assert!(ones > 0);
    }
}
