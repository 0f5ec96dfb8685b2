//! Counts that are known beforehand, and times that must add up.

use hotpath_tests::{Hotpath, Report, Workspace, number};

fn command(binary: &str) -> Hotpath {
    let workspace = Workspace::shared("truth");
    let flags = ["run", "--format", "json", "--runs", "1", "--bin", binary];
    Hotpath::new(&workspace.root, &flags)
}

fn run(binary: &str) -> Report {
    command(binary).run().expect_code(0).report()
}

#[test]
fn recursion_panics_and_early_returns_are_counted_exactly() {
    let report = run("calls");

    // 7 calls from outside, 10 levels each below them; one box a level.
    let countdown = report.function("countdown");
    assert_eq!(countdown["calls"], 77);
    assert_eq!(countdown["allocs"], 77);
    assert_eq!(countdown["self_allocs"], 77);
    assert_eq!(countdown["alloc_bytes"], 77 * 8);

    // even(0), even(2) .. even(8): n + 1 calls in turn, starting with `even`.
    assert_eq!(report.function("even")["calls"], 1 + 2 + 3 + 4 + 5);
    assert_eq!(report.function("odd")["calls"], 1 + 2 + 3 + 4);

    // The vector of every call, the message of every third is the panic machinery's.
    let shaky = report.function("shaky");
    assert_eq!(shaky["calls"], 30);
    let leaf = report.function("leaf");
    assert_eq!(leaf["calls"], 30);
    assert_eq!(leaf["allocs"], 0);
    assert_eq!(report.edge("main", "leaf")["calls"], 30);
    assert_eq!(report.edge("main", "shaky")["calls"], 30);

    let parse = report.function("parse");
    assert_eq!(parse["calls"], 5);
    assert_eq!(parse["allocs"], 3);
    assert_eq!(parse["alloc_bytes"], 3 * 4);

    report.assert_shares_are_sane();
}

#[test]
fn async_allocations_are_exact_on_four_workers() {
    let report = run("tasks");
    let step = report.function("step_five_times");
    assert_eq!(step["calls"], 50);
    assert_eq!(step["self_allocs"], 50 * 5 * 3);
    assert_eq!(step["self_alloc_bytes"], 50 * 5 * 3 * 100);
    assert_eq!(step["async"]["polls"], 50 * 6);
    assert_eq!(step["async"]["cancelled"], 0);

    let abandoned = report.function("abandoned");
    assert_eq!(abandoned["calls"], 4);
    assert_eq!(abandoned["async"]["polls"], 4);
    assert_eq!(abandoned["async"]["cancelled"], 4);
    assert_eq!(abandoned["self_allocs"], 4);

    let ready = report.function("ready");
    assert_eq!(ready["async"]["polls"], 4);
    assert_eq!(ready["async"]["cancelled"], 0);

    let waits = report.site("step_five_times", "await");
    assert_eq!(waits["count"], 250);
    report.assert_shares_are_sane();
}

/// The same run held against two clocks that the probes don't read. Wall time holds on a busy machine
/// too, as what other programs had of the processor is in the sums as well. CPU time doesn't: it is
/// compared in runs that nothing disturbed, if there is one.
#[test]
fn self_and_outside_times_add_up_to_wall_and_cpu_time() {
    let (mut least_off, mut undisturbed) = (f64::INFINITY, false);
    for attempt in 0..10 {
        let report = run("sums");
        report.assert_shares_are_sane();
        let wall = number(&report["totals"]["wall_ns"]);
        let cpu = number(&report["totals"]["cpu_ns"]);
        let sum = report.accounted_ns();
        let off = off_wall_time(&report);
        println!("{sum} ns of {wall} ns of wall time, off by {off:.4}; {cpu} ns of CPU time");
        let outside = number(&report["totals"]["outside_ns"]);
        assert!(outside > wall / 20.0, "the loop in main lies outside of all measured functions");
        if attempt < WALL_ATTEMPTS {
            least_off = least_off.min(off);
        }
        if (wall - cpu) / wall < 0.02 {
            undisturbed = true;
            assert!((sum / cpu - 1.0).abs() < 0.03, "{sum} ns against {cpu} ns of CPU time");
        }
        if undisturbed && least_off < 0.03 {
            return;
        }
    }
    assert!(least_off < 0.03, "wall time is off by {least_off:.4} at least");
    println!("CPU time: skipped, never undisturbed");
}

/// Runs that are made for one with sums that add up: between two readings of its clock that belong
/// together a thread may lose the processor.
const WALL_ATTEMPTS: u32 = 5;

/// What all parts of a run together are off its wall time.
fn off_wall_time(report: &Report) -> f64 {
    let parts = report.accounted_ns() + number(&report["quality"]["cold_ns"]);
    (parts / number(&report["totals"]["wall_ns"]) - 1.0).abs()
}

