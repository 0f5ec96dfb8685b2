//! Published crates keep their promises with every function and expression instrumented.
//!
//! `cargo test -p hotpath-tests --test crates -- --ignored --nocapture` does all of them (network,
//! half an hour); `CRATES=syn,nom` only those.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use cargo_hotpath::overlay::{self, Dependency, Edit, Edits, Recipe};
use cargo_hotpath::source::{Insertion, Root, Source, annotate};
use hotpath_tests::binary;
use hotpath_tests::published::{LOCKED, Published, Tested};

const fn published(name: &'static str, version: &'static str) -> Published {
    Published {
        name,
        version,
        features: &[],
        no_default_features: false,
        integration: false,
        cut: &[],
        measures_itself: &[],
    }
}

/// One that has few tests but those in `tests/`.
const fn integrated(name: &'static str, version: &'static str) -> Published {
    Published { integration: true, ..published(name, version) }
}

/// Small ones that are dependencies of ours and have none that isn't: nothing is fetched.
const SHORT: &[Published] = &[
    published("heck", LOCKED),
    published("percent-encoding", LOCKED),
    published("regex-syntax", LOCKED),
];

const ALL: &[Published] = &[
    Published { features: &["*", "axum-macros/__private"], ..published("axum", "0.8.4") },
    published("clap_builder", "4.5.40"),
    integrated("crossbeam-channel", "0.5.15"),
    published("csv", "1.3.1"),
    Published { features: &["stream", "unstable"], ..published("h2", "0.4.10") },
    published("handlebars", "6.3.2"),
    published("hashbrown", "0.15.4"),
    Published { features: &["full"], ..published("hyper", "1.6.0") },
    published("ignore", "0.4.23"),
    // Not AVIF, whose encoder takes longer to build than all the others.
    Published {
        no_default_features: true,
        features: &[
            "bmp", "dds", "exr", "ff", "gif", "hdr", "ico", "jpeg", "png", "pnm", "qoi", "rayon",
            "tga", "tiff", "webp",
        ],
        ..published("image", "0.25.6")
    },
    published("indexmap", "2.9.0"),
    integrated("itertools", "0.14.0"),
    published("nom", "8.0.0"),
    published("petgraph", "0.8.2"),
    published("regex-automata", "0.4.9"),
    published("regex-syntax", "0.8.5"),
    integrated("serde_json", "1.0.140"),
    published("similar", "2.7.0"),
    Published {
        features: &["full", "visit", "visit-mut", "fold", "extra-traits"],
        cut: &[
            "test = [\"syn-test-suite/all-features\"]\n",
            "[dev-dependencies.syn-test-suite]\nversion = \"0\"\n",
        ],
        ..integrated("syn", "2.0.104")
    },
    Published {
        features: &["full", "test-util"],
        measures_itself: &[
            ("signal::reusable_box::test::test_different_futures", SIZES),
            ("signal::reusable_box::test::test_different_sizes", SIZES),
        ],
        ..published("tokio", "1.45.1")
    },
    Published { features: &["full"], ..integrated("tokio-util", "0.7.15") },
    published("toml_edit", "0.22.27"),
    Published { features: &["full"], ..integrated("tower", "0.5.2") },
    published("tracing-subscriber", "0.3.19"),
    published("winnow", "0.7.11"),
];

/// Name of the dependency that the instrumented copies get.
const RUNTIME: &str = "hotpath-runtime";

const SIZES: &str = "asserts the size of an async block's future, which holds its measurement too";

#[test]
fn small_crates_pass_their_own_tests_instrumented() {
    let scratch = tempfile::tempdir().unwrap();
    check(SHORT, scratch.path());
}

