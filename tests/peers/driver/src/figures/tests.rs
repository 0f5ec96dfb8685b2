//! What programs print, and what becomes of it.

use super::{Figures, parse};

fn assert_near(value: Option<f64>, expected: f64) {
    let value = value.expect("it was measured");
    assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
}

#[test]
fn ratios_are_of_the_median_process_and_times_of_the_fastest() {
    let figures = Figures::of_text("leaf 40 2\nleaf 80 2.1\nleaf 44 2.2\n");
    assert_near(figures.added("leaf"), 40.0);
    assert_near(figures.ratio("leaf"), 2.1);
    let (least, greatest) = figures.spread("leaf").expect("it was measured");
    assert_near(Some(least), 2.0);
    assert_near(Some(greatest), 2.2);
}

#[test]
fn what_a_peer_does_not_have_is_none() {
    let figures = Figures::of_text("leaf 20 1\npair 3.5 -\nthreads 11 1.1\n");
    assert_near(figures.added("pair"), 3.5);
    assert_eq!(figures.ratio("pair"), None);
    assert_eq!(figures.added("async"), None);
    assert_eq!(figures.spread("async"), None);
    assert_near(figures.ratio("threads"), 1.1);
}

#[test]
fn a_line_that_is_no_figure_is_an_error() {
    for text in ["leaf", "leaf 20", "leaf x 40", "leaf 20 y", "leaf - 20", "\n"] {
        assert!(parse("peer", text).is_err(), "{text:?}");
    }
}
