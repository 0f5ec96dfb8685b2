//! Counts that are known beforehand, and times that must add up.

use hotpath_tests::{Report, Workspace};

fn run(binary: &str) -> Report {
    Workspace::in_place("truth").run(&["--bin", binary, "--runs", "1"]).report()
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

/// Not a speed test: the same run is held against two clocks that the probes don't read.
#[test]
fn self_and_outside_times_add_up_to_wall_and_cpu_time() {
    let report = run("sums");
    let own: u64 = report.functions().iter().map(|f| f["self_ns"].as_u64().unwrap()).sum();
    let outside = report["totals"]["outside_ns"].as_u64().unwrap();
    let wall = report["totals"]["wall_ns"].as_u64().unwrap();
    let cpu = report["totals"]["cpu_ns"].as_u64().expect("the system gives CPU time");
    let sum = (own + outside) as f64;
    let against_wall = (sum / wall as f64 - 1.0).abs();
    assert!(against_wall < 0.03, "{own} + {outside} ns against {wall} ns of wall time");
    // A busy machine takes the processor away; what was taken is in wall but not in CPU time.
    let taken = wall.saturating_sub(cpu) as f64;
    let against_cpu = ((sum - taken) / cpu as f64 - 1.0).abs();
    println!("sum {sum} wall {wall} cpu {cpu}: off by {against_wall:.4} and {against_cpu:.4}");
    assert!(outside > wall / 20, "the loop in main is outside of all measured functions");
    report.assert_shares_are_sane();
}
