//! *Verification steps*: how to find out whether a change helped.

use super::shell::quoted;
use super::{Block, Section};
use crate::schema::Report;

const TOOL: &str = "cargo hotpath";

/// Flags of `run` that say what to do with what was measured; each takes a value.
const OF_THE_REPORT: [&str; 5] = ["--save", "-o", "--output", "--format", "--also"];

pub(super) fn section(report: &Report) -> Section<'static> {
    let run = measuring(report);
    let blocks = match report.findings.first() {
        None => vec![
            Block::Text(
                "Nothing to verify. After your next change, run the same workload again:"
                    .to_owned(),
            ),
            Block::Commands(vec![again(&run, None)]),
        ],
        Some(first) => vec![
            Block::Steps(vec![
                ("Keep this state", again(&run, Some("before"))),
                ("Make one change, then test", "cargo test".to_owned()),
                ("Measure the same again", again(&run, None)),
                ("See what it gained", format!("{TOOL} compare before")),
            ]),
            Block::Text("More on a rule, and when not to follow it:".to_owned()),
            Block::Commands(vec![format!("{TOOL} explain {}", first.rule)]),
        ],
    };
    Section { title: "Verification steps", groups: vec![blocks] }
}

/// The arguments of `run` that the workload was measured with; none where another command did.
fn measuring(report: &Report) -> Vec<&str> {
    let mut words = report.command.iter().map(String::as_str);
    loop {
        match words.next() {
            Some("run") => break,
            // Flags that may stand before any command.
            Some("--color") => drop(words.next()),
            Some(flag) if flag.starts_with('-') => {}
            _ => return Vec::new(),
        }
    }
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        match OF_THE_REPORT.iter().find(|flag| word.starts_with(**flag)) {
            _ if word == "--" => {
                kept.push(word);
                kept.extend(words);
                break;
            }
            Some(flag) if word == *flag => drop(words.next()),
            _ if is_output(word) => drop(words.next()),
            Some(_) if word.contains('=') || word.starts_with("-o") => {}
            _ => kept.push(word),
        }
    }
    kept
}

/// Whether this is `-o` behind other short flags in one word.
fn is_output(word: &str) -> bool {
    let flags = word.strip_prefix('-').and_then(|rest| rest.strip_suffix('o'));
    flags.is_some_and(|flags| !flags.is_empty() && flags.chars().all(|flag| "qvr".contains(flag)))
}

/// The command that measures the same again, and keeps it under a name.
fn again(arguments: &[&str], name: Option<&str>) -> String {
    let saved = name.map(|name| format!("--save {name}"));
    let words = arguments.iter().map(|word| quoted(word));
    let words = ["run".to_owned()].into_iter().chain(saved).chain(words);
    [TOOL.to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{busy, report};

    fn commands(command: &[&str]) -> [String; 2] {
        let mut report = report(&busy(), |_, _| {});
        report.command = command.iter().map(|word| (*word).to_owned()).collect();
        let run = measuring(&report);
        [again(&run, Some("before")), again(&run, None)]
    }

    #[test]
    fn the_same_workload_is_measured_again() {
        let command = [
            "run",
            "-p",
            "my app",
            "--save=x",
            "--drive",
            "wrk -t2 url",
            "-o",
            "f.md",
            "--",
            "--save",
            "a",
        ];
        assert_eq!(
            commands(&command),
            [
                "cargo hotpath run --save before -p 'my app' --drive 'wrk -t2 url' -- --save a",
                "cargo hotpath run -p 'my app' --drive 'wrk -t2 url' -- --save a"
            ]
        );
        let command = ["run", "--format", "markdown", "--bin", "b", "-of.md", "--also=sarif=f"];
        assert_eq!(commands(&command)[1], "cargo hotpath run --bin b");
        let command = ["-q", "--color", "never", "run", "-p", "run", "-qo", "f.md"];
        assert_eq!(commands(&command)[1], "cargo hotpath run -p run");
    }

    #[test]
    fn what_another_command_measured_is_run_as_it_stands() {
        for command in [&[][..], &["check", "-p", "a"]] {
            assert_eq!(commands(command)[1], "cargo hotpath run");
        }
    }
}
