//! What `check` tells CI systems: the formats, errors in them, where files are, and the GitHub Action.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use hotpath_tests::{Gate, binary};
use serde_json::Value;

const BROKEN: &str = "[budget]\n\"gate::parse\" = { allocs_per_call = 3 }\n";

fn gate() -> Gate {
    Gate::alone("gate ci")
}

/// Validates against the official schema.
fn assert_sarif(log: &Value) {
    let schema =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/data/sarif-schema-2.1.0.json"));
    // Its pattern of languages has a bracket too many, which is no regular expression of ECMA's.
    let schema = schema.unwrap().replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let schema = jsonschema::validator_for(&schema).expect("the schema compiles");
    let errors: Vec<String> = schema.iter_errors(log).map(|it| it.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // GitHub refuses the whole log where one result has no location, which the schema allows.
    let results = log["runs"][0]["results"].as_array().into_iter().flatten();
    for result in results {
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["artifactLocation"]["uri"].is_string(), "{result}");
        assert!(place["region"]["startLine"].is_u64(), "{result}");
    }
}

fn uris(log: &Value) -> Vec<String> {
    let results = log["runs"][0]["results"].as_array().unwrap();
    let uri = |it: &Value| {
        it["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            .as_str()
            .map(str::to_owned)
    };
    results.iter().filter_map(uri).collect()
}

#[test]
fn files_are_named_from_the_root_of_the_checkout() {
    let gate = gate();
    gate.configure(BROKEN);
    let above = gate.root.parent().unwrap().to_str().unwrap();
    let check = |format: &str, root: &str| {
        let check = gate.hotpath(&["check", gate.stored(), "--format", format]);
        check.env("GITHUB_WORKSPACE", root).run().expect_code(1)
    };
    let github = check("github", above).stdout;
    assert!(github.starts_with("::error file=gate ci/src/main.rs,line=12,col="), "{github}");
    let log = check("sarif", above).json();
    assert_sarif(&log);
    assert!(uris(&log).contains(&"gate%20ci/src/main.rs".to_owned()), "{log}");
    let own = check("sarif", gate.root.to_str().unwrap()).json();
    assert!(uris(&own).contains(&"src/main.rs".to_owned()), "{own}");
}

#[test]
fn junit_is_xml_with_a_failure_for_each_broken_budget() {
    let gate = gate();
    gate.configure(
        "[budget]\n\"gate::parse\" = { allocs_per_call = 3 }\n\"gate::tally\" = { allocs = 1e6 }\n",
    );
    let text = gate.check(&["--format", "junit"]).expect_code(1).stdout;
    let document = roxmltree::Document::parse(&text).expect("well-formed");
    let named = |name: &'static str| {
        document.descendants().filter(move |it| it.has_tag_name(name)).collect::<Vec<_>>()
    };
    let (cases, failures) = (named("testcase"), named("failure"));
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    assert_eq!(root.attribute("tests"), Some(cases.len().to_string().as_str()));
    assert_eq!((root.attribute("failures"), failures.len()), (Some("1"), 1));
    for suite in named("testsuite") {
        let count = suite.children().filter(|it| it.has_tag_name("testcase")).count();
        assert_eq!(suite.attribute("tests"), Some(count.to_string().as_str()));
    }
    let broken = failures[0].parent().unwrap();
    assert_eq!(broken.attribute("classname"), Some("gate::parse"));
    assert_eq!(broken.attribute("name"), Some("allocs_per_call"));
    let said = failures[0].attribute("message").unwrap();
    assert!(said.contains("is 4, its limit is 3 (configuration)"), "{said}");
    assert!(failures[0].text().unwrap().contains("src/main.rs:12:"), "{text}");
    assert!(cases.iter().any(|it| it.attribute("classname") == Some("gate::tally")));
}

