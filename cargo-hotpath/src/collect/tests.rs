use std::fs;

use hotpath_runtime::segment::reader::{
    self, Calibration, Clock, ClockKind, Histogram, Process, Row, Slab,
};

use super::*;
use crate::profile::{Bucket, Context, Seen, SeenStates};
use crate::sampler::Tally;

const ROOT: &str = "/work/space";

fn outcome() -> Outcome {
    Outcome {
        wall_ns: 10_000_000,
        cpu_ns: Some(9_000_000),
        spawned_monotonic_ns: Some(1_000_000),
        exited: Some(Anchor { ticks: 11_000_000, monotonic_ns: 11_000_000 }),
        workspace_root: PathBuf::from(ROOT),
        samples: None,
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
        budget: String::new(),
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
        holds: None,
        waiting: None,
        unreceived: None,
    }
}

fn slab(nodes: Vec<Node>) -> Slab {
    let mut all = vec![Node::default()];
    all.extend(nodes);
    Slab {
        tid: 7,
        threads: 1,
        lifetime: 1_000,
        cold: 0,
        processor: None,
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
            forked: false,
        },
        clock: Clock {
            kind: ClockKind::System,
            start: at(2_000_000),
            end: at(10_000_000),
            system_reason: None,
            off_ppm: 0,
        },
        calibration: Calibration {
            inside: 8,
            function: 20,
            expression: 15,
            counted: 4,
            alloc: 10,
            free: 6,
            charge: 2,
            hash: 5,
            hidden: 3,
            ..Calibration::default()
        },
        memory: None,
        allocator: Vec::new(),
        retained: None,
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
fn budgets_travel_and_a_damaged_one_is_said() {
    let with = |name: &str, line, budget: &str| reader::Function {
        budget: budget.to_owned(),
        ..function(name, line, &[])
    };
    let functions = vec![with("read", 3, "p99 = 50 us"), with("write", 9, "p99 = 50 \u{fffd}")];
    let profile = profile(&[segment(functions, vec![slab(vec![node(0, 0, 100)])])]);
    let budgets: Vec<&str> = profile.functions.iter().map(|f| f.budget.as_str()).collect();
    assert_eq!(budgets, ["p99 = 50 us", ""]);
    let note = &profile.notes[0];
    assert!(note.starts_with("the budget of orders::parse::write is missing"), "{note}");
}

#[test]
fn a_process_that_became_another_program_ended_well() {
    let part = |pid, start_ns, exited| {
        let mut part = segment(vec![function("read", 3, &[])], vec![slab(vec![node(0, 0, 10)])]);
        part.process.pid = pid;
        part.process.exited = exited;
        part.clock.start = Anchor { ticks: start_ns, monotonic_ns: start_ns };
        part
    };
    let unclean = |segments: &[Segment]| profile(segments).unclean_exits;
    let (before, after) = (part(7, 1_000, false), part(7, 2_000, true));
    assert_eq!(unclean(&[before.clone(), after.clone()]), 0);
    assert_eq!(unclean(&[after.clone(), before.clone()]), 0);
    // What it became was killed; so was another process.
    assert_eq!(unclean(&[before.clone(), part(7, 2_000, false)]), 1);
    assert_eq!(unclean(&[before, after, part(8, 3_000, false)]), 1);
    // The number came round: the earlier process is that of another program, the later was killed.
    assert_eq!(unclean(&[part(7, 1_000, true), part(7, 2_000, false)]), 1);
    // A fork that left by `_exit`.
    let mut forked = part(9, 4_000, false);
    forked.process.forked = true;
    assert_eq!(unclean(&[forked]), 0);
    let both = profile(&[part(7, 1_000, false), part(7, 2_000, true)]);
    assert_eq!((both.processes, both.contexts[0].calls), (2, 4));
}

#[test]
fn cold_work_is_neither_in_functions_nor_outside_of_them() {
    let mut cold = slab(vec![node(0, 0, 100)]);
    cold.cold = 300;
    let profile = profile(&[segment(vec![function("read", 3, &[])], vec![cold])]);
    assert_eq!((profile.cold_ns, profile.outside_ns), (300, 2_000_000 + 1_000 - 100 - 300));
    assert_eq!((profile.contexts[0].total_ns, profile.probes.charge_ns), (100, 2.0));
    assert_eq!((profile.probes.hash_ns, profile.probes.hidden_ns), (5.0, 3.0));
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
        segment.clock = Clock { kind: ClockKind::Tsc, start, end, ..segment.clock };
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
fn what_clocks_were_read_is_said_where_it_matters() {
    let sound = segment(vec![function("read", 3, &[])], vec![slab(vec![node(0, 0, 600)])]);
    assert_eq!(profile(std::slice::from_ref(&sound)).notes, Vec::<String>::new());
    let with = |system_reason, off_ppm| {
        let clock = Clock { system_reason, off_ppm, ..sound.clock };
        Segment { clock, ..sound.clone() }
    };
    let slow = with(Some(reader::SystemReason::Slow), 0);
    let moved = with(None, 12_345);
    let notes = profile(&[slow.clone(), moved, slow]).notes;
    let [took, changed] = &notes[..] else { panic!("{notes:?}") };
    assert!(took.starts_with("2 of 3 processes took the system's clock"), "{took}");
    assert!(took.ends_with("takes over 200 ns here"), "{took}");
    assert!(changed.starts_with("process 41: its clock changed its rate by 1.23 %"), "{changed}");
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
    let both = combine(&[one.clone(), one.clone()], Vec::new(), &outcome());
    assert_eq!(both.contexts[0].calls, u64::MAX);
    assert_eq!(both.rows[0].count, u64::MAX);
    assert_eq!(both.lost_bytes, u64::MAX);

    // No run counts so much: what is sound is reported without it.
    let sound = segment(vec![function("read", 3, &[])], vec![slab(vec![node(0, 0, 600)])]);
    let rest = profile(&[one, sound]);
    assert_eq!((rest.processes, rest.contexts[0].total_ns), (1, 600));
    assert!(rest.notes[0].starts_with("process 41 is missing"), "{:?}", rest.notes);
    assert!(rest.is_possible());
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

#[test]
fn what_was_seen_of_nodes_goes_to_their_contexts() {
    // f0 calls f1, which calls f0 again: the back edge's time was seen in f0's node.
    let at = |offset, node: Node| Node { offset, ..node };
    let nodes = vec![
        at(128, node(0, 0, 900)),
        at(192, node(1, 1, 500)),
        at(256, Node { alias_of: Some(1), ..node(0, 2, 100) }),
    ];
    let functions = vec![function("f0", 3, &[]), function("f1", 9, &[]), function("f2", 12, &[])];
    let never = vec![at(512, node(2, 0, 1))];
    let segments = [segment(functions, vec![slab(nodes), slab(never)])];
    let tally =
        |ns| Tally { self_ns: ns, running_ns: ns - 1, blocked_ns: 1, alone_ns: 2, wall_ns: ns / 2 };
    let mut samples = Samples {
        looks: 10,
        covered_ns: 9_000_000,
        effective_looks: 8.0,
        elapsed_ns: 10_000_000,
        cpu_ns: Some(50),
        running_ns: 70,
        busy_ns: 60,
        states_known: true,
        ..Samples::default()
    };
    let places = [(0, 5), (128, 100), (192, 40), (777, 1)];
    samples.add((41, 2_000_000), places.map(|(offset, ns)| (offset, tally(ns))));
    // Another process with the same id, long before.
    samples.add((41, 1), [(128, tally(1_000))]);

    let profile =
        merge(&segments, Vec::new(), &Outcome { samples: Some(samples.clone()), ..outcome() });
    let of = |name: &str| {
        let is = |context: &&Context| profile.functions[context.function].name == name;
        profile.contexts.iter().find(is).and_then(|context| context.timeline).expect("looked at")
    };
    let states = SeenStates { running_ns: 99, blocked_ns: 1, alone_ns: 2, wall_ns: 50 };
    assert_eq!(of("f0"), Seen { self_ns: 100, states: Some(states) });
    assert_eq!(of("f1").self_ns, 40);
    assert_eq!(of("f2"), Seen { self_ns: 0, states: Some(SeenStates::default()) });
    let timeline = profile.timeline.clone().expect("looked at");
    assert_eq!((timeline.samples, timeline.covered_ns), (10, 9_000_000));
    assert_eq!((timeline.busy_ns, timeline.running_ns), (Some(60), Some(70)));
    // Each slab's root lies at offset 0 here.
    assert_eq!(timeline.outside.self_ns, 2 * 5);

    samples.states_known = false;
    let silent = merge(&segments, Vec::new(), &Outcome { samples: Some(samples), ..outcome() });
    assert!(
        silent.contexts.iter().all(|context| context.timeline.is_some_and(|t| t.states.is_none()))
    );
    assert_eq!(silent.timeline.and_then(|timeline| timeline.busy_ns), None);
}

#[test]
fn without_looks_there_is_no_timeline() {
    let segments = [segment(vec![function("f0", 3, &[])], vec![slab(vec![node(0, 0, 900)])])];
    for samples in [None, Some(Samples::default())] {
        let profile = merge(&segments, Vec::new(), &Outcome { samples, ..outcome() });
        assert_eq!(profile.timeline, None);
        assert!(profile.contexts.iter().all(|context| context.timeline.is_none()));
    }
}

#[test]
fn a_guard_that_went_where_nobody_took_the_lock_belongs_to_it() {
    let holds = |count, ticks| Some(reader::Holds { count, timed: count, ticks, max: ticks });
    let functions = vec![function("f", 1, &[("lock", 2), ("lock", 3)])];
    let here = Row { holds: holds(2, 60), ..row(0, "Mutex<u8>", 1) };
    let there = Row { type_name: None, count: 0, timed: 0, holds: holds(1, 40), ..row(0, "", 0) };
    let alone = Row { site: 1, ..there.clone() };
    let slabs = [vec![here], vec![there, alone]].map(|rows| Slab { rows, ..slab(vec![]) });
    let profile = profile(&[segment(functions, slabs.to_vec())]);
    let hold = |index: usize| {
        let row = &profile.rows[index];
        (row.type_name.is_some(), row.hold.map(|it| (it.count, it.ns, it.max_ns)))
    };
    assert_eq!(hold(0), (true, Some((3, 100, 60))));
    assert_eq!(hold(1), (false, Some((1, 40, 40))));
    assert_eq!(profile.rows.len(), 2);
}

#[test]
fn guards_of_a_generic_function_belong_to_the_row_that_ran_most() {
    let holds = |count, ticks| Some(reader::Holds { count, timed: count, ticks, max: ticks });
    let functions = vec![function("f", 1, &[("lock", 2)])];
    // On each thread the type that came last has them; one took the lock and panicked.
    let rows = [
        Row { holds: holds(4, 60), ..row(0, "Mutex<A>", 1) },
        Row { count: 9, ..row(0, "Mutex<B>", 1) },
        Row { count: 9, holds: holds(5, 40), ..row(0, "Mutex<B>", 1) },
        Row { type_name: None, holds: holds(1, 7), ..row(0, "", 1) },
    ];
    let slabs = rows.map(|row| Slab { rows: vec![row], ..slab(vec![]) });
    let profile = profile(&[segment(functions, slabs.to_vec())]);
    let found: Vec<_> = profile
        .rows
        .iter()
        .map(|row| (row.type_name.as_deref(), row.count, row.hold.map(|it| (it.count, it.ns))))
        .collect();
    let expected =
        [(None, 3, None), (Some("Mutex<A>"), 3, None), (Some("Mutex<B>"), 18, Some((10, 107)))];
    assert_eq!(found, expected);
}
