use std::fs;

use hotpath_runtime::segment::reader::{
    self, Calibration, Clock, ClockKind, Histogram, Process, Row, Slab,
};

use super::*;
use crate::profile::Bucket;

const ROOT: &str = "/work/space";

fn outcome() -> Outcome {
    Outcome {
        wall_ns: 10_000_000,
        cpu_ns: Some(9_000_000),
        spawned_monotonic_ns: Some(1_000_000),
        exited: Some(Anchor { ticks: 11_000_000, monotonic_ns: 11_000_000 }),
        workspace_root: PathBuf::from(ROOT),
    }
}

fn function(name: &str, line: u32, sites: &[(&str, u32)]) -> reader::Function {
    let site = |&(kind, line): &(&str, u32)| reader::Site {
        kind: kind.to_owned(),
        line,
        column: 9,
        label: format!("x.{kind}()"),
    };
    reader::Function {
        package: "orders".to_owned(),
        target: "orders".to_owned(),
        module: "orders::parse".to_owned(),
        name: name.to_owned(),
        file: "src/parse.rs".to_owned(),
        line,
        column: 8,
        is_async: false,
        sites: sites.iter().map(site).collect(),
        origin: [0; 2],
    }
}

fn node(function: usize, parent: usize, sum: u64) -> Node {
    Node {
        function: Some(function),
        parent: Some(parent),
        calls: 2,
        timed: 2,
        sum,
        max: sum,
        ..Node::default()
    }
}

fn row(site: usize, type_name: &str, ticks: u64) -> Row {
    Row {
        function: 0,
        site,
        type_name: Some(type_name.to_owned()),
        type_size: 24,
        needs_drop: true,
        count: 3,
        timed: 3,
        ticks,
        variance: 0.0,
        max: ticks,
        allocs: reader::Allocs { count: 1, realloc_ticks: 7, ..Default::default() },
        polls: 4,
        ready: 1,
        wait: 50,
        nested_wait: 5,
        cancelled: 1,
    }
}

fn slab(nodes: Vec<Node>) -> Slab {
    let mut all = vec![Node::default()];
    all.extend(nodes);
    Slab {
        tid: 7,
        threads: 1,
        lifetime: 1_000,
        nodes: all,
        rows: Vec::new(),
        histograms: Vec::new(),
    }
}

/// A process on the system's clock, from 2 ms to 10 ms.
fn segment(functions: Vec<reader::Function>, slabs: Vec<Slab>) -> Segment {
    let at = |ns| Anchor { ticks: ns, monotonic_ns: ns };
    Segment {
        process: Process {
            pid: 41,
            parent_pid: 40,
            command: "orders\0--all".to_owned(),
            exited: true,
        },
        clock: Clock { kind: ClockKind::System, start: at(2_000_000), end: at(10_000_000) },
        calibration: Calibration {
            inside: 8,
            function: 20,
            expression: 15,
            counted: 4,
            alloc: 10,
            free: 6,
        },
        memory: None,
        functions,
        slabs,
        private_bytes: 0,
        overflowed: 0,
    }
}

fn profile(segments: &[Segment]) -> Profile {
    merge(segments, Vec::new(), &outcome())
}

#[test]
fn threads_and_processes_are_merged_by_identity() {
    let one = segment(
        vec![function("read", 3, &[("clone", 4)]), function("write", 9, &[])],
        vec![slab(vec![node(0, 0, 100), node(1, 1, 40)]), slab(vec![node(0, 0, 10)])],
    );
    // The other process registered them the other way round, with an absolute file name.
    let mut absolute = function("read", 3, &[("clone", 4)]);
    absolute.file = format!("{ROOT}/src/parse.rs");
    let mut two = segment(
        vec![function("write", 9, &[]), absolute],
        vec![slab(vec![node(1, 0, 1_000), node(0, 1, 400), node(0, 0, 50)])],
    );
    two.process.exited = false;
    two.private_bytes = 64;
    two.overflowed = 3;
    let profile = profile(&[one, two]);

    let names: Vec<&str> = profile.functions.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["read", "write"]);
    assert_eq!(profile.functions[0].file, "src/parse.rs");
    let figures: Vec<_> = profile
        .contexts
        .iter()
        .map(|c| (c.function, c.parent, c.calls, c.total_ns, c.self_ns, c.max_ns))
        .collect();
    assert_eq!(
        figures,
        [(0, None, 6, 1_110, 670, 1_000), (1, Some(0), 4, 440, 440, 400), (1, None, 2, 50, 50, 50)]
    );
    assert_eq!((profile.processes, profile.threads), (2, 3));
    assert_eq!((profile.unclean_exits, profile.lost_bytes, profile.overflowed), (1, 64, 3));
    // 1 ms before the segment and 1 ms after it, and what each slab lived outside of functions.
    assert_eq!(profile.outside_ns, 2_000_000 + 900 + 990);
    assert_eq!(profile.notes.len(), 1, "one slab was 50 ns over: {:?}", profile.notes);
}

