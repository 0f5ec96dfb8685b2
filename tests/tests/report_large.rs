//! The report of a large run: the same bytes every time, and soon there.
//!
//! `cargo test --release --package hotpath-tests --test report_large -- --ignored --nocapture` prints how
//! long it takes for 5,000 sites in 200,000 lines.

use std::path::Path;
use std::time::Instant;

use hotpath_tests::Hotpath;
use hotpath_tests::large::{self, DENSE, PUBLISHED, SITES, Size};

/// What the report of 5,000 sites may take, in seconds.
const MOST_SECONDS: f64 = 2.0;

/// The report as JSON, and how long it took in seconds.
fn report(root: &Path) -> (String, f64) {
    let start = Instant::now();
    let finished =
        Hotpath::new(root, &["report", "--all", "--format", "json"]).run().expect_code(0);
    (finished.stdout, start.elapsed().as_secs_f64())
}

#[test]
fn the_same_run_gives_the_same_report_each_time() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    large::write_sources(root, &Size { files: 4, functions: 3, lines: PUBLISHED });
    let profile = large::profile(root);
    assert_eq!(profile.rows.len(), 4 * 3 * SITES);
    large::store(root, &profile);
    let (first, _) = report(root);
    let parsed: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert!(parsed["findings"].as_array().unwrap().len() >= 12, "{first}");
    for _ in 0..3 {
        assert!(report(root).0 == first, "two reports of one run differ");
    }
}

/// Median and all of seven reports of 5,000 sites in 200,000 such lines, in seconds.
fn times(lines: &'static [&'static str]) -> (f64, Vec<f64>) {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    large::write_sources(root, &Size { files: 200, functions: 5, lines });
    let profile = large::profile(root);
    assert_eq!(profile.rows.len(), 5_000);
    large::store(root, &profile);
    let mut times: Vec<f64> = (0..7).map(|_| report(root).1).collect();
    times.sort_by(f64::total_cmp);
    (times[3], times)
}

#[test]
#[ignore = "times the report: needs --release and an idle machine"]
fn five_thousand_sites_in_two_hundred_thousand_lines_take_no_two_seconds() {
    for (what, lines) in [("7 tokens a line", PUBLISHED), ("18 tokens a line", DENSE)] {
        let (median, all) = times(lines);
        println!(
            "report of 5000 sites in 200000 lines, {what}: median {median:.2} s, all {all:.2?}"
        );
        assert!(lines == DENSE || median < MOST_SECONDS, "{all:?}");
    }
}
