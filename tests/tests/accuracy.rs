//! Programs with a known fault: it is ranked first, and fixing it gains what was predicted; clean ones are left
//! in peace, and what is notorious but cold doesn't matter.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use hotpath_tests::accuracy::{self, CASES, Case, Kind, Metric, Package};
use hotpath_tests::race::Race;
use hotpath_tests::verdict::{Range, Verdict};
use hotpath_tests::{Hotpath, Report, binary, carried};

/// Runs of each variant.
const ROUNDS: usize = 9;

/// Shares of the programs with a fault, in percent, in which it has to be the first finding, or
/// one of three, and in which the prediction has to hold.
const FIRST: f64 = 80.0;
const IN_THREE: f64 = 90.0;
const INSIDE: f64 = 70.0;

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("accuracy")
}

/// The report on the slow variant, measured without an annotation in it; it stays in `NAME.json`.
fn measured(case: &Case, flags: &[&str]) -> Report {
    let target = target();
    let kept = target.join(case.name).with_extension("json");
    let target = target.to_str().expect("the path is UTF-8");
    let run = ["run", "--auto", "--format", "json", "--target-dir", target];
    let report = Hotpath::new(&accuracy::workspace(), &run)
        .args(["--package", case.package.name(), "--bin", case.name])
        .args(["--profile", case.profile(false)])
        .args(flags)
        .args(["--"])
        .args(case.argument(false))
        .run()
        .expect_code(0);
    fs::write(kept, &report.stdout).expect("the report is kept");
    report.report()
}

/// Builds all programs as their users would, once.
fn plain() -> &'static Path {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET.get_or_init(|| {
        let target = target().join("plain");
        build(&target, &["--workspace", "--release"]);
        for case in CASES.iter().filter(|case| case.profile(false) != case.profile(true)) {
            let package = case.package.name();
            let profile = case.profile(false);
            build(&target, &["--package", package, "--bin", case.name, "--profile", profile]);
        }
        target
    })
}

fn build(target: &Path, flags: &[&str]) {
    let built = carried::cargo(&accuracy::workspace())
        .args(["build", "--locked", "--offline", "--target-dir"])
        .arg(target)
        .args(flags)
        .output()
        .expect("cargo starts");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}

