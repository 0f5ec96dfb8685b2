//! `measure` and `assert_allocs!` in programs of others: tests that run in parallel, on tokio, what
//! failures say, and what happens where nothing is counted.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use hotpath_tests::package::{Package, workspace};

/// A package with these files of `tests/fixtures/measure`.
fn package(name: &str, is_enabled: bool, files: &[&str]) -> Package {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let package = Package::new(scratch, name, "2024").expect("is made");
    if !is_enabled {
        let manifest = fs::read_to_string(package.path("Cargo.toml")).expect("is read");
        let manifest = manifest.replace(", features = [\"enabled\"]", "");
        package.write("Cargo.toml", &manifest).expect("is written");
    }
    let tokio = "tokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }\n";
    package.depend(tokio).expect("is written");
    package.write("src/lib.rs", "").expect("is written");
    for file in files {
        let source = workspace().join("tests/fixtures/measure").join(file);
        let text = fs::read_to_string(source).expect("the fixture is there");
        package.write(file, &text).expect("is written");
    }
    package
}

/// The executable that cargo makes of a target.
fn built(package: &Package, arguments: &[&str]) -> PathBuf {
    let output = package.command(arguments).arg("--message-format=json").output();
    let output = output.expect("cargo starts");
    assert!(output.status.success(), "{}", texts(&output));
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    let messages = messages.lines().filter_map(|line| serde_json::from_str(line).ok());
    let mut executables = messages
        .filter_map(|message: serde_json::Value| message["executable"].as_str().map(PathBuf::from));
    executables.next_back().expect("cargo made one")
}

fn test_harness(name: &str, release: &[&str]) -> PathBuf {
    let file = format!("tests/{name}.rs");
    let package = package(&format!("measure-{name}"), true, &[&file]);
    built(&package, &[&["test", "--no-run", "--test", name], release].concat())
}

fn run(executable: &Path, arguments: &[&str], required: &str) -> Output {
    Command::new(executable)
        .args(arguments)
        .env("CARGO_HOTPATH_SUMMARY", "0")
        .env("CARGO_HOTPATH_REQUIRE", required)
        .env_remove("CARGO_HOTPATH_DIR")
        .env_remove("RUST_BACKTRACE")
        .output()
        .expect("it starts")
}

fn texts(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + "--- stderr\n" + &text(&output.stderr)
}

/// Sixteen tests in one process, on as many threads, again and again.
fn all_are_right(harness: &Path, repetitions: u32) {
    for repetition in 0..repetitions {
        let output = run(harness, &["--test-threads", "16"], "1");
        let texts = texts(&output);
        assert!(output.status.success(), "repetition {repetition}:\n{texts}");
        assert!(texts.contains("16 passed"), "{texts}");
    }
}

#[test]
fn tests_in_parallel_count_their_own() {
    all_are_right(&test_harness("parallel", &[]), 10);
}

/// `cargo test --package hotpath-tests --test measure -- --ignored`
#[test]
#[ignore = "takes a minute or two"]
fn tests_in_parallel_count_their_own_a_thousand_times() {
    all_are_right(&test_harness("parallel", &[]), 1_000);
    all_are_right(&test_harness("parallel", &["--release"]), 1_000);
}

#[test]
fn failures_say_what_was_counted_and_where() {
    let harness = test_harness("messages", &[]);
    let message = |test: &str| {
        let output = run(&harness, &["--exact", test], "1");
        assert!(!output.status.success(), "{test} passes: {}", texts(&output));
        texts(&output)
    };
    // `collect` takes room for four words of 24 bytes.
    let words = "4 allocations (99 bytes), 0 reallocations, 0 frees, 99 bytes live at most";
    let by_function = "; by function: words 4";
    let expectations = [
        ("too_many", format!("allocations <= 3\n counted: {words}{by_function}\n")),
        ("not_as_many", format!("allocations == 5\n counted: {words}{by_function}\n")),
        (
            "not_below",
            "allocations < 1, and no reallocation\n counted: 1 allocation (8 bytes), ".to_owned(),
        ),
        (
            "a_growing_list",
            "allocations == 0, and no reallocation\n counted: 0 allocations (0 bytes), 1 reallocation, "
                .to_owned(),
        ),
        (
            "in_a_future",
            format!("allocations <= 1\n counted: {words}, 1 poll{by_function}\n      at: tests/messages.rs:37:5"),
        ),
    ];
    for (test, expected) in expectations {
        let texts = message(test);
        assert!(texts.contains(&format!("assertion failed: {expected}")), "{test}: {texts}");
    }
    let texts = message("too_many");
    assert!(texts.contains("panicked at tests/messages.rs:16:5"), "{texts}");
}

/// One line for all checks of the process, and a failure where they are required.
fn checks_nothing(executable: &Path, arguments: &[&str], reason: &str) {
    for not_required in ["", "0"] {
        let output = run(executable, arguments, not_required);
        assert!(output.status.success(), "{}", texts(&output));
        assert!(texts(&output).contains("done: "), "{}", texts(&output));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.starts_with("hotpath-runtime ") && stderr.contains(reason), "{stderr}");
    }
    let output = run(executable, arguments, "1");
    assert!(!output.status.success(), "{}", texts(&output));
    let texts = texts(&output);
    assert!(texts.contains(reason) && texts.contains("(CARGO_HOTPATH_REQUIRE is set)"), "{texts}");
    let name = executable.file_stem().and_then(|name| name.to_str()).expect("UTF-8");
    assert!(texts.contains(&format!("panicked at src/bin/{name}.rs:")), "{texts}");
}

#[test]
fn without_a_counting_allocator_nothing_is_checked_which_is_said() {
    let package = package("measure-uncounted", true, &["src/bin/uncounted.rs"]);
    let executable = built(&package, &["build", "--bin", "uncounted"]);
    checks_nothing(&executable, &["enabled"], "counts no allocations here");
}

#[test]
fn switched_off_nothing_is_checked_which_is_said() {
    let package = package("measure-off", false, &["src/bin/uncounted.rs"]);
    // Packages share their build: under one name, each could run what the other built.
    let source = |name| package.path("src/bin").join(name);
    fs::rename(source("uncounted.rs"), source("off.rs")).expect("is renamed");
    let executable = built(&package, &["build", "--bin", "off"]);
    checks_nothing(&executable, &[], "its feature `enabled` is off");
}