#[test]
fn errors_are_said_in_the_format_that_was_asked_for() {
    let gate = gate();
    gate.configure("[budget]\n\"gate::prase\" = { allocs = 3 }\n");
    let github = gate.check(&["--format", "github"]).expect_code(2).stdout;
    assert_eq!(github.lines().count(), 1, "{github}");
    assert!(github.starts_with("::error title=cargo hotpath%3A unusable-budget::"), "{github}");
    assert!(github.contains("%0Ahelp: did you mean `gate::parse`?"), "{github}");
    let log = gate.check(&["--format", "sarif"]).expect_code(2).json();
    assert_sarif(&log);
    let run = &log["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let said = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert!(said["message"]["text"].as_str().unwrap().contains("gate::prase"), "{said}");
    assert!(run["results"].is_null(), "no results are not the same as nothing found: {run}");
    let junit = |args: &[&str]| gate.hotpath(args).run().expect_code(2).stdout;
    let broken = |text: &str| {
        let document = roxmltree::Document::parse(text).expect("well-formed");
        let error = document.descendants().find(|it| it.has_tag_name("error")).expect("an error");
        error.attribute("message").unwrap().to_owned()
    };
    let text = junit(&["check", gate.stored(), "--format", "junit"]);
    assert!(broken(&text).contains("`gate::prase`"), "{text}");
    // Where the arguments themselves can't be parsed, too.
    assert!(broken(&junit(&["check", "--format=junit", "--nope"])).contains("--nope"));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hotpath.xml");
    let path = file.to_str().unwrap();
    assert_eq!(junit(&["check", gate.stored(), "--format", "junit", "-o", path]), "");
    assert!(broken(&fs::read_to_string(&file).unwrap()).contains("`gate::prase`"));
    // A file of an earlier check would be taken for this one's.
    fs::write(&file, "old").unwrap();
    let also = format!("junit={path}");
    let _ = gate.check(&["--format", "github", "--also", &also]).expect_code(2);
    assert!(broken(&fs::read_to_string(file).unwrap()).contains("`gate::prase`"));
}

#[test]
fn limits_of_the_workload_have_a_place_too() {
    let gate = gate();
    gate.configure("[budget]\n\"*\" = { wall = \"1 ns\", peak_live_bytes = \"1 B\" }\n");
    let log = gate.check(&["--format", "sarif"]).expect_code(1).json();
    assert_sarif(&log);
    assert_eq!(uris(&log).len(), log["runs"][0]["results"].as_array().unwrap().len());
    let github = gate.check(&["--format", "github"]).expect_code(1).stdout;
    assert!(github.contains("/Cargo.toml,line=1,title=budget broken%3A wall of *::"), "{github}");
}

#[test]
fn a_reader_that_went_away_does_not_pass_a_broken_budget() {
    let gate = gate();
    gate.configure(BROKEN);
    for format in ["json", "human", "sarif"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let check = gate.hotpath(&["check", gate.stored(), "--format", format]);
        let writer = std::os::fd::OwnedFd::from(writer);
        let _ = check.run_writing_to(writer.into()).expect_code(1);
    }
}

#[test]
fn one_check_writes_several_formats() {
    let gate = gate();
    gate.configure(BROKEN);
    let dir = tempfile::tempdir().unwrap();
    let [sarif, junit, text] = ["a.sarif", "b.xml", "c.txt"].map(|name| dir.path().join(name));
    let also = |format: &str, path: &Path| format!("{format}={}", path.display());
    let (first, second, third) =
        (also("sarif", &sarif), also("junit", &junit), also("human", &text));
    let args = ["--format", "json", "--also", &first, "--also", &second, "--also", &third];
    let report = gate.check(&args).expect_code(1).json();
    assert_eq!(report["schema_version"], 1);
    let log: Value = serde_json::from_str(&fs::read_to_string(sarif).unwrap()).unwrap();
    assert_sarif(&log);
    assert!(roxmltree::Document::parse(&fs::read_to_string(junit).unwrap()).is_ok());
    assert!(fs::read_to_string(text).unwrap().contains("1 of 2 budgets broken"));
    let nowhere = ["--also", "sarif=/no/such/place.sarif"];
    let early = gate.check(&nowhere).expect_code(74).stdout;
    assert_eq!(early, "", "known before anything is judged");
    let wrong = gate.check(&["--also", "sarfi=x"]).expect_code(2).stderr;
    assert!(wrong.contains("one of human, json"), "{wrong}");
}

/// The script of a step of `action.yml`.
fn script(step: &str) -> String {
    let text = fs::read_to_string(binary::repository().join("action.yml")).unwrap();
    let (_, step) = text.split_once(&format!("- name: {step}\n")).expect("the step");
    let (_, run) = step.split_once("      run: |\n").expect("its script");
    let lines = run.lines().take_while(|line| line.is_empty() || line.starts_with("        "));
    lines.map(str::trim_start).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_action_passes_its_arguments_and_every_failure() {
    let dir = tempfile::tempdir().unwrap();
    let (cargo, said) = (dir.path().join("cargo"), dir.path().join("said"));
    // Says each argument on a line, and ends as it is told to.
    fs::write(&cargo, "#!/bin/sh\nfor word; do echo \"$word\"; done >> \"$SAID\"\nexit $CODE\n")
        .unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
    let run = |code: &str, sarif: &str| {
        let _ = fs::remove_file(&said);
        let status = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script("Check")])
            .env("PATH", &path)
            .env("SAID", &said)
            .env("CODE", code)
            .env("ARGS", "--bin server --baseline main")
            .env("WORKLOAD_ARGS", "--requests 10")
            .env("SARIF", sarif)
            .env("GITHUB_WORKSPACE", "/checked out")
            .status()
            .expect("bash starts");
        let words = fs::read_to_string(&said).expect("cargo ran");
        (status.code().unwrap(), words.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let expected = |also: &[&str]| -> Vec<String> {
        let before = "hotpath check --bin server --baseline main --format github".split(' ');
        let all = before.chain(also.iter().copied()).chain(["--", "--requests", "10"]);
        all.map(str::to_owned).collect()
    };
    for code in [0, 1, 2, 3, 101] {
        for (sarif, also) in [
            ("", &[][..]),
            ("out/hot path.sarif", &["--also", "sarif=/checked out/out/hot path.sarif"]),
            ("/tmp/x.sarif", &["--also", "sarif=/tmp/x.sarif"]),
        ] {
            let (exit, words) = run(&code.to_string(), sarif);
            assert_eq!((exit, words), (code, expected(also)), "{sarif}");
        }
    }
}
