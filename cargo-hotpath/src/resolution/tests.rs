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
fn ten_nanoseconds_a_call_lie_on_either_side() {
    let bounds = of(&facts(5));
    assert_eq!(bounds[0].self_ns, (0.0, 150_000_010.0));
    assert_eq!(bounds[1].total_ns, (0.0, 150_000_000.0));
    let bounds = of(&facts(200));
    assert_eq!(bounds[1].total_ns, (1_900_000_000.0, 2_100_000_000.0));
}

#[test]
fn probes_are_taken_out_of_the_callers_time() {
    let mut facts = facts(5);
    facts.functions[0].self_ns = 500_000_000;
    facts.probes.function_untimed_ns = 2.0;
    let (low, high) = of(&facts)[0].self_ns;
    let untimed = 2.0 * (10_000_000.0 - 39_062.0);
    assert!((high - (600_000_010.0 - 0.5 * untimed)).abs() < 1.0, "{high}");
    assert!((low - (400_000_000.0 - 10.0 - 2.0 * untimed)).abs() < 1.0, "{low}");
}

#[test]
fn without_a_calibration_nothing_is_said() {
    let mut facts = facts(5);
    facts.probes.inside_ns = 0.0;
    assert!(of(&facts).is_empty());
    assert!((drift_ns(&facts.probes) - 10.0).abs() < 1e-9);
}
