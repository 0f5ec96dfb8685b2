//! `cargo hotpath run --auto`: programs without a single annotation.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use hotpath_tests::{Finished, Hotpath, Workspace, binary};
use serde_json::Value;

/// The workspace, which lies in a directory beside a dependency of it.
fn space() -> PathBuf {
    static SPACE: OnceLock<PathBuf> = OnceLock::new();
    let made = SPACE.get_or_init(|| {
        let root = Workspace::shared("plain").join("space");
        // Versions that are there without a network.
        let lock = fs::read(binary::repository().join("Cargo.lock")).unwrap();
        fs::write(root.join("Cargo.lock"), lock).unwrap();
        let settled = Command::new(binary::cargo())
            .args(["metadata", "--offline", "--format-version=1", "--quiet"])
            .current_dir(&root)
            .output()
            .unwrap();
        assert!(settled.status.success(), "{}", String::from_utf8_lossy(&settled.stderr));
        root
    });
    made.clone()
}

/// Its target directory.
fn target() -> PathBuf {
    space().with_file_name("target")
}

/// The tests share one copy of the workspace, which each wants otherwise.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hotpath(args: &[&str]) -> Hotpath {
    Hotpath::new(&space(), &["run", "--runs", "1"]).args(args)
}

fn report(args: &[&str]) -> Value {
    hotpath(&["--format", "json"]).args(args).run().expect_code(0).json()
}

fn paths(report: &Value) -> Vec<&str> {
    let functions = report["functions"].as_array().unwrap();
    let mut paths: Vec<&str> = functions.iter().map(|it| it["path"].as_str().unwrap()).collect();
    paths.sort_unstable();
    paths
}

fn function<'a>(report: &'a Value, path: &str) -> &'a Value {
    let functions = report["functions"].as_array().unwrap();
    let found = functions.iter().find(|function| function["path"] == path);
    found.unwrap_or_else(|| panic!("{path} is not among {:?}", paths(report)))
}

