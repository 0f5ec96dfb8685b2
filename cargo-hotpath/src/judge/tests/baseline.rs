//! Verdicts against a baseline.

use super::*;
use crate::snapshot::{Figures, Fingerprint, Known};

#[test]
fn the_baseline_is_a_limit_of_its_own_and_names_what_rose() {
    let before = snapshot(&[facts(30)]);
    let same = verdict(&[facts(30)], Some(&before), "").unwrap();
    assert!(!same.is_broken() && same.budgets.len() == 3, "{same:?}");
    let mut worse = facts(30);
    worse.functions[0].sites[0].allocs.count += 5;
    worse.functions[0].self_allocs.count += 5;
    worse.functions[0].total_allocs.count += 5;
    let broken = verdict(&[worse], Some(&before), "").unwrap();
    let failed: Vec<&Budget> =
        broken.budgets.iter().filter(|it| it.status == BudgetStatus::Fail).collect();
    let targets: Vec<&str> = failed.iter().map(|it| it.target.as_str()).collect();
    assert_eq!(targets, ["*", "app::run"]);
    assert_eq!(failed[1].causes.len(), 1, "only what rose is named: {:?}", failed[1].causes);
    let cause = &failed[1].causes[0];
    assert_eq!((cause.text.as_str(), cause.more_allocs), ("name.clone()", Some(5)));
}

#[test]
fn percentages_are_of_the_baseline() {
    let before = snapshot(&[facts(100)]);
    let of = |now, text: &str| verdict(&[facts(now)], Some(&before), text).unwrap().is_broken();
    assert!(!of(105, "\"app::leaf\" = { allocs = \"+5 %\" }\n\"*\" = { allocs = \"+5 %\" }"));
    assert!(of(106, "\"app::leaf\" = { allocs = \"+5 %\" }\n\"*\" = { allocs = \"+5 %\" }"));
    let none = verdict(&[facts(1)], None, "\"*\" = { allocs = \"+0 %\" }").unwrap_err();
    assert!(matches!(none, JudgeError::NoBaseline { .. }), "{none}");
}

/// That many repetitions, each a little slower than the one before.
fn timed(wall_ns: u64, count: u64) -> Vec<Facts> {
    (0..count).map(|at| Facts { wall_ns: wall_ns + at, ..facts(30) }).collect()
}

#[test]
fn percentages_of_times_break_only_what_can_be_claimed() {
    let before = snapshot(&timed(1_000_000, 5));
    let text = "\"*\" = { wall = \"+10 %\" }";
    let of = |now: &[Facts]| {
        let verdict = verdict(now, Some(&before), text).unwrap();
        let why = verdict.warnings.iter().find(|it| it.id == "budget-not-judged");
        (verdict.is_broken(), why.map(|it| it.message.clone()))
    };
    assert_eq!(of(&timed(1_000_100, 5)), (false, None));
    assert_eq!(of(&timed(2_000_000, 5)), (true, None));
    let (is_broken, why) = of(&timed(2_000_000, 3));
    assert!(!is_broken && why.clone().unwrap().contains("5 and 3 repetitions"), "{why:?}");
    let mut wild = timed(1_500_000, 5);
    (wild[0].wall_ns, wild[1].wall_ns) = (900_000, 1_000_000);
    let (is_broken, why) = of(&wild);
    assert!(!is_broken && why.clone().unwrap().contains("may be chance"), "{why:?}");
}

#[test]
fn of_many_times_some_are_longer_by_chance() {
    let leaf = |p99_ns: &[u64], slow: usize| -> Snapshot {
        let mut snapshot = snapshot(&[facts(30)]);
        let known = snapshot.index["app::leaf"].clone();
        for at in 0..20 {
            let name = format!("app::leaf{at}");
            let shift = if at < slow { 1000 } else { 0 };
            let p99_ns = p99_ns.iter().map(|ns| ns + shift).collect();
            let figures = Figures { p99_ns, ..snapshot.functions["app::leaf"].clone() };
            snapshot.functions.insert(name.clone(), figures);
            snapshot.index.insert(name.clone(), Known { path: name, ..known.clone() });
        }
        snapshot
    };
    let of = |times: &[u64], slow| {
        judge(&Inputs {
            new: &leaf(times, slow),
            report: &report(&facts(30), |_, _| {}),
            baseline: Some(("default", &leaf(times, 0))),
            entries: &entries("\"app::leaf?*\" = { p99 = \"+10 %\" }"),
        })
        .unwrap()
    };
    let five = of(&[100, 101, 102, 103, 104], 1);
    assert!(!five.is_broken(), "one of twenty, with p 0.008: {:?}", five.budgets);
    let said = five.warnings.iter().find(|it| it.id == "budget-not-judged").unwrap();
    assert!(said.message.contains("`app::leaf0`"), "{}", said.message);
    assert!(said.message.contains("among 20 times may be chance (p 0.008)"), "{}", said.message);
    assert!(said.message.ends_with("`--runs 6` from then on"), "{}", said.message);
    assert!(of(&[100, 101, 102, 103, 104, 105], 1).is_broken(), "six are enough");
    assert!(of(&[100, 101, 102, 103, 104], 20).is_broken(), "all of them are not chance");
}

