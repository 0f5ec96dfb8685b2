//! `--instructions`: counted, or absent with the reason where the count would stand.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use hotpath_tests::Gate;
use serde_json::Value;

fn gate() -> Gate {
    Gate::alone("gate instructions")
}

fn run(gate: &Gate, args: &[&str]) -> Value {
    let run = ["run", "--bin", "gate", "--runs", "2", "--format", "json"];
    gate.hotpath(&run).args(args).run().expect_code(0).json()
}

fn counts(report: &Value) -> Vec<Option<u64>> {
    report["runs"].as_array().unwrap().iter().map(|run| run["instructions"].as_u64()).collect()
}

#[test]
fn without_being_asked_nothing_is_counted() {
    let report = run(&gate(), &[]);
    assert_eq!(report["totals"]["instructions"], Value::Null);
    assert_eq!(counts(&report), [None, None]);
}

#[test]
fn the_processors_counter_counts_or_the_reason_is_said() {
    let gate = gate();
    let report = run(&gate, &["--instructions", "--save", "hardware"]);
    let said = &report["totals"]["instructions"];
    assert_eq!(said["source"], "hardware");
    let text = gate.hotpath(&["report", "hardware"]).run().expect_code(0).stdout;
    if said["count"].is_null() {
        let reason = said["reason"].as_str().expect("a reason");
        assert!(reason.ends_with("`--instructions=callgrind` counts with valgrind"), "{reason}");
        assert_eq!(counts(&report), [None, None]);
        assert!(text.contains("Instructions: not counted: "), "{text}");
    } else {
        assert!(counts(&report).iter().all(|count| count.is_some_and(|count| count > 100_000)));
        assert!(text.contains(" by the processor's counter, in user space"), "{text}");
    }
}

#[test]
fn callgrind_counts_each_repetition_and_compare_judges_the_ratio() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("valgrind is not installed");
        return;
    }
    let gate = gate();
    let flag = "--instructions=callgrind";
    let report = run(&gate, &[flag, "--save", "before"]);
    let said = &report["totals"]["instructions"];
    assert_eq!((&said["source"], &said["reason"]), (&"callgrind".into(), &Value::Null), "{said}");
    let before = counts(&report);
    assert!(before.iter().all(|count| count.is_some_and(|count| count > 100_000)), "{before:?}");
    assert!(before.contains(&said["count"].as_u64()));
    let functions = report["functions"].as_array().unwrap();
    let parse = functions.iter().find(|it| it["path"] == "gate::parse").unwrap();
    assert_eq!(parse["calls"], 200, "what callgrind ran is in no other figure");
    // The workload does so much more that seeds and threads, by which counts differ, are nothing beside it.
    let _ = run(&gate, &[flag, "--save", "after", "--", "more"]);
    let compared = gate.hotpath(&["compare", "before", "after", "--format", "json"]).run();
    let compared = compared.expect_code(0).json();
    assert_eq!(compared["instructions"]["claim"], "more", "{compared}");
    assert!(compared["instructions"]["ratio_low"].as_f64() > Some(1.5), "{compared}");
    let text = gate.hotpath(&["compare", "before", "after"]).run().expect_code(0).stdout;
    assert!(text.contains("instructions") && text.contains("by callgrind)"), "{text}");
    // A baseline keeps them, and a check says them.
    let _ = gate.hotpath(&["baseline", "save", "--run", "before"]).run().expect_code(0);
    let same = gate.hotpath(&["compare", "default", "before", "--format", "json"]).run();
    let same = same.expect_code(0).json();
    assert_eq!(same["instructions"]["claim"], "none", "{same}");
    let checked = gate.hotpath(&["check", "before"]).run().expect_code(0).stdout;
    assert!(checked.contains(" by callgrind, in user space, probes included; "), "{checked}");
}

#[test]
fn where_callgrind_cannot_count_the_reason_is_said() {
    let gate = gate();
    let dir = tempfile::tempdir().unwrap();
    let valgrind = dir.path().join("valgrind");
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
    let reason = |script: &str, args: &[&str]| {
        fs::write(&valgrind, script).unwrap();
        fs::set_permissions(&valgrind, fs::Permissions::from_mode(0o755)).unwrap();
        let run = ["run", "--bin", "gate", "--runs", "1", "--format", "json"];
        let run = gate.hotpath(&run).args(["--instructions=callgrind"]).args(args);
        let report = run.env("PATH", &path).run().expect_code(0).json();
        assert_eq!(counts(&report), [None]);
        report["totals"]["instructions"]["reason"].as_str().expect("a reason").to_owned()
    };
    assert_eq!(reason("#!/bin/sh\nexit 1\n", &[]), "`valgrind --version` fails");
    let broken = "#!/bin/sh\n[ \"$1\" = --version ] || exit 7\n";
    assert_eq!(reason(broken, &[]), "under callgrind the workload exited with code 7");
    assert_eq!(reason("#!/bin/sh\n", &[]), "callgrind left no count");
    let driven = reason("#!/bin/sh\n", &["--duration", "10s"]);
    assert!(driven.starts_with("a workload that is driven or stopped"), "{driven}");
}
