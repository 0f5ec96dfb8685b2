use std::collections::BTreeSet;

use super::*;
use crate::facts::{Edge, Facts, FunctionFacts};
use crate::profile::Allocs;
use crate::report::tests::{busy, report};
use crate::schema::{Environment, Exit, Workload};
use crate::snapshot::{Fingerprint, Repeated, gather};

/// The busy run, whose `app::run` calls `app::leaf` ten times.
fn facts(allocs: u64) -> Facts {
    let mut facts = busy();
    facts.functions[0].path = "app::run".to_owned();
    facts.functions[0].id = "run".to_owned();
    facts.functions[0].total_allocs = Allocs { count: 1_000_100, ..Allocs::default() };
    facts.functions.push(FunctionFacts {
        path: "app::leaf".to_owned(),
        id: "leaf".to_owned(),
        file: "src/leaf.rs".to_owned(),
        line: 7,
        column: 4,
        calls: 10,
        self_allocs: Allocs { count: allocs, bytes: 8 * allocs, ..Allocs::default() },
        total_allocs: Allocs { count: allocs, bytes: 8 * allocs, ..Allocs::default() },
        ..FunctionFacts::default()
    });
    facts.edges.push(Edge { caller: Some(0), callee: 1, calls: 10, total_ns: 1 });
    facts
}

fn snapshot(all: &[Facts]) -> Snapshot {
    let workload = Workload {
        kind: "bin".to_owned(),
        package: "app".to_owned(),
        name: "app".to_owned(),
        args: Vec::new(),
        exit: Exit::default(),
    };
    let repeated: Vec<Repeated<'_>> = all.iter().map(|facts| Repeated { facts }).collect();
    gather(&workload, &Environment::default(), &repeated)
}

fn entries(text: &str) -> BTreeMap<String, BudgetEntry> {
    crate::config::tests::budgets(&format!("[budget]\n{text}\n"))
}

fn verdict(now: &[Facts], before: Option<&Snapshot>, text: &str) -> Result<Verdict, JudgeError> {
    with_attribute(now, before, text, "")
}

fn with_attribute(
    now: &[Facts],
    before: Option<&Snapshot>,
    text: &str,
    attribute: &str,
) -> Result<Verdict, JudgeError> {
    let mut now = now.to_vec();
    for facts in &mut now {
        facts.functions[1].budget = attribute.parse().unwrap();
    }
    judge(&Inputs {
        new: &snapshot(&now),
        report: &report(&now[0], |_, _| {}),
        baseline: before.map(|before| ("default", before)),
        entries: &entries(text),
    })
}

fn said(verdict: &Verdict) -> Vec<(String, String, f64, f64, BudgetStatus)> {
    let row = |it: &Budget| (it.target.clone(), it.metric.clone(), it.limit, it.actual, it.status);
    verdict.budgets.iter().map(row).collect()
}

#[test]
fn a_limit_is_kept_or_broken_by_one_allocation() {
    let text = "\"app::leaf\" = { allocs_per_call = 3 }";
    let kept = verdict(&[facts(30)], None, text).unwrap();
    assert!(!kept.is_broken());
    assert_eq!(kept.budgets.len(), 1, "without a baseline nothing else is judged");
    let broken = verdict(&[facts(31)], None, text).unwrap();
    let expected = ("app::leaf", "allocs_per_call", 3.0, 3.1, BudgetStatus::Fail);
    let (target, metric, limit, actual, status) = &said(&broken)[0];
    assert_eq!((target.as_str(), metric.as_str(), *limit, *actual, *status), expected);
    let cause = &broken.budgets[0].causes[0];
    assert_eq!((cause.file.as_str(), cause.line, cause.allocs), ("src/leaf.rs", 7, 31));
    assert_eq!(cause.site, None, "no site of it allocates");
}

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
fn what_differs_between_repetitions_is_judged_by_the_least_and_said() {
    let text = "\"app::leaf\" = { allocs_per_call = 3 }";
    let verdict = verdict(&[facts(34), facts(30), facts(32)], None, text).unwrap();
    let budget = &verdict.budgets[0];
    assert_eq!(budget.status, BudgetStatus::Pass);
    assert!((budget.actual - 3.0).abs() < 1e-9 && (budget.actual_most - 3.4).abs() < 1e-9);
    assert_eq!(verdict.warnings[0].id, "unsteady");
    assert_eq!(verdict.warnings[1].id, "budget-by-chance", "{:?}", verdict.warnings);
    assert!(verdict.warnings[0].message.contains("`app::leaf`"), "{:?}", verdict.warnings);
}

