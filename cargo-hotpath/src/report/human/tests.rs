use super::*;
use crate::facts::Facts;
use crate::profile::{Seen, SeenStates, Timeline};
use crate::report::tests::{busy, many, repetition, report};
use crate::schema::{Exit, Sampled, Warning};

fn shown(report: &Report, facts: &Facts, options: &Options) -> String {
    let text = render(report, &facts.sources, options);
    for line in text.lines() {
        assert!(options.color || line.chars().count() <= options.width, "too long: {line:?}");
        assert_eq!(line.trim_end(), line, "trailing space");
    }
    text
}

fn limited(top: Option<usize>, floor_pct: Option<f64>) -> Options {
    Options { limits: Limits::new(top, floor_pct), ..Options::default() }
}

fn plain(facts: &Facts) -> String {
    shown(&report(facts, |_, _| {}), facts, &Options::default())
}

#[test]
fn findings() {
    insta::assert_snapshot!(plain(&busy()));
}

#[test]
fn three_hundred_functions_and_no_findings() {
    insta::assert_snapshot!(plain(&many(300)));
}

#[test]
fn nothing_measured() {
    insta::assert_snapshot!(plain(&Facts::default()));
}

#[test]
fn a_crash_with_warnings() {
    let mut facts = busy();
    facts.allocations_measured = false;
    facts.build.profile = "dev".to_owned();
    facts.build.opt_level = Some("0".to_owned());
    facts.build.manifest = Some("Cargo.toml".to_owned());
    facts.cpu_ns = None;
    let report = report(&facts, |inputs, profile| {
        inputs.workload.exit = Exit { code: None, signal: Some(11) };
        inputs.runs = vec![repetition(900_000_000), repetition(1_100_000_000)];
        inputs.warnings = vec![Warning {
            id: "source-changed".to_owned(),
            message: "src/main.rs has changed since the build".to_owned(),
        }];
        profile.lost_bytes = 1 << 20;
        profile.unclean_exits = 1;
    });
    insta::assert_snapshot!(shown(&report, &facts, &Options::default()));
}

#[test]
fn looks_from_outside_are_said_with_their_cost() {
    let mut facts = busy();
    let looked = Timeline {
        samples: 900,
        effective_samples: 800.0,
        covered_ns: 990_000_000,
        sampler_cpu_ns: Some(8_000_000),
        busy_ns: Some(900_000_000),
        running_ns: Some(1_350_000_000),
        ..Timeline::default()
    };
    facts.timeline = Some(looked.clone());
    let line = "Threads looked at: 900 times, every 1.10 ms, for 0.80 % of a core beside the workload; \
                1.5 threads ran at once, where any did.";
    let unwrapped = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(unwrapped(plain(&facts)).contains(line), "{}", plain(&facts));
    let states = SeenStates { running_ns: 300_000_000, blocked_ns: 600_000_000, ..<_>::default() };
    facts.functions[0].timeline = Some(Seen { self_ns: 900_000_000, states: Some(states) });
    let line =
        "blocked (for other threads, a lock or the system) in much of their self time: run 66.7 %";
    assert!(unwrapped(plain(&facts)).contains(line), "{}", plain(&facts));
    facts.timeline = Some(Timeline { sampler_cpu_ns: None, busy_ns: None, ..looked });
    let line = "Threads looked at: 900 times, every 1.10 ms. ";
    assert!(unwrapped(plain(&facts)).contains(line), "{}", plain(&facts));
}

#[test]
fn every_width_holds() {
    let facts = busy();
    for width in [48, 60, 100, 132] {
        let options = Options { width, ..Options::default() };
        shown(&report(&facts, |_, _| {}), &facts, &options);
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let facts = busy();
    let report = report(&facts, |_, _| {});
    let colored = shown(&report, &facts, &Options { color: true, ..Options::default() });
    assert!(colored.contains("\u{1b}["));
    let stripped = anstream::adapter::strip_str(&colored).to_string();
    assert_eq!(stripped, shown(&report, &facts, &Options::default()));
}

#[test]
fn without_its_source_a_finding_is_a_position() {
    let mut facts = busy();
    facts.sources.clear();
    let text = plain(&facts);
    assert!(text.contains("   --> src/main.rs:5:23\n"), "{text}");
}

#[test]
fn a_sample_is_marked() {
    let mut facts = many(2);
    facts.threads = 1;
    let mut report = report(&facts, |_, _| {});
    report.functions[0].sampled = Some(Sampled { period: 9.0, relative_error: 0.1 });
    let text = shown(&report, &facts, &Options::default());
    assert!(text.contains("~3.00 ms") && text.contains("~ scaled from a sample"), "{text}");
}

#[test]
fn top_limits_the_functions() {
    let facts = many(20);
    let options = limited(Some(20), None);
    let text = shown(&report(&facts, |_, _| {}), &facts, &options);
    assert!(!text.contains("more functions"), "{text}");
    assert_eq!(text.matches("handle_request").count(), 20);
}

#[test]
fn the_floor_is_the_one_that_was_asked_for() {
    let facts = many(2);
    let with = |floor| limited(None, Some(floor));
    let report = report(&facts, |_, _| {});
    assert!(shown(&report, &facts, &with(5.0)).contains("above 5.0 % of the wall time"));
    assert!(shown(&report, &facts, &with(0.0)).contains("no rule found anything"));
}

#[test]
fn findings_beyond_the_top_are_counted() {
    let facts = busy();
    let options = limited(Some(1), None);
    let text = shown(&report(&facts, |_, _| {}), &facts, &options);
    assert!(text.contains("\n1. [High") && !text.contains("\n2. [High"), "{text}");
    assert!(text.contains("  and 1 more, --top 2 lists all\n"), "{text}");
}

#[test]
fn times_too_short_for_the_clock_are_marked_and_bounded() {
    let mut facts = busy();
    facts.probes = crate::profile::ProbeCosts {
        inside_ns: 10.0,
        function_ns: 20.0,
        function_untimed_ns: 1.0,
        ..facts.probes
    };
    facts.functions[0].sites.clear();
    facts.functions.push(crate::facts::FunctionFacts {
        path: "app::tiny".to_owned(),
        calls: 10_000_000,
        timed: 40_000,
        total_ns: 50_000_000,
        self_ns: 50_000_000,
        ..crate::facts::FunctionFacts::default()
    });
    facts.functions[0].self_ns = 100_000_000;
    let edge =
        crate::facts::Edge { caller: Some(0), callee: 1, calls: 10_000_000, total_ns: 50_000_000 };
    facts.edges.push(edge);
    let text = plain(&facts);
    assert!(text.contains("Probes took 0."), "{text}");
    assert!(text.contains("  ~50.0 ms?  ~50.0 ms?") && text.contains("100 ms?"), "{text}");
    let bounds = "? too short to tell from what is around it; self time between: run 0 ns to";
    assert!(text.contains(bounds), "{text}");
    let quiet = plain(&busy());
    assert!(!quiet.contains("? too short") && !quiet.contains("Probes took"), "{quiet}");
}
