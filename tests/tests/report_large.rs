//! The report of a large run: the same bytes every time, and soon there.
//!
//! `cargo test --release --package hotpath-tests --test report_large -- --ignored --nocapture` prints how
//! long it takes for 5,000 sites in 200,000 lines.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

use cargo_hotpath::environment;
use cargo_hotpath::profile::{
    Allocs, Bucket, Context, Function, Memory, PROFILE_VERSION, Profile, Row, Site,
};
use cargo_hotpath::run_dir::{Build, CrateRoot, RECORD_VERSION, Repetition, RunDir, RunRecord};
use cargo_hotpath::schema::{Exit, Workload};
use cargo_hotpath::source::{Root, Source};
use hotpath_tests::Hotpath;

/// A workspace of so many files, with functions of 200 lines and five sites each.
struct Size {
    files: usize,
    functions: usize,
    /// What the lines without sites hold.
    lines: &'static [&'static str],
}

/// 7.3 tokens a line, more than any of 16 published crates has (tokio 3.7, rustls 5.2, axum 5.3, image 6.0,
/// syn 6.9; comments and empty lines counted as lines).
const PUBLISHED: &[&str] = &[
    "    // Goes on from what was summed up so far.",
    "    sum = sum.wrapping_mul(31).wrapping_add(all.len());",
    "    sum ^= 5;",
];

/// 18 tokens in every line.
const DENSE: &[&str] = &["    sum = sum.wrapping_mul(31).wrapping_add(all.len());"];

/// Lines of a function, its sites among them.
const LINES: usize = 200;
const SITES: usize = 5;

/// What the report of 5,000 sites may take, in seconds.
const MOST_SECONDS: f64 = 2.0;

fn function(name: &str, lines: &[&str]) -> String {
    let mut text = format!(
        "#[hotpath_runtime::hotpath]\npub fn {name}(words: &[String]) -> usize {{\n    \
         let mut sum = 0;\n    let mut all = Vec::new();\n    for word in words {{\n        \
         let copy = takes(&word.clone());\n        let text = format!(\"{{word}}!\");\n        \
         all.push(word.to_string());\n        \
         sum += copy + text.len();\n    }}\n"
    );
    for line in lines.iter().cycle().take(LINES - 13) {
        let _ = writeln!(text, "{line}");
    }
    text.push_str("    sum\n}\n\n");
    text
}

fn write_sources(root: &Path, size: &Size) {
    fs::create_dir_all(root.join("src")).unwrap();
    let manifest =
        "[package]\nname = \"large\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
    fs::write(root.join("Cargo.toml"), manifest).unwrap();
    let mut main = String::new();
    for file in 0..size.files {
        let _ = writeln!(main, "mod m{file};");
        let text: String =
            (0..size.functions).map(|number| function(&format!("f{number}"), size.lines)).collect();
        fs::write(root.join(format!("src/m{file}.rs")), text).unwrap();
    }
    fs::write(root.join("src/main.rs"), main + "\nfn main() {}\n").unwrap();
}

/// A profile in which each function ran, and each of its sites.
fn profile(root: &Path) -> Profile {
    let source = Source::scan(&[Root {
        package: "large".to_owned(),
        target: "large".to_owned(),
        edition: "2024".to_owned(),
        file: root.join("src/main.rs"),
        workspace_root: root.to_owned(),
        implicit: false,
    }]);
    let mut profile = Profile {
        version: PROFILE_VERSION,
        wall_ns: 10_000_000_000,
        cpu_ns: Some(9_900_000_000),
        outside_ns: 1_000_000_000,
        processes: 1,
        threads: 1,
        memory: Some(Memory { peak_live_bytes: 1 << 20, ..Memory::default() }),
        ..Profile::default()
    };
    let share = 9_000_000_000 / source.functions().len() as u64;
    for (index, function) in source.functions().iter().enumerate() {
        let sites = function.sites.iter().map(|site| Site {
            kind: site.kind.name().to_owned(),
            line: site.line,
            column: site.column,
            label: site.label.clone(),
            histogram: Vec::new(),
        });
        profile.functions.push(Function {
            package: "large".to_owned(),
            target: "large".to_owned(),
            module: function.module.clone(),
            name: function.registered.clone(),
            file: function.file.clone(),
            line: function.line,
            column: function.column,
            sites: sites.collect(),
            histogram: vec![Bucket { low_ns: share / 10, high_ns: share / 10, count: 10 }],
            ..Function::default()
        });
        let self_ns = share - share / 2 + index as u64;
        profile.contexts.push(Context {
            function: index,
            calls: 10,
            timed: 10,
            total_ns: self_ns,
            self_ns,
            max_ns: share,
            ..Context::default()
        });
        for (site, of) in function.sites.iter().enumerate() {
            let is_counted = of.kind.name() == "grow";
            profile.rows.push(Row {
                function: index,
                site,
                type_name: Some("alloc::string::String".to_owned()),
                type_size: 24,
                needs_drop: true,
                count: 1_000,
                timed: if is_counted { 0 } else { 1_000 },
                self_ns: if is_counted { 0 } else { share / 20 },
                max_ns: share / 1_000,
                allocs: Allocs { count: 1_000, bytes: 16_000, ..Allocs::default() },
                ..Row::default()
            });
        }
    }
    profile
}