#[test]
fn times_are_not_held_against_another_machine() {
    let mut before = snapshot(&timed(1, 5));
    before.totals.wall_ns = vec![1; 5];
    let text = "\"*\" = { wall = \"+10 %\" }";
    let now = timed(1_000_000, 5);
    assert!(verdict(&now, Some(&before), text).unwrap().is_broken());
    before.environment = Fingerprint { rustc: "rustc 0".to_owned(), ..before.environment };
    let verdict = verdict(&now, Some(&before), text).unwrap();
    assert!(!verdict.is_broken(), "{:?}", verdict.budgets);
    let ids: Vec<&str> = verdict.warnings.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["other-environment", "budget-not-judged"]);
}

#[test]
fn a_limit_that_is_no_percentage_leaves_the_baselines_in_force() {
    let before = snapshot(&[facts(30)]);
    let of = |text: &str, attribute: &str| {
        let verdict = with_attribute(&[facts(40)], Some(&before), text, attribute).unwrap();
        let rows = verdict.budgets.into_iter().filter(|it| it.target == "app::leaf");
        rows.map(|it| (it.origin, it.status)).collect::<Vec<_>>()
    };
    let broken = (BudgetOrigin::Baseline, BudgetStatus::Fail);
    let loose = of("", "allocs_per_call = 100");
    assert_eq!(loose, [broken, (BudgetOrigin::Attribute, BudgetStatus::Pass)]);
    let loose = of("\"app::leaf\" = { allocs = 1000 }", "");
    assert_eq!(loose, [broken, (BudgetOrigin::Configuration, BudgetStatus::Pass)]);
    let allowed = of("\"app::leaf\" = { allocs_per_call = \"+50 %\" }", "");
    assert_eq!(allowed, [(BudgetOrigin::Configuration, BudgetStatus::Pass)], "it says how far");
}

#[test]
fn the_same_functions_are_unsteady_whatever_this_run_drew() {
    let before = snapshot(&[facts(30), facts(34), facts(38)]);
    let of = |now: &[Facts]| verdict(now, Some(&before), "").unwrap();
    for now in [[30, 30, 30], [36, 30, 38], [45, 45, 46]] {
        let now = of(&now.map(facts));
        assert!(!now.is_broken(), "{:?}", now.budgets);
        let unsteady: Vec<&str> =
            now.budgets.iter().filter(|it| it.unsteady).map(|it| it.target.as_str()).collect();
        assert_eq!(unsteady, ["*", "app::leaf"]);
        let said = now.warnings.iter().find(|it| it.id == "unsteady").unwrap();
        assert!(said.message.contains("in `app::leaf` ("), "{}", said.message);
    }
    assert!(of(&[facts(60), facts(61), facts(62)]).is_broken(), "38 and 8 more are its room");
}

#[test]
fn calls_are_held_against_calls_where_their_number_differs() {
    let with_calls = |calls, allocs| {
        let mut facts = facts(allocs);
        facts.functions[1].calls = calls;
        facts
    };
    let before = snapshot(&[with_calls(100, 300), with_calls(1000, 3000)]);
    let broken = |now: Facts| {
        let verdict = verdict(&[now], Some(&before), "").unwrap();
        let leaf = verdict.budgets.iter().find(|it| it.target == "app::leaf").unwrap();
        (leaf.metric.clone(), leaf.limit, leaf.status)
    };
    let per_call = "allocs_per_call".to_owned();
    assert_eq!(broken(with_calls(500, 1500)), (per_call.clone(), 3.0, BudgetStatus::Pass));
    assert_eq!(broken(with_calls(500, 1501)), (per_call, 3.0, BudgetStatus::Fail));
}

/// The leaf of so many calls, the first of which made so many of the allocations.
fn warmed(calls: u64, allocs: u64, first: u64) -> Facts {
    let mut facts = facts(allocs);
    facts.functions[1].calls = calls;
    let first = crate::profile::FirstCall { allocs: first, ..Default::default() };
    facts.functions[1].first = Some(first);
    facts
}

