//! Command lines that run the workload again, without probes, under another tool.

use super::super::shell::quoted;
use crate::schema::{Report, Workload};

/// A sampling profiler of the system, with the lines of the program known to it.
pub(super) fn sampling(report: &Report) -> Vec<String> {
    let profile = match report.environment.profile.as_str() {
        "" => "RELEASE".to_owned(),
        name => name.to_uppercase().replace('-', "_"),
    };
    let lines = format!("export CARGO_PROFILE_{profile}_DEBUG=line-tables-only");
    let run = running(report);
    let record = match report.environment.os.as_str() {
        "linux" => vec![
            format!("perf record --call-graph dwarf {run}"),
            "perf report --no-children".to_owned(),
        ],
        _ => vec![format!("samply record {run}")],
    };
    [lines, building(report)].into_iter().chain(record).collect()
}

/// System calls by the time that they take; `None` where we know no tool for it.
pub(super) fn system_calls(report: &Report) -> Option<Vec<String>> {
    let is_linux = report.environment.os == "linux";
    is_linux.then(|| vec![building(report), format!("strace -f -c -w {}", running(report))])
}

/// Has cargo run what it built before: a profile of the compiler tells nothing.
fn running(report: &Report) -> String {
    let Workload { kind, args, .. } = &report.workload;
    let command = match kind.as_str() {
        "bin" | "example" => "cargo run",
        "bench" => "cargo bench",
        _ => "cargo test",
    };
    let mut words = selection(report);
    words.insert(0, command.to_owned());
    if !args.is_empty() {
        words.push("--".to_owned());
        words.extend(args.iter().map(|arg| quoted(arg)));
    }
    words.join(" ")
}

fn building(report: &Report) -> String {
    let command = match report.workload.kind.as_str() {
        "bin" | "example" => "cargo build",
        "bench" => "cargo bench --no-run",
        _ => "cargo test --no-run",
    };
    let mut words = selection(report);
    words.insert(0, command.to_owned());
    words.join(" ")
}

/// Profile, package, target and features.
fn selection(report: &Report) -> Vec<String> {
    let Workload { kind, package, name, .. } = &report.workload;
    let mut words = Vec::new();
    match (report.environment.profile.as_str(), kind.as_str()) {
        ("dev", _) | ("bench", "bench") => {}
        ("release" | "", _) => words.push("--release".to_owned()),
        (other, _) => words.push(format!("--profile {}", quoted(other))),
    }
    words.push(format!("-p {}", quoted(package)));
    words.push(match kind.as_str() {
        "lib" => "--lib".to_owned(),
        kind => format!("--{kind} {}", quoted(name)),
    });
    words.extend(report.environment.features.iter().map(|feature| {
        // Flags about all features stand among them.
        if feature.starts_with("--") { feature.clone() } else { format!("-F {}", quoted(feature)) }
    }));
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{busy, report};

    #[test]
    fn the_workload_is_run_as_it_was_without_probes() {
        let mut report = report(&busy(), |_, _| {});
        report.environment.profile = "release".to_owned();
        report.workload.args = vec!["--size".to_owned(), "it's 3".to_owned()];
        assert_eq!(running(&report), "cargo run --release -p app --bin app -- --size 'it'\\''s 3'");
        report.workload.kind = "bench".to_owned();
        report.environment.profile = "bench".to_owned();
        report.workload.args.clear();
        report.environment.features = vec!["a".to_owned(), "--no-default-features".to_owned()];
        assert_eq!(
            building(&report),
            "cargo bench --no-run -p app --bench app -F a --no-default-features"
        );
        report.workload.kind = "lib".to_owned();
        report.environment.profile = "dev".to_owned();
        report.environment.features.clear();
        assert_eq!(running(&report), "cargo test -p app --lib");
    }

    #[test]
    fn the_profile_gets_lines() {
        let mut report = report(&busy(), |_, _| {});
        report.environment.profile = "fat-lto".to_owned();
        let commands = sampling(&report);
        assert_eq!(commands[0], "export CARGO_PROFILE_FAT_LTO_DEBUG=line-tables-only");
        assert!(
            commands[2].starts_with("samply record cargo run --profile fat-lto"),
            "{commands:?}"
        );
    }
}
