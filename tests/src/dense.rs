//! Crates of dense code at any length, with the attribute and without: what compile time is taken of.
//!
//! Copies of the modules in `fixtures/dense`, where every function is measured but those of two
//! `impl` blocks.

use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use crate::package::workspace;

/// The attribute on each function and block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// None: plain code.
    Absent,
    /// `#[hotpath]`
    Default,
    /// `#[hotpath(sites = all)]`
    All,
}

impl Attribute {
    /// The text with this attribute where it has `#[hotpath]`.
    fn on(self, text: &str) -> String {
        let lines = text.lines().filter_map(|line| match (self, line) {
            (Self::Absent, "#[hotpath]" | "use hotpath_runtime::hotpath;") => None,
            (Self::All, "#[hotpath]") => Some("#[hotpath(sites = all)]"),
            _ => Some(line),
        });
        lines.fold(String::new(), |text, line| text + line + "\n")
    }
}

/// Writes a library of at least so many lines into a package's `src`; gives how many there are
/// without the attributes.
///
/// # Errors
///
/// The fixture can't be read, or the files can't be written.
pub fn library(source: &Path, lines: usize, attribute: Attribute) -> io::Result<usize> {
    let (mut written, mut root) = (0, String::from("#![allow(dead_code)]\n"));
    for copy in 0.. {
        for (name, text) in modules()? {
            if written >= lines {
                fs::write(source.join("lib.rs"), root)?;
                return Ok(written);
            }
            written += Attribute::Absent.on(&text).lines().count();
            let file = format!("{name}_{copy}");
            // Infallible: it is a string.
            let _ = writeln!(root, "pub mod {file};");
            fs::write(source.join(file + ".rs"), attribute.on(&text))?;
        }
    }
    Ok(written)
}

/// Writes a library of one `impl` block of at least so many lines; gives how many there are.
///
/// # Errors
///
/// The fixture can't be read, is not as expected, or the file can't be written.
pub fn block(source: &Path, lines: usize, attribute: Attribute) -> io::Result<usize> {
    let text = fs::read_to_string(fixture().join("orders.rs"))?;
    let start = "impl Book {\n";
    let parts = text.split_once(start).and_then(|(before, rest)| {
        let (methods, after) = rest.split_once("\n}\n")?;
        Some((before, methods, after))
    });
    let (before, methods, after) = parts.ok_or_else(|| io::Error::other("no `impl Book`"))?;
    let mut inside = String::new();
    for copy in 0.. {
        if inside.lines().count() >= lines {
            break;
        }
        for line in methods.lines() {
            let head =
                line.strip_prefix("    pub fn ").and_then(|rest| rest.split_once(['(', '<']));
            match head {
                Some((name, _)) if copy > 0 => {
                    inside += &line.replacen(name, &format!("{name}_{copy}"), 1);
                }
                _ => inside += line,
            }
            inside.push('\n');
        }
    }
    // The block alone is measured.
    let before = Attribute::Absent.on(before.trim_end().trim_end_matches("#[hotpath]"));
    let block = attribute.on(&format!("\n#[hotpath]\nimpl Book {{\n{inside}}}\n"));
    let import =
        if attribute == Attribute::Absent { "" } else { "use hotpath_runtime::hotpath;\n" };
    let before = before.replacen("use std", &format!("{import}use std"), 1);
    fs::write(source.join("lib.rs"), before + &block + &Attribute::Absent.on(after))?;
    Ok(inside.lines().count())
}

fn fixture() -> std::path::PathBuf {
    workspace().join("tests/fixtures/dense")
}

/// Name and text of each module.
fn modules() -> io::Result<Vec<(String, String)>> {
    ["numbers", "orders", "service", "text"]
        .into_iter()
        .map(|name| {
            let text = fs::read_to_string(fixture().join(name).with_extension("rs"))?;
            Ok((name.to_owned(), text))
        })
        .collect()
}
