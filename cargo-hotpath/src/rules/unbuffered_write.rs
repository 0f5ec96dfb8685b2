//! `unbuffered-write`: many small writes that each are a system call.

use hotpath_runtime_syntax::Kind;

use crate::facts::Facts;
use crate::impact::Saved;
use crate::rules::site::{Site, sites};
use crate::rules::{Candidate, Explain, Gain, Home, Meta, Rule, Threshold, Thresholds, types};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Writes from which buffering is a question.
const MIN_WRITES: Threshold = Threshold::new("min_writes", 1000.0, "writes at the site in the run");

/// Time of one write from which it can be a system call.
const MIN_WRITE_NS: Threshold =
    Threshold::new("min_write_ns", 500.0, "mean time of a write: less can't be a system call");

/// Time of one write above which it may well carry much data.
const LARGE_WRITE_NS: Threshold = Threshold::new(
    "large_write_ns",
    20_000.0,
    "mean time of a write above which it may be large already: confidence falls",
);

/// Targets without a buffer of their own, or with one that ends at each line.
const UNBUFFERED: &[&str] = &[
    "File",
    "TcpStream",
    "UnixStream",
    "ChildStdin",
    "PipeWriter",
    "Stdout",
    "StdoutLock",
    "Stderr",
    "StderrLock",
    "LineWriter",
];

/// Whether it writes out at each line.
fn ends_at_lines(writer: &str) -> bool {
    writer.starts_with("Stdout") || writer == "LineWriter"
}

/// The rule.
pub(super) struct UnbufferedWrite;

static META: Meta = Meta {
    id: "unbuffered-write",
    summary: "many small writes that each are a system call",
    category: Category::Io,
    effort: Effort::Local,
    evidence: "time and count of the writes; the writer's type is a file, socket, pipe or standard stream without BufWriter",
    thresholds: &[MIN_WRITES, MIN_WRITE_NS, LARGE_WRITE_NS],
    docs: "https://nnethercote.github.io/perf-book/io.html#buffering",
    explain: Explain {
        means: "Each write to a file or socket enters the kernel: about a microsecond, however little is written.\n\
                `BufWriter` gathers them to 8 KiB. Standard output and `LineWriter` are flushed at each line.",
        found: "`write!`, `writeln!`, `.write_all(..)` and `.write(..)` are measured with the writer's concrete type. What\n\
                takes less than a system call is buffered already.",
        not_when: "Each message must leave at once (a protocol that waits for the answer, a log that must survive a\n\
                   crash), or the writes are large. Buffered data is lost on `process::exit` and abort, and errors of\n\
                   the last flush are ignored unless you call `flush()`.",
        before: "let mut file = File::create(path)?;\nfor row in rows {\n    writeln!(file, \"{row}\")?;\n}",
        after: "let mut file = BufWriter::new(File::create(path)?);\nfor row in rows {\n    writeln!(file, \"{row}\")?;\n}\nfile.flush()?;",
    },
};

impl Rule for UnbufferedWrite {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        let is_unbuffered = |row: &crate::facts::SiteFacts| {
            row.type_name.as_deref().is_some_and(|name| {
                // A `File` of another crate may have a buffer of its own.
                types::crate_of(name) == Home::Std
                    && UNBUFFERED.contains(&types::last_segment(name))
            })
        };
        sites(facts, thresholds, &[Kind::Write], is_unbuffered)
            .iter()
            .filter_map(candidate)
            .collect()
    }
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let ns = site.ns()?;
    let count = site.count() as f64;
    let each = ns / count;
    let flush = site.label().contains("flush");
    if flush || count < site.threshold(&MIN_WRITES) || each < site.threshold(&MIN_WRITE_NS) {
        return None;
    }
    let writer = types::last_segment(site.type_name()?);
    let target = site.source().and_then(|source| source.receiver.as_deref()).unwrap_or("writer");
    let large = each > site.threshold(&LARGE_WRITE_NS);
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!(
            "{} to {} {writer}",
            units::counted(site.count(), "write"),
            if writer == "LineWriter" { "a" } else { "an unbuffered" }
        ),
        problem: format!(
            "{}. {} writes {}.",
            site.measured(),
            if writer.starts_with("Stdout") { "Standard output" } else { writer },
            if ends_at_lines(writer) { "out at each line" } else { "each of them to the kernel" }
        ),
        solution: if writer == "LineWriter" {
            format!("Make `{target}` a `BufWriter`.")
        } else {
            format!("Put a `BufWriter` around `{target}`.")
        },
        steps: vec![
            if writer == "LineWriter" {
                format!("Replace `LineWriter` by `BufWriter` where `{target}` is made.")
            } else {
                format!("Make it `BufWriter::new({})` where `{target}` is opened.", opened(writer, target))
            },
            format!("Call `{target}.flush()?` when done, so that the last error isn't lost."),
        ],
        tradeoffs: "Output leaves later: a protocol that waits for an answer needs a flush, and what is in the \
                    buffer is lost on abort or `process::exit`."
            .to_owned(),
        confidence: if large { Confidence::Low } else { Confidence::High },
        effort: META.effort,
        gain: Some(Gain {
            claims: vec![site.claim(buffered(ns, count))],
            allocs: None,
            alloc_bytes: None,
            basis: buffered_basis(ns, count),
        }),
        fix: None,
    })
}

