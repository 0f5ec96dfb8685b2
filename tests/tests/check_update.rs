//! What `check` and `baseline` do to files, and which arguments they refuse.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use hotpath_tests::Gate;

const TIGHT: &str = "[budget]\n\"gate::parse\" = { allocs_per_call = 3 }\n";

fn gate() -> Gate {
    Gate::alone("gate update")
}

#[test]
fn changes_are_said_however_quiet() {
    let gate = gate();
    gate.configure(TIGHT);
    let said = gate.check(&["--update", "-q"]).expect_code(0).stderr;
    assert!(said.contains("hotpath.toml: `gate::parse` allocs_per_call 3 -> 4"), "{said}");
    assert!(said.contains("Saving baseline `default`"), "{said}");
    let said = gate.check(&["--update", "-q"]).expect_code(0).stderr;
    assert!(said.contains("default -> this run"), "{said}");
    assert!(said.contains("Replacing baseline `default`"), "{said}");
    let save = ["baseline", "save", "-q", "--run", gate.stored()];
    let said = gate.hotpath(&save).run().expect_code(0).stderr;
    assert!(said.contains("default -> base") && said.contains("no difference in "), "{said}");
    let said = gate.hotpath(&["baseline", "rm", "default", "-q"]).run().expect_code(0).stderr;
    assert!(said.contains("Removed baseline `default`"), "{said}");
}

#[test]
fn a_baseline_is_not_replaced_by_one_of_another_program() {
    let gate = gate();
    let _ = gate.hotpath(&["baseline", "save", "--run", gate.stored()]).run().expect_code(0);
    let before = fs::read_to_string(gate.baseline()).unwrap();
    let _ = gate.hotpath(&["run", "--bin", "made", "--runs", "1", "--save", "made"]).run();
    let save = gate.hotpath(&["baseline", "save", "--run", "made"]).run().expect_code(2);
    assert!(
        save.stderr
            .contains("baseline `default` is of bin `gate` of package `gate`, and the run is of"),
        "{}",
        save.stderr
    );
    assert!(save.stderr.contains("cargo hotpath baseline rm default"), "{}", save.stderr);
    assert_eq!(fs::read_to_string(gate.baseline()).unwrap(), before);
    let _ = gate.hotpath(&["baseline", "save", "made", "--run", "made"]).run().expect_code(0);
}

#[test]
fn an_update_changes_all_its_files_or_none() {
    let gate = gate();
    gate.configure(TIGHT);
    // There is no such place: it can be read as no baselines, and not be written.
    symlink("no/such/place.json", gate.baseline()).unwrap();
    let update = gate.check(&["--update"]).expect_code(74);
    assert!(update.stderr.contains("hotpath-baseline.json"), "{}", update.stderr);
    assert_eq!(gate.configuration(), TIGHT, "{}", update.stderr);
}

#[test]
fn read_only_files_stay_as_they_are() {
    let gate = gate();
    gate.configure(TIGHT);
    let file = gate.root.join("hotpath.toml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
    let update = gate.check(&["--update"]).expect_code(74);
    assert!(update.stderr.contains("read-only"), "{}", update.stderr);
    assert_eq!(gate.configuration(), TIGHT);
    assert!(!gate.baseline().exists(), "all or none");
}

#[test]
fn links_stay_links_and_modes_stay() {
    let gate = gate();
    let dir = tempfile::tempdir().unwrap();
    let [config, baseline] = ["shared.toml", "shared.json"].map(|name| dir.path().join(name));
    fs::write(&config, TIGHT).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&config, gate.root.join("hotpath.toml")).unwrap();
    symlink(&baseline, gate.baseline()).unwrap();
    let _ = gate.check(&["--update"]).expect_code(0);
    for link in [gate.root.join("hotpath.toml"), gate.baseline()] {
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "{}", link.display());
    }
    assert!(fs::read_to_string(&config).unwrap().contains("allocs_per_call = 4"));
    assert_eq!(fs::metadata(&config).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::read_to_string(&baseline).unwrap().contains("\"gate::parse\": {"));
}