#[test]
#[ignore = "fetches and builds two dozen crates twice"]
fn real_crates_pass_their_own_tests_instrumented() {
    let only = std::env::var("CRATES").unwrap_or_default();
    let only: BTreeSet<&str> = only.split(',').filter(|name| !name.is_empty()).collect();
    let chosen: Vec<Published> =
        ALL.iter().filter(|it| only.is_empty() || only.contains(it.name)).copied().collect();
    assert!(!chosen.is_empty(), "CRATES names none of them");
    let scratch = binary::repository().join("target/published");
    std::fs::create_dir_all(&scratch).unwrap();
    check(&chosen, &scratch);
}

fn check(crates: &[Published], scratch: &Path) {
    let mut table = HEAD.to_owned();
    let mut failures = String::new();
    for published in crates {
        let (row, wrong) = compare(published, scratch).unwrap_or_else(|error| {
            (format!("| {} | {} |", published.name, published.version), error.to_string())
        });
        println!("{row}");
        let _ = writeln!(table, "{row}");
        if !wrong.is_empty() {
            println!("{wrong}");
            let _ = writeln!(failures, "{}: {wrong}", published.name);
        }
    }
    println!("{table}");
    assert!(failures.is_empty(), "{failures}");
}

const HEAD: &str = "| crate | version | functions | pass plain | pass instrumented | listed | \
    build plain | build instrumented |\n\
    | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n";

/// A row of the table, and what is wrong.
fn compare(published: &Published, scratch: &Path) -> io::Result<(String, String)> {
    let name = published.name;
    let source = published.source(scratch)?;
    let target = scratch.join("target");
    let (plain, _) = copy(published, &source, &scratch.join("plain").join(name), None);
    if published.version != LOCKED {
        // The dependencies are those of the day, which the crates then share.
        let _ = fs::remove_file(plain.join("Cargo.lock"));
    }
    let before = published.test(&plain, &target, None)?;
    let to = scratch.join("instrumented").join(name);
    let (instrumented, functions) = copy(published, &source, &to, Some(RUNTIME));
    if plain.join("Cargo.lock").exists() {
        fs::copy(plain.join("Cargo.lock"), instrumented.join("Cargo.lock"))?;
    }
    let after = match before.targets.len() {
        0 => Tested::default(),
        _ => published.test(&instrumented, &target, Some(&before.targets))?,
    };
    let listed = before.outcomes.keys().filter(|test| is_listed(published, test)).count();
    let row = format!(
        "| {name} | {} | {functions} | {} | {} | {listed} | {:.0} s | {:.0} s |",
        published.version,
        before.passed(),
        after.passed(),
        before.build.as_secs_f64(),
        after.build.as_secs_f64(),
    );
    for error in &before.errors {
        let first = error.lines().next().unwrap_or_default();
        println!("{name}: a target is left out, as it doesn't compile plain: {first}");
    }
    Ok((row, differences(published, &before, &after)))
}

/// Whether a test is one of those that measure themselves.
fn is_listed(published: &Published, test: &str) -> bool {
    let test = test.split_once(": ").map_or(test, |(_, test)| test);
    published.measures_itself.iter().any(|(listed, _)| match listed.strip_suffix('*') {
        Some(prefix) => test.starts_with(prefix),
        None => *listed == test,
    })
}

fn differences(published: &Published, before: &Tested, after: &Tested) -> String {
    let mut wrong = String::new();
    if before.passed() == 0 {
        let errors = before.errors.iter().take(3).map(String::as_str).collect::<String>();
        let _ = writeln!(wrong, "no test passes plain\n{errors}{}", tail(&before.stderr));
        return wrong;
    }
    if !after.errors.is_empty() {
        let _ = writeln!(wrong, "{} errors of the compiler", after.errors.len());
    }
    for error in after.errors.iter().take(12) {
        let _ = writeln!(wrong, "{error}");
    }
    for (test, reason) in published.measures_itself {
        println!("{}: {test} is listed, as it {reason}", published.name);
    }
    let mut lost = Vec::new();
    for (test, outcome) in &before.outcomes {
        let now = after.outcomes.get(test).map_or("missing", String::as_str);
        if outcome == "ok" && now != "ok" && !is_listed(published, test) {
            lost.push(format!("{test} ({now})"));
        }
    }
    if !lost.is_empty() {
        let (number, stderr) = (lost.len(), tail(&after.stderr));
        lost.truncate(20);
        let _ = writeln!(wrong, "{number} pass plain only:\n{}\n{stderr}", lost.join("\n"));
    }
    wrong
}