#[test]
fn a_program_that_does_less_keeps_its_baseline() {
    let before = snapshot(&[warmed(3, 104, 100)]);
    let of = |now: Facts, before: &Snapshot, text: &str| {
        let verdict = verdict(&[now], Some(before), text).unwrap();
        let leaf = verdict.budgets.iter().find(|it| it.target == "app::leaf");
        let said = verdict.warnings.iter().find(|it| it.id == "budget-not-judged");
        let leaf = leaf.map(|it| (it.metric.clone(), it.status));
        (leaf, said.map(|it| it.message.clone()))
    };
    let allocs = |status| Some(("allocs".to_owned(), status));
    let per_call = |status| Some(("allocs_per_call".to_owned(), status));
    // What the first call warms up is all that is left of it.
    let kept = (allocs(BudgetStatus::Pass), None);
    assert_eq!(of(warmed(1, 100, 0), &before, ""), kept);
    // A buffer that doubles: 10 of 1000 calls allocate, and 7 of 100.
    let grown = snapshot(&[warmed(1000, 10, 0)]);
    assert_eq!(of(warmed(100, 7, 0), &grown, ""), kept);
    assert_eq!(of(warmed(100, 11, 0), &grown, ""), (per_call(BudgetStatus::Fail), None));
    assert_eq!(of(warmed(2, 105, 100), &before, ""), (per_call(BudgetStatus::Fail), None));
    assert_eq!(of(warmed(1, 105, 0), &before, ""), (None, None), "a first call against others");
    let mut elsewhere = grown;
    elsewhere.workload.args = vec!["--more".to_owned()];
    assert_eq!(of(warmed(100, 7, 0), &elsewhere, ""), (None, None));
    let text = "\"app::leaf\" = { allocs_per_call = \"+5 %\" }";
    let (leaf, said) = of(warmed(1, 100, 0), &before, text);
    assert!(leaf.is_none() && said.clone().unwrap().contains("called but once"), "{said:?}");
    assert_eq!(of(warmed(3, 105, 100), &before, text), (per_call(BudgetStatus::Fail), None));
}

#[test]
fn with_other_arguments_only_calls_are_judged() {
    let mut before = snapshot(&[30; 3].map(facts));
    before.workload.args = vec!["--more".to_owned()];
    let text = "\"*\" = { alloc_bytes = \"+0 %\" }\n\"app::leaf\" = { allocs = \"+1 %\" }";
    let now = verdict(&[99; 3].map(facts), Some(&before), text).unwrap();
    assert!(now.budgets.is_empty(), "{:?}", now.budgets);
    let ids: Vec<&str> = now.warnings.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["other-arguments", "budget-not-judged", "budget-not-judged"]);
    let now = verdict(&[99; 3].map(facts), Some(&before), "").unwrap();
    let rows: Vec<_> = said(&now).into_iter().map(|it| (it.0, it.1, it.4)).collect();
    let leaf = ("app::leaf".to_owned(), "allocs_per_call".to_owned(), BudgetStatus::Fail);
    assert_eq!(rows, [leaf], "`app::run` is called once");
}

#[test]
fn a_function_keeps_its_baseline_when_another_of_its_path_appears() {
    let before = snapshot(&[facts(30)]);
    let mut now = facts(31);
    let twin = FunctionFacts { id: "twin".to_owned(), ..now.functions[1].clone() };
    now.functions.push(FunctionFacts {
        self_allocs: Allocs::default(),
        total_allocs: Allocs::default(),
        ..twin
    });
    let both = snapshot(std::slice::from_ref(&now));
    assert!(both.functions.contains_key("app::leaf [leaf]"), "{:?}", both.functions.keys());
    let of = |now: &[Facts], before| {
        let verdict = verdict(now, Some(before), "").unwrap();
        let leaf = verdict.budgets.iter().find(|it| it.function.as_deref() == Some("leaf"));
        leaf.map(|it| (it.status, it.causes.first().and_then(|cause| cause.more_allocs)))
    };
    assert_eq!(of(&[now], &before), Some((BudgetStatus::Fail, Some(1))));
    assert_eq!(of(&[facts(33)], &both), Some((BudgetStatus::Fail, Some(2))), "and back");
}

#[test]
fn a_baseline_with_allocations_is_not_met_by_a_run_without() {
    let before = snapshot(&[facts(30)]);
    let uncounted = || Facts { allocations_measured: false, ..facts(30) };
    let error = verdict(&[uncounted()], Some(&before), "").unwrap_err();
    assert!(matches!(error, JudgeError::BaselineUnmet { .. }), "{error}");
    assert!(error.hint().contains("hotpath_runtime::Allocator"), "{}", error.hint());
    let without = snapshot(&[uncounted()]);
    assert!(verdict(&[uncounted()], Some(&without), "").is_ok(), "it never had any");
}

#[test]
fn too_few_repetitions_are_said_on_either_side() {
    let said = |now: &[Facts], before: &[Facts]| {
        let verdict = verdict(now, Some(&snapshot(before)), "").unwrap();
        let few = verdict.warnings.into_iter().find(|it| it.id == "few-repetitions");
        few.map(|it| it.message)
    };
    let of = |count| vec![facts(30); count];
    assert_eq!(said(&of(3), &of(3)), None);
    assert!(said(&of(3), &of(1)).unwrap().starts_with("baseline `default` is of 1 repetition,"));
    assert!(said(&of(2), &of(5)).unwrap().starts_with("this run is of 2 repetitions,"));
}