#[test]
fn equal_functions_of_one_macro_stay_apart_by_ordinal() {
    let twice = || vec![function("made", 3, &[]), function("made", 3, &[])];
    let profile = profile(&[
        segment(twice(), vec![slab(vec![node(0, 0, 10), node(1, 0, 20)])]),
        segment(twice(), vec![slab(vec![node(1, 0, 300)])]),
    ]);
    let ordinals: Vec<u32> = profile.functions.iter().map(|f| f.ordinal).collect();
    assert_eq!(ordinals, [0, 1]);
    let totals: Vec<u64> = profile.contexts.iter().map(|c| c.total_ns).collect();
    assert_eq!(totals, [10, 320]);
}

#[test]
fn functions_of_one_place_with_other_sites_are_not_mixed_up() {
    let profile = profile(&[
        segment(vec![function("made", 3, &[("clone", 4)])], vec![slab(vec![node(0, 0, 10)])]),
        segment(vec![function("made", 3, &[("format", 4)])], vec![slab(vec![node(0, 0, 20)])]),
    ]);
    let found: Vec<_> =
        profile.functions.iter().map(|f| (f.ordinal, f.sites[0].kind.as_str())).collect();
    assert_eq!(found, [(0, "clone"), (1, "format")]);
}

#[test]
fn rows_are_merged_by_site_and_type() {
    let functions = || vec![function("read", 3, &[("clone", 4), ("await", 5)])];
    let with = |rows: Vec<Row>| Slab { rows, ..slab(vec![node(0, 0, 100)]) };
    let profile = profile(&[
        segment(
            functions(),
            vec![with(vec![row(0, "String", 10), row(0, "Arc", 5)]), with(vec![row(1, "F", 9)])],
        ),
        segment(functions(), vec![with(vec![row(0, "String", 30), row(1, "F", 1)])]),
    ]);
    let found: Vec<_> = profile
        .rows
        .iter()
        .map(|r| (r.site, r.type_name.as_deref().unwrap(), r.count, r.self_ns, r.max_ns))
        .collect();
    assert_eq!(found, [(0, "Arc", 3, 5, 5), (0, "String", 6, 40, 30), (1, "F", 6, 10, 9)]);
    assert_eq!(profile.rows[1].allocs.count, 2);
    assert_eq!(profile.rows[1].allocs.realloc_ns, 14);
    assert_eq!(profile.rows[1].awaits, None, "a clone waits for nothing");
    let awaits = profile.rows[2].awaits.unwrap();
    assert_eq!((awaits.polls, awaits.ready, awaits.wait_ns), (8, 2, 100));
    assert_eq!((awaits.nested_wait_ns, awaits.cancelled), (10, 2));
}

#[test]
fn async_figures_are_those_of_async_functions_only() {
    let mut task = function("task", 3, &[]);
    task.is_async = true;
    let polled = Node { polls: 5, wait: 70, cancelled: 1, future_bytes: 48, ..node(0, 0, 100) };
    let profile = profile(&[segment(
        vec![task, function("plain", 9, &[])],
        vec![slab(vec![polled.clone(), node(1, 0, 10)]), slab(vec![polled])],
    )]);
    let by_name = |name: &str| {
        let context = |c: &&crate::profile::Context| profile.functions[c.function].name == name;
        profile.contexts.iter().find(context).unwrap()
    };
    let polls = by_name("task").polls.unwrap();
    assert_eq!((polls.polls, polls.wait_ns, polls.cancelled, polls.future_bytes), (10, 140, 2, 48));
    assert_eq!(by_name("plain").polls, None);
}

#[test]
fn histograms_of_processes_with_slightly_other_rates_share_their_buckets() {
    let functions = || vec![function("read", 3, &[("lock", 4)])];
    let of = |site, buckets| Histogram { function: 0, site, buckets };
    let process = |end_ns| {
        let slab = Slab {
            histograms: vec![
                of(None, vec![(2_000, 2_031, 4), (5, 5, 1), (9, 9, 0)]),
                of(Some(0), vec![(100, 103, 2)]),
            ],
            ..slab(vec![node(0, 0, 100)])
        };
        let mut segment = segment(functions(), vec![slab]);
        segment.clock.kind = ClockKind::Tsc;
        segment.clock.start = Anchor { ticks: 1_000, monotonic_ns: 2_000_000 };
        segment.clock.end = Anchor { ticks: 1_000 + 20_000_000, monotonic_ns: end_ns };
        segment
    };
    let outcome = Outcome { exited: None, ..outcome() };
    let profile = merge(&[process(12_000_000), process(12_000_900)], Vec::new(), &outcome);
    let function = &profile.functions[0];
    assert_eq!(
        function.histogram,
        [
            Bucket { low_ns: 3, high_ns: 3, count: 2 },
            Bucket { low_ns: 1_000, high_ns: 1_016, count: 8 }
        ]
    );
    assert_eq!(function.sites[0].histogram, [Bucket { low_ns: 50, high_ns: 52, count: 4 }]);
    assert_eq!(format!("{:.1}", profile.probes.function_ns), "10.0");
}