fn tail(text: &str) -> &str {
    let start = text.len().saturating_sub(2_000);
    let start = (start..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[start..]
}

/// Copies a crate, instrumented where the runtime's name is given; gives the number of functions.
fn copy(published: &Published, from: &Path, to: &Path, runtime: Option<&str>) -> (PathBuf, usize) {
    let metadata = published.metadata(from, true).expect("cargo reads the crate's manifest");
    let package = &metadata["packages"][0];
    let targets = package["targets"].as_array().expect("a package has targets");
    let (build, library): (Vec<_>, Vec<_>) = targets
        .iter()
        .filter(|it| is(it, "lib") || is(it, "custom-build"))
        .partition(|it| is(it, "custom-build"));
    let scan = |targets: &[&serde_json::Value]| {
        let root = |target: &&serde_json::Value| Root {
            package: published.name.to_owned(),
            target: target["name"].as_str().unwrap_or_default().to_owned(),
            edition: target["edition"].as_str().unwrap_or_default().to_owned(),
            file: PathBuf::from(target["src_path"].as_str().unwrap_or_default()),
            workspace_root: from.to_owned(),
            implicit: false,
        };
        Source::scan(&targets.iter().map(root).collect::<Vec<_>>())
    };
    let library = scan(&library);
    let files = match runtime {
        Some(_) => overlay::files_of(&library, &scan(&build)),
        None => BTreeSet::new(),
    };
    let (edits, functions) = edits(&files);
    let members = runtime.map(|name| (from.join("Cargo.toml"), name.to_owned()));
    overlay::sync(&Recipe {
        from,
        to,
        without: &[],
        needed: library.files(),
        members: &members.into_iter().collect(),
        runtime: &Dependency {
            name: "hotpath-runtime".to_owned(),
            path: binary::repository().join("hotpath-runtime"),
            features: vec!["enabled".to_owned()],
        },
        edits: &edits,
    })
    .unwrap_or_else(|error| panic!("{}: {error}", published.name));
    if !published.cut.is_empty() {
        let manifest = to.join("Cargo.toml");
        let mut text = fs::read_to_string(&manifest).expect("the manifest is read");
        for piece in published.cut {
            assert!(text.contains(piece), "{}: no {piece:?} in {text}", published.name);
            text = text.replace(piece, "");
        }
        fs::write(manifest, text).expect("the manifest is written");
    }
    if published.version == LOCKED {
        let lock = binary::repository().join("Cargo.lock");
        fs::copy(lock, to.join("Cargo.lock")).expect("the lock file is copied");
    }
    (to.to_owned(), functions)
}

/// An attribute before every function, and how many there are.
fn edits(files: &BTreeSet<PathBuf>) -> (BTreeMap<PathBuf, Edits>, usize) {
    let mut all = BTreeMap::new();
    let mut count = 0;
    for file in files {
        let Ok(text) = fs::read_to_string(file) else { continue };
        let Ok(functions) = annotate::bare_functions(&text) else { continue };
        count += functions.len();
        let insert = |insertion: Insertion| Edit {
            range: insertion.byte..insertion.byte,
            text: every_site(&annotate::attribute("hotpath_runtime", "", insertion)),
        };
        let list = functions.iter().map(|function| insert(function.insertion)).collect();
        all.insert(file.clone(), Edits::new(&text, list));
    }
    (all, count)
}

/// The attribute with a probe on every expression that may carry one.
fn every_site(attribute: &str) -> String {
    attribute.replacen("hotpath(", "hotpath(sites = all, ", 1)
}

fn is(target: &serde_json::Value, kind: &str) -> bool {
    target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|it| it == kind))
}
