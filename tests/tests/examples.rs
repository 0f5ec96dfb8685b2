//! The two example programs: every planted fault is found at its place, and clean work is left in peace.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use hotpath_tests::{Hotpath, Report, binary, number};
use serde_json::Value;

/// Rule, file, line and column of each planted fault, and the argument that takes it out; the one
/// whose fix gains most first.
const PLANTED: [(&str, &str, u64, u64, &str); 5] = [
    ("regex-per-call", "examples/srcindex/src/links.rs", 11, 16, "regex"),
    ("unbuffered-write", "examples/srcindex/src/report.rs", 39, 13, "output"),
    ("clone-for-borrow", "examples/srcindex/src/density.rs", 49, 44, "clone"),
    ("format-push", "examples/srcindex/src/signature.rs", 15, 29, "string"),
    ("vec-no-capacity", "examples/srcindex/src/trigrams.rs", 10, 24, "growth"),
];

fn megabytes() -> String {
    std::env::var("SRCINDEX_MEGABYTES").unwrap_or_else(|_| "6".to_owned())
}

/// The plain release build of `srcindex`.
fn srcindex() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let built = Command::new(binary::cargo())
            .args(["build", "--release", "--package", "srcindex", "--target-dir"])
            .arg(target())
            .current_dir(binary::repository())
            .output()
            .expect("cargo starts");
        assert!(built.status.success(), "{built:?}");
        target().join("release").join(format!("srcindex{}", std::env::consts::EXE_SUFFIX))
    })
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples")
}

/// Generated sources, the same on every machine.
fn corpus() -> &'static str {
    static FOLDER: OnceLock<String> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = target().join(format!("corpus-{}", megabytes()));
        let output = Command::new(srcindex())
            .arg("--generate")
            .arg(&folder)
            .args(["--megabytes", &megabytes()])
            .output()
            .expect("srcindex starts");
        assert!(output.status.success(), "{output:?}");
        folder.to_str().expect("the path is UTF-8").to_owned()
    })
}

/// A result file of one test alone: the default one is everybody's.
fn result(test: &str) -> String {
    let file = target().join(format!("{test}.tsv"));
    file.into_os_string().into_string().expect("the path is UTF-8")
}

fn report(package: &str, arguments: &[&str]) -> Report {
    let target = target();
    let target = target.to_str().expect("the path is UTF-8");
    let flags = ["run", "-p", package, "--format", "json", "--target-dir", target, "--"];
    Hotpath::new(binary::repository(), &flags).args(arguments).run().expect_code(0).report()
}

fn finding<'r>(report: &'r Report, rule: &str, file: &str) -> Option<&'r Value> {
    report.findings().iter().find(|finding| finding["rule"] == rule && finding["file"] == file)
}

#[test]
fn every_planted_fault_is_found_at_its_place() {
    let report = report("srcindex", &[corpus(), "--out", &result("planted")]);
    report.assert_shares_are_sane();
    for (rule, file, line, column, _) in PLANTED {
        let finding = finding(&report, rule, file)
            .unwrap_or_else(|| panic!("{rule} not found: {:#?}", report.findings()));
        assert_eq!(finding["line"], line, "{rule}");
        assert_eq!(finding["column"], column, "{rule}");
    }
    let first: Vec<_> = report.findings().iter().take(5).map(|it| it["rule"].clone()).collect();
    assert!(PLANTED.iter().all(|(rule, ..)| first.contains(&(*rule).into())), "{first:?}");
    let parts = report["breakdown"].as_array().expect("parts");
    let regex = parts.iter().find(|part| part["name"] == "regex").expect("a part for regex");
    let from = regex["called_from"].as_str().expect("the call that leads there");
    assert!(from.contains("links::count"), "{from}");
}

#[test]
fn fixed_programs_are_left_in_peace() {
    let report = report("srcindex", &["--fix", "all", corpus(), "--out", &result("fixed")]);
    for (rule, file, ..) in PLANTED {
        assert!(finding(&report, rule, file).is_none(), "{rule}: {:#?}", report.findings());
    }
}

#[test]
fn clean_work_has_no_finding_of_weight() {
    let report = report("clean", &["20"]);
    assert!(!report.functions().is_empty());
    let heavy = |finding: &&Value| finding["severity"] == "high" || finding["severity"] == "medium";
    assert_eq!(report.findings().iter().filter(heavy).count(), 0, "{:#?}", report.findings());
}

/// Predicted against achieved, on an otherwise idle machine; prints the table.
///
/// `cargo test --package hotpath-tests --test examples -- --ignored --nocapture`
#[test]
#[ignore = "measures for minutes, and wants the machine for itself"]
#[cfg(unix)]
fn achieved_gains_lie_in_the_predicted_ranges() {
    let corpus = corpus();
    let report = report("srcindex", &[corpus]);
    let achieved = gains(corpus, 9);
    println!("rank  fault     predicted % of wall     achieved %  inside");
    let (mut inside, mut ranks) = (0, Vec::new());
    for ((rule, file, .., fix), achieved) in PLANTED.into_iter().zip(&achieved) {
        let finding = finding(&report, rule, file).expect("it is found");
        let range = &finding["impact"]["wall_pct"];
        let (low, best, high) =
            (number(&range["low"]), number(&range["best"]), number(&range["high"]));
        let holds = (low..=high).contains(achieved);
        inside += u32::from(holds);
        ranks.push(finding["rank"].as_u64());
        let rank = &finding["rank"];
        println!(
            "{rank:>4}  {fix:<8}  {low:>5.1} to {high:>5.1}, likely {best:>4.1}  {achieved:>8.1}  {holds}"
        );
    }
    assert!(inside >= 4, "{inside} of 5 predictions hold");
    assert_eq!(ranks, (1..=5).map(Some).collect::<Vec<_>>(), "ranked by what fixing them gains");
    assert!(achieved.is_sorted_by(|a, b| a >= b), "the faults are listed by gain: {achieved:?}");
}

/// CPU time that each fix alone takes off the plain program, in percent: medians of interleaved
/// runs. The program runs on one thread, so that this is its wall time on an idle machine.
#[cfg(unix)]
fn gains(corpus: &str, rounds: usize) -> Vec<f64> {
    let variants: Vec<Option<&str>> =
        std::iter::once(None).chain(PLANTED.iter().map(|planted| Some(planted.4))).collect();
    let mut seconds = vec![Vec::new(); variants.len()];
    for _ in 0..rounds {
        for (variant, seconds) in variants.iter().zip(&mut seconds) {
            seconds.push(cpu_seconds(corpus, *variant));
        }
    }
    let median = |samples: &mut Vec<f64>| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    };
    let medians: Vec<f64> = seconds.iter_mut().map(median).collect();
    medians[1..].iter().map(|fixed| 100.0 * (1.0 - fixed / medians[0])).collect()
}

#[cfg(unix)]
fn cpu_seconds(corpus: &str, fix: Option<&str>) -> f64 {
    use nix::sys::resource::{UsageWho, getrusage};
    let used = || {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage of children");
        let times = [usage.user_time(), usage.system_time()];
        times.map(|time| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6).iter().sum::<f64>()
    };
    let before = used();
    let mut command = Command::new(srcindex());
    command.arg(corpus).args(fix.iter().flat_map(|fix| ["--fix", fix]));
    assert!(command.output().expect("srcindex starts").status.success());
    used() - before
}
