use super::*;
use crate::facts::{Edge, FunctionFacts};

/// A parent with ten million calls of a child of this mean, in a process where a span of nothing
/// reads 10 ns.
fn facts(child_ns: u64) -> Facts {
    let calls = 10_000_000;
    let child = calls * child_ns;
    let parent = FunctionFacts {
        calls: 1,
        timed: 1,
        total_ns: child + 50_000_000,
        self_ns: 50_000_000,
        ..FunctionFacts::default()
    };
    let child = FunctionFacts {
        calls,
        timed: calls / 256,
        total_ns: child,
        self_ns: child,
        ..FunctionFacts::default()
    };
    let probes = ProbeCosts { inside_ns: 10.0, ..ProbeCosts::default() };
    let edges = vec![Edge { caller: Some(0), callee: 1, calls, total_ns: 0 }];
    Facts { probes, edges, functions: vec![parent, child], ..Facts::default() }
}

#[test]
fn short_calls_are_below_resolution_and_long_ones_are_not() {
    let is_below = |ns| of(&facts(ns))[1].is_below;
    assert!(is_below(1) && is_below(39));
    assert!(!is_below(40) && !is_below(200));
    assert!(!of(&facts(1))[0].is_below, "one long call");
}

#[test]
fn what_may_drift_grows_with_the_span_up_to_an_end() {
    let width = |ns: u64| {
        let bounds = of(&facts(ns))[1].total_ns;
        (bounds.1 - (ns * 10_000_000) as f64) / 1e7
    };
    assert!((width(4) - 21.0).abs() < 1e-6 && (width(200) - 70.0).abs() < 1e-6);
    assert!((width(100_000) - 80.0).abs() < 1e-6);
}

#[test]
fn what_leaves_the_children_may_be_in_their_parent() {
    let bounds = of(&facts(4));
    assert!(bounds[0].self_ns.0 <= 0.0);
    assert!((bounds[0].self_ns.1 - (50e6 + 210e6 + 80.0)).abs() < 1.0, "{bounds:?}");
    assert!(bounds[0].total_ns.1 - 90e6 <= 80.0, "its own ends are two");
}

#[test]
fn probes_are_taken_out_of_the_callers_time() {
    let mut facts = facts(4);
    facts.functions[0].self_ns = 500_000_000;
    facts.functions[0].nested = crate::facts::Nested { spans: 10_000_000, timed: 39_062 };
    facts.probes.function_untimed_ns = 2.0;
    let untimed = 2.0 * (10_000_000.0 - 39_062.0);
    let resolution = of(&facts)[0];
    let (low, high) = resolution.self_ns;
    assert!((high - (500e6 + 210e6 + 80.0)).abs() < 1.0, "{high}");
    assert!((low - (500e6 - 210e6 - 80.0 - 4.0 * untimed)).abs() < 1.0, "{low}");
    assert!((resolution.total_ns.0 - (90e6 - 80.0 - 4.0 * untimed)).abs() < 1.0);
}

#[test]
fn without_a_calibration_nothing_is_said() {
    let mut facts = facts(5);
    facts.probes.inside_ns = 0.0;
    assert!(of(&facts).is_empty());
    assert!((drift_ns(&facts.probes) - 10.0).abs() < 1e-9);
}
