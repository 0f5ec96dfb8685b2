use hotpath_runtime_syntax::Kind;

use super::*;
use crate::facts::{self, FunctionFacts, SiteFacts, Usage};
use crate::profile::{Bucket, Memory, Polls};
use crate::rank::{self, Options};
use crate::rules::testing::{hot, run, with_source};
use crate::schema::{Exit, Measurement};

const SOURCE: &str = "use std::io;\n\nfn run(names: &[String]) {\n    for name in names {\n      \
                      total += width(&name.clone());\n        println!(\"{name}\");\n    }\n}\n";

/// A run with a borrowed clone and a print in a loop.
pub(crate) fn busy() -> Facts {
    let clone = hot(Kind::Clone, "name.clone()", "alloc::string::String");
    let clone = with_source(clone, |source| {
        source.usage = Usage::Borrowed;
        source.receiver = Some("name".to_owned());
        let start = SOURCE.find("name.clone").unwrap_or_default();
        source.span = span(start, "name.clone()".len(), 5, 23);
    });
    let print = hot(Kind::Print, "println!(\"{name}\")", "()");
    let print = SiteFacts { index: 1, self_ns: 200_000_000, line: 6, ..print };
    let print = SiteFacts { allocs: Allocs::default(), count: 500_000, timed: 500_000, ..print };
    let print = with_source(print, |source| {
        let start = SOURCE.find("println").unwrap_or_default();
        source.span = span(start, "println!(\"{name}\")".len(), 6, 9);
    });
    let mut facts = run(vec![clone, print]);
    facts.sources.insert("src/main.rs".to_owned(), SOURCE.to_owned());
    facts.functions[0].self_allocs =
        Allocs { count: 1_000_100, bytes: 24_001_000, ..Allocs::default() };
    facts.functions[0].histogram =
        vec![Bucket { low_ns: 895_000_000, high_ns: 905_000_000, count: 1 }];
    facts.edges = vec![facts::Edge { caller: None, callee: 0, calls: 1, total_ns: 900_000_000 }];
    facts
}

fn span(start: usize, length: usize, line: u32, column: u32) -> facts::Span {
    let (byte_start, byte_end) = (start, start + length);
    facts::Span {
        byte_start,
        byte_end,
        line,
        column,
        end_line: line,
        end_column: column + length as u32,
    }
}

/// That many functions, each with a thousandth less time than the one before.
pub(crate) fn many(count: u64) -> Facts {
    let mut facts = run(Vec::new());
    facts.functions = (0..count)
        .map(|number| FunctionFacts {
            path: format!("app::module_{number}::handle_request"),
            id: format!("f{number}"),
            calls: number + 1,
            self_ns: 3_000_000 - number * 1_000,
            total_ns: 3_000_000,
            ..FunctionFacts::default()
        })
        .collect();
    facts
}

