mod baseline;

use std::collections::BTreeSet;

use super::*;
use crate::facts::{Edge, Facts, FunctionFacts};
use crate::profile::Allocs;
use crate::report::tests::{busy, report};
use crate::schema::{Environment, Exit, Workload};
use crate::snapshot::{Repeated, gather};

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
    assert!(none.contains("`polls_per_call` of `app::*` can't be judged"), "{none}");
    let exact = "\"app::run\" = { polls_per_call = 1 }";
    assert!(verdict(&[facts(30)], None, exact).is_err());
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
fn without_allocations_there_is_no_verdict_on_them() {
    let facts = Facts { allocations_measured: false, ..facts(30) };
    let error = verdict(&[facts], None, "\"app::leaf\" = { allocs_per_call = 3 }").unwrap_err();
    assert!(matches!(error, JudgeError::NotMeasured { .. }));
    assert!(error.hint().contains("hotpath_runtime::Allocator"), "{}", error.hint());
}
