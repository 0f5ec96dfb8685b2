//! A sampling profiler's view of a program: which function was at work, inlined ones included.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, io};

/// A function as debug information names it, innermost first in a stack.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its last path segment.
    pub name: String,
    /// Its source file; absolute.
    pub file: String,
    /// Where it was; 0 where that is not known.
    pub line: u32,
}

/// The stacks that were seen, innermost frame first.
pub type Stacks = Vec<Vec<Frame>>;

/// Samples a second.
const RATE: &str = "4999";

/// Whether `perf` may sample here, and `addr2line` can tell what was seen.
pub fn is_available() -> bool {
    if Command::new("addr2line").arg("--version").output().is_err() {
        return false;
    }
    let Ok(directory) = tempfile::tempdir() else { return false };
    let mut command = Command::new("true");
    record(&mut command, &directory.path().join("perf.data")).is_ok()
}

/// Runs a program under `perf record` and resolves what it saw.
///
/// # Errors
///
/// `perf` or `addr2line` can't be started or fail.
pub fn sample(command: &mut Command, executable: &Path) -> io::Result<Stacks> {
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("perf.data");
    record(command, &data)?;
    let script = Command::new("perf")
        .args(["script", "--no-inline", "-F", "ip,dso", "-i"])
        .arg(&data)
        .stderr(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&script.stdout);
    let segments = segments(&fs::read(executable)?);
    let offsets = |sample| addresses(sample, &executable.to_string_lossy());
    let linked = |offset: u64| segments.iter().find_map(|segment| segment.linked(offset));
    let stacks: Vec<Vec<u64>> = text
        .split("\n\n")
        .map(|sample| offsets(sample).into_iter().filter_map(linked).collect())
        .collect();
    let known = resolve(executable, &stacks, directory.path())?;
    let frames = |stack: &Vec<u64>| -> Vec<Frame> {
        stack.iter().filter_map(|address| known.get(address)).flatten().cloned().collect()
    };
    Ok(stacks.iter().filter(|stack| !stack.is_empty()).map(frames).collect())
}

fn record(command: &mut Command, data: &Path) -> io::Result<()> {
    let mut perf = Command::new("perf");
    perf.args(["record", "--quiet", "-e", "cpu-clock", "-F", RATE, "--call-graph", "fp", "-o"])
        .arg(data)
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if let Some(directory) = command.get_current_dir() {
        perf.current_dir(directory);
    }
    // Its exit code is the program's.
    perf.status()?;
    if fs::metadata(data).map_or(0, |data| data.len()) == 0 {
        return Err(io::Error::other("perf recorded nothing"));
    }
    Ok(())
}

/// Offsets in the executable's file, of one sample; return addresses are taken for the calls before
/// them. What lies in other files counts as its caller's.
fn addresses(sample: &str, executable: &str) -> Vec<u64> {
    let frames = sample.lines().enumerate().filter_map(|(depth, line)| {
        let (address, file) = line.trim().split_once(' ')?;
        let address = u64::from_str_radix(address, 16).ok()?;
        let is_own = file.strip_prefix('(')?.strip_suffix(')')? == executable;
        is_own.then(|| address.saturating_sub(u64::from(depth > 0)))
    });
    frames.collect()
}

/// A part of an executable's file, and where it is linked to lie.
struct Segment {
    offset: u64,
    address: u64,
    size: u64,
}

impl Segment {
    fn linked(&self, offset: u64) -> Option<u64> {
        let inside = offset.checked_sub(self.offset).filter(|inside| *inside < self.size)?;
        Some(self.address + inside)
    }
}

