//! An expansion gives clippy nothing more to say: code that is clean without the attribute is so with it.

use std::collections::BTreeMap;
use std::path::Path;

use hotpath_tests::dense::{self, Attribute};
use hotpath_tests::package::Package;

/// How often each lint speaks in each file, with everything on that a crate may deny.
fn said(name: &str, attribute: Attribute) -> BTreeMap<(String, String), usize> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let package = Package::new(scratch, name, "2024").expect("is made");
    // Every module once.
    let lines = dense::library(&package.path("src"), 600, attribute).expect("is written");
    assert!(lines > 800, "{lines} lines");
    let denied = ["clippy::pedantic", "clippy::nursery", "warnings"];
    let flags = denied.iter().flat_map(|lint| ["-W", lint]);
    let output = package
        .command(&["clippy", "--lib"])
        .args(["--message-format=json", "--"])
        .args(flags)
        .output()
        .expect("clippy runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut said = BTreeMap::new();
    for message in hotpath_tests::package::diagnostics(&output.stdout) {
        if let (Some(file), Some(code)) = (message.file, message.code) {
            *said.entry((file, code)).or_default() += 1;
        }
    }
    said
}

#[test]
fn an_expansion_is_as_clean_as_its_source() {
    let plain = said("clippy-plain", Attribute::Absent);
    // Else it would prove nothing that the others have no more.
    assert!(plain.keys().any(|(_, code)| code.starts_with("clippy::")), "{plain:?}");
    for (name, attribute) in [("clippy-calls", Attribute::Default), ("clippy-all", Attribute::All)]
    {
        // What it doesn't find in the code any more, it may say less of.
        for (lint, times) in said(name, attribute) {
            let before = plain.get(&lint).copied().unwrap_or(0);
            assert!(times <= before, "{name}: {lint:?} {times} times, {before} without");
        }
    }
}
