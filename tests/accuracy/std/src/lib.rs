//! What the programs share: which variant to run, and made-up data that is the same everywhere.

use std::fmt::Write;

/// Whether the fixed variant is wanted (`fixed`; `slow` or nothing is the other).
///
/// # Panics
/// When the argument is neither.
pub fn is_fixed() -> bool {
    match std::env::args().nth(1).as_deref() {
        None | Some("slow") => false,
        Some("fixed") => true,
        Some(other) => panic!("`slow` or `fixed`, not `{other}`"),
    }
}

/// Numbers by xorshift (Marsaglia 2003), never the same program twice with others.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts the sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        ((self.next() >> 33) as usize * limit) >> 31
    }

    /// A number from 0 to 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// One of them.
    pub fn pick<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        &items[self.below(items.len())]
    }

    /// One of these words.
    pub fn word<'w>(&mut self, words: &'w [String]) -> &'w str {
        &words[self.below(words.len())]
    }
}

const SYLLABLES: [&str; 16] = [
    "ka", "lo", "mi", "ren", "sa", "tor", "vel", "dun", "ba", "quil", "ner", "os", "fi", "ga",
    "ph", "um",
];

/// `count` words of one to four syllables; some occur more than once.
pub fn words(random: &mut Random, count: usize) -> Vec<String> {
    let word = |random: &mut Random| {
        (0..=random.below(4)).map(|_| *random.pick(&SYLLABLES)).collect::<String>()
    };
    (0..count).map(|_| word(random)).collect()
}

/// Lines of an access log.
pub fn access_log(random: &mut Random, lines: usize) -> String {
    const METHODS: [&str; 3] = ["GET", "POST", "PUT"];
    let words = words(random, 200);
    let mut log = String::with_capacity(lines * 90);
    for line in 0..lines {
        let (method, status) = (random.pick(&METHODS), [200, 200, 200, 304, 404, 500]);
        let _ = writeln!(
            log,
            "10.{}.{}.{} {} {method} /{}/{}?id={} {} {} user={}@example.org",
            random.below(256),
            random.below(256),
            random.below(256),
            1_700_000_000 + line,
            random.pick(&words),
            random.pick(&words),
            random.below(100_000),
            random.pick(&status),
            random.below(40_000),
            random.pick(&words),
        );
    }
    log
}

/// A checksum that keeps the compiler from leaving work out, and shows that variants agree.
pub fn mix(sum: u64, value: u64) -> u64 {
    (sum ^ value).wrapping_mul(0x0100_0000_01B3).rotate_left(17)
}