/// Where threads outnumber processors, wall time is no measure of what they computed: what the tasks'
/// polls had of the processor, and what lies outside of them, is measured by the threads' own clocks.
/// How often those are read depends on what that costs: where the sample says that it tells no 5 %, the
/// program runs for longer.
#[test]
#[cfg(target_os = "linux")]
fn what_tasks_and_the_rest_computed_adds_up_to_cpu_time() {
    for seconds in ["2", "6", "18"] {
        let finished = command("crowded").args(["--", seconds]).run().expect_code(0);
        let report = finished.report();
        report.assert_shares_are_sane();
        let total = |name: &str| number(&report["totals"][name]);
        let cpu = total("cpu_ns");
        let error = report["totals"]["outside_cpu_error_ns"].as_f64();
        if error.is_none_or(|error| error > 0.05 * cpu) {
            println!("{seconds} s: likely error {error:?} of {cpu:.0} ns of CPU time");
            continue;
        }
        let mut said = finished.stderr.lines().filter_map(|line| line.trim().parse::<f64>().ok());
        let [own, threads] = [(); 2].map(|()| said.next().expect("it says so"));
        let (busy, outside) = (total("busy_cpu_ns"), total("outside_cpu_ns"));
        let took = number(&report.function("handle")["self_ns"]);
        println!(
            "{seconds} s: polls took {took:.0} ns and ran {busy:.0}, by the program {own:.0}: {:.3}; with \
             {outside:.0} outside {:.3} of {cpu:.0} ns of CPU time, likely error {error:?}",
            busy / own,
            (busy + outside) / cpu
        );
        assert!(took > 1.2 * own, "it never waited for a processor");
        // What the probes' readings take themselves is neither, though the program and the system count it:
        // of a thread's time, with a processor or without, that share at most.
        let looks = 0.004 * threads * total("wall_ns");
        let is_about = |ns: f64, known: f64| (0.95 * known - looks..1.05 * known).contains(&ns);
        assert!(is_about(busy, own), "{busy} ns, by the program itself {own}, looks {looks}");
        assert!(is_about(busy + outside, cpu), "{busy} + {outside} of {cpu} ns, looks {looks}");
        return;
    }
    panic!("the sample never told as much");
}

/// What an attribute of a runtime makes of an `async fn` waits for it: that is no time of its own.
#[test]
fn waiting_in_a_runtime_is_no_time_of_main() {
    let report = command("channels").args(["--auto"]).run().expect_code(0).report();
    let main = report.function("main");
    assert_ne!(main["async"], serde_json::Value::Null, "{main}");
}

/// The slower clock gives the same sums.
#[test]
fn times_add_up_on_the_systems_clock() {
    let mut all_off = Vec::new();
    for _ in 0..WALL_ATTEMPTS {
        let system = command("sums").env("CARGO_HOTPATH_CLOCK", "system");
        let report = system.run().expect_code(0).report();
        report.assert_shares_are_sane();
        let is_said = |note: &str| note.contains("CARGO_HOTPATH_CLOCK=system");
        assert!(report.notes().any(is_said), "{report:?}");
        let off = off_wall_time(&report);
        if off < 0.03 {
            return;
        }
        all_off.push(off);
    }
    panic!("off wall time by {all_off:.4?}");
}

#[test]
fn an_unknown_clock_is_refused_by_name() {
    let finished = command("sums").env("CARGO_HOTPATH_CLOCK", "sundial").run().expect_code(2);
    assert!(finished.stderr.contains("sundial"), "{}", finished.stderr);
    assert!(finished.stderr.contains("`system`"), "{}", finished.stderr);
}

