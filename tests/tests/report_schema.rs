//! The committed JSON Schema accepts what the tool prints, and nothing that isn't a report.

use std::path::Path;

use cargo_hotpath::facts::{BuildFacts, Facts, FunctionFacts, SiteFacts, SiteSource, Span, Usage};
use cargo_hotpath::profile::{
    Allocs, Awaits, Bucket, Memory, Polls, ProbeCosts, Profile, Seen, SeenStates, Timeline,
};
use cargo_hotpath::rank::{self, Options};
use cargo_hotpath::report::{self, Inputs};
use cargo_hotpath::schema::{
    Environment, Exit, Git, InstructionSource, Instructions, Run, Warning, Workload,
};
use hotpath_runtime_syntax::Kind;
use serde_json::{Value, json};

fn schema() -> jsonschema::Validator {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../cargo-hotpath/schema/report-v1.schema.json");
    let text = std::fs::read_to_string(path).expect("the schema is committed");
    let value: Value = serde_json::from_str(&text).expect("the schema is JSON");
    jsonschema::draft202012::meta::validate(&value).expect("the schema is a schema");
    jsonschema::validator_for(&value).expect("the schema compiles")
}

fn site(index: usize, kind: Kind, usage: Usage) -> SiteFacts {
    let is_await = kind == Kind::Await;
    SiteFacts {
        index,
        kind,
        line: 2,
        column: 12,
        label: "x.clone()".to_owned(),
        type_name: Some("alloc::string::String".to_owned()),
        type_size: 24,
        needs_drop: true,
        count: 1_000_000,
        timed: 10_000,
        error_ns: 4_000_000.0,
        self_ns: 300_000_000,
        hidden_ns: 0.0,
        max_ns: 9_000,
        allocs: Allocs { count: 1_000_000, bytes: 24_000_000, ..Allocs::default() },
        awaits: is_await.then(Awaits::default),
        hold: None,
        waiting: None,
        unreceived: None,
        histogram: Vec::new(),
        source: Some(SiteSource {
            span: Span {
                byte_start: 18,
                byte_end: 27,
                line: 2,
                column: 7,
                end_line: 2,
                end_column: 16,
            },
            receiver: Some("x".to_owned()),
            usage,
            ..SiteSource::default()
        }),
        allowed: Vec::new(),
    }
}

fn facts() -> Facts {
    let function = FunctionFacts {
        path: "app::run".to_owned(),
        id: "f1".to_owned(),
        file: "src/main.rs".to_owned(),
        calls: 1_000,
        total_ns: 900_000_000,
        self_ns: 900_000_000,
        max_ns: 5_000_000,
        is_async: true,
        polls: Some(Polls::default()),
        histogram: vec![Bucket { low_ns: 1, high_ns: 2, count: 10 }],
        timeline: Some(Seen { self_ns: 880_000_000, states: Some(SeenStates::default()) }),
        sites: vec![site(0, Kind::Clone, Usage::Borrowed), site(1, Kind::Await, Usage::Other)],
        ..FunctionFacts::default()
    };
    Facts {
        wall_ns: 1_000_000_000,
        cpu_ns: Some(990_000_000),
        outside_ns: 90_000_000,
        threads: 1,
        allocations_measured: true,
        probes: ProbeCosts { function_ns: 20.0, expression_ns: 12.0, ..ProbeCosts::default() },
        build: BuildFacts { opt_level: Some("0".to_owned()), ..BuildFacts::default() },
        functions: vec![function],
        sources: [("src/main.rs".to_owned(), "fn run() {\n    g(&x.clone());\n}\n".to_owned())]
            .into(),
        timeline: Some(Timeline { samples: 900, covered_ns: 1, ..Timeline::default() }),
        ..Facts::default()
    }
}

fn document(facts: &Facts) -> Value {
    let profile = Profile {
        memory: facts.allocations_measured.then(Memory::default),
        notes: vec!["a note".to_owned()],
        ..Profile::default()
    };
    let git = Git { commit: "0123abc".to_owned(), dirty: true };
    let exit = Exit { code: None, signal: Some(9) };
    let run = |wall_ns| Run {
        wall_ns,
        cpu_ns: None,
        allocs: Some(1),
        instructions: Some(7),
        exit: exit.clone(),
    };
    let report = report::assemble(Inputs {
        facts,
        profile: &profile,
        ranked: rank::findings(facts, &Options { all: true, ..Options::default() }),
        environment: Environment { git: Some(git), ..Environment::default() },
        workload: Workload {
            kind: "bin".to_owned(),
            package: "app".to_owned(),
            name: "app".to_owned(),
            args: vec!["--fast".to_owned()],
            exit: exit.clone(),
        },
        command: Vec::new(),
        runs: vec![run(1), run(2)],
        instructions: Some(Instructions {
            count: Some(7),
            source: InstructionSource::Callgrind,
            reason: None,
        }),
        warnings: vec![Warning { id: "w".to_owned(), message: "m".to_owned() }],
        cut_short: false,
        stopped: false,
    });
    serde_json::from_str(&report::json::render(&report)).expect("JSON")
}

fn errors(document: &Value) -> Vec<String> {
    schema()
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn a_full_report_is_valid() {
    let document = document(&facts());
    assert_eq!(errors(&document), Vec::<String>::new());
    let rules: Vec<_> =
        document["findings"].as_array().into_iter().flatten().map(|f| f["rule"].clone()).collect();
    assert_eq!(rules, [json!("build-debug"), json!("clone-for-borrow")]);
    assert!(document["findings"][1]["fix"]["edits"][0]["byte_start"].is_u64());
}

#[test]
fn an_empty_report_is_valid() {
    let document = document(&Facts::default());
    assert_eq!(errors(&document), Vec::<String>::new());
    assert!(document["totals"]["allocs"].is_null());
}

#[test]
fn what_is_no_report_is_refused() {
    let mut missing = document(&facts());
    missing.as_object_mut().and_then(|object| object.remove("findings"));
    let mut unknown = document(&facts());
    unknown["extra"] = json!(1);
    let mut text = document(&facts());
    text["totals"]["wall_ns"] = json!("1.00 s");
    for document in [missing, unknown, text] {
        assert!(!errors(&document).is_empty(), "{document}");
    }
}

/// Not measured is `null`: a field that could be left out would read as "unknown to this version".
#[test]
fn every_field_is_required() {
    let mut absent = document(&facts());
    absent["totals"].as_object_mut().and_then(|object| object.remove("allocs"));
    assert!(!errors(&absent).is_empty());
}