#[test]
fn memory_is_summed_and_never_made_up() {
    assert_eq!(profile(&[segment(Vec::new(), vec![slab(Vec::new())])]).memory, None);
    let mut one = segment(Vec::new(), vec![slab(Vec::new())]);
    one.memory = Some(reader::Memory { live_bytes: -8, peak_live_bytes: 100, error_bytes: 1 });
    one.slabs[0].nodes[0].allocs.count = 4;
    let mut overflow = Node { parent: Some(0), ..Node::default() };
    overflow.allocs.count = 1;
    one.slabs[0].nodes.push(overflow);
    let two = segment(Vec::new(), vec![slab(Vec::new())]);
    let profile = profile(&[one.clone(), one, two]);
    let memory = profile.memory.unwrap();
    assert_eq!((memory.live_bytes, memory.peak_live_bytes, memory.error_bytes), (-16, 200, 2));
    assert_eq!(memory.outside.count, 10);
    assert!(profile.notes[0].starts_with("1 of 3 processes"), "{:?}", profile.notes);
}

#[test]
fn a_workload_that_never_hit_a_probe_was_outside_all_the_time() {
    let profile = profile(&[]);
    assert_eq!((profile.outside_ns, profile.wall_ns), (10_000_000, 10_000_000));
    assert_eq!((profile.processes, profile.memory), (0, None));
}

#[test]
fn a_process_whose_clock_was_read_once_takes_the_rate_of_another() {
    let tsc = |start, end| {
        let mut segment =
            segment(vec![function("read", 3, &[])], vec![slab(vec![node(0, 0, 600)])]);
        segment.clock = Clock { kind: ClockKind::Tsc, start, end };
        segment
    };
    let at = |ticks, monotonic_ns| Anchor { ticks, monotonic_ns };
    let outcome = Outcome { exited: None, ..outcome() };
    let whole = tsc(at(0, 2_000_000), at(24_000_000, 10_000_000));
    let short = tsc(at(500, 3_000_000), at(500, 3_000_000));
    let both = merge(&[whole, short.clone()], Vec::new(), &outcome);
    assert_eq!(both.contexts[0].total_ns, 400);
    assert_eq!(both.notes, Vec::<String>::new());
    let alone = merge(&[short], Vec::new(), &outcome);
    assert!(alone.notes[0].contains("in ticks"), "{:?}", alone.notes);
}

#[test]
fn counters_at_their_limits_do_not_overflow() {
    let huge = Node { calls: u64::MAX, timed: u64::MAX, ..node(0, 0, u64::MAX) };
    let mut one = segment(
        vec![function("read", 3, &[("clone", 4)])],
        vec![
            Slab {
                threads: u64::MAX,
                rows: vec![Row { count: u64::MAX, ticks: u64::MAX, ..row(0, "String", 1) }],
                ..slab(vec![huge])
            };
            2
        ],
    );
    one.private_bytes = u64::MAX;
    let profile = profile(&[one.clone(), one]);
    assert_eq!(profile.contexts[0].calls, u64::MAX);
    assert_eq!(profile.rows[0].count, u64::MAX);
    assert_eq!(profile.lost_bytes, u64::MAX);
}

#[test]
fn files_that_are_no_segments_become_notes() {
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    put("12-00000000000000aa.segment", b"");
    put("12-00000000000000ad.segment", &[0; 4096]);
    put("13-00000000000000ab.failed-28", b"");
    put("14-00000000000000ac.failed-what", b"");
    put("notes.txt", b"mine");
    let profile = collect(directory.path(), &outcome()).unwrap();
    assert_eq!(profile.processes, 0);
    let [empty, zeros, full, unknown] = &profile.notes[..] else { panic!("{:?}", profile.notes) };
    assert!(empty.starts_with("process 12 is missing") && empty.contains("set up"), "{empty}");
    assert!(zeros.starts_with("process 12 is missing") && zeros.contains("set up"), "{zeros}");
    assert!(full.starts_with("process 13 is missing") && full.contains("space"), "{full}");
    assert!(unknown.contains("reason unknown"), "{unknown}");
}

#[test]
fn a_directory_of_foreign_segments_is_an_error_that_names_one() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["2-00000000000000aa.segment", "1-00000000000000aa.segment"] {
        fs::write(directory.path().join(name), vec![0x5A; 4096]).unwrap();
    }
    let error = collect(directory.path(), &outcome()).unwrap_err();
    assert!(matches!(error, CollectError::Unreadable { count: 2, .. }), "{error:?}");
    assert!(error.to_string().contains("1-00000000000000aa.segment"), "{error}");
}

#[test]
fn a_missing_directory_is_an_error() {
    let error = collect(Path::new("/nonexistent/segments"), &outcome()).unwrap_err();
    assert!(matches!(error, CollectError::Directory { .. }), "{error:?}");
}