/// Every file of the user's, with what is in it.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name() != Some("target".as_ref()) {
                    directories.push(path);
                }
            } else {
                files.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// 1-based, in characters.
fn place(file: &str, text: &str) -> (u64, u64) {
    let source = fs::read_to_string(space().join(file)).unwrap();
    let at = source.find(text).unwrap();
    let line = source[..at].matches('\n').count() + 1;
    let column = source[..at].rsplit('\n').next().unwrap().chars().count() + 1;
    (line as u64, column as u64)
}

/// The program as its user builds it.
fn plain(args: &[&str]) -> Finished {
    let target = target().join("plain");
    let output = Command::new(binary::cargo())
        .args(["run", "--release", "--offline", "--quiet", "-p", "app", "--target-dir"])
        .arg(target)
        .arg("--")
        .args(args)
        .current_dir(space())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    output.into()
}

#[test]
fn a_program_that_was_never_annotated_is_measured_where_its_source_says() {
    let _alone = alone();
    let all = space().with_file_name("");
    let before = tree(&all);
    let finished = hotpath(&["-p", "app", "--format", "json"]).run().expect_code(0);
    assert!(
        finished.stderr.contains("no function of the workload is annotated"),
        "{}",
        finished.stderr
    );
    let report = finished.json();
    assert_eq!(
        paths(&report),
        [
            "app::main",
            "app::tally::Tally::count",
            "app::tally::Tally::new",
            "app::tally::longest",
            "app::tally::of",
            "small::sum",
            "texts::letters",
            "texts::owned",
            "texts::words",
        ]
    );
    for (path, file, text, calls) in [
        ("texts::owned", "texts/src/lib.rs", "owned(word: &str)", 10),
        ("texts::words", "texts/src/lib.rs", "words(text: &str)", 1),
        ("app::main", "app/src/main.rs", "main()", 1),
        ("app::tally::of", "app/src/tally.rs", "of(words", 1),
        ("app::tally::longest", "app/src/tally.rs", "longest(words", 1),
        ("app::tally::Tally::new", "app/src/tally.rs", "new(words: &[String])", 1),
        ("app::tally::Tally::count", "app/src/tally.rs", "count(self)", 1),
    ] {
        let function = function(&report, path);
        let at = (function["line"].as_u64().unwrap(), function["column"].as_u64().unwrap());
        assert_eq!((function["file"].as_str().unwrap(), at), (file, place(file, text)), "{path}");
        assert_eq!(function["calls"], calls, "{path}");
        assert_eq!(function["from_macro"], false, "{path}");
    }
    let file = "app/src/tally.rs";
    for (text, count) in
        [("clone() } longest", 1), ("clone().len()", 1), ("to_vec()", 1), ("to_string()", 10)]
    {
        let (line, column) = place(file, text);
        let sites = report["sites"].as_array().unwrap();
        let site = sites
            .iter()
            .find(|site| site["file"] == file && site["line"] == line && site["column"] == column);
        let site = site.unwrap_or_else(|| panic!("{text} at {line}:{column} in {sites:#?}"));
        assert_eq!(site["count"], count, "{text}");
    }
    assert_eq!(report["quality"]["allocations"], "measured");
    assert_eq!(tree(&all), before, "the user's tree is as it was");
    // The stored run is enough for the report.
    let again = Hotpath::new(&space(), &["report", "--format", "json"]).run().expect_code(0).json();
    assert!(!paths(&again).is_empty());
}

#[test]
fn the_program_does_what_it_does_without_us() {
    let _alone = alone();
    let report = tempfile::NamedTempFile::new().unwrap();
    let output = report.path().to_str().unwrap();
    for (mode, code) in [("go", 0), ("exit", 7), ("panic", 101)] {
        let plain = plain(&[mode]);
        assert_eq!(plain.code, code, "{}", plain.stderr);
        let args = ["--auto", "-p", "app", "-o", output, "--", mode];
        let measured = hotpath(&args).run().expect_code(if code == 0 { 0 } else { 3 });
        assert_eq!(measured.stdout, plain.stdout);
        if mode == "panic" {
            let (line, column) = place("app/src/main.rs", "panic!(");
            let at = &format!("app/src/main.rs:{line}:{column}:");
            assert!(plain.stderr.contains(at), "{}", plain.stderr);
            assert!(measured.stderr.contains(at), "{}", measured.stderr);
        }
    }
}

#[test]
fn a_second_run_writes_and_builds_nothing() {
    let _alone = alone();
    let _ = hotpath(&["--auto", "-p", "counted"]).run().expect_code(0);
    let overlay = target().join("hotpath/overlay");
    let stamps = || -> BTreeMap<PathBuf, _> {
        let files = tree(&overlay).into_keys();
        let sources = files.filter(|path| !path.ends_with(".hotpath-overlay.json"));
        sources
            .map(|path| (path.clone(), fs::metadata(path).unwrap().modified().unwrap()))
            .collect()
    };
    let before = stamps();
    assert!(before.len() > 10);
    let again = hotpath(&["--auto", "-p", "counted"]).run().expect_code(0);
    assert!(!again.stderr.contains("Compiling"), "{}", again.stderr);
    assert_eq!(stamps(), before);
}

#[test]
fn a_glob_chooses_files_or_functions() {
    let _alone = alone();
    let words = report(&["-p", "app", "--auto=texts/**"]);
    assert_eq!(paths(&words), ["texts::letters", "texts::owned", "texts::words"]);
    let words = report(&["-p", "app", "--auto=app::tally::Tally"]);
    assert_eq!(paths(&words), ["app::tally::Tally::count", "app::tally::Tally::new"]);
    let none = hotpath(&["-p", "app", "--auto=text::words"]).run().expect_code(2);
    assert!(none.stderr.contains("did you mean `texts::words`"), "{}", none.stderr);
    let wrong = hotpath(&["-p", "app", "--auto=src/[x"]).run().expect_code(2);
    assert!(wrong.stderr.contains("is no pattern for --auto"), "{}", wrong.stderr);
}

#[test]
fn a_programs_own_allocator_is_counted() {
    let _alone = alone();
    let finished = hotpath(&["-p", "counted", "--format", "json"]).run().expect_code(0);
    assert!(finished.stderr.contains("100 own true"), "{}", finished.stderr);
    assert!(!finished.stderr.contains("Rebuilding"), "{}", finished.stderr);
    let report = finished.json();
    assert_eq!(report["quality"]["allocations"], "measured");
    assert!(report["totals"]["allocs"].as_u64().unwrap() >= 100, "{}", report["totals"]);
}

#[test]
fn unit_tests_run_in_their_package_and_are_not_measured_themselves() {
    let _alone = alone();
    let report = report(&["-p", "texts", "--lib"]);
    assert_eq!(paths(&report), ["texts::letters", "texts::owned", "texts::words"]);
    assert_eq!(function(&report, "texts::words")["calls"], 2);
}

#[test]
fn annotations_that_are_there_keep_their_options_and_their_runtime() {
    let _alone = alone();
    for features in [&["--auto"][..], &["--auto", "-F", "profile"]] {
        let args = [&["-p", "mixed"], features].concat();
        let report = report(&args);
        assert_eq!(function(&report, "mixed::bare")["calls"], 1, "{features:?}");
        if features.len() > 1 {
            assert_eq!(function(&report, "mixed::named")["calls"], 5);
        }
    }
}

#[test]
fn it_can_be_switched_off() {
    let _alone = alone();
    let off = hotpath(&["-p", "app"]).env("CARGO_HOTPATH_AUTO", "0").run().expect_code(2);
    assert!(off.stderr.contains("does not depend on `hotpath-runtime`"), "{}", off.stderr);
}

#[test]
fn what_costs_more_than_it_tells_is_left_out_of_a_second_pass() {
    let _alone = alone();
    let command = Hotpath::new(&space(), &["run", "-p", "busy", "--runs", "2", "--format", "json"]);
    let finished = command.run_with_input("12345").expect_code(0);
    // The first pass ends with its first repetition; all have the same input.
    let lines: Vec<&str> = finished.stderr.lines().filter(|line| line.starts_with("5 ")).collect();
    assert_eq!(lines.len(), 3, "{}", finished.stderr);
    let report = finished.json();
    assert_eq!(paths(&report), ["busy::main", "busy::walk"]);
    let warnings = report["quality"]["warnings"].as_array().unwrap();
    let second = warnings.iter().find(|warning| warning["id"] == "second-pass").unwrap();
    let message = second["message"].as_str().unwrap();
    assert!(message.contains("`busy::step` (3 000 000 calls)"), "{message}");
    assert_eq!(report["runs"].as_array().unwrap().len(), 2);
}

#[test]
fn one_run_is_one_run_and_the_report_says_what_that_costs() {
    let _alone = alone();
    let command = Hotpath::new(&space(), &["run", "-p", "busy", "--runs", "1", "--format", "json"]);
    let finished = command.run_with_input("12345").expect_code(0);
    let lines: Vec<&str> = finished.stderr.lines().filter(|line| line.starts_with("5 ")).collect();
    assert_eq!(lines.len(), 1, "{}", finished.stderr);
    let report = finished.json();
    assert_eq!(function(&report, "busy::step")["calls"], 3_000_000);
    let warnings = report["quality"]["warnings"].as_array().unwrap();
    let only = warnings.iter().find(|warning| warning["id"] == "one-pass").unwrap();
    let message = only["message"].as_str().unwrap();
    assert!(message.starts_with("without `--runs 1` a second pass would leave out"), "{message}");
}

#[test]
fn a_first_pass_that_went_well_is_not_lost_to_a_second_that_fails() {
    let _alone = alone();
    let scratch = tempfile::tempdir().unwrap();
    let command = Hotpath::new(&space(), &["run", "-p", "busy", "--format", "json"])
        .env("BUSY_MAKES", scratch.path().join("made").to_str().unwrap());
    let finished = command.run_with_input("12345").expect_code(3);
    let report = finished.json();
    assert_eq!(report["workload"]["exit"]["code"], 0);
    assert_eq!(function(&report, "busy::step")["calls"], 3_000_000);
    let warnings = report["quality"]["warnings"].as_array().unwrap();
    let first = warnings.iter().find(|warning| warning["id"] == "first-pass").unwrap();
    assert!(first["message"].as_str().unwrap().contains("the workload exited with code 101"));
    let stored = Hotpath::new(&space(), &["report", "--format", "json"]).run().expect_code(0);
    assert_eq!(function(&stored.json(), "busy::step")["calls"], 3_000_000);
}
