use serde_json::json;

use super::*;

const COSTS: ProbeCosts = ProbeCosts {
    inside_ns: 10.0,
    function_ns: 20.0,
    expression_ns: 30.0,
    counted_ns: 4.0,
    alloc_ns: 0.0,
    free_ns: 0.0,
    function_inside_ns: 0.0,
    function_untimed_ns: 0.0,
    expression_inside_ns: 0.0,
    expression_untimed_ns: 8.0,
    poll_ns: 0.0,
    poll_untimed_ns: 0.0,
    awaited_ns: 0.0,
    charge_ns: 0.0,
    charge_open_ns: 0.0,
    hash_ns: 0.0,
    hidden_ns: 0.0,
};

/// On a line of its own.
fn function(line: u32, calls: u64, self_ns: u64) -> Function {
    serde_json::from_value(json!({
        "id": line.to_string(), "path": format!("a::f{line}"), "package": "a", "file": "a.rs",
        "line": line, "column": 1, "from_macro": false, "calls": calls, "total_ns": self_ns,
        "self_ns": self_ns, "self_pct": 0.0,
    }))
    .unwrap()
}

/// An expression of the function on this line that is only counted.
fn counted(line: u32, count: u64) -> Site {
    serde_json::from_value(json!({
        "id": "s", "function": line.to_string(), "kind": "grow", "file": "a.rs", "line": line,
        "column": 5, "from_macro": false, "text": "x.push(y)", "count": count,
    }))
    .unwrap()
}

/// Of a run that took a second: lines of functions, and of those that lose their expressions.
fn without(functions: &[Function], sites: &[Site], needed: &[&str]) -> (Vec<u32>, Vec<u32>) {
    let parts = parts(functions, sites, &COSTS);
    let left_out = LeftOut::of(parts, 1e9, &needed.iter().copied().collect());
    let lines = |places: &BTreeSet<Place>| places.iter().map(|place| place.1).collect();
    (lines(&left_out.functions), lines(&left_out.expressions))
}

#[test]
fn the_shortest_calls_go_until_the_rest_costs_little() {
    let functions = [
        function(1, 1, 100_000_000),
        function(2, 6_000_000, 100_000_000),
        function(3, 600_000, 100_000_000),
        function(4, 5_400_000, 300_000_000),
    ];
    assert_eq!(without(&functions, &[], &[]).0, [2, 4]);
    assert_eq!(without(&functions, &[], &["4"]).0, [2, 3], "what a finding is about stays");
}

#[test]
fn what_tells_of_far_more_time_than_it_costs_stays() {
    let functions = [function(1, 3_000_000, 200_000_000), function(2, 1_800_000, 600_000_000)];
    assert_eq!(without(&functions, &[], &[]).0, [1]);
}

#[test]
fn probes_that_cost_little_stay() {
    let functions = [function(1, 1, 0), function(2, 2_400_000, 40_000_000)];
    assert_eq!(without(&functions, &[], &[]), (vec![], vec![]));
    let rare = [function(1, 9_000, 0)];
    let parts = parts(&rare, &[], &COSTS);
    assert!(LeftOut::of(parts, 1e5, &BTreeSet::new()).is_empty(), "too few to be noticed");
}

#[test]
fn expressions_go_alone_where_they_are_what_costs() {
    let functions = [function(1, 100_000, 200_000_000), function(2, 100_000, 500_000_000)];
    let sites = [counted(1, 53_000_000), counted(2, 660_000)];
    assert_eq!(without(&functions, &sites, &[]), (vec![], vec![1]));
    assert_eq!(without(&functions, &sites, &["1"]), (vec![], vec![]), "what a finding is about");
}

#[test]
fn the_warning_names_the_worst_and_counts_the_rest() {
    let places = |lines: std::ops::Range<u32>| -> BTreeSet<Place> {
        lines.map(|line| ("a.rs".to_owned(), line, 1)).collect()
    };
    let calls = (0..7).map(|number| (10_000 - number, format!("a::f{number}"))).collect();
    let left_out = LeftOut { functions: places(0..7), expressions: places(6..9), calls };
    let message = left_out.warning().message;
    assert!(
        message.contains("without 7 functions and the expressions of 2 functions"),
        "{message}"
    );
    assert!(message.contains("`a::f0` (10"), "{message}");
    assert!(message.contains("`a::f4`") && !message.contains("`a::f5`"), "{message}");
    assert!(message.contains(" and 2 more"), "{message}");
    let quiet = LeftOut { expressions: places(0..1), ..LeftOut::default() };
    assert_eq!(quiet.describe(), "the expressions of 1 function");
    assert!(quiet.warning().message.ends_with("than they told"));
}

#[test]
fn with_a_function_go_its_expressions() {
    // Calls of the first cost 300 ms and its expressions 400 ms, those of the second 30 ms.
    let functions = [function(1, 6_000_000, 1_000_000), function(2, 600_000, 100_000_000)];
    let sites = [counted(1, 66_000_000)];
    assert_eq!(without(&functions, &sites, &[]), (vec![1], vec![1]), "that is enough");
    let few = [function(1, 9_999, 0), function(2, 12_000_000, 1_000_000)];
    assert_eq!(without(&few, &[counted(1, 9_999)], &[]), (vec![2], vec![]), "few executions stay");
}
