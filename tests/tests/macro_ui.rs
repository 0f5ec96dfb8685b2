//! What the attribute accepts, and what it says of mistakes.
//!
//! `fail/*.rs` must fail to compile with exactly the messages in the `.stderr` beside it
//! (`UPDATE_EXPECT=1` rewrites those); `pass/*.rs` must compile and run: plain, instrumented as it is, and
//! with every call a site.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hotpath_tests::package::{Diagnostic, Package, workspace};

/// The sources of a folder, by name.
fn sources(folder: &str) -> BTreeMap<String, PathBuf> {
    let folder = workspace().join("tests/fixtures/macro_ui").join(folder);
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("is read").path());
    let sources = paths.filter(|path| path.extension().is_some_and(|it| it == "rs"));
    sources
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path))
        .collect()
}

fn package(name: &str, edition: &str, sources: &BTreeMap<String, PathBuf>) -> Package {
    package_with(name, edition, sources, ATTRIBUTE)
}

/// How most of them are instrumented: what the others of [`package_with`] take the place of.
const ATTRIBUTE: &str = "#[hotpath]";

fn package_with(
    name: &str,
    edition: &str,
    sources: &BTreeMap<String, PathBuf>,
    attribute: &str,
) -> Package {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let package = Package::new(scratch, name, edition).expect("is made");
    for (name, path) in sources {
        let text = fs::read_to_string(path).expect("is read").replace(ATTRIBUTE, attribute);
        package.write(&format!("src/bin/{name}.rs"), &text).expect("is written");
    }
    package
}

/// What the compiler said of one file, in the order of its lines. Of its own messages only what
/// and where: their wording is that of one version.
fn rendered(diagnostics: &[Diagnostic], file: &str) -> String {
    let about = diagnostics.iter().filter(|it| it.file.as_deref() == Some(file));
    let texts: Vec<String> = about
        .map(|it| {
            let lines = if it.code.is_some() { 2 } else { usize::MAX };
            it.rendered.split_inclusive('\n').take(lines).collect::<String>()
        })
        .map(|text| text.replace(file, "$FILE"))
        .collect();
    texts.concat()
}

#[test]
fn mistakes_are_explained() {
    let sources = sources("fail");
    let package = package("macro-ui-fail", "2024", &sources);
    let diagnostics = package.cargo(&["check", "--bins", "--keep-going"]).expect("cargo checks");
    let mut wrong = Vec::new();
    for (name, source) in &sources {
        let found = rendered(&diagnostics, &format!("src/bin/{name}.rs"));
        let expected = source.with_extension("stderr");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&expected, &found).expect("is written");
        }
        let expected = fs::read_to_string(expected).unwrap_or_default();
        if found != expected || found.is_empty() {
            wrong.push(format!("== {name}: expected\n{expected}\n-- found\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn shapes_compile_and_run(edition: &str) {
    let mut sources = sources("pass");
    if edition == "2018" {
        // There closures capture whole variables: plain, it doesn't compile either.
        sources.remove("closures");
    }
    compile_and_run(&package(&format!("macro-ui-pass-{edition}"), edition, &sources), &sources);
}

fn compile_and_run(package: &Package, sources: &BTreeMap<String, PathBuf>) {
    let diagnostics = package.cargo(&["build", "--bins"]).expect("cargo builds");
    let messages: Vec<&str> = diagnostics.iter().map(|it| it.rendered.as_str()).collect();
    assert!(messages.is_empty(), "{}", messages.join("\n"));
    for name in sources.keys() {
        let output = package.run(name).expect("cargo runs");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn what_is_added_offends_no_lint() {
    let mut sources = sources("pass");
    // These deny all of clippy's own.
    sources.retain(|name, _| {
        ["guards", "packed", "places", "sends", "signatures"].contains(&name.as_str())
    });
    let package = package("macro-ui-lints", "2024", &sources);
    let diagnostics = package.cargo(&["clippy", "--bins"]).expect("cargo lints");
    let messages: Vec<&str> = diagnostics.iter().map(|it| it.rendered.as_str()).collect();
    assert!(messages.is_empty(), "{}", messages.join("\n"));
}

#[test]
fn shapes_compile_and_run_plain() {
    let sources = sources("pass");
    let package = package_with("macro-ui-plain", "2024", &sources, "#[hotpath(skip)]");
    compile_and_run(&package, &sources);
}

#[test]
fn shapes_compile_and_run_with_every_call_a_site() {
    let sources = sources("pass");
    let package = package_with("macro-ui-all", "2024", &sources, "#[hotpath(sites = all)]");
    compile_and_run(&package, &sources);
}

#[test]
fn shapes_compile_and_run_in_2018() {
    shapes_compile_and_run("2018");
}

#[test]
fn shapes_compile_and_run_in_2021() {
    shapes_compile_and_run("2021");
}

#[test]
fn shapes_compile_and_run_in_2024() {
    shapes_compile_and_run("2024");
}
