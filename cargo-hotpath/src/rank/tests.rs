use hotpath_runtime_syntax::Kind;

use super::*;
use crate::facts::{SiteFacts, Usage};
use crate::profile::Allocs;
use crate::rules::Thresholds;
use crate::rules::testing::{hot, run, with_source};

/// A borrowed clone of 400 ms out of a second.
fn borrowed(index: usize) -> SiteFacts {
    let site = hot(Kind::Clone, "x.clone()", "alloc::string::String");
    let site = with_source(site, |source| {
        source.usage = Usage::Borrowed;
        source.receiver = Some("x".to_owned());
    });
    SiteFacts { index, ..site }
}

/// The same, of `self_ns` and with nothing allocated.
fn of_ns(index: usize, self_ns: u64) -> SiteFacts {
    SiteFacts { self_ns, allocs: Allocs::default(), ..borrowed(index) }
}

fn printed(index: usize, self_ns: u64) -> SiteFacts {
    let site = hot(Kind::Print, "println!(\"{row}\")", "()");
    SiteFacts { index, self_ns, allocs: Allocs::default(), ..site }
}

fn rules_of(ranked: &Ranked) -> Vec<&str> {
    ranked.findings.iter().map(|finding| finding.rule.as_str()).collect()
}

fn ranked(facts: &Facts) -> Ranked {
    findings(facts, &Options::default())
}

#[test]
fn impact_times_confidence_by_effort_decides() {
    let facts = run(vec![of_ns(0, 50_000_000), printed(1, 400_000_000)]);
    assert_eq!(rules_of(&ranked(&facts)), ["print-loop", "clone-for-borrow"]);
    let facts = run(vec![of_ns(0, 300_000_000), printed(1, 400_000_000)]);
    assert_eq!(rules_of(&ranked(&facts)), ["print-loop", "clone-for-borrow"]);
    // About the same gain: the smaller change first.
    let facts = run(vec![of_ns(0, 370_000_000), printed(1, 400_000_000)]);
    assert_eq!(rules_of(&ranked(&facts)), ["clone-for-borrow", "print-loop"]);
    assert_eq!(ranked(&facts).findings[1].rank, 2);
}

/// Eight million allocations, a fifth of a second, of which the clones of one site make `cloned`.
fn allocating(cloned: u64) -> Facts {
    let allocs = Allocs { count: cloned, bytes: 24 * cloned, ..Allocs::default() };
    let mut facts = run(vec![SiteFacts { count: cloned.max(1), allocs, ..of_ns(0, 6_000_000) }]);
    facts.build.own_allocator = Some(false);
    facts.functions[0].self_allocs =
        Allocs { count: 8_000_000, bytes: 192_000_000, frees: 8_000_000, ..Allocs::default() };
    facts
}

#[test]
fn another_allocator_ranks_by_what_the_other_findings_leave_to_it() {
    let (few, most) = (ranked(&allocating(200_000)), ranked(&allocating(7_900_000)));
    let swap = |ranked: &Ranked| {
        let found = ranked.findings.iter().find(|finding| finding.rule == "allocator-swap");
        found.expect("it is found").clone()
    };
    assert_eq!(rules_of(&few), ["allocator-swap", "clone-for-borrow"]);
    assert_eq!(rules_of(&most), ["clone-for-borrow", "allocator-swap"]);
    assert_eq!(swap(&few).impact.wall_pct, swap(&most).impact.wall_pct, "as the only change");
}

#[test]
fn a_hundred_small_gains_do_not_hide_a_large_one() {
    let mut sites: Vec<_> = (0..50).map(|index| of_ns(index, 20_000_000)).collect();
    sites.push(printed(99, 600_000_000));
    assert_eq!(rules_of(&ranked(&run(sites)))[0], "print-loop");
}

#[test]
fn the_floor_hides_and_all_shows() {
    let small = || run(vec![SiteFacts { count: 200_000, ..of_ns(0, 4_500_000) }]);
    let ranked = ranked(&small());
    assert_eq!((ranked.findings.len(), ranked.hidden), (0, 1));
    assert!(ranked.combined.wall_pct.is_none());
    let all = findings(&small(), &Options { all: true, ..Options::default() });
    assert_eq!((all.findings.len(), all.hidden), (1, 0));
    assert_eq!(all.findings[0].severity, Severity::Info);
}

#[test]
fn a_share_of_allocations_is_shown_but_ranks_low() {
    let allocs = Allocs { count: 100, bytes: 100, ..Allocs::default() };
    let few = SiteFacts { count: 100, timed: 100, self_ns: 1_000_000, allocs, ..borrowed(1) };
    let mut facts = run(vec![of_ns(0, 300_000_000), few]);
    facts.functions[0].self_allocs.count = 1_000;
    let ranked = ranked(&facts);
    assert_eq!(ranked.findings.len(), 2);
    let last = &ranked.findings[1];
    assert_eq!((last.impact.metric, last.severity), (Metric::Allocs, Severity::Info));
    assert_eq!(last.impact.allocs, Some(100));
}

#[test]
fn combined_is_a_union_and_never_over_100() {
    let sites = vec![of_ns(0, 400_000_000), printed(1, 400_000_000), of_ns(2, 900_000_000)];
    let combined = ranked(&run(sites)).combined.wall_pct.unwrap_or_default();
    assert!(combined.high <= 100.0 && combined.best <= 100.0, "{combined:?}");
    assert!(combined.low <= combined.best && combined.best <= combined.high, "{combined:?}");
}

