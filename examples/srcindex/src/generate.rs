//! Makes up a corpus of Rust-like sources, the same one for the same size.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

use crate::error::Error;

const SEED: u64 = 0x5eed_0fc0_de00_0001;
const FILES_PER_PACKAGE: usize = 40;
const SYLLABLES: [&str; 24] = [
    "ar", "buf", "con", "der", "en", "fil", "gra", "hash", "in", "key", "len", "map", "node",
    "opt", "par", "que", "reg", "slot", "tok", "un", "val", "wri", "ex", "span",
];
const PROSE: [&str; 20] = [
    "the", "value", "returns", "a", "of", "when", "buffer", "this", "error", "is", "not", "parse",
    "thread", "index", "with", "position", "and", "entry", "safe", "iterator",
];

/// Writes sources of about `bytes` in total below `folder`; how many files they are.
///
/// # Errors
///
/// When a folder or file can't be written.
pub fn corpus(folder: &Path, bytes: u64) -> Result<usize, Error> {
    let mut random = Random(SEED);
    let mut written = 0;
    let mut files = 0;
    let mut text = String::new();
    while written < bytes {
        let package = folder.join(format!("package-{:04}", files / FILES_PER_PACKAGE)).join("src");
        fs::create_dir_all(&package).map_err(Error::write(&package))?;
        let path = package.join(format!("module_{:02}.rs", files % FILES_PER_PACKAGE));
        text.clear();
        let size = random.size().min(bytes - written) as usize;
        // Writing to a string can't fail.
        let _ = module(&mut text, size, &mut random);
        fs::write(&path, &text).map_err(Error::write(&path))?;
        written += text.len() as u64;
        files += 1;
    }
    Ok(files)
}

fn module(text: &mut String, size: usize, random: &mut Random) -> fmt::Result {
    writeln!(text, "//! {}.\n\nuse std::collections::HashMap;\n", Sentence(random.next()))?;
    while text.len() < size {
        function(text, random)?;
    }
    Ok(())
}

fn function(text: &mut String, random: &mut Random) -> fmt::Result {
    for _ in 0..random.below(4) {
        writeln!(text, "/// {}.", Sentence(random.next()))?;
    }
    if random.below(40) == 0 {
        writeln!(text, "/// See <https://example.org/{}#{}>.", random.name(), random.name())?;
    }
    let (name, argument, kind) = (random.name(), random.name(), random.name());
    writeln!(text, "pub fn {name}({argument}: &{kind}) -> Option<usize> {{")?;
    for _ in 0..3 + random.below(14) {
        statement(text, random)?;
    }
    writeln!(text, "}}\n")
}

fn statement(text: &mut String, random: &mut Random) -> fmt::Result {
    let (a, b, c) = (random.name(), random.name(), random.name());
    match random.below(7) {
        0 => writeln!(text, "    let {a} = {b}.{c}(&mut self.{a})?;"),
        1 => writeln!(text, "    if {a} < {b}.len() {{\n        return None;\n    }}"),
        2 => writeln!(text, "    for {a} in {b}.iter() {{\n        {c} += {a};\n    }}"),
        3 => writeln!(text, "    self.{a}.insert({b}, {c}::new({}));", random.below(1000)),
        4 => writeln!(text, "    // {}", Sentence(random.next())),
        5 => writeln!(text, "    assert_eq!({a}.{b}(), Some({c}), \"{a} of {b}\");"),
        _ => writeln!(text, "\n    {a}::{b}({c})"),
    }
}

/// A few words of prose that `.0` decides on.
struct Sentence(u64);

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut random = Random(self.0 | 1);
        for word in 0..5 + random.below(9) {
            let separator = if word == 0 { "" } else { " " };
            write!(f, "{separator}{}", PROSE[random.below(PROSE.len())])?;
        }
        Ok(())
    }
}

/// An identifier; those with small numbers are common.
struct Name(usize);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        f.write_str(SYLLABLES[rest % SYLLABLES.len()])?;
        rest /= SYLLABLES.len();
        while rest > 0 {
            write!(f, "_{}", SYLLABLES[rest % SYLLABLES.len()])?;
            rest /= SYLLABLES.len();
        }
        Ok(())
    }
}

/// Xorshift; the state must not be 0.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        ((self.next() >> 32) as usize * end) >> 32
    }

    /// Few names are used often, many seldom.
    fn name(&mut self) -> Name {
        let range = 24 << (2 * self.below(6));
        Name(self.below(range))
    }

    /// The size of a file in bytes: most are small, some large.
    fn size(&mut self) -> u64 {
        2_000 << self.below(6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_makes_the_same_module() {
        let (mut first, mut second) = (String::new(), String::new());
        module(&mut first, 5_000, &mut Random(7)).unwrap();
        module(&mut second, 5_000, &mut Random(7)).unwrap();
        assert_eq!(first, second);
        assert!(first.len() >= 5_000 && first.contains("pub fn "));
    }
}
