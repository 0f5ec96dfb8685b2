//! A large workspace, and a run of it as it is stored: made, never built.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cargo_hotpath::environment;
use cargo_hotpath::profile::{
    Allocs, Bucket, Context, Function, Memory, PROFILE_VERSION, Profile, Row, Site,
};
use cargo_hotpath::run_dir::{Build, CrateRoot, RECORD_VERSION, Repetition, RunDir, RunRecord};
use cargo_hotpath::schema::{Exit, Workload};
use cargo_hotpath::source::{Root, Source};

/// A workspace of so many files, with functions of 200 lines and five sites each.
pub struct Size {
    /// Files.
    pub files: usize,
    /// Functions of each.
    pub functions: usize,
    /// What the lines without sites hold, one after the other.
    pub lines: &'static [&'static str],
}

/// 7.3 tokens a line, more than any of 16 published crates has (tokio 3.7, rustls 5.2, axum 5.3, image 6.0,
/// syn 6.9; comments and empty lines counted as lines).
pub const PUBLISHED: &[&str] = &[
    "    // Goes on from what was summed up so far.",
    "    sum = sum.wrapping_mul(31).wrapping_add(all.len());",
    "    sum ^= 5;",
];

/// 18 tokens in every line.
pub const DENSE: &[&str] = &["    sum = sum.wrapping_mul(31).wrapping_add(all.len());"];

/// Lines of a function, its sites among them.
const LINES: usize = 200;

/// Sites of a function.
pub const SITES: usize = 5;

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

/// Writes its sources.
///
/// # Panics
///
/// When they can't be written, as all of these.
pub fn write_sources(root: &Path, size: &Size) {
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
#[must_use]
pub fn profile(root: &Path) -> Profile {
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

/// Stores it as the workspace's only run.
///
/// # Panics
///
/// When it can't be written.
pub fn store(root: &Path, profile: &Profile) {
    let dir = RunDir::create(&root.join("target/hotpath")).unwrap();
    let (name, path) = dir.profile(0);
    profile.write(&path).unwrap();
    dir.finish(&record(root, profile, &dir, name)).unwrap();
}

fn record(root: &Path, profile: &Profile, dir: &RunDir, name: String) -> RunRecord {
    let exit = Exit { code: Some(0), signal: None };
    RunRecord {
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
            instructions: None,
            exit,
            timed_out: false,
            stopped: false,
            failure: None,
        }],
        reported: 0,
        instructions: None,
        interrupted: false,
        warnings: Vec::new(),
    }
}
