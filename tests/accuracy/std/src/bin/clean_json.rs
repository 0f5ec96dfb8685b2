//! Reads JSON without copying and adds its numbers up. Nothing in it is worth a change.

use std::fmt::Write;

use accuracy::{Random, mix, words};

const RECORDS: usize = 20_000;
const ROUNDS: usize = 120;

/// What is next in the text.
enum Token<'t> {
    Open,
    Close,
    Mark,
    Text(&'t str),
    Number(f64),
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    fn string(&mut self) -> &'t str {
        let start = self.at;
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|byte| *byte != b'"') {
            self.at += 1;
        }
        self.at += 1;
        &self.text[start..self.at - 1]
    }

    fn number(&mut self) -> f64 {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        while bytes.get(self.at).is_some_and(is_part) {
            self.at += 1;
        }
        self.text[start..self.at].parse().unwrap_or(0.0)
    }
}

impl<'t> Iterator for Reader<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        let byte = *self.text.as_bytes().get(self.at)?;
        if byte.is_ascii_digit() || byte == b'-' {
            return Some(Token::Number(self.number()));
        }
        self.at += 1;
        Some(match byte {
            b'"' => Token::Text(self.string()),
            b'{' | b'[' => Token::Open,
            b'}' | b']' => Token::Close,
            _ => Token::Mark,
        })
    }
}

fn main() {
    let text = write(&mut Random::new(30));
    let (mut total, mut sum) = (0.0, 0);
    for _ in 0..ROUNDS {
        let (added, found) = read(&text);
        total += added;
        sum = mix(sum, found);
    }
    println!("{total:.1} {sum:016x}");
}

fn write(random: &mut Random) -> String {
    let names = words(random, 200);
    let mut text = String::with_capacity(RECORDS * 110);
    text.push('[');
    for record in 0..RECORDS {
        text.push_str(if record == 0 { "{\"name\":\"" } else { ",{\"name\":\"" });
        text.push_str(random.word(&names));
        text.push_str("\",\"values\":[1.5");
        for _ in 0..8 {
            let _ = write!(text, ",{}.25", random.below(10_000));
        }
        text.push_str("]}");
    }
    text.push(']');
    text
}

/// The sum of all numbers, and a checksum of the rest.
fn read(text: &str) -> (f64, u64) {
    let (mut total, mut sum, mut depth) = (0.0, 0, 0);
    for token in Reader::new(text) {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth -= 1,
            Token::Number(number) => total += number,
            Token::Text(text) => sum = mix(sum, text.len() as u64 + depth),
            Token::Mark => {}
        }
    }
    (total, sum)
}
