//! `check`, `baseline` and `compare` on a small program: verdicts, errors, updates and the formats of CI.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use hotpath_tests::{Finished, Hotpath, Workspace};
use serde_json::Value;

/// The tests share one workspace, whose configuration and baselines each writes.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for file in ["hotpath.toml", "hotpath-baseline.json"] {
        let _ = fs::remove_file(root().join(file));
    }
    guard
}

fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| Workspace::shared("gate").root)
}

fn hotpath(args: &[&str]) -> Hotpath {
    Hotpath::new(root(), args)
}

fn baseline() -> PathBuf {
    root().join("hotpath-baseline.json")
}

fn configure(text: &str) {
    fs::write(root().join("hotpath.toml"), text).unwrap();
}

/// A run that is made once.
fn stored() -> &'static str {
    static STORED: OnceLock<()> = OnceLock::new();
    STORED.get_or_init(|| {
        let _ = hotpath(&["run", "--bin", "gate", "--runs", "3", "--save", "base"])
            .run()
            .expect_code(0);
    });
    "base"
}

fn check(args: &[&str]) -> Finished {
    hotpath(&["check", stored()]).args(args).run()
}

fn of<'v>(report: &'v Value, target: &str, metric: &str) -> &'v Value {
    let budgets = report["budgets"].as_array().unwrap();
    let found = budgets.iter().find(|it| it["target"] == target && it["metric"] == metric);
    found.unwrap_or_else(|| panic!("no {metric} of {target}: {budgets:#?}"))
}

/// What a check says that is to be the same each time.
#[derive(Debug, PartialEq)]
struct Said {
    /// Calls and allocations of every function that is steady.
    counts: Vec<String>,
    /// Every verdict, that on steady functions with its figure.
    verdicts: Vec<String>,
    /// Functions that are called unsteady.
    unsteady: BTreeSet<String>,
}

