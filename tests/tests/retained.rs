//! What a program retains at its end, by site, and since when.

use hotpath_tests::{Finished, Hotpath, Workspace, number};
use serde_json::Value;

fn run(flags: &[&str]) -> Finished {
    let workspace = Workspace::shared("leaky");
    Hotpath::new(&workspace.root, &["run", "--runs", "1"]).args(flags).run().expect_code(0)
}

/// The same, once more where the program was so late with anything that this is from another part of the
/// run than it was meant for.
fn run_in_time(flags: &[&str]) -> Finished {
    for _ in 0..10 {
        let finished = run(flags);
        let late = finished.stderr.lines().find_map(|line| line.trim().strip_prefix("late by "));
        let late: f64 = late.expect("it says so").parse().expect("a number");
        if late <= 50e6 {
            return finished;
        }
        println!("late by {late} ns");
    }
    panic!("it never was in time");
}

/// The entry of a function's site.
fn site<'r>(sites: &'r [Value], function: &str) -> &'r Value {
    let of = |site: &&Value| {
        site["path"].as_str().is_some_and(|path| path.ends_with(function))
            && !site["kind"].is_null()
    };
    let mut found = sites.iter().filter(of);
    let site = found.next().unwrap_or_else(|| panic!("no site of {function}: {sites:#?}"));
    assert!(found.next().is_none(), "{sites:#?}");
    site
}

/// The estimate lies within a few of its standard errors, which is not large itself.
fn assert_estimate(site: &Value, real: f64) {
    let (bytes, error) = (number(&site["bytes"]), number(&site["error_bytes"]));
    assert!(error > 0.0 && error < 0.1 * real, "{site}");
    assert!((bytes - real).abs() < 5.0 * error, "{site}");
}

#[test]
fn a_leak_a_cache_and_what_is_freed_are_told_apart() {
    let report = run_in_time(&["--format", "json", "--retained=8KiB"]).report();
    let retained = &report["retained"];
    assert_eq!(
        (number(&retained["period_bytes"]), &retained["dropped_blocks"]),
        (8192.0, &0.into())
    );
    let sites = retained["sites"].as_array().expect("a list");

    let leak = site(sites, "::serve");
    assert_estimate(leak, 8e6);
    assert_eq!(leak["text"], "session.to_owned()");
    let born: Vec<f64> = leak["born_bytes"].as_array().unwrap().iter().map(number).collect();
    assert!(born.iter().all(|bytes| *bytes > 1e6), "{leak}");

    let cache = site(sites, "::fill_cache");
    assert_estimate(cache, 4e6);
    let born: Vec<f64> = cache["born_bytes"].as_array().unwrap().iter().map(number).collect();
    assert!(born[0] > 3e6 && born[1..].iter().sum::<f64>() == 0.0, "{cache}");

    // Nothing else: the copies of pages were freed.
    let named = number(&leak["bytes"]) + number(&cache["bytes"]);
    assert!(number(&retained["bytes"]) < 1.1 * named, "{retained}");
}

#[test]
fn people_see_it_when_they_ask() {
    let text = run_in_time(&["--retained=8KiB"]).stdout;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, section) = text.split_once("Retained memory").unwrap_or_else(|| panic!("{text}"));
    assert!(section.contains("session.to_owned()"), "{section}");
    assert!(section.contains("grows with the run"), "{section}");
    assert!(!run(&[]).stdout.contains("Retained memory"));
}

#[test]
fn nobody_asked_is_null_and_the_allocators_cost_is_there() {
    let report = run(&["--format", "json"]).report();
    assert!(report["retained"].is_null());
    let classes = report["allocator"].as_array().expect("a counting allocator ran");
    let class = classes.iter().find(|class| class["max_bytes"] == 1024).expect("of sessions");
    assert!(number(&class["alloc"]["timed"]) > 5.0, "{class}");
    assert!(number(&class["alloc"]["mean_ns"]) > 0.0, "{class}");
}

#[test]
fn a_size_that_is_none_is_refused() {
    let workspace = Workspace::shared("leaky");
    let flags = ["run", "--retained=0"];
    let finished = Hotpath::new(&workspace.root, &flags).run().expect_code(2);
    assert!(finished.stderr.contains("--retained"), "{}", finished.stderr);
}
