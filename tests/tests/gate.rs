//! A real workload under a gate: one more allocation per call is found and named.

use std::fs;
use std::path::{Path, PathBuf};

use hotpath_tests::{Finished, Hotpath, binary};
use serde_json::Value;

/// A copy of the example that indexes sources, at a place that stays the same so that its build is reused.
fn copy() -> PathBuf {
    let target = binary::path().parent().expect("the binary lies in a directory");
    let root = target.join("gated srcindex");
    let source = binary::repository().join("examples/srcindex/src");
    fs::create_dir_all(root.join("src")).unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        put(&root.join("src").join(path.file_name().unwrap()), &fs::read_to_string(path).unwrap());
    }
    let runtime = binary::repository().join("hotpath-runtime").display().to_string();
    let manifest = format!(
        "[workspace]\n\n[package]\nname = \"srcindex\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\nhotpath-runtime = {{ path = {runtime:?} }}\nregex = \"1\"\n\n\
         [profile.release]\nopt-level = 1\ndebug = 0\n"
    );
    put(&root.join("Cargo.toml"), &manifest);
    if !root.join("Cargo.lock").exists() {
        fs::copy(binary::repository().join("Cargo.lock"), root.join("Cargo.lock")).unwrap();
    }
    root
}

fn put(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return;
    }
    fs::write(path, text).unwrap();
}

fn check(root: &Path, corpus: &Path, out: &Path, args: &[&str]) -> Finished {
    let workload = [corpus.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let check = ["check", "--runs", "3", "--min-impact", "100"];
    Hotpath::new(root, &check).args(args).args(["--"]).args(workload).run()
}

#[test]
fn one_more_allocation_per_call_fails_and_names_function_line_and_site() {
    let root = copy();
    let dir = tempfile::tempdir().unwrap();
    let (corpus, out) = (dir.path().join("corpus"), dir.path().join("out.tsv"));
    // Making the corpus reaches nothing that is measured.
    let generate = ["run", "--runs", "1", "--", "--generate"];
    let generated = Hotpath::new(&root, &generate).args([&corpus]).args(["--megabytes", "1"]).run();
    let _ = generated.expect_code(4);
    let _ = fs::remove_file(root.join("hotpath-baseline.json"));
    put(&root.join("hotpath.toml"), "[budget]\n\"*\" = { allocs = \"+0 %\" }\n");
    let _ = check(&root, &corpus, &out, &["--update"]).expect_code(0);
    let _ = check(&root, &corpus, &out, &[]).expect_code(0);

    let file = root.join("src/links.rs");
    let plain = fs::read_to_string(&file).unwrap();
    // Lines above it move, which must not matter.
    let marker = "    let link = Regex::new(";
    let extra = "    // One allocation more.\n    let text = text.to_owned();\n    let text = text.as_str();\n";
    let worse = plain.replacen(marker, &format!("{extra}{marker}"), 1);
    assert_ne!(worse, plain);
    put(&file, &worse);
    let line = 1 + worse.lines().position(|line| line.contains("text.to_owned()")).unwrap();
    let broken = check(&root, &corpus, &out, &["--format", "json"]);
    put(&file, &plain);
    let report = broken.expect_code(1).json();
    let budgets = report["budgets"].as_array().unwrap();
    let of = |target: &str| -> &Value {
        let found = budgets.iter().find(|it| it["target"] == target && it["status"] == "fail");
        found.unwrap_or_else(|| panic!("{target} passes: {budgets:#?}"))
    };
    let calls = report["functions"].as_array().unwrap().iter();
    let calls =
        calls.clone().find(|it| it["path"] == "srcindex::links::count").unwrap()["calls"].clone();
    for target in ["*", "srcindex::links::count"] {
        let cause = &of(target)["causes"][0];
        assert_eq!(cause["function"], "srcindex::links::count", "{cause}");
        assert_eq!(cause["file"], "src/links.rs");
        assert_eq!(cause["line"], line, "{cause}");
        assert_eq!(cause["text"], "text.to_owned()");
        assert_eq!(cause["more_allocs"], calls, "one for each call");
    }
    // Those that neither changed nor call it.
    let untouched = budgets.iter().find(|it| it["target"] == "srcindex::signature::write").unwrap();
    assert_eq!(untouched["status"], "pass");
    let _ = check(&root, &corpus, &out, &[]).expect_code(0);
}