fn opened(writer: &str, target: &str) -> String {
    match writer {
        "Stdout" | "StdoutLock" => "io::stdout().lock()".to_owned(),
        "Stderr" | "StderrLock" => "io::stderr().lock()".to_owned(),
        _ => target.to_owned(),
    }
}

/// Part of a write's time that stays at least when it goes to a buffer: its bytes are formatted
/// and copied either way, and how many they are was not measured.
const KEPT: f64 = 1.0 / 20.0;

/// What one buffered write takes at least.
const BUFFERED_NS: f64 = 30.0;

/// What a system call costs the code after it, in cold caches and predictors, as a share of its
/// own time: a cautious figure below those of Soares and Stumm (OSDI 2010, "Flexible system call scheduling").
const AFTERMATH: f64 = 0.15;

/// What `count` writes save that took `ns` unbuffered.
pub(super) fn buffered(ns: f64, count: f64) -> Saved {
    let kept = (KEPT * ns).max(BUFFERED_NS * count);
    Saved::new(0.5 * (ns - kept), ns - kept, (1.0 + AFTERMATH) * ns)
}

/// How [`buffered`] came about.
pub(super) fn buffered_basis(ns: f64, count: f64) -> String {
    let kept = (KEPT * ns).max(BUFFERED_NS * count);
    let time = units::time;
    format!(
        "{} less a buffered write's cost, 1/20 of it or 30 ns each ({}); low half of that (bytes \
         per write were not measured), high all of it and 15 % for the caches that system calls leave \
         cold",
        time(ns),
        time(kept)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::SiteFacts;
    use crate::rules::testing::{best_ns, check, hot, with_source};

    fn written(type_name: &str) -> SiteFacts {
        let site = SiteFacts {
            count: 400_000,
            timed: 400_000,
            allocs: <_>::default(),
            ..hot(Kind::Write, "writeln!(file, \"{row}\")", type_name)
        };
        with_source(site, |source| source.receiver = Some("file".to_owned()))
    }

    #[test]
    fn fires_on_files_and_sockets() {
        for name in ["std::fs::File", "&mut std::net::tcp::TcpStream", "&std::fs::File"] {
            assert_eq!(check(&UnbufferedWrite, written(name)).len(), 1, "{name}");
        }
        let found = check(&UnbufferedWrite, written("std::fs::File"));
        assert_eq!(found[0].title, "400 000 writes to an unbuffered File");
        assert_eq!(best_ns(&found[0]), Some(380e6));
    }

    #[test]
    fn a_line_writer_is_a_buffer_for_parts_of_a_line_only() {
        let lines =
            "&mut std::io::buffered::linewriter::LineWriter<std::io::stdio::StdoutLock<'_>>";
        let found = check(&UnbufferedWrite, written(lines));
        assert_eq!(found[0].title, "400 000 writes to a LineWriter");
        assert!(
            found[0].problem.ends_with("LineWriter writes out at each line."),
            "{}",
            found[0].problem
        );
        assert_eq!(found[0].solution, "Make `file` a `BufWriter`.");
        // Most of them are parts of lines.
        let fast = SiteFacts { self_ns: 100_000_000, ..written(lines) };
        assert!(check(&UnbufferedWrite, fast).is_empty());
    }

    #[test]
    fn silent_on_buffers() {
        let buffered = [
            "std::io::buffered::bufwriter::BufWriter<std::fs::File>",
            "alloc::vec::Vec<u8>",
            "alloc::string::String",
            "dyn std::io::Write",
            "app::File",
        ];
        for name in buffered {
            assert!(check(&UnbufferedWrite, written(name)).is_empty(), "{name}");
        }
    }

    #[test]
    fn silent_when_few_too_fast_for_a_system_call_or_a_flush() {
        let few = SiteFacts { count: 999, timed: 999, ..written("std::fs::File") };
        assert!(check(&UnbufferedWrite, few).is_empty());
        let fast = SiteFacts { self_ns: 100_000_000, ..written("std::fs::File") };
        assert!(check(&UnbufferedWrite, fast).is_empty());
        let flush = SiteFacts { label: "file.flush()".to_owned(), ..written("std::fs::File") };
        assert!(check(&UnbufferedWrite, flush).is_empty());
    }

    #[test]
    fn silent_in_tests_and_on_unknown_types() {
        let site = with_source(written("std::fs::File"), |source| source.in_test = true);
        assert!(check(&UnbufferedWrite, site).is_empty());
        let unknown = SiteFacts { type_name: None, ..written("") };
        assert!(check(&UnbufferedWrite, unknown).is_empty());
    }

    #[test]
    fn writes_that_take_long_may_be_large() {
        let slow = SiteFacts { count: 2_000, timed: 2_000, ..written("std::fs::File") };
        let found = check(&UnbufferedWrite, slow);
        assert_eq!(found.first().map(|candidate| candidate.confidence), Some(Confidence::Low));
    }
}
