use super::*;
use crate::profile::{
    Allocs, Awaits, BackEdge, Bucket, Context, CpuTime, Function, Hold, Memory, OperationCost,
    Polls, ProbeCosts, Retained, RetainedSite, Row, Seen, SeenStates, Site, SizeClass, Timeline,
};

const V1: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/profile-v1.json");

fn allocs(base: u64) -> Allocs {
    Allocs {
        count: base,
        bytes: base + 1,
        reallocs: base + 2,
        moved_bytes: base + 3,
        grown_bytes: base + 4,
        realloc_ns: base + 5,
        frees: base + 6,
        freed_bytes: base + 7,
    }
}

fn function() -> Function {
    Function {
        package: "orders".to_owned(),
        target: "orders".to_owned(),
        module: "orders::parse".to_owned(),
        name: "Parser::line".to_owned(),
        file: "src/parse.rs".to_owned(),
        line: 12,
        column: 12,
        ordinal: 0,
        is_async: true,
        budget: "allocs_per_call = 3, p99 = 50 us".to_owned(),
        sites: vec![Site {
            kind: "await".to_owned(),
            line: 14,
            column: 23,
            label: "self.next().await".to_owned(),
            histogram: vec![Bucket { low_ns: 10, high_ns: 19, count: 3 }],
        }],
        histogram: vec![
            Bucket { low_ns: 1, high_ns: 1, count: 1 },
            Bucket { low_ns: 1024, high_ns: 1055, count: 2 },
        ],
    }
}

/// Every field set to something else than its default.
fn full() -> Profile {
    Profile {
        version: PROFILE_VERSION,
        wall_ns: 5_000_000,
        cpu_ns: Some(4_900_000),
        outside_ns: 100_000,
        processes: 1,
        polling_threads: 1,
        threads: 2,
        memory: Some(Memory {
            live_bytes: -8,
            peak_live_bytes: 4096,
            error_bytes: 64,
            outside: allocs(100),
        }),
        probes: ProbeCosts {
            inside_ns: 7.5,
            function_ns: 21.25,
            expression_ns: 18.0,
            counted_ns: 6.0,
            alloc_ns: 9.0,
            free_ns: 6.0,
            function_inside_ns: 1.5,
            function_untimed_ns: 2.5,
            expression_inside_ns: 3.5,
            expression_untimed_ns: 4.5,
            poll_ns: 5.5,
            poll_untimed_ns: 6.5,
            awaited_ns: 7.5,
            charge_ns: 8.5,
            charge_open_ns: 9.5,
            hash_ns: 10.5,
            hidden_ns: 2.25,
        },
        functions: vec![function()],
        contexts: vec![Context {
            function: 0,
            parent: None,
            calls: 3,
            timed: 4,
            open: 1,
            total_ns: 4_000_000,
            error_ns: 1_500.5,
            self_ns: 3_900_000,
            max_ns: 2_000_000,
            back_calls: 1,
            back_edges: vec![BackEdge { caller: 0, calls: 1, total_ns: 50 }],
            allocs: allocs(10),
            polls: Some(Polls { polls: 9, wait_ns: 11, cancelled: 1, future_bytes: 48 }),
            first: Some(crate::profile::FirstCall { allocs: 5, alloc_bytes: 50, reallocs: 1 }),
            timeline: Some(seen(3_800_000)),
        }],
        rows: vec![row()],
        lost_bytes: 1,
        overflowed: 2,
        unclean_exits: 1,
        notes: vec!["one segment was empty".to_owned()],
        timeline: Some(Timeline {
            samples: 4,
            effective_samples: 3.5,
            covered_ns: 4_500_000,
            sampler_cpu_ns: Some(30_000),
            busy_ns: Some(4_000_000),
            running_ns: Some(5_000_000),
            outside: seen(90_000),
        }),
        allocator: vec![SizeClass {
            max_bytes: Some(64),
            alloc: OperationCost { timed: 40, mean_ns: 21.5, error_ns: 0.25 },
            free: OperationCost { timed: 41, mean_ns: 12.5, error_ns: 0.5 },
        }],
        retained: Some(retained()),
        cold_ns: 44_000,
        processor: Some(CpuTime {
            inside_ns: 900_000,
            outside_ns: Some(3_800_000),
            outside_error_ns: Some(70_000),
            looks: 512,
        }),
    }
}

fn retained() -> Retained {
    Retained {
        period_bytes: 524_288,
        dropped: 3,
        sites: vec![RetainedSite {
            function: Some(0),
            site: Some(0),
            blocks: 2,
            bytes: 1_000_000,
            error_bytes: 700_000,
            born_bytes: [500_000, 0, 0, 500_000],
        }],
    }
}

fn row() -> Row {
    Row {
        function: 0,
        site: 0,
        type_name: Some("alloc::string::String".to_owned()),
        type_size: 24,
        needs_drop: true,
        count: 5,
        timed: 5,
        self_ns: 600,
        error_ns: 2.25,
        max_ns: 200,
        allocs: allocs(20),
        awaits: Some(Awaits { polls: 6, ready: 1, wait_ns: 70, nested_wait_ns: 7, cancelled: 1 }),
        hold: Some(Hold { count: 4, timed: 3, ns: 90, max_ns: 40 }),
        waiting: Some(12),
        unreceived: Some(3),
    }
}

fn seen(self_ns: u64) -> Seen {
    let states = SeenStates { running_ns: 4, blocked_ns: 3, alone_ns: 2, wall_ns: 1 };
    Seen { self_ns, states: Some(states) }
}

/// As version 1 had it.
fn without_timeline() -> Profile {
    let mut profile = Profile { version: 1, timeline: None, ..full() };
    profile.contexts.iter_mut().for_each(|context| context.timeline = None);
    profile
}

