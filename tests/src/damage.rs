//! Damage done to segments and profiles on purpose: random, but the same for the same seed.

use hotpath_runtime::segment::reader;
use serde_json::{Number, Value};

/// A small pseudo-random generator (splitmix64).
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 for 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end.max(1) as u64) as usize
    }

    /// One of these.
    pub fn of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.below(these.len())]
    }
}

/// Where sums and products go wrong.
const LIMITS: [u64; 12] = [
    0,
    1,
    2,
    1_000_000,
    u32::MAX as u64,
    1 << 32,
    1 << 53,
    i64::MAX as u64,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
    // Infinity, of an f64.
    0x7ff0_0000_0000_0000,
];

/// Changes some words of a segment: to limits, to links elsewhere, to bits flipped. Mostly gives it
/// the checksum that it then needs.
pub fn segment(bytes: &mut Vec<u8>, random: &mut Random) {
    let word = |bytes: &[u8], at: usize| -> u64 {
        bytes.get(at..at + 8).and_then(|word| word.try_into().ok()).map_or(0, u64::from_ne_bytes)
    };
    let base = word(bytes, 24);
    let used: Vec<usize> =
        (0..bytes.len() / 8).map(|i| 8 * i).filter(|at| word(bytes, *at) != 0).collect();
    for _ in 0..=random.below(6) {
        let any = 8 * random.below(bytes.len() / 8);
        let at = if used.is_empty() || random.below(4) == 0 { any } else { random.of(&used) };
        let to = if used.is_empty() { any } else { random.of(&used) };
        let old = word(bytes, at);
        let new = match random.below(7) {
            0 => old ^ (1 << random.below(64)),
            1 => base.wrapping_add(to as u64),
            2 => word(bytes, to),
            3 => old.wrapping_add(random.number() % 16).wrapping_sub(8),
            4 => f64::to_bits(1e300),
            5 => random.number(),
            _ => random.of(&LIMITS),
        };
        if let Some(place) = bytes.get_mut(at..at + 8) {
            place.copy_from_slice(&new.to_ne_bytes());
        }
    }
    if random.below(20) == 0 {
        bytes.truncate(random.below(bytes.len()));
    }
    if random.below(8) > 0 {
        reader::seal(bytes);
    }
}

/// Changes some values of a profile, if these bytes are JSON; else some bytes.
pub fn profile(bytes: &mut Vec<u8>, random: &mut Random) {
    let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else {
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.number() as u8;
            }
        }
        return;
    };
    for _ in 0..=random.below(6) {
        change(&mut value, random);
    }
    *bytes = serde_json::to_vec(&value).unwrap_or_default();
}

/// Walks down to a leaf, and changes what it finds there.
fn change(value: &mut Value, random: &mut Random) {
    match value {
        Value::Array(list) if !list.is_empty() => {
            let at = random.below(list.len());
            match random.below(30) {
                0 => drop(list.remove(at)),
                1 => list.push(list[at].clone()),
                _ => change(&mut list[at], random),
            }
        }
        Value::Object(fields) if !fields.is_empty() => {
            let at = random.below(fields.len());
            if let Some((_, field)) = fields.iter_mut().nth(at) {
                change(field, random);
            }
        }
        Value::Number(number) => *value = Value::Number(limit(number, random)),
        Value::String(text) => {
            let odd = ["", "\u{0}", "é\n\u{1b}[31m", "clone", "await", "../../x", "a::b::c<d>"];
            text.replace_range(.., random.of(&odd));
        }
        Value::Bool(flag) => *flag = !*flag,
        Value::Null => *value = Value::from(random.of(&LIMITS)),
        Value::Array(_) | Value::Object(_) => {}
    }
}

fn limit(old: &Number, random: &mut Random) -> Number {
    if old.is_f64() {
        let limits = [0.0, 1.0, 1e-300, 1e18, 1e300, f64::MAX];
        return Number::from_f64(random.of(&limits)).unwrap_or_else(|| old.clone());
    }
    match random.below(3) {
        0 => Number::from(old.as_u64().unwrap_or(0).wrapping_add(1)),
        1 => Number::from(random.below(8)),
        _ => Number::from(random.of(&LIMITS)),
    }
}
