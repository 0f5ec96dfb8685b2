use hotpath_runtime_syntax::Kind;

use super::*;
use crate::facts::Edge;
use crate::profile::{Awaits, Polls};
use crate::rules::testing::hot;

fn costs() -> ProbeCosts {
    ProbeCosts {
        inside_ns: 10.0,
        function_ns: 20.0,
        function_inside_ns: 12.0,
        function_untimed_ns: 1.0,
        expression_ns: 30.0,
        expression_untimed_ns: 2.0,
        counted_ns: 3.0,
        poll_ns: 40.0,
        poll_untimed_ns: 4.0,
        awaited_ns: 5.0,
        charge_ns: 0.5,
        charge_open_ns: 0.75,
        ..ProbeCosts::default()
    }
}

fn facts(functions: Vec<FunctionFacts>) -> Facts {
    Facts { probes: costs(), functions, ..Facts::default() }
}

fn called(calls: u64, timed: u64) -> FunctionFacts {
    FunctionFacts { calls, timed, ..FunctionFacts::default() }
}

/// What a cost of clocked and of counting probes comes to.
fn paid(clocked: f64, counting: f64) -> Cost {
    Cost {
        low: 0.2 * clocked,
        best: 0.6 * clocked + 1.5 * counting,
        high: clocked + 4.0 * counting,
    }
}

fn assert_close(cost: Cost, expected: Cost) {
    let off = [cost.low - expected.low, cost.best - expected.best, cost.high - expected.high];
    assert!(off.iter().all(|off| off.abs() < 1e-6), "{cost:?} for {expected:?}");
}

#[test]
fn timed_and_untimed_calls_cost_their_own() {
    assert_close(of(&facts(vec![called(100, 10)])), paid(200.0, 90.0));
}

#[test]
fn polls_are_what_an_async_function_pays_for() {
    let polls = Some(Polls { polls: 50, ..Polls::default() });
    let function = FunctionFacts { polls, ..called(10, 20) };
    assert_close(of(&facts(vec![function])), paid(800.0, 120.0));
}

#[test]
fn sites_cost_by_whether_they_are_timed() {
    let site = |count, timed| SiteFacts {
        count,
        timed,
        allocs: Allocs::default(),
        ..hot(Kind::Clone, "", "")
    };
    let with = |site| facts(vec![FunctionFacts { sites: vec![site], ..FunctionFacts::default() }]);
    assert_close(of(&with(site(100, 40))), paid(1_200.0, 120.0));
    assert_close(of(&with(site(100, 0))), paid(0.0, 300.0));
    let awaits = Awaits { polls: 30, ready: 10, ..Awaits::default() };
    let awaited = SiteFacts { awaits: Some(awaits), ..site(20, 0) };
    assert_close(of(&with(awaited)), paid(400.0, 150.0));
}

#[test]
fn every_allocator_operation_costs_wherever_it_happens() {
    let allocs = |count| Allocs { count, frees: count, ..Allocs::default() };
    let site = SiteFacts { allocs: allocs(10), count: 0, timed: 0, ..hot(Kind::Clone, "", "") };
    let function =
        FunctionFacts { self_allocs: allocs(50), sites: vec![site], ..FunctionFacts::default() };
    let mut facts = facts(vec![function]);
    assert_close(of(&facts), paid(0.0, 80.0 * 0.5 + 20.0 * 0.75));
    facts.outside_allocs = allocs(50);
    assert_close(of(&facts), paid(0.0, 180.0 * 0.5 + 20.0 * 0.75));
}

#[test]
fn cold_work_was_measured_and_has_no_range() {
    let facts = Facts { cold_ns: 5_000, ..facts(Vec::new()) };
    assert_close(of(&facts), Cost { low: 5_000.0, best: 5_000.0, high: 5_000.0 });
}

#[test]
fn what_a_callee_does_outside_of_its_span_is_in_its_callers_time() {
    let mut facts = facts(vec![called(1, 1), called(100, 10)]);
    facts.edges = vec![
        Edge { caller: None, callee: 0, calls: 1, total_ns: 0 },
        Edge { caller: Some(0), callee: 1, calls: 50, total_ns: 0 },
    ];
    let own = in_self(&facts);
    // Half of its calls: five timed ones with 8 ns outside each, 45 others.
    assert_close(own[0], paid(40.0, 45.0));
    assert_close(own[1], paid(0.0, 0.0));
}

#[test]
fn a_profile_without_the_newer_costs_falls_back() {
    let mut facts = facts(vec![called(100, 10)]);
    facts.probes.function_untimed_ns = 0.0;
    assert_close(of(&facts), paid(200.0, 270.0));
    assert_eq!(of(&Facts::default()), Cost::default());
}