#[test]
fn two_rules_about_one_copy_make_one_finding() {
    let both = with_source(borrowed(0), |source| source.root_changes_in_loop = Some(false));
    let facts = run(vec![both]);
    let found: usize =
        rules::all().iter().map(|rule| rule.check(&facts, &Thresholds::default()).len()).sum();
    assert_eq!(found, 2, "both rules fire");
    assert_eq!(rules_of(&ranked(&facts)), ["clone-for-borrow"]);
}

#[test]
fn a_rule_can_be_switched_off_at_the_site_and_for_the_function() {
    let allowed = vec!["clone-for-borrow".to_owned()];
    let site = SiteFacts { allowed: allowed.clone(), ..borrowed(0) };
    assert!(ranked(&run(vec![site])).findings.is_empty());
    let mut facts = run(vec![borrowed(0)]);
    facts.functions[0].allowed = allowed;
    assert!(ranked(&facts).findings.is_empty());
    facts.functions[0].allowed = vec!["print-loop".to_owned()];
    assert_eq!(ranked(&facts).findings.len(), 1);
}

#[test]
fn ids_do_not_depend_on_the_position() {
    let here = ranked(&run(vec![borrowed(0)]));
    let mut moved = run(vec![with_source(borrowed(0), |source| source.span.line = 99)]);
    moved.functions[0].line = 90;
    assert_eq!(here.findings[0].id, ranked(&moved).findings[0].id);
    let other = ranked(&run(vec![borrowed(1)]));
    assert_ne!(here.findings[0].id, other.findings[0].id);
    assert!(here.findings[0].id.starts_with("clone-for-borrow-"), "{}", here.findings[0].id);
}

#[test]
fn an_unoptimised_build_comes_first_and_lowers_the_rest() {
    let mut facts = run(vec![borrowed(0)]);
    let before = ranked(&facts).findings[0].confidence;
    facts.build.opt_level = Some("0".to_owned());
    facts.build.manifest = Some("app/Cargo.toml".to_owned());
    let found = ranked(&facts).findings;
    assert_eq!(
        (found[0].rule.as_str(), found[1].rule.as_str()),
        ("build-debug", "clone-for-borrow")
    );
    assert_eq!((before, found[1].confidence), (Confidence::High, Confidence::Medium));
    assert_eq!(found[0].impact.wall_pct, None);
    assert_eq!(found[0].file.as_deref(), Some("app/Cargo.toml"));
}

#[test]
fn an_empty_run_has_no_findings() {
    let ranked = ranked(&Facts::default());
    assert!(ranked.findings.is_empty() && ranked.hidden == 0);
}

/// Options that say this of a rule.
fn saying(rule: &str, setting: Setting) -> Options {
    let mut options = Options::default();
    options.rules.set(rules::find(rule).unwrap().meta(), setting);
    options
}

fn level(level: Level) -> Setting {
    Setting { level, ..Setting::default() }
}

#[test]
fn an_allowed_rule_is_silent_even_where_all_is_shown() {
    let facts = run(vec![of_ns(0, 300_000_000), printed(1, 400_000_000)]);
    let options = Options { all: true, ..saying("print-loop", level(Level::Allow)) };
    let ranked = findings(&facts, &options);
    assert_eq!(rules_of(&ranked), ["clone-for-borrow"]);
    assert_eq!(ranked.allowed, ["print-loop"]);
}

#[test]
fn a_denied_rule_fails_from_its_floor_on() {
    let facts = run(vec![SiteFacts { count: 200_000, ..of_ns(0, 100_000_000) }]);
    let denied = |floor: Option<f64>, options: Options| {
        let setting = Setting { min_impact_pct: floor, ..level(Level::Deny) };
        let options = Options { rules: saying("clone-for-borrow", setting).rules, ..options };
        findings(&facts, &options).findings.iter().map(|finding| finding.denied).collect::<Vec<_>>()
    };
    assert_eq!(denied(None, Options::default()), [true]);
    assert_eq!(denied(Some(20.0), Options::default()), [false; 0], "below its floor");
    let all = Options { all: true, ..Options::default() };
    assert_eq!(denied(Some(20.0), all), [false], "shown, but not denied");
    let general = Options { min_impact_pct: Some(20.0), ..Options::default() };
    assert_eq!(denied(None, general.clone()), [false; 0]);
    assert_eq!(denied(Some(5.0), general), [true], "its own floor goes first");
}

#[test]
fn a_denied_finding_is_not_hidden_behind_a_better_one() {
    let both = with_source(borrowed(0), |source| source.root_changes_in_loop = Some(false));
    let ranked = findings(&run(vec![both]), &saying("clone-in-loop", level(Level::Deny)));
    assert_eq!(rules_of(&ranked), ["clone-in-loop"]);
    assert!(ranked.findings[0].denied);
}

#[test]
fn limits_of_a_rule_are_its_own() {
    let facts = run(vec![SiteFacts { count: 90, timed: 90, ..of_ns(0, 6_000_000) }]);
    assert_eq!(ranked(&facts).findings.len(), 0);
    let meta = rules::find("clone-for-borrow").unwrap().meta();
    let mut setting = Setting::default();
    let limit = meta.thresholds.iter().find(|limit| limit.name() == "min_executions").unwrap();
    setting.thresholds.set(limit, 90.0);
    assert_eq!(findings(&facts, &saying("clone-in-loop", setting.clone())).findings.len(), 0);
    assert_eq!(findings(&facts, &saying("clone-for-borrow", setting)).findings.len(), 1);
}