fn stored(text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("profile.json");
    fs::write(&path, text).unwrap();
    (directory, path)
}

fn edited(edit: impl FnOnce(&mut serde_json::Value)) -> ProfileError {
    let mut value = serde_json::to_value(full()).unwrap();
    edit(&mut value);
    let (_directory, path) = stored(&value.to_string());
    let error = Profile::read(&path).unwrap_err();
    assert!(error.to_string().contains("profile.json"), "names the file: {error}");
    error
}

#[test]
fn what_was_written_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("profile.json");
    full().write(&path).unwrap();
    assert_eq!(Profile::read(&path).unwrap(), full());
    let names: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing is left beside it");
}

#[test]
fn writing_replaces_an_older_file() {
    let (_directory, path) = stored("old");
    full().write(&path).unwrap();
    assert_eq!(Profile::read(&path).unwrap(), full());
}

#[test]
fn a_file_of_version_1_stays_readable() {
    // Written before these were measured.
    let ProbeCosts { inside_ns, function_ns, expression_ns, counted_ns, alloc_ns, free_ns, .. } =
        full().probes;
    let probes = ProbeCosts {
        inside_ns,
        function_ns,
        expression_ns,
        counted_ns,
        alloc_ns,
        free_ns,
        ..ProbeCosts::default()
    };
    let mut first = Profile {
        allocator: Vec::new(),
        retained: None,
        cold_ns: 0,
        processor: None,
        polling_threads: 0,
        probes,
        ..without_timeline()
    };
    first.functions[0].budget.clear();
    first.contexts[0].first = None;
    for row in &mut first.rows {
        (row.hold, row.waiting, row.unreceived) = (None, None, None);
    }
    assert_eq!(Profile::read(Path::new(V1)).unwrap(), first);
}

#[test]
fn a_newer_file_is_refused_by_its_version() {
    let error = edited(|value| {
        value["version"] = 99.into();
        value["field_of_the_future"] = 1.into();
    });
    assert!(matches!(error, ProfileError::Newer { found: 99, .. }), "{error}");
}

#[test]
fn damaged_files_are_errors() {
    let text = serde_json::to_string(&full()).unwrap();
    for length in (0..text.len()).step_by(97) {
        let (_directory, path) = stored(&text[..length]);
        let error = Profile::read(&path).unwrap_err();
        assert!(matches!(error, ProfileError::Damaged { .. }), "cut at {length}: {error}");
    }
    assert!(matches!(edited(|value| value["unknown"] = 1.into()), ProfileError::Damaged { .. }));
    assert!(matches!(
        edited(|value| value["version"] = 0.into()),
        ProfileError::Inconsistent { .. }
    ));
}

#[test]
fn indices_that_point_nowhere_are_errors() {
    type Edit = fn(&mut serde_json::Value);
    let edits: [Edit; 6] = [
        |value| value["timeline"]["effective_samples"] = (-1).into(),
        |value| value["contexts"][0]["function"] = 1.into(),
        |value| value["contexts"][0]["parent"] = 0.into(),
        |value| value["contexts"][0]["back_edges"][0]["caller"] = 1.into(),
        |value| value["rows"][0]["function"] = 1.into(),
        |value| value["rows"][0]["site"] = 1.into(),
    ];
    for edit in edits {
        let error = edited(edit);
        assert!(matches!(error, ProfileError::Inconsistent { .. }), "{error}");
    }
}

#[test]
fn a_missing_file_and_directory_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("none").join("profile.json");
    assert!(matches!(Profile::read(&path), Err(ProfileError::Read { .. })));
    assert!(matches!(full().write(&path), Err(ProfileError::Write { .. })));
}

#[test]
fn a_failed_write_leaves_the_older_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("taken");
    fs::create_dir(&path).unwrap();
    assert!(matches!(full().write(&path), Err(ProfileError::Write { .. })));
    assert!(path.is_dir());
}

#[test]
fn a_profile_without_budgets_is_read_and_one_with_a_damaged_one_is_not() {
    let mut value = serde_json::to_value(full()).unwrap();
    value["version"] = 3.into();
    let read = |value: &serde_json::Value| {
        Profile::from_bytes(&serde_json::to_vec(value).unwrap(), Path::new("p.json"))
    };
    let functions = value["functions"].as_array_mut().unwrap();
    functions[0].as_object_mut().unwrap().remove("budget").unwrap();
    assert_eq!(read(&value).unwrap().functions[0].budget, "");
    value["functions"][0]["budget"] = "alocs_per_call = 3".into();
    let Err(ProfileError::Inconsistent { what, .. }) = read(&value) else { panic!("is refused") };
    assert_eq!(what, "functions[0].budget: unknown metric `alocs_per_call` in a budget");
}

#[test]
fn figures_that_no_run_can_measure_are_refused() {
    let refused = |profile: &Profile| {
        let bytes = serde_json::to_vec(profile).unwrap();
        match Profile::from_bytes(&bytes, Path::new("huge.json")) {
            Err(ProfileError::Inconsistent { what, .. }) => {
                what.contains("than any run can measure")
            }
            Err(other) => panic!("{other}"),
            Ok(_) => false,
        }
    };
    let sound = Profile { version: PROFILE_VERSION, wall_ns: 1 << 62, ..Profile::default() };
    assert!(!refused(&sound));
    assert!(refused(&Profile { outside_ns: 1, ..sound.clone() }));
    assert!(refused(&Profile { wall_ns: u64::MAX, ..sound.clone() }));
    let costly = |inside_ns| Profile {
        probes: crate::profile::ProbeCosts { inside_ns, ..Default::default() },
        ..sound.clone()
    };
    assert!(!refused(&costly(9.0)));
    assert!(refused(&costly(1e300)));
    assert!(refused(&costly(-1.0)));
}