fn store(root: &Path, profile: &Profile) {
    let dir = RunDir::create(&root.join("target/hotpath")).unwrap();
    let (name, path) = dir.profile(0);
    profile.write(&path).unwrap();
    let exit = Exit { code: Some(0), signal: None };
    let record = RunRecord {
        version: RECORD_VERSION,
        id: dir.id.clone(),
        started: dir.started.clone(),
        command: Vec::new(),
        environment: environment::describe(root, "a-target", "release", Vec::new()),
        workload: Workload {
            kind: "bin".to_owned(),
            package: "large".to_owned(),
            name: "large".to_owned(),
            args: Vec::new(),
            exit: exit.clone(),
        },
        build: Build {
            opt_level: "3".to_owned(),
            debug_assertions: false,
            manifest: "Cargo.toml".to_owned(),
            codegen: None,
            own_allocator: None,
        },
        roots: vec![CrateRoot {
            package: "large".to_owned(),
            target: "large".to_owned(),
            edition: "2024".to_owned(),
            file: "src/main.rs".to_owned(),
            implicit: false,
        }],
        repetitions: vec![Repetition {
            profile: name,
            wall_ns: profile.wall_ns,
            cpu_ns: profile.cpu_ns,
            allocs: Some(1),
            exit,
            timed_out: false,
            stopped: false,
            failure: None,
        }],
        reported: 0,
        interrupted: false,
        warnings: Vec::new(),
    };
    dir.finish(&record).unwrap();
}

/// The report as JSON, and how long it took in seconds.
fn report(root: &Path) -> (String, f64) {
    let start = Instant::now();
    let finished =
        Hotpath::new(root, &["report", "--all", "--format", "json"]).run().expect_code(0);
    (finished.stdout, start.elapsed().as_secs_f64())
}

#[test]
fn the_same_run_gives_the_same_report_each_time() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    write_sources(root, &Size { files: 4, functions: 3, lines: PUBLISHED });
    let profile = profile(root);
    assert_eq!(profile.rows.len(), 4 * 3 * SITES);
    store(root, &profile);
    let (first, _) = report(root);
    let parsed: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert!(parsed["findings"].as_array().unwrap().len() >= 12, "{first}");
    for _ in 0..3 {
        assert!(report(root).0 == first, "two reports of one run differ");
    }
}

/// Median and all of seven reports of 5,000 sites in 200,000 such lines, in seconds.
fn times(lines: &'static [&'static str]) -> (f64, Vec<f64>) {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    write_sources(root, &Size { files: 200, functions: 5, lines });
    let profile = profile(root);
    assert_eq!(profile.rows.len(), 5_000);
    store(root, &profile);
    let mut times: Vec<f64> = (0..7).map(|_| report(root).1).collect();
    times.sort_by(f64::total_cmp);
    (times[3], times)
}

#[test]
#[ignore = "times the report: needs --release and an idle machine"]
fn five_thousand_sites_in_two_hundred_thousand_lines_take_no_two_seconds() {
    for (what, lines) in [("7 tokens a line", PUBLISHED), ("18 tokens a line", DENSE)] {
        let (median, all) = times(lines);
        println!(
            "report of 5000 sites in 200000 lines, {what}: median {median:.2} s, all {all:.2?}"
        );
        assert!(lines == DENSE || median < MOST_SECONDS, "{all:?}");
    }
}