#[test]
fn what_says_how_to_build_and_run_is_refused_with_stored_runs() {
    let gate = gate();
    gate.configure("[budget]\n\"gate::parse\" = { allocs_per_call = 4 }\n");
    for (args, flag) in [
        (&["--bin", "own"][..], "`--bin`"),
        (&["--runs", "7"], "`--runs`"),
        (&["--save", "other"], "`--save`"),
        (&["--dev"], "`--dev`"),
        (&["--", "unsteady"], "arguments for the workload"),
    ] {
        let refused = gate.check(args).expect_code(2).stderr;
        assert!(refused.contains(&format!("{flag} can't be used with stored runs")), "{refused}");
    }
    // What is set for all commands doesn't get in the way of this one.
    let check = gate.hotpath(&["check", gate.stored(), "--offline"]);
    let _ = check.env("CARGO_HOTPATH_RUNS", "7").run().expect_code(0);
}

#[test]
fn stored_runs_are_judged_together_where_they_are_of_the_same_thing() {
    let gate = gate();
    gate.configure("[budget]\n\"gate::parse\" = { allocs_per_call = 4 }\n");
    let run = |name: &str, args: &[&str]| {
        let run = ["run", "--bin", "gate", "--runs", "2", "--save", name];
        let _ = gate.hotpath(&run).args(args).run().expect_code(0);
    };
    run("more", &[]);
    let both = gate.check(&["more", "--format", "json"]).expect_code(0).json();
    assert_eq!(both["runs"].as_array().unwrap().len(), 5, "all that was judged");
    run("other", &["--", "unsteady"]);
    let refused = gate.check(&["other"]).expect_code(2).stderr;
    assert!(refused.contains("aren't of the same thing: arguments `` and `unsteady`"), "{refused}");
    let twice = gate.check(&["base"]).expect_code(2).stderr;
    assert!(twice.contains("is named twice"), "{twice}");
}

#[test]
fn functions_that_the_source_does_not_show_have_budgets() {
    let gate = gate();
    let check = |text: &str| {
        gate.configure(text);
        gate.hotpath(&["check", "--bin", "made", "--runs", "1"]).run()
    };
    let kept = check("[budget]\n\"made::made\" = { allocs_per_call = 1 }\n").expect_code(0);
    assert!(kept.stdout.contains("made::made"), "{}", kept.stdout);
    let broken = check("[budget]\n\"made::made\" = { allocs_per_call = 0 }\n").expect_code(1);
    assert!(broken.stdout.contains("allocs_per_call of `made::made`"), "{}", broken.stdout);
    // What the source would have to show is said before the build, and an error after the run.
    let wrong = check("[budget]\n\"made::waitd\" = { allocs = 3 }\n").expect_code(2).stderr;
    let first = wrong.find("warning: ").expect("a warning");
    assert!(first < wrong.find("Running").expect("it runs"), "{wrong}");
    assert!(wrong.contains("error: ") && wrong.contains("did you mean `made::waited`?"), "{wrong}");
}

#[test]
fn figures_of_async_functions_alone_are_refused_for_others() {
    let gate = gate();
    let check = |text: &str| {
        gate.configure(text);
        gate.hotpath(&["check", "--bin", "made", "--runs", "1"]).run()
    };
    let _ =
        check("[budget]\n\"made::waited\" = { polls_per_call = 1, future_bytes = \"1 KiB\" }\n")
            .expect_code(0);
    for (metric, limit) in [("polls_per_call", "1"), ("future_bytes", "\"64 B\"")] {
        let wrong = check(&format!("[budget]\n\"made::made\" = {{ {metric} = {limit} }}\n"));
        let wrong = wrong.expect_code(2).stderr;
        let expected = format!(
            "`{metric}` of `made::made` can't be judged: it is measured of async functions only"
        );
        assert!(wrong.contains(&expected), "{wrong}");
        assert!(wrong.contains("help: "), "{wrong}");
    }
    gate.configure("");
    let wrong = gate.hotpath(&["check", "--bin", "polled", "--runs", "1"]).run().expect_code(2);
    assert!(
        wrong
            .stderr
            .contains("`polls_per_call` of `polled::label` can't be judged: it is measured of"),
        "{}",
        wrong.stderr
    );
}
