//! What becomes of bytes that nobody vouches for: read, merged, judged and printed as the command
//! line does it. None of them may panic, whatever the bytes say.

use std::path::{Path, PathBuf};

use cargo_hotpath::collect::{self, Outcome};
use cargo_hotpath::facts::{self, BuildFacts};
use cargo_hotpath::profile::{Allocs, Bucket, Context, Function, Memory, Profile, Row, Site};
use cargo_hotpath::rank;
use cargo_hotpath::report::{self, Inputs, human, json};
use cargo_hotpath::schema::{Environment, Exit, Run, Workload};
use cargo_hotpath::source::{Root, Source};
use hotpath_runtime::segment::reader::{self, Anchor, Segment};

use crate::binary;

/// The stages behind the readers, with sources for the rules to look at.
#[derive(Debug)]
pub struct Digest {
    source: Source,
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

impl Digest {
    /// Scans the example with the known faults.
    pub fn new() -> Self {
        let root = |file: &str| Root {
            package: "srcindex".to_owned(),
            target: "srcindex".to_owned(),
            edition: "2024".to_owned(),
            file: binary::repository().join("examples/srcindex").join(file),
            workspace_root: binary::repository().to_owned(),
            implicit: false,
        };
        Self { source: Source::scan(&[root("src/lib.rs"), root("src/main.rs")]) }
    }

    /// Digests bytes as a segment; whether they are one.
    ///
    /// # Panics
    /// When a stage does, or when the profile that comes of it is refused by its own reader.
    pub fn segment(&self, bytes: &[u8]) -> bool {
        let end = Anchor { ticks: u64::MAX / 2, monotonic_ns: u64::MAX / 4 };
        let segments: Vec<Segment> =
            [None, Some(end)].into_iter().filter_map(|end| reader::read(bytes, end).ok()).collect();
        let outcome = Outcome {
            wall_ns: 10_000_000_000,
            cpu_ns: Some(9_000_000_000),
            spawned_monotonic_ns: Some(5),
            exited: Some(end),
            workspace_root: PathBuf::from("/work/space"),
            samples: None,
        };
        let profile = collect::merge(&segments, Vec::new(), &outcome);
        let text = serde_json::to_vec(&profile).expect("string keys");
        let read = Profile::from_bytes(&text, Path::new("collected.json"));
        self.report(&read.expect("a collected profile can be read"));
        !segments.is_empty()
    }

    /// Digests bytes as a profile file; whether they are one.
    ///
    /// # Panics
    /// When a stage does.
    pub fn profile(&self, bytes: &[u8]) -> bool {
        let profile = Profile::from_bytes(bytes, Path::new("profile.json"));
        let is_one = profile.is_ok();
        match profile {
            Ok(profile) => self.report(&profile),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        is_one
    }

    fn report(&self, profile: &Profile) {
        let facts = facts::join(profile, &self.source, BuildFacts::default());
        let ranked = rank::findings(&facts, &rank::Options { all: true, ..Default::default() });
        let run = |wall_ns| Run {
            wall_ns,
            cpu_ns: None,
            allocs: None,
            instructions: None,
            exit: Exit::default(),
        };
        let report = report::assemble(Inputs {
            facts: &facts,
            profile,
            ranked,
            environment: Environment::default(),
            workload: Workload {
                kind: "bin".to_owned(),
                package: "srcindex".to_owned(),
                name: "srcindex".to_owned(),
                args: Vec::new(),
                exit: Exit::default(),
            },
            command: Vec::new(),
            runs: vec![run(profile.wall_ns), run(profile.outside_ns)],
            instructions: None,
            warnings: Vec::new(),
            cut_short: false,
            stopped: false,
        });
        let options = human::Options { color: true, width: 100, ..Default::default() };
        assert!(!human::render(&report, &facts.sources, &options).is_empty());
        assert!(json::render(&report).ends_with("}\n"));
    }

    /// A profile in which every site of the sources is hot.
    pub fn sample(&self) -> Profile {
        let functions: Vec<Function> = self.source.functions().iter().map(function).collect();
        let wall_ns = 10_000_000_000;
        let each = wall_ns / functions.len() as u64;
        let rows = self.source.functions().iter().enumerate().flat_map(|(index, function)| {
            (0..function.sites.len()).map(move |site| row(index, site, each / 4))
        });
        Profile {
            version: 1,
            wall_ns,
            cpu_ns: Some(wall_ns),
            processes: 1,
            threads: 1,
            memory: Some(Memory { peak_live_bytes: 1 << 20, ..Memory::default() }),
            rows: rows.collect(),
            contexts: (0..functions.len()).map(|index| context(index, each)).collect(),
            functions,
            ..Profile::default()
        }
    }
}

fn function(source: &cargo_hotpath::source::SourceFunction) -> Function {
    let site = |site: &cargo_hotpath::source::SourceSite| Site {
        kind: site.kind.name().to_owned(),
        line: site.line,
        column: site.column,
        label: site.label.clone(),
        histogram: Vec::new(),
    };
    Function {
        package: source.package.clone(),
        target: source.target.clone(),
        module: source.module.clone(),
        name: source.registered.clone(),
        file: source.file.clone(),
        line: source.line,
        column: source.column,
        ordinal: source.ordinal,
        is_async: source.is_async,
        budget: source.budget.to_string(),
        sites: source.sites.iter().map(site).collect(),
        histogram: vec![Bucket { low_ns: 900, high_ns: 1_100, count: 1_000_000 }],
    }
}

fn context(function: usize, self_ns: u64) -> Context {
    Context {
        function,
        parent: function.checked_sub(1),
        calls: 1_000_000,
        timed: 1_000,
        total_ns: self_ns,
        self_ns,
        error_ns: 1_000.0,
        max_ns: 5_000,
        ..Context::default()
    }
}

fn row(function: usize, site: usize, self_ns: u64) -> Row {
    Row {
        function,
        site,
        type_name: Some("alloc::string::String".to_owned()),
        type_size: 24,
        needs_drop: true,
        count: 1_000_000,
        timed: 1_000,
        self_ns,
        error_ns: 1_000.0,
        max_ns: 5_000,
        allocs: Allocs { count: 1_000_000, bytes: 24_000_000, reallocs: 9, ..Allocs::default() },
        awaits: None,
        hold: None,
        waiting: None,
        unreceived: None,
    }
}