/// A report of these facts; `change` has the last word on what goes in.
pub(crate) fn report(facts: &Facts, change: impl FnOnce(&mut Inputs<'_>, &mut Profile)) -> Report {
    let memory = facts.allocations_measured.then(|| Memory {
        peak_live_bytes: 3 << 20,
        outside: Allocs { count: 7, bytes: 700, ..Allocs::default() },
        ..Memory::default()
    });
    let mut profile = Profile { memory, ..Profile::default() };
    let stand_in = profile.clone();
    let mut inputs = Inputs {
        facts,
        profile: &stand_in,
        ranked: rank::findings(facts, &Options::default()),
        environment: Environment::default(),
        workload: Workload {
            kind: "bin".to_owned(),
            package: "app".to_owned(),
            name: "app".to_owned(),
            args: Vec::new(),
            exit: Exit { code: Some(0), signal: None },
        },
        command: Vec::new(),
        runs: vec![repetition(facts.wall_ns)],
        instructions: None,
        warnings: Vec::new(),
        cut_short: false,
        stopped: false,
    };
    change(&mut inputs, &mut profile);
    assemble(Inputs { profile: &profile, ..inputs })
}

pub(crate) fn repetition(wall_ns: u64) -> Run {
    Run { wall_ns, cpu_ns: None, allocs: None, instructions: None, exit: Exit::default() }
}

fn ids(report: &Report) -> Vec<&str> {
    report.quality.warnings.iter().map(|warning| warning.id.as_str()).collect()
}

#[test]
fn totals_are_the_functions_and_what_lies_outside() {
    let report = report(&busy(), |_, _| {});
    assert_eq!(report.totals.allocs, Some(1_000_107));
    assert_eq!(report.totals.alloc_bytes, Some(24_001_700));
    assert_eq!(report.totals.peak_live_bytes, Some(3 << 20));
    assert_eq!(report.edges[0].callee, report.functions[0].id);
    assert_eq!(report.edges[0].caller, None);
    let share: f64 = report.functions.iter().map(|function| function.self_pct).sum();
    assert!((share - 90.0).abs() < 1e-9);
}

#[test]
fn what_was_not_measured_is_null() {
    let mut facts = busy();
    facts.allocations_measured = false;
    let report = report(&facts, |_, _| {});
    assert_eq!(report.quality.allocations, Measurement::NotMeasured);
    assert_eq!((report.totals.allocs, report.totals.peak_live_bytes), (None, None));
    assert!(report.sites.iter().all(|site| site.allocs.is_none()));
    assert_eq!(report.quality.noise_pct, None, "one repetition has no spread");
    assert_eq!(report.quality.overhead_pct, None, "no calibration");
    assert_eq!(ids(&report), ["allocations-not-measured"]);
}

#[test]
fn a_good_run_has_no_warnings() {
    let report = report(&busy(), |_, _| {});
    assert!(report.quality.warnings.is_empty() && !report.quality.truncated, "{:?}", ids(&report));
}

#[test]
fn what_went_wrong_is_said_once() {
    let note = |text: &str| Warning { id: "note".to_owned(), message: text.to_owned() };
    let report = report(&busy(), |inputs, profile| {
        inputs.warnings = vec![note("early"), note("a")];
        inputs.workload.exit = Exit { code: None, signal: Some(11) };
        inputs.runs = vec![repetition(100), repetition(130)];
        profile.lost_bytes = 4096;
        profile.notes = vec!["a".to_owned()];
    });
    assert_eq!(ids(&report), ["note", "note", "workload-failed", "counters-lost", "noise"]);
    assert!(report.quality.truncated);
    assert!(report.quality.noise_pct.is_some_and(|pct| (18.0..19.0).contains(&pct)));
}

#[test]
fn stopping_the_workload_is_no_failure() {
    let report = report(&busy(), |inputs, _| {
        inputs.cut_short = true;
        inputs.workload.exit = Exit { code: None, signal: Some(15) };
    });
    assert_eq!(ids(&report), ["cut-short"]);
    assert!(report.quality.truncated);
}

#[test]
fn dear_probes_are_said_with_their_share() {
    let mut facts = busy();
    facts.probes.function_ns = 20.0;
    facts.probes.expression_ns = 200.0;
    let report = report(&facts, |_, _| {});
    assert_eq!(report.quality.overhead_pct.map(f64::round), Some(18.0));
    assert_eq!(ids(&report), ["overhead"]);
}

#[test]
fn dear_probes_name_the_functions_that_are_all_probe() {
    let mut facts = busy();
    facts.probes.function_ns = 20.0;
    facts.probes.expression_ns = 200.0;
    facts.functions[0].calls = 500_000_000;
    let report = report(&facts, |_, _| {});
    let message = &report.quality.warnings[0].message;
    assert!(message.contains("`#[hotpath(skip)]`") && message.contains("`app::run`"), "{message}");
}

#[test]
fn no_quantile_exceeds_the_longest_call() {
    let mut facts = busy();
    facts.functions[0].max_ns = 7;
    let report = report(&facts, |_, _| {});
    assert_eq!(report.functions[0].max_ns, Some(7));
    assert_eq!(report.functions[0].p99_ns, Some(7));
}

#[test]
fn an_async_function_reports_polls_and_waiting() {
    let mut facts = busy();
    facts.functions[0].polls = Some(Polls { polls: 7, wait_ns: 9, cancelled: 1, future_bytes: 64 });
    let report = report(&facts, |_, _| {});
    let figures = report.functions[0].asynchronous.as_ref();
    assert_eq!(figures.map(|figures| (figures.polls, figures.wait_ns)), Some((7, 9)));
    assert_eq!(report.functions[0].max_ns, Some(905_000_000));
}

#[test]
fn the_document_reads_back_and_snapshots() {
    let text = json::render(&report(&busy(), |_, _| {}));
    let back: Report = serde_json::from_str(&text).expect("own output");
    assert_eq!(json::render(&back), text);
    insta::assert_snapshot!("document", text.replace(env!("CARGO_PKG_VERSION"), "[version]"));
}
