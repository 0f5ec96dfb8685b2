//! What it costs to build a program that depends on us, or on the peer, and on nothing else.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::command;
use crate::error::Error;
use crate::processor;
use crate::workspace;

/// Name in the table and the package with the one dependency.
const EMPTY: [(&str, &str); 4] = [
    ("**cargo-hotpath**'s runtime, `enabled`", "empty-hotpath-runtime"),
    ("**cargo-hotpath**'s runtime, off", "empty-hotpath-runtime-off"),
    ("`hotpath` 0.30.3, feature `hotpath`", "empty-hotpath"),
    ("`hotpath` 0.30.3, off", "empty-hotpath-off"),
];

/// A build from nothing, and what it built.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Build {
    name: &'static str,
    seconds: f64,
    /// The same on a machine with nothing else to do, as one job is one thread at a time.
    cpu_seconds: Option<f64>,
    crates: usize,
}

/// Builds each in an empty directory in `directory`, one job, all sources at hand.
pub(crate) fn measure(directory: &Path) -> Result<Vec<Build>, Error> {
    command::output(&mut workspace::cargo(&["fetch"]))?;
    let measure = |(name, package)| {
        eprintln!("building {package} from nothing");
        let crates = crates(package)?;
        let cpu = processor::of_children();
        let seconds = seconds(package, &directory.join(package))?;
        let cpu_seconds = processor::of_children().zip(cpu).map(|(after, before)| after - before);
        Ok(Build { name, seconds, cpu_seconds, crates })
    };
    EMPTY.into_iter().map(measure).collect()
}

fn seconds(package: &str, target: &Path) -> Result<f64, Error> {
    let arguments =
        ["build", "--quiet", "--offline", "--release", "--jobs", "1", "--package", package];
    let mut command = workspace::cargo(&arguments);
    command.arg("--target-dir").arg(target).env("CARGO_INCREMENTAL", "0");
    let start = Instant::now();
    command::output(&mut command)?;
    let seconds = start.elapsed().as_secs_f64();
    fs::remove_dir_all(target).map_err(|error| Error::File { path: target.into(), error })?;
    Ok(seconds)
}

/// Crates in the package's tree, the package itself left out.
fn crates(package: &str) -> Result<usize, Error> {
    let arguments =
        ["tree", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let tree = command::output(workspace::cargo(&arguments).args(["--package", package]))?;
    Ok(count(&tree))
}

/// Crates in a list that names its root first, and some of the others more than once.
fn count(tree: &str) -> usize {
    let crates: BTreeSet<&str> =
        tree.lines().skip(1).map(|line| line.trim_end_matches(" (*)")).collect();
    crates.len()
}

/// The table, in Markdown.
pub(crate) fn table(builds: &[Build], machine: &str) -> String {
    let mut text = format!(
        "{machine}. A program that does nothing and has one dependency, built from nothing in \
         the release profile with one job, sources at hand.\n\n\
         | dependency | seconds | CPU seconds | crates |\n| --- | --- | --- | --- |\n"
    );
    for Build { name, seconds, cpu_seconds, crates } in builds {
        let cpu = cpu_seconds.map_or_else(|| "not measured".to_owned(), |cpu| format!("{cpu:.1}"));
        let _ = writeln!(text, "| {name} | {seconds:.1} | {cpu} | {crates} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Build, count, table};

    #[test]
    fn a_crate_counts_once_and_the_root_never() {
        let tree = "empty v0.0.0 (/x)\na v1.0.0\nb v1.0.0\na v1.0.0 (*)\nb v2.0.0\n";
        assert_eq!(count(tree), 3);
        assert_eq!(count("empty v0.0.0 (/x)\n"), 0);
    }

    #[test]
    fn a_row_says_how_long_and_how_many() {
        let one = Build { name: "one", seconds: 5.84, cpu_seconds: Some(5.26), crates: 8 };
        let builds = [one, Build { name: "two", cpu_seconds: None, ..one }];
        let table = table(&builds, "Processor, 2 cores");
        assert!(table.starts_with("Processor, 2 cores. "), "{table}");
        let rows = "| one | 5.8 | 5.3 | 8 |\n| two | 5.8 | not measured | 8 |\n";
        assert!(table.ends_with(&format!("| --- | --- | --- | --- |\n{rows}")), "{table}");
    }
}