#[test]
fn what_a_function_returns_is_measured_beyond_its_making() {
    let report = run("returned");

    // 10 futures, one of which is ready at once; a box for each, two blocks in 9 of them.
    let boxed = report.function("boxed");
    assert_eq!(boxed["calls"], 10);
    assert_eq!(boxed["async"]["polls"], 9 * 2 + 1);
    assert_eq!(boxed["self_allocs"], 10 + 9 * 2);
    assert_eq!(boxed["async"]["cancelled"], 0);

    // 10 completed; one was made and never polled, which is no call.
    let opaque = report.function("opaque");
    assert_eq!(opaque["calls"], 10);
    assert_eq!(opaque["async"]["polls"], 20);
    assert_eq!(opaque["self_allocs"], 11 + 10);

    // Two makings; 5 items and the end, then 3 items and the end through `rev`.
    let vectors = report.function("vectors");
    assert_eq!(vectors["calls"], 2 + 6 + 4);
    assert_eq!(vectors["self_allocs"], 5 + 3);
    // The making and 5 polls, 4 of which give an item; two makings with 3 and 2 polls.
    for (name, makings, polls) in [("streamed", 1, 5), ("streamed_of_self", 2, 3 + 2)] {
        let streamed = report.function(name);
        assert_eq!(streamed["calls"], makings + polls);
        assert_eq!(streamed["self_allocs"], makings + polls - makings);
    }
    assert_eq!(report.function("other")["calls"], 1);

    assert_eq!(vectors["async"], serde_json::Value::Null);

    // What it boxes is not found in its tail: it is a call, and the block is polled on its own.
    let spawns = report.function("spawns");
    assert_eq!(spawns["calls"], 1);
    assert_eq!(spawns["self_allocs"], 1);
    let block = report.function("{async#0}");
    assert_eq!(block["calls"], 1);
    assert_eq!(block["async"]["polls"], 2);
    assert_eq!(block["self_allocs"], 1);
    assert_eq!(block["from_macro"], false);

    for name in ["taken", "taken_later"] {
        let taken = report.function(name);
        assert_eq!(taken["calls"], 10, "{name}");
        assert_eq!(taken["self_allocs"], 20, "{name}: `self` and the argument go inside");
    }
    report.assert_shares_are_sane();
}

#[test]
fn functions_that_agree_in_name_and_place_stay_apart() {
    let report = run("identity");
    let calls = |name: &str| {
        let named = |function: &&serde_json::Value| {
            function["path"].as_str().and_then(|path| path.rsplit("::").next()) == Some(name)
        };
        let found = report.functions().iter().filter(named);
        let mut calls: Vec<u64> =
            found.map(|function| function["calls"].as_u64().expect("a number")).collect();
        calls.sort_unstable();
        calls
    };
    assert_eq!(calls("shared"), [1, 2, 3]);
    assert_eq!(calls("describe"), [4, 5, 6, 7]);
    assert_eq!(calls("cloned"), [17]);
    let ids: std::collections::BTreeSet<&str> =
        report.functions().iter().filter_map(|function| function["id"].as_str()).collect();
    assert_eq!(ids.len(), report.functions().len());
}

/// A wait for a lock is one thing, how long it is held another.
#[test]
fn guards_are_held_as_long_as_they_live() {
    let finished = command("locks").run().expect_code(0);
    let report = finished.report();
    // What the program says itself: how long a function waited for its lock, and held it.
    let known = |function: &str| {
        let fields = finished.stderr.lines().find_map(|line| line.strip_prefix(function));
        let mut fields = fields.expect("it says so").split_whitespace().map(str::parse::<f64>);
        [(); 2].map(|()| fields.next().expect("a figure").expect("a number"))
    };
    let is_about = |ns: f64, known: f64| (ns / known - 1.0).abs() < 0.1;

    let long = number(&report.site("holds_long", "lock")["hold_ns"]);
    let [_, held] = known("holds_long");
    assert!(held >= 100e6 && is_about(long, held), "{long}, by the program itself {held}");
    let short = report.site("holds_short", "lock");
    let (waits, holds) = (number(&short["self_ns"]), number(&short["hold_ns"]));
    // It waits for what the other holds.
    let [waited, held] = known("holds_short");
    assert!(is_about(waits, waited), "{short}, by the program itself {waited}");
    assert!(holds < held + waits / 10.0, "{short}, by the program itself {held}");
    assert_eq!(report.site("statement", "lock")["hold_ns"].as_f64(), None);
    // Four tasks wait for one.
    let across = report.site("across", "await");
    let [waited, held] = known("across");
    let holds = number(&across["hold_ns"]);
    assert!(held >= 40e6 && is_about(holds, held), "{across}, by the program itself {held}");
    let waits = number(&across["wait_ns"]);
    assert!(waited > 0.0 && is_about(waits, waited), "{across}, by the program itself {waited}");
}

/// Only what was sent and waited is said to have.
#[test]
fn messages_that_wait_are_told_from_those_that_seem_to() {
    let workspace = Workspace::shared("truth");
    let flags = ["run", "--format", "json", "--runs", "1", "--bin", "channels", "--all"];
    let report = Hotpath::new(&workspace.root, &flags).run().expect_code(0).report();
    let findings = report.findings().iter().filter(|it| it["rule"] == "unbounded-channel");
    let findings: Vec<_> = findings.collect();
    let titles: Vec<&str> = findings.iter().filter_map(|it| it["title"].as_str()).collect();
    assert_eq!(titles, ["5 000 messages of `Kept` waited in a channel without bound"]);
    let problem = findings[0]["problem"].as_str().expect("a text");
    assert!(problem.ends_with("; 0 never were."), "{problem}");
}
