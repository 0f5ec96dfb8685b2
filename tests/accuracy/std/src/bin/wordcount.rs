//! Counts the words of a text, and how often each follows another one's first letter.

use std::collections::HashMap;

use accuracy::{Random, is_fixed, mix, words};

const WORDS: usize = 9_000_000;
const TOP: usize = 20;

fn main() {
    let text = write(&mut Random::new(5));
    let counts = if is_fixed() { count_known(&text) } else { count(&text) };
    let pairs = pairs(&text);
    let mut sum = 0;
    for (word, count) in top(&counts) {
        println!("{count:>8} {word}");
        sum = mix(sum, count);
    }
    println!("{:016x}", pairs.iter().fold(sum, |sum, count| mix(sum, *count)));
}

/// A text in which few words are frequent and many are rare.
fn write(random: &mut Random) -> String {
    let words = words(random, 4_000);
    let mut text = String::with_capacity(WORDS * 8);
    for _ in 0..WORDS {
        let skewed = random.fraction().powi(3) * words.len() as f64;
        text.push_str(&words[skewed as usize]);
        text.push(if random.below(12) == 0 { '\n' } else { ' ' });
    }
    text
}

fn count(text: &str) -> HashMap<String, u64> {
    let mut counts = HashMap::new();
    for word in text.split_ascii_whitespace() {
        // culprit
        *counts.entry(word.to_owned()).or_insert(0) += 1;
    }
    counts
}

fn count_known(text: &str) -> HashMap<String, u64> {
    let mut counts = HashMap::new();
    for word in text.split_ascii_whitespace() {
        if let Some(count) = counts.get_mut(word) {
            *count += 1;
        } else {
            counts.insert(word.to_owned(), 1);
        }
    }
    counts
}

/// How often a word with one first letter follows a word with another.
fn pairs(text: &str) -> Vec<u64> {
    let mut pairs = vec![0; 26 * 26];
    let letter = |word: &str| usize::from(word.as_bytes()[0] - b'a');
    let mut last = 0;
    for word in text.split_ascii_whitespace() {
        pairs[last * 26 + letter(word)] += 1;
        last = letter(word);
    }
    pairs
}

fn top(counts: &HashMap<String, u64>) -> Vec<(&str, u64)> {
    let mut all: Vec<_> = counts.iter().map(|(word, count)| (word.as_str(), *count)).collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    all.truncate(TOP);
    all
}
