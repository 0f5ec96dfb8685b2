//! Switched off, the attribute leaves nothing behind: no instruction, no symbol, no dependency but our two shells.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/off")
}

fn cargo(arguments: &[&str]) -> String {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("off");
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(fixture())
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "cargo {arguments:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

/// The instructions of `weigh` in a binary's assembly, without directives and with labels unnumbered.
fn instructions(binary: &str) -> Vec<String> {
    cargo(&["rustc", "--release", "--bin", binary, "--", "--emit", "asm"]);
    let deps = Path::new(env!("CARGO_TARGET_TMPDIR")).join("off/release/deps");
    let assembly = fs::read_dir(deps)
        .expect("the build made files")
        .map(|entry| entry.expect("the directory is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "s"))
        .find(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with(&format!("{binary}-"))
        })
        .expect("rustc wrote assembly");
    let text = fs::read_to_string(assembly).expect("the assembly is readable");
    text.lines()
        .skip_while(|line| *line != "weigh:")
        .skip(1)
        .take_while(|line| !line.starts_with(".Lfunc_end"))
        .map(str::trim)
        .filter(|line| !line.starts_with('.') || line.ends_with(':'))
        .map(without_hashes)
        .collect()
}

/// Symbol hashes and the crate's name differ between any two binaries.
fn without_hashes(line: &str) -> String {
    let mut kept = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("17h") {
        kept.push_str(&rest[..at]);
        rest = rest.get(at + 19..).unwrap_or_default();
    }
    kept.push_str(rest);
    kept.replace("5plain", "").replace("9annotated", "")
}

#[test]
#[cfg(target_os = "linux")]
fn annotated_function_has_the_plain_instructions() {
    let plain = instructions("plain");
    let annotated = instructions("annotated");
    assert!(plain.len() > 50, "the function was not found: {plain:?}");
    assert_eq!(plain, annotated);
}

#[test]
fn annotated_binary_has_no_symbol_of_ours() {
    cargo(&["build", "--release", "--bins"]);
    let binary = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("off/release")
        .join(format!("annotated{}", std::env::consts::EXE_SUFFIX));
    let bytes = fs::read(binary).expect("the build made a binary");
    let needle = b"hotpath_runtime";
    assert!(!bytes.windows(needle.len()).any(|window| window == needle));
}

#[test]
fn dependency_is_two_crates() {
    let tree = cargo(&["tree", "--edges", "normal", "--prefix", "none"]);
    let crates: Vec<&str> =
        tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(crates, ["off", "hotpath-runtime", "hotpath-runtime-macros"]);
}