/// The parts of an ELF file of 64 bits that are loaded.
fn segments(file: &[u8]) -> Vec<Segment> {
    const LOAD: u64 = 1;
    let number = |at: u64, bytes: usize| {
        let at = usize::try_from(at).ok()?;
        let field = file.get(at..at.checked_add(bytes)?)?;
        Some(field.iter().rev().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte)))
    };
    let header = |index: u64| {
        let at = number(32, 8)? + index * number(54, 2)?;
        let (kind, offset, address) = (number(at, 4)?, number(at + 8, 8)?, number(at + 16, 8)?);
        (kind == LOAD).then_some(Segment { offset, address, size: number(at + 32, 8)? })
    };
    (0..number(56, 2).unwrap_or(0)).filter_map(header).collect()
}

fn resolve(
    executable: &Path,
    stacks: &[Vec<u64>],
    scratch: &Path,
) -> io::Result<BTreeMap<u64, Vec<Frame>>> {
    let mut wanted: Vec<u64> = stacks.iter().flatten().copied().collect();
    wanted.sort_unstable();
    wanted.dedup();
    let list = scratch.join("addresses");
    let mut file = fs::File::create(&list)?;
    for address in &wanted {
        writeln!(file, "{address:#x}")?;
    }
    let output = Command::new("addr2line")
        .args(["-f", "-i", "-a", "-C", "-e"])
        .arg(executable)
        .stdin(fs::File::open(&list)?)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut known: BTreeMap<u64, Vec<Frame>> = BTreeMap::new();
    let mut address = 0;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(hex) = line.strip_prefix("0x") {
            address = u64::from_str_radix(hex, 16).unwrap_or(0);
            continue;
        }
        let Some((file, rest)) = lines.next().and_then(|place| place.rsplit_once(':')) else {
            continue;
        };
        let digits = rest.split(' ').next().unwrap_or("");
        let frame = Frame {
            name: last_segment(line),
            file: file.to_owned(),
            line: digits.parse().unwrap_or(0),
        };
        known.entry(address).or_default().push(frame);
    }
    Ok(known)
}

/// `f` of `<a::B<T> as c::D>::f::h0123456789abcdef`. Closures have none: what they do counts as the
/// caller's, as it does where calls are measured.
fn last_segment(path: &str) -> String {
    let mut depth = 0_i32;
    let mut flat = String::new();
    for character in path.replace("->", "").chars() {
        match character {
            '<' => depth += 1,
            '>' => depth -= 1,
            other if depth == 0 => flat.push(other),
            _ => {}
        }
    }
    let is_hash = |part: &str| {
        part.len() == 17
            && part.starts_with('h')
            && part[1..].chars().all(|it| it.is_ascii_hexdigit())
    };
    let mut parts = flat.rsplit("::").filter(|part| !part.is_empty() && !is_hash(part));
    parts.next().filter(|part| !part.starts_with('{')).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_source() {
        assert_eq!(last_segment("<a::B<T> as c::D>::f::h0123456789abcdef"), "f");
        assert_eq!(last_segment("<a::B<T> as c::D>::f::{{closure}}::h0123456789abcdef"), "");
        assert_eq!(last_segment("{closure#0}"), "");
        assert_eq!(last_segment("a::b::<x::Y>::g"), "g");
        assert_eq!(last_segment("main"), "main");
        assert_eq!(last_segment("a::f<fn(u8) -> u16, b::C>"), "f");
    }

    #[test]
    fn frames_are_those_of_the_executable() {
        let sample = "  ffffffff81000000 ([kernel])\n  401000 (/x)\n  402000 (/y)\n 403000 (/x)\n";
        assert_eq!(addresses(sample, "/x"), [0x0040_0fff, 0x0040_2fff]);
        assert_eq!(addresses(" 401000 (/x)", "/x"), [0x0040_1000]);
    }

    #[test]
    fn offsets_are_where_the_headers_say() {
        let file = fs::read(std::env::current_exe().unwrap()).unwrap();
        let segments = segments(&file);
        assert!(segments.len() > 1);
        let [first, ..] = &segments[..] else { return };
        assert_eq!(first.linked(first.offset + 3), Some(first.address + 3));
        assert_eq!(first.linked(first.offset + first.size), None);
    }
}
