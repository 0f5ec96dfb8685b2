//! Facts for the rules' tests: one hot function with sites, in a run of one second.

use hotpath_runtime_syntax::Kind;

use crate::facts::{AwaitSource, Facts, FunctionFacts, SiteFacts, SiteSource, Span};
use crate::profile::{Allocs, Awaits, ProbeCosts};
use crate::rules::{Candidate, Rule, Thresholds};

/// A second on one thread with nothing in it but `sites`, in a function called once.
pub(crate) fn run(sites: Vec<SiteFacts>) -> Facts {
    let function = FunctionFacts {
        path: "app::run".to_owned(),
        id: "f1".to_owned(),
        package: "app".to_owned(),
        file: "src/main.rs".to_owned(),
        line: 3,
        column: 4,
        calls: 1,
        total_ns: 900_000_000,
        self_ns: 900_000_000,
        sites,
        ..FunctionFacts::default()
    };
    Facts {
        wall_ns: 1_000_000_000,
        cpu_ns: Some(1_000_000_000),
        outside_ns: 100_000_000,
        threads: 1,
        allocations_measured: true,
        probes: ProbeCosts { inside_ns: 0.0, alloc_ns: 15.0, free_ns: 10.0, ..Default::default() },
        functions: vec![function],
        ..Facts::default()
    }
}

/// A site in a loop that ran a million times for 400 ms, with an allocation of 24 bytes each.
pub(crate) fn hot(kind: Kind, label: &str, type_name: &str) -> SiteFacts {
    SiteFacts {
        index: 0,
        kind,
        line: 5,
        column: 9,
        label: label.to_owned(),
        type_name: Some(type_name.to_owned()),
        type_size: 24,
        needs_drop: true,
        count: 1_000_000,
        timed: 1_000_000,
        error_ns: 0.0,
        self_ns: 400_000_000,
        hidden_ns: 0.0,
        max_ns: 10_000,
        allocs: Allocs { count: 1_000_000, bytes: 24_000_000, ..Allocs::default() },
        awaits: None,
        hold: None,
        waiting: None,
        unreceived: None,
        histogram: Vec::new(),
        source: Some(SiteSource {
            span: Span { line: 5, column: 7, end_line: 5, end_column: 16, ..Span::default() },
            loop_depth: 1,
            innermost_loop: Some(Span::default()),
            ..SiteSource::default()
        }),
        allowed: Vec::new(),
    }
}

/// An await in the body of a function that ran so often and waited so long.
pub(crate) fn awaited(label: &str, count: u64, wait_ns: u64) -> SiteFacts {
    let awaits = Awaits { polls: 2 * count, wait_ns, ..Awaits::default() };
    let site = SiteFacts {
        count,
        timed: 0,
        self_ns: 0,
        allocs: Allocs::default(),
        awaits: Some(awaits),
        ..hot(Kind::Await, label, "app::f::{{closure}}")
    };
    with_source(site, |source| source.awaited = Some(AwaitSource::default()))
}

/// Changes what the source says of an await.
pub(crate) fn with_await(site: SiteFacts, change: impl FnOnce(&mut AwaitSource)) -> SiteFacts {
    with_source(site, |source| change(source.awaited.get_or_insert_default()))
}

/// Best estimate of what a candidate's tasks wait less, in wall time.
pub(crate) fn best_wait_ns(candidate: &Candidate) -> Option<f64> {
    candidate.gain.as_ref().map(|gain| crate::impact::union(&gain.claims).waits.best)
}

/// Changes what the source says of a site.
pub(crate) fn with_source(mut site: SiteFacts, change: impl FnOnce(&mut SiteSource)) -> SiteFacts {
    change(site.source.get_or_insert_default());
    site
}

/// Best estimate of a candidate's saving in nanoseconds.
pub(crate) fn best_ns(candidate: &Candidate) -> Option<f64> {
    candidate.gain.as_ref().map(|gain| crate::impact::union(&gain.claims).threads.best)
}

/// What a rule finds in a run with one site.
pub(crate) fn check(rule: &dyn Rule, site: SiteFacts) -> Vec<Candidate> {
    rule.check(&run(vec![site]), &Thresholds::default())
}
