//! Reads its settings with a pattern compiled for each line and a copy per rule, once; then searches a list
//! for each of many words.

use std::collections::HashSet;

use accuracy::{Random, is_fixed, mix, words};
use regex::Regex;

const SETTINGS: usize = 60;
const BLOCKED: usize = 900;
const WORDS: usize = 500_000;

#[derive(Clone)]
struct Defaults {
    weights: Vec<u32>,
}

struct Setting {
    name: String,
    weights: Vec<u32>,
}

fn main() {
    let mut random = Random::new(33);
    let settings = read_settings(&write_settings(&mut random));
    let blocked = words(&mut random, BLOCKED);
    let text = words(&mut random, WORDS);
    let clean = if is_fixed() { filter_hashed(&text, &blocked) } else { filter(&text, &blocked) };
    println!("{} of {} words, {:016x}", clean.len(), text.len(), score(&clean, &settings));
}

fn write_settings(random: &mut Random) -> String {
    let names = words(random, SETTINGS);
    names.iter().map(|name| format!("{name} = {}\n", random.below(100))).collect()
}

fn read_settings(text: &str) -> Vec<Setting> {
    let defaults = Defaults { weights: (0..64).collect() };
    let mut settings = Vec::new();
    for line in text.lines() {
        // cold
        let pattern = Regex::new(r"^(\w+)\s*=\s*(\d+)$").expect("it is valid");
        let Some(parts) = pattern.captures(line) else { continue };
        // cold
        let mut own = defaults.clone();
        own.weights[0] = parts[2].parse().unwrap_or(0);
        // cold
        settings.push(Setting { name: parts[1].to_owned(), weights: own.weights.clone() });
    }
    settings
}

fn filter<'t>(text: &'t [String], blocked: &[String]) -> Vec<&'t str> {
    let mut clean = Vec::with_capacity(text.len());
    for word in text {
        // culprit
        if !blocked.contains(word) {
            clean.push(word.as_str());
        }
    }
    clean
}

fn filter_hashed<'t>(text: &'t [String], blocked: &[String]) -> Vec<&'t str> {
    let blocked: HashSet<&str> = blocked.iter().map(String::as_str).collect();
    let mut clean = Vec::with_capacity(text.len());
    for word in text {
        if !blocked.contains(word.as_str()) {
            clean.push(word.as_str());
        }
    }
    clean
}

/// Each word weighed by each setting.
fn score(words: &[&str], settings: &[Setting]) -> u64 {
    let mut sum = 0;
    for word in words {
        for setting in settings {
            let weight = setting.weights[word.len() % setting.weights.len()];
            sum = mix(sum, u64::from(weight) + setting.name.len() as u64);
        }
    }
    sum
}