#[test]
fn the_configuration_goes_before_the_attribute_metric_by_metric() {
    let attribute = "allocs_per_call = 1, reallocs_per_call = 0";
    let alone = with_attribute(&[facts(30)], None, "", attribute).unwrap();
    assert_eq!(said(&alone).iter().filter(|it| it.4 == BudgetStatus::Fail).count(), 1);
    assert_eq!(alone.budgets[0].origin, BudgetOrigin::Attribute);
    let text = "\"app::leaf\" = { allocs_per_call = 3 }";
    let both = with_attribute(&[facts(30)], None, text, attribute).unwrap();
    assert!(!both.is_broken() && both.budgets.len() == 2, "{both:?}");
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

#[test]
fn patterns_pass_over_functions_that_lack_a_figure() {
    let mut one = facts(30);
    one.functions[1].polls = Some(crate::profile::Polls { polls: 20, ..Default::default() });
    let text = "\"app::*\" = { polls_per_call = 1 }";
    let now = verdict(&[one], None, text).unwrap();
    assert_eq!(now.budgets.len(), 1);
    assert!(now.is_broken() && now.budgets[0].target == "app::leaf", "{:?}", now.budgets);
    let said = now.warnings.iter().find(|it| it.id == "budget-not-judged").unwrap();
    assert!(
        said.message.ends_with(
            "`polls_per_call` of `app::*` was not judged where there is none: `app::run`"
        )
    );
    let none = verdict(&[facts(30)], None, text).unwrap_err().to_string();
    assert!(none.contains("`polls_per_call` of `app::*` was not measured"), "{none}");
    let exact = "\"app::run\" = { polls_per_call = 1 }";
    assert!(verdict(&[facts(30)], None, exact).is_err());
}

#[test]
fn with_other_arguments_only_calls_are_judged() {
    let mut before = snapshot(&[facts(30)]);
    before.workload.args = vec!["--more".to_owned()];
    let text = "\"*\" = { alloc_bytes = \"+0 %\" }\n\"app::leaf\" = { allocs = \"+1 %\" }";
    let now = verdict(&[facts(99)], Some(&before), text).unwrap();
    assert!(now.budgets.is_empty(), "{:?}", now.budgets);
    let ids: Vec<&str> = now.warnings.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["other-arguments", "budget-not-judged", "budget-not-judged"]);
    let now = verdict(&[facts(99)], Some(&before), "").unwrap();
    let rows: Vec<_> = said(&now).into_iter().map(|it| (it.0, it.1, it.4)).collect();
    let leaf = ("app::leaf".to_owned(), "allocs_per_call".to_owned(), BudgetStatus::Fail);
    assert_eq!(rows, [leaf], "`app::run` is called once");
}

#[test]
fn functions_are_judged_that_only_another_repetition_reached() {
    let without = || {
        let mut facts = facts(0);
        facts.functions.truncate(1);
        facts.edges.truncate(1);
        facts
    };
    let new = snapshot(&[without(), facts(31)]);
    let verdict = judge(&Inputs {
        new: &new,
        report: &report(&without(), |_, _| {}),
        baseline: None,
        entries: &entries("\"app::leaf\" = { allocs_per_call = 3 }"),
    });
    assert!(verdict.unwrap().is_broken());
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
fn patterns_that_contradict_each_other_are_an_error_unless_the_function_has_its_own() {
    let patterns = "\"app::*\" = { allocs_per_call = 3 }\n\"*::leaf\" = { allocs_per_call = 4 }";
    let error = verdict(&[facts(30)], None, patterns).unwrap_err();
    let text = error.to_string();
    assert!(text.ends_with(
        "`*::leaf` and `app::*` give `app::leaf` different limits for `allocs_per_call`"
    ));
    assert!(check_entries(&entries(patterns), ["app::leaf"]).is_err());
    let own = format!("{patterns}\n\"app::leaf\" = {{ allocs_per_call = 3 }}");
    assert!(check_entries(&entries(&own), ["app::leaf"]).is_ok());
}

#[test]
fn entries_that_match_nothing_lead_to_the_nearest_path() {
    let known: BTreeSet<String> = ["app::run", "app::leaf"].map(str::to_owned).into();
    let none = BTreeSet::new;
    let wrong = |text: &str| check_matches(&entries(text), &known, &none).unwrap_err();
    let error = wrong("\"app::laef\" = { allocs = 3 }");
    assert!(error.to_string().ends_with("`[budget]` has `app::laef`, which matches no function"));
    assert_eq!(error.hint(), "did you mean `app::leaf`?");
    let error = check_matches(&entries("\"app::hidden\" = { allocs = 3 }"), &known, &|| {
        BTreeSet::from(["app::hidden".to_owned()])
    });
    assert!(error.unwrap_err().hint().contains("not measured"));
    assert!(check_matches(&entries("\"*\" = { allocs = 3 }"), &known, &none).is_ok());
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
fn without_allocations_there_is_no_verdict_on_them() {
    let facts = Facts { allocations_measured: false, ..facts(30) };
    let error = verdict(&[facts], None, "\"app::leaf\" = { allocs_per_call = 3 }").unwrap_err();
    assert!(matches!(error, JudgeError::NotMeasured { .. }));
    assert!(error.hint().contains("hotpath_runtime::Allocator"), "{}", error.hint());
}
