//! Every variant gives the same result, through the library and on the command line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use srcindex::fix::{Fix, Fixes};
use srcindex::{generate, walk};

/// A fresh folder for one test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn srcindex(arguments: &[&str], cargo_home: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_srcindex"))
        .args(arguments)
        .env("CARGO_HOME", cargo_home)
        .output()
        .unwrap()
}

#[test]
fn every_variant_writes_the_same_result() {
    let folder = folder("variants");
    generate::corpus(&folder.join("corpus"), 300_000).unwrap();
    // A copy of one module, so that there are passages which stood there before.
    let module = folder.join("corpus/package-0000/src/module_00.rs");
    fs::copy(module, folder.join("corpus/copy.rs")).unwrap();
    let sources = walk::sources(&folder.join("corpus"), u64::MAX).unwrap();

    let slow_out = folder.join("slow.tsv");
    let summary = srcindex::run(&sources, &slow_out, Fixes::default()).unwrap();
    let slow = fs::read(&slow_out).unwrap();
    assert_eq!(summary.documents, sources.files.len());
    assert!(summary.links > 0 && summary.repeated > 0 && summary.unreadable == 0);
    assert!(summary.postings > summary.terms);

    let single = Fix::ALL.map(|fix| (fix.name(), Fixes::from_iter([fix])));
    for (name, fixes) in single.into_iter().chain([("all", Fixes::all())]) {
        let out = folder.join(format!("{name}.tsv"));
        assert_eq!(srcindex::run(&sources, &out, fixes).unwrap(), summary, "--fix {name}");
        assert!(fs::read(&out).unwrap() == slow, "--fix {name} writes another result");
    }
}

#[test]
fn registry_is_the_default_and_the_cap_holds() {
    let home = folder("registry");
    let made = home.join("registry/src/index");
    let generated = srcindex(&["--generate", made.to_str().unwrap(), "--megabytes", "2"], &home);
    assert!(generated.status.success());
    let out = home.join("out.tsv");
    let out = out.to_str().unwrap();

    let whole = srcindex(&["--out", out, "--fix", "all"], &home);
    assert!(whole.status.success() && whole.stderr.is_empty());
    let capped = srcindex(&["--out", out, "--fix", "all", "--megabytes", "1"], &home);
    assert!(capped.status.success());
    assert!(String::from_utf8(capped.stderr).unwrap().contains("above the cap"));
    assert_ne!(whole.stdout, capped.stdout);
    let sources = walk::sources(&made, 1_000_000).unwrap();
    assert!(sources.bytes <= 1_000_000 && sources.left_out > 0);
}

#[test]
fn missing_sources_and_bad_arguments_are_explained() {
    let home = folder("missing");
    let none = srcindex(&[], &home);
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8(none.stderr).unwrap().contains("no Rust sources under"));
    let unknown = srcindex(&["--fix", "speed"], &home);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("no fix is called `speed`"));
}

#[test]
fn file_that_is_not_utf8_is_counted_and_left_out() {
    let folder = folder("bytes");
    fs::write(folder.join("good.rs"), "fn parse_position() {}\n").unwrap();
    fs::write(folder.join("bad.rs"), b"fn caf\xe9() {}\n").unwrap();
    let sources = walk::sources(&folder, u64::MAX).unwrap();
    let summary = srcindex::run(&sources, &folder.join("out.tsv"), Fixes::all()).unwrap();
    assert_eq!((summary.documents, summary.unreadable), (1, 1));
}