fn said(report: &Value) -> Said {
    let budgets = report["budgets"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let unsteady = budgets.iter().filter(|it| it["unsteady"] == true);
    let unsteady: BTreeSet<String> = unsteady.map(|it| text(&it["target"])).collect();
    let functions = report["functions"].as_array().unwrap();
    let mut counts: Vec<String> = functions
        .iter()
        .filter(|it| !unsteady.contains(it["path"].as_str().unwrap()))
        .map(|it| format!("{} {} {} {}", it["path"], it["calls"], it["allocs"], it["alloc_bytes"]))
        .collect();
    counts.sort();
    let verdict = |it: &Value| {
        let is_steady = it["unsteady"] == false;
        let figure = if is_steady { it["actual"].to_string() } else { String::new() };
        format!("{} {} {} {} {figure}", it["target"], it["metric"], it["origin"], it["status"])
    };
    let warnings = report["quality"]["warnings"].as_array().unwrap();
    let warned = warnings.iter().filter(|it| it["id"] == "unsteady");
    let warned = warned.map(|it| text(&it["message"])).collect::<String>();
    for target in unsteady.iter().filter(|target| *target != "*") {
        assert!(warned.contains(&format!("`{target}`")), "{target} is not named: {warned}");
    }
    Said { counts, verdicts: budgets.iter().map(verdict).collect(), unsteady }
}

/// Set when one of its clones is dropped, also by a panic.
#[derive(Clone, Debug, Default)]
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// That many checks of the same program, with a core kept busy: all the same.
fn same_each_time(times: usize, arguments: &[&str], unsteady: &[&str]) {
    let _alone = alone();
    configure(
        "[budget]\n\"gate::*\" = { allocs_per_call = 2000 }\n\"*\" = { allocs = \"+0 %\" }\n",
    );
    let check = ["check", "--bin", "gate", "--format", "json"];
    let run = |args: &[&str]| {
        hotpath(&check).args(args).args(["--"]).args(arguments).run().expect_code(0).json()
    };
    let _ = run(&["--update"]);
    let is_over = Over::default();
    thread::scope(|scope| {
        // Whatever fails below, the core is given back, and the scope ends.
        let _ends = is_over.clone();
        scope.spawn(|| {
            while !is_over.0.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        let all: Vec<Said> = (0..times).map(|_| said(&run(&[]))).collect();
        assert!(!all[0].counts.is_empty() && !all[0].verdicts.is_empty());
        assert_eq!(all[0].unsteady.iter().map(String::as_str).collect::<Vec<_>>(), unsteady);
        for (index, other) in all.iter().enumerate() {
            assert_eq!(other, &all[0], "check {index}");
        }
    });
}

/// What of the fixture differs each time when it is told to; `main` is not measured.
const UNSTEADY: [&str; 2] = ["*", "gate::unsteady"];

#[test]
fn three_checks_beside_a_busy_core_say_the_same() {
    same_each_time(3, &[], &[]);
}

#[test]
fn three_checks_of_what_differs_each_time_say_the_same() {
    same_each_time(3, &["unsteady"], &UNSTEADY);
}

#[test]
#[ignore = "a minute"]
fn fifty_checks_beside_a_busy_core_say_the_same() {
    same_each_time(50, &[], &[]);
}

#[test]
#[ignore = "a minute"]
fn fifty_checks_of_what_differs_each_time_say_the_same() {
    same_each_time(50, &["unsteady"], &UNSTEADY);
}

#[test]
fn what_the_program_does_differently_each_time_is_told_apart() {
    let _alone = alone();
    configure(
        "[budget]\n\"gate::unsteady\" = { allocs = 2000 }\n\"gate::parse\" = { allocs_per_call = 9 }\n",
    );
    let args = ["check", "--bin", "gate", "--runs", "5", "--format", "json", "--", "unsteady"];
    let report = hotpath(&args).run().expect_code(0).json();
    let unsteady = of(&report, "gate::unsteady", "allocs");
    assert!(unsteady["actual_most"].as_f64() > unsteady["actual"].as_f64(), "{unsteady}");
    assert_eq!(unsteady["unsteady"], true);
    let parse = of(&report, "gate::parse", "allocs_per_call");
    assert_eq!((&parse["actual_most"], &parse["unsteady"]), (&parse["actual"], &false.into()));
    let warnings = report["quality"]["warnings"].as_array().unwrap();
    let said = warnings.iter().find(|it| it["id"] == "unsteady").expect("a warning");
    assert!(said["message"].as_str().unwrap().contains("`gate::unsteady`"), "{said}");
    assert!(!said["message"].as_str().unwrap().contains("`gate::parse`"), "{said}");
}

#[test]
fn a_broken_budget_is_exit_1_and_names_limit_actual_and_place() {
    let _alone = alone();
    configure(
        "[budget]\n\"gate::parse\" = { allocs_per_call = 3 }\n\"gate::tally\" = { allocs = 1e6 }\n",
    );
    let finished = check(&[]).expect_code(1);
    let text = &finished.stdout;
    assert!(text.contains("1 of 3 budgets broken: bin `gate`, 3 repetitions"), "{text}");
    assert!(text.contains("allocs_per_call  gate::parse"), "{text}");
    assert!(
        text.contains("allocs_per_call of `gate::parse` (src/main.rs:11) is 4, its limit is 3")
    );
    assert!(text.contains("--> src/main.rs:12:"), "{text}");
    let report = check(&["--format", "json"]).expect_code(1).json();
    let broken = of(&report, "gate::parse", "allocs_per_call");
    assert_eq!((&broken["limit"], &broken["status"]), (&3.0.into(), &"fail".into()));
    // That of the attribute.
    let label = of(&report, "gate::label", "allocs_per_call");
    assert_eq!((&label["origin"], &label["status"]), (&"attribute".into(), &"pass".into()));
    configure("[budget]\n\"gate::parse\" = { allocs_per_call = 4 }\n");
    let _ = check(&[]).expect_code(0);
}

#[test]
fn ci_formats_say_the_same_and_sarif_validates() {
    let _alone = alone();
    configure("[budget]\n\"gate::parse\" = { allocs_per_call = 3 }\n");
    let github = hotpath(&["check", stored(), "--format", "github"]);
    let github =
        github.env("GITHUB_WORKSPACE", root().to_str().unwrap()).run().expect_code(1).stdout;
    let first = github.lines().next().unwrap();
    assert!(first.starts_with("::error file=src/main.rs,line=12,col="), "{github}");
    let dir = tempfile::tempdir().unwrap();
    let summary = dir.path().join("summary.md");
    fs::write(&summary, "before\n").unwrap();
    let run = hotpath(&["check", stored(), "--format", "github"]);
    let _ = run.env("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()).run().expect_code(1);
    let text = fs::read_to_string(&summary).unwrap();
    assert!(text.starts_with("before\n## cargo hotpath: 1 of 2 budgets broken"), "{text}");
    let markdown = check(&["--format", "markdown"]).expect_code(1).stdout;
    assert!(markdown.contains("| FAIL | 3 | 4 | -33.3 % | allocs\\_per\\_call | `gate::parse` |"));
    let schema =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/data/sarif-schema-2.1.0.json"));
    // Its pattern of languages has a bracket too many, which is no regular expression of ECMA's.
    let schema = schema.unwrap().replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let schema = jsonschema::validator_for(&schema).expect("the schema compiles");
    let args: [&[&str]; 2] = [&["check", stored()], &["report", stored(), "--all"]];
    for (args, code) in args.into_iter().zip([1, 0]) {
        let log = hotpath(args).args(["--format", "sarif"]).run().expect_code(code).json();
        let errors: Vec<String> = schema.iter_errors(&log).map(|it| it.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        assert!(!log["runs"][0]["results"].as_array().unwrap().is_empty(), "{log}");
    }
    let broken = serde_json::json!({"version": "2.1.0", "runs": [{"tool": {}}]});
    assert!(!schema.is_valid(&broken), "the schema refuses something");
}

#[test]
fn the_first_call_is_no_part_of_what_a_call_costs() {
    let _alone = alone();
    configure("[budget]\n\"gate::lazily\" = { allocs_per_call = 1 }\n");
    let report = check(&["--format", "json"]).expect_code(0).json();
    assert_eq!(of(&report, "gate::lazily", "allocs_per_call")["actual"], 1.0);
}

#[test]
fn baselines_are_saved_listed_compared_and_removed() {
    let _alone = alone();
    let _ = hotpath(&["baseline", "save", "--run", stored()]).run().expect_code(0);
    let text = fs::read_to_string(baseline()).unwrap();
    let lines = text.lines().filter(|line| line.contains("\"gate::parse\": {"));
    assert_eq!(lines.count(), 2, "one of counts and one of times: {text}");
    let list = hotpath(&["baseline", "list"]).run().expect_code(0).stdout;
    assert!(list.starts_with("default  bin `gate` of package `gate`, "), "{list}");
    let list = hotpath(&["baseline", "list", "--format", "json"]).run().expect_code(0).json();
    assert_eq!(list["baselines"][0]["name"], "default");
    let kept = check(&[]).expect_code(0).stdout;
    assert!(kept.contains("not exceed the baseline"), "{kept}");
    let same = hotpath(&["compare", "default", stored()]).run().expect_code(0).stdout;
    assert!(same.contains("no difference in "), "{same}");
    let same = hotpath(&["compare", "default", stored(), "--format", "json"]).run().expect_code(0);
    assert_eq!(same.json()["functions"], serde_json::json!([]));
    // One that allocated less: every function that is there now allocates more.
    let line = text.lines().find(|line| line.contains("\"gate::parse\": {")).unwrap();
    let less = text.replacen(line, &line.replace("\"allocs\": 800", "\"allocs\": 700"), 1);
    assert_ne!(less, text);
    fs::write(baseline(), &less).unwrap();
    let broken = check(&[]).expect_code(1).stdout;
    assert!(
        broken.contains(
            "allocs of `gate::parse` (src/main.rs:11) is 800, its limit is 700 (baseline)"
        ),
        "{broken}"
    );
    let differs = hotpath(&["compare", "default", stored(), "--format", "markdown"]).run();
    let differs = differs.expect_code(0).stdout;
    assert!(differs.contains("700 -\\> 800 (+100)"), "{differs}");
    let unknown = hotpath(&["baseline", "rm", "defalt"]).run().expect_code(2);
    assert!(unknown.stderr.contains("did you mean `default`?"), "{}", unknown.stderr);
    let _ = hotpath(&["baseline", "rm", "default"]).run().expect_code(0);
    assert!(!baseline().exists());
}

#[test]
fn update_sets_limits_and_baseline_and_says_so() {
    let _alone = alone();
    let text = "# ours\n[budget]\n\"gate::parse\" = { allocs_per_call = 3 } # tight\n\"gate::tally\" = { allocs = 9000 }\n";
    configure(text);
    let finished = check(&["--update"]).expect_code(0);
    let said = &finished.stderr;
    assert!(said.contains("hotpath.toml: `gate::parse` allocs_per_call 3 -> 4"), "{said}");
    assert!(said.contains("Saving baseline `default`"), "{said}");
    let now = fs::read_to_string(root().join("hotpath.toml")).unwrap();
    assert!(
        now.starts_with("# ours\n[budget]\n\"gate::parse\" = { allocs_per_call = 4 } # tight\n"),
        "{now}"
    );
    assert!(now.contains("9000"), "what is kept stays: {now}");
    let again = check(&["--update"]).expect_code(0).stderr;
    assert!(!again.contains("Updating"), "{again}");
    let _ = check(&[]).expect_code(0);
}

const CONTRADICTORY: &str = "[budget]\n\"gate::*\" = { allocs = 3 }\n\"*::parse\" = { allocs = 4 }";

#[test]
fn bad_input_is_exit_2_and_nothing_is_overwritten() {
    let _alone = alone();
    for (text, code, expected) in [
        (
            "[budget]\n\"gate::prase\" = { allocs = 3 }",
            "unusable-budget",
            "did you mean `gate::parse`?",
        ),
        ("[budget]\n\"gate::main\" = { allocs = 3 }", "unusable-budget", "not measured"),
        ("[budget]\n\"gate::parse\" = { alocs = 3 }", "configuration", "did you mean `allocs`?"),
        ("[budget]\n\"gate::parse\" = { p99 = 3 }", "configuration", "has no unit"),
        (CONTRADICTORY, "unusable-budget", "different limits for `allocs`"),
        ("[budget]\n\"*\" = { allocs = \"+0 %\" }", "unusable-budget", "baseline"),
        ("[budget", "configuration", "hotpath.toml:1"),
    ] {
        configure(text);
        let finished = check(&["--format", "json"]).expect_code(2);
        assert_eq!(finished.json()["error"]["code"], code, "{text}");
        assert!(finished.stderr.contains(expected), "{text}: {}", finished.stderr);
        assert_eq!(fs::read_to_string(root().join("hotpath.toml")).unwrap(), text);
    }
    // What contradicts itself is known before anything is built.
    configure(CONTRADICTORY);
    let live = hotpath(&["check", "--bin", "gate"]).run().expect_code(2);
    assert!(live.stderr.contains("different limits for `allocs`"), "{}", live.stderr);
    assert!(!live.stderr.contains("Running"), "{}", live.stderr);
    configure("");
    for (text, expected) in [
        ("{\"version\": 1, \"baselines\": {", "damaged"),
        ("{\"version\": 77, \"baselines\": {}}", "version 77"),
    ] {
        fs::write(baseline(), text).unwrap();
        for args in [
            &["check", stored()][..],
            &["check", stored(), "--update"],
            &["baseline", "save", "--run", stored()],
            &["baseline", "list"],
            &["compare", "default", stored()],
        ] {
            let finished = hotpath(args).run().expect_code(2);
            assert!(finished.stderr.contains(expected), "{args:?}: {}", finished.stderr);
            assert_eq!(fs::read_to_string(baseline()).unwrap(), text, "{args:?}");
        }
    }
}

#[test]
fn another_toolchains_baseline_gives_allocations_and_a_warning_but_no_times() {
    let _alone = alone();
    let _ = hotpath(&["baseline", "save", "--run", stored()]).run().expect_code(0);
    let text = fs::read_to_string(baseline()).unwrap();
    let at = text.find("\"rustc\": \"").unwrap() + "\"rustc\": \"".len();
    let end = at + text[at..].find('"').unwrap();
    fs::write(baseline(), format!("{}rustc 1.0.0{}", &text[..at], &text[end..])).unwrap();
    configure("[budget]\n\"*\" = { wall = \"-99 %\" }\n");
    let finished = check(&[]).expect_code(0);
    assert!(
        finished.stdout.contains("warning[other-environment]: baseline `default` is of another")
    );
    assert!(finished.stdout.contains("warning[budget-not-judged]: `wall` of `*` was not held"));
    assert!(finished.stdout.contains("not exceed the baseline"), "{}", finished.stdout);
    let compared = hotpath(&["compare", "default", stored()]).run().expect_code(0).stdout;
    assert!(compared.contains("times are not compared"), "{compared}");
}

#[test]
fn without_a_counting_allocator_budgets_of_allocations_are_refused() {
    let _alone = alone();
    configure("[budget]\n\"own::label\" = { allocs_per_call = 1 }\n");
    let finished = hotpath(&["check", "--bin", "own", "--runs", "1"]).run().expect_code(2);
    assert!(
        finished.stderr.contains("`allocs_per_call` of `own::label` was not measured"),
        "{}",
        finished.stderr
    );
    assert!(finished.stderr.contains("hotpath_runtime::Allocator::new"), "{}", finished.stderr);
}

#[test]
fn nothing_to_check_and_a_workload_that_fails_are_no_success() {
    let _alone = alone();
    let nothing = hotpath(&["check", "--bin", "own", "--runs", "1"]).run().expect_code(2);
    assert!(nothing.stderr.contains("there is nothing to check"), "{}", nothing.stderr);
    configure("[budget]\n\"gate::parse\" = { allocs_per_call = 0 }\n");
    let failed =
        hotpath(&["check", "--bin", "gate", "--runs", "1", "--", "fail"]).run().expect_code(3);
    assert!(failed.stderr.contains("nothing was judged"), "{}", failed.stderr);
    let run = hotpath(&["check", "last"]).run().expect_code(2);
    assert!(run.stderr.contains("didn't end well"), "{}", run.stderr);
}

#[test]
fn a_baseline_of_another_program_is_refused() {
    let _alone = alone();
    let _ = hotpath(&["baseline", "save", "mine", "--run", stored()]).run().expect_code(0);
    let other = hotpath(&["check", "--bin", "own", "--runs", "1", "--baseline", "mine"]).run();
    let other = other.expect_code(2).stderr;
    assert!(other.contains("baseline `mine` is of bin `gate`"), "{other}");
    let unknown = check(&["--baseline", "mien"]).expect_code(2).stderr;
    assert!(unknown.contains("did you mean `mine`?"), "{unknown}");
}

#[test]
fn a_run_that_measured_no_allocations_neither_passes_a_baseline_nor_replaces_it() {
    let _alone = alone();
    let _ = hotpath(&["baseline", "save", "--run", stored()]).run().expect_code(0);
    // As if it had been kept before the program got an allocator of its own.
    let text = fs::read_to_string(baseline()).unwrap();
    let text = text.replace("\"name\": \"gate\"", "\"name\": \"own\"");
    fs::write(baseline(), &text).unwrap();
    let own = ["check", "--bin", "own"];
    for args in [&own[..], &["check", "--bin", "own", "--update"]] {
        let refused = hotpath(args).run().expect_code(2).stderr;
        assert!(refused.contains("baseline `default` has allocations"), "{refused}");
    }
    let refused = hotpath(&["baseline", "save"]).run().expect_code(2).stderr;
    assert!(refused.contains("baseline `default`"), "{refused}");
    assert!(refused.contains("hotpath_runtime::Allocator"), "{refused}");
    assert_eq!(fs::read_to_string(baseline()).unwrap(), text);
}

#[test]
fn a_broken_verdict_takes_more_repetitions_than_a_kept_one() {
    let _alone = alone();
    let runs = |finished: Finished| finished.json()["runs"].as_array().unwrap().len();
    let args = ["check", "--bin", "gate", "--runs", "3", "--format", "json"];
    configure("[budget]\n\"gate::parse\" = { allocs_per_call = 4 }\n");
    assert_eq!(runs(hotpath(&args).run().expect_code(0)), 3);
    configure("[budget]\n\"gate::parse\" = { allocs_per_call = 3 }\n");
    assert_eq!(runs(hotpath(&args).run().expect_code(1)), 9);
    let args = ["check", "--bin", "gate", "--runs", "1", "--update", "--format", "json"];
    let few = hotpath(&args).run().expect_code(0);
    assert!(few.stderr.contains("a verdict takes 3 repetitions at least, not 1"), "{}", few.stderr);
    assert_eq!(runs(few), 3);
}

#[test]
fn an_update_without_a_name_leaves_other_baselines_alone() {
    let _alone = alone();
    let _ = hotpath(&["baseline", "save", "mine", "--run", stored()]).run().expect_code(0);
    let mine = |text: &str| text[text.find("\"mine\": {").unwrap()..].to_owned();
    let before = mine(&fs::read_to_string(baseline()).unwrap());
    let _ = check(&["--update"]).expect_code(0);
    let after = fs::read_to_string(baseline()).unwrap();
    assert!(after.contains("\"default\": {"), "{after}");
    assert_eq!(mine(&after), before);
    let _ = check(&["--update"]).expect_code(0);
    assert_eq!(fs::read_to_string(baseline()).unwrap(), after, "nothing changed");
}
