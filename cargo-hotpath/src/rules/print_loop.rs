//! `print-loop`: `println!` per item.

use hotpath_runtime_syntax::Kind;

use crate::facts::Facts;
use crate::rules::site::{MIN_EXECUTIONS, MIN_SHARE_PCT, Site, sites};
use crate::rules::unbuffered_write::{buffered, buffered_basis};
use crate::rules::{Candidate, Explain, Gain, Meta, Rule, Threshold, Thresholds};
use crate::schema::{Category, Confidence, Effort};
use crate::units;

/// Time of one print from which a lock and a system call are in it.
const MIN_PRINT_NS: Threshold =
    Threshold::new("min_print_ns", 100.0, "mean time of a print: less is formatting alone");

/// The rule.
pub(super) struct PrintLoop;

static META: Meta = Meta {
    id: "print-loop",
    summary: "each printed line takes a lock and a system call",
    category: Category::Io,
    effort: Effort::Local,
    evidence: "time and count of `print!`, `println!`, `eprint!`, `eprintln!`",
    thresholds: &[MIN_EXECUTIONS, MIN_SHARE_PCT, MIN_PRINT_NS],
    docs: "https://nnethercote.github.io/perf-book/io.html#locking",
    explain: Explain {
        means: "`println!` locks standard output and hands each line to the kernel, also where it goes to a file or\n\
                pipe. Standard error has no buffer at all. One lock and a `BufWriter` write the same bytes with a\n\
                hundredth of the system calls.",
        found: "Prints are measured; the rule fires where they ran often, whether the loop is in the same function or\n\
                in a caller.",
        not_when: "Someone reads the lines as they come (progress, prompts), or other code prints in between: the\n\
                   order of lines changes unless both use the same writer or the buffer is flushed.",
        before: "for row in rows {\n    println!(\"{row}\");\n}",
        after: "let mut out = BufWriter::new(io::stdout().lock());\nfor row in rows {\n    writeln!(out, \"{row}\")?;\n}\nout.flush()?;",
    },
};

impl Rule for PrintLoop {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn check(&self, facts: &Facts, thresholds: &Thresholds) -> Vec<Candidate> {
        sites(facts, thresholds, &[Kind::Print], |_| true).iter().filter_map(candidate).collect()
    }
}

fn candidate(site: &Site<'_>) -> Option<Candidate> {
    let ns = site.ns()?;
    let count = site.count() as f64;
    if count < site.threshold(&MIN_EXECUTIONS) || ns / count < site.threshold(&MIN_PRINT_NS) {
        return None;
    }
    let error = is_error(site.label());
    let (stream, handle) =
        if error { ("Standard error", "stderr") } else { ("Standard output", "stdout") };
    let each = if error { "has no buffer" } else { "is locked and flushed for each line" };
    Some(Candidate {
        anchor: Some(site.anchor()),
        title: format!("{} one by one", units::counted(site.count(), "print")),
        problem: format!("{}. {stream} {each}.", site.measured()),
        solution: format!("Lock `{handle}` once and write through a `BufWriter`."),
        steps: vec![
            format!("Before the loop: `let mut out = BufWriter::new(io::{handle}().lock());`."),
            "In the loop: `writeln!(out, ..)?` with the same arguments.".to_owned(),
            "After it: `out.flush()?`.".to_owned(),
        ],
        tradeoffs: "Lines appear later and may change places with those of other writers; what is buffered is \
                    lost on abort. Write errors are reported instead of panicking."
            .to_owned(),
        confidence: Confidence::High,
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

/// Whether a print goes to standard error: `eprintln!(..)`, `std::eprint!(..)`.
fn is_error(label: &str) -> bool {
    let path = label.split('!').next().unwrap_or_default();
    path.rsplit("::").next().is_some_and(|name| name.trim_start().starts_with('e'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::SiteFacts;
    use crate::rules::testing::{best_ns, check, hot, with_source};

    fn printed() -> SiteFacts {
        let site = hot(Kind::Print, "println!(\"{row}\")", "()");
        SiteFacts { count: 400_000, timed: 400_000, allocs: <_>::default(), ..site }
    }

    #[test]
    fn fires_on_prints_per_item() {
        let found = check(&PrintLoop, printed());
        assert_eq!(found[0].title, "400 000 prints one by one");
        assert!(found[0].problem.ends_with("Standard output is locked and flushed for each line."));
        assert_eq!(best_ns(&found[0]), Some(380e6));
    }

    #[test]
    fn standard_error_gets_its_own_advice() {
        let handle = |label: &str| {
            let site = SiteFacts { label: label.to_owned(), ..printed() };
            check(&PrintLoop, site)[0].solution.clone()
        };
        for label in ["eprintln!(\"{row}\")", "std::eprintln!(\"{row}\")"] {
            assert!(handle(label).contains("`stderr`"), "{label}");
        }
        assert!(handle("std::println!(\"e::{row}\")").contains("`stdout`"));
    }

    #[test]
    fn silent_on_few_prints_and_on_pure_formatting() {
        let few = SiteFacts { count: 99, timed: 99, ..printed() };
        assert!(check(&PrintLoop, few).is_empty());
        assert!(check(&PrintLoop, SiteFacts { self_ns: 39_000_000, ..printed() }).is_empty());
    }

    #[test]
    fn silent_in_tests_and_when_not_timed() {
        assert!(check(&PrintLoop, with_source(printed(), |s| s.in_test = true)).is_empty());
        assert!(check(&PrintLoop, SiteFacts { timed: 0, ..printed() }).is_empty());
    }
}