fn variant(case: &Case, is_fixed: bool) -> Command {
    let name = format!("{}{}", case.name, std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(plain().join(case.profile(is_fixed)).join(name));
    command.args(case.argument(is_fixed));
    command
}

/// A line of the table.
struct Row {
    case: Case,
    verdict: Verdict,
    achieved: Option<Race>,
}

impl Row {
    fn new(case: Case) -> Self {
        let verdict = Verdict::new(&case, &measured(&case, &[]));
        let achieved = case.culprit().map(|culprit| {
            Race::new(ROUNDS, culprit.metric, || variant(&case, false), || variant(&case, true))
        });
        Self { case, verdict, achieved }
    }

    fn judged(&self) -> Option<(Range, f64)> {
        Some((self.verdict.range?, self.achieved.as_ref()?.gain()))
    }

    fn is_inside(&self) -> bool {
        self.judged().is_some_and(|(range, achieved)| range.holds(achieved))
    }

    fn is_among(&self, first: usize) -> bool {
        self.verdict.rank.is_some_and(|rank| rank <= first)
    }

    /// As a row of Markdown.
    fn print(&self) {
        let Some(culprit) = self.case.culprit() else {
            let said = if self.verdict.unexpected.is_empty() { "silent" } else { "not silent" };
            println!("| `{}` | clean | {said} | | | | | |", self.case.name);
            return;
        };
        let rank = self.verdict.rank.map_or("not found".to_owned(), |rank| rank.to_string());
        let range = self.verdict.range.map_or("none".to_owned(), |Range { low, best, high }| {
            let unit = if culprit.metric == Metric::PeakMemory { " of peak memory" } else { "" };
            format!("{low:.1} to {high:.1}, likely {best:.1}{unit}")
        });
        let race = self.achieved.as_ref().expect("it was run");
        let (from, to) = race.middle_half();
        let inside = if self.is_inside() { "yes" } else { "**no**" };
        let error = self.judged().map(|(range, achieved)| range.best - achieved);
        println!(
            "| `{}` | {} | `{}` | {rank} | {range} | {:.1} ({from:.1} to {to:.1}) | {inside} | {} |",
            self.case.name,
            if matches!(self.case.kind, Kind::Cold(_)) { "cold" } else { culprit.category },
            culprit.rule,
            race.gain(),
            error.map_or(String::new(), |error| format!("{error:+.1}")),
        );
    }
}

/// On an otherwise idle machine; prints the table for the README. `CASES=crawl,feed` only those.
///
/// `cargo test --package hotpath-tests --test accuracy -- --ignored --nocapture`
#[test]
#[ignore = "measures for half an hour, and wants the machine for itself"]
fn culprits_come_first_and_gain_what_was_predicted() {
    let only = std::env::var("CASES").ok();
    let is_wanted =
        |case: &Case| only.as_ref().is_none_or(|only| only.split(',').any(|it| it == case.name));
    let cases: Vec<Case> = CASES.into_iter().filter(is_wanted).collect();
    plain();
    println!(
        "| program | about | rule | rank | predicted, % of wall | achieved, % | inside | error |"
    );
    println!("| --- | --- | --- | ---: | --- | --- | --- | ---: |");
    let rows: Vec<Row> = cases
        .into_iter()
        .map(|case| {
            let row = Row::new(case);
            row.print();
            row
        })
        .collect();
    println!();
    for Row { case, verdict, achieved } in &rows {
        let seconds = achieved.as_ref().map_or(f64::NAN, Race::slow_seconds);
        let Verdict { unexpected, cold_above, .. } = verdict;
        println!("{} ({seconds:.2} s): unexpected {unexpected:?}, cold {cold_above:?}", case.name);
    }
    demand(&rows);
}

/// What has to hold of all together.
fn demand(rows: &[Row]) {
    for row in rows {
        let Row { case, verdict, .. } = row;
        match case.kind {
            Kind::Clean => assert!(verdict.unexpected.is_empty(), "{}: {verdict:?}", case.name),
            Kind::Cold(_) => assert!(verdict.cold_above.is_empty(), "{}: {verdict:?}", case.name),
            Kind::Pair(_) => {}
        }
    }
    let faulty: Vec<&Row> = rows.iter().filter(|row| row.case.culprit().is_some()).collect();
    let share = |holds: &dyn Fn(&Row) -> bool| {
        let count = faulty.iter().filter(|row| holds(row)).count();
        100.0 * count as f64 / faulty.len().max(1) as f64
    };
    let first = share(&|row| row.is_among(1));
    let in_three = share(&|row| row.is_among(3));
    let inside = share(&Row::is_inside);
    println!(
        "\nof {}: first {first:.0} %, in the first three {in_three:.0} %, inside the range {inside:.0} %",
        faulty.len()
    );
    assert!(faulty.is_empty() || first >= FIRST, "first: {first:.0} %");
    assert!(faulty.is_empty() || in_three >= IN_THREE, "in the first three: {in_three:.0} %");
    assert!(faulty.is_empty() || inside >= INSIDE, "inside: {inside:.0} %");
}

#[test]
fn a_culprit_is_ranked_first() {
    let verdict = Verdict::new(&Case::named("crawl"), &measured(&Case::named("crawl"), &ONCE));
    assert_eq!(verdict.rank, Some(1), "{verdict:?}");
    assert!(verdict.range.is_some_and(|range| range.best > 0.0), "{verdict:?}");
}

#[test]
fn what_is_cold_ranks_below() {
    let case = Case::named("cold_report");
    let verdict = Verdict::new(&case, &measured(&case, &ONCE));
    assert_eq!(verdict.rank, Some(1), "{verdict:?}");
    assert!(verdict.cold_above.is_empty(), "{verdict:?}");
}

#[test]
fn a_clean_program_is_left_in_peace() {
    let case = Case::named("clean_json");
    let report = measured(&case, &ONCE);
    assert!(!report.functions().is_empty());
    let verdict = Verdict::new(&case, &report);
    assert!(verdict.unexpected.is_empty(), "{verdict:?}: {:#?}", report.findings());
}

/// For the tests of every day.
const ONCE: [&str; 2] = ["--runs", "1"];

#[test]
fn each_case_says_where_its_fault_is() {
    for case in CASES {
        let (culprits, cold) = (case.marked("culprit"), case.marked("cold"));
        let is_in_code = case.culprit().is_some_and(|culprit| !culprit.function.is_empty());
        assert_eq!(is_in_code, !culprits.is_empty(), "{}: {culprits:?}", case.name);
        assert_eq!(matches!(case.kind, Kind::Cold(_)), !cold.is_empty(), "{}: {cold:?}", case.name);
    }
    let named: BTreeSet<String> = CASES.iter().map(Case::file).collect();
    let workspace = accuracy::workspace();
    for package in [Package::Std, Package::Crates] {
        let folder = Path::new(&Case { package, ..CASES[0] }.file()).with_file_name("");
        for file in fs::read_dir(workspace.join(&folder)).expect("programs") {
            let file = folder.join(file.expect("an entry").file_name());
            assert!(named.contains(file.to_str().expect("UTF-8")), "{} is no case", file.display());
        }
    }
}

/// So that what cargo fetched for this repository is enough to build the programs offline.
#[test]
fn the_programs_use_versions_that_are_here() {
    let versions = |path: PathBuf| -> BTreeSet<(String, String)> {
        let text = fs::read_to_string(path).expect("a lock file");
        let field = |block: &str, name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
            line.map(|value| value.trim_matches('"').to_owned())
        };
        let published = text.split("[[package]]").filter(|block| block.contains("\nsource = "));
        published
            .filter_map(|block| Some((field(block, "name")?, field(block, "version")?)))
            .collect()
    };
    let here = versions(binary::repository().join("Cargo.lock"));
    let used = versions(accuracy::workspace().join("Cargo.lock"));
    assert!(!used.is_empty());
    let missing: Vec<_> = used.difference(&here).collect();
    assert!(missing.is_empty(), "not in the repository's lock file: {missing:?}");
}
