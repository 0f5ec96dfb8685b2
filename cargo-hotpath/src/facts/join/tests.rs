use std::fs;
use std::path::PathBuf;

use super::*;
use crate::facts::Edge;
use crate::profile::{Allocs, BackEdge, Bucket, Context, Memory, Polls, ProbeCosts, Site};
use crate::source::Root;

const TEXT: &str = "\
#[hotpath]
fn outer(x: &Data) {
    for i in 0..3 {
        inner(x.clone());
    }
}

// hotpath: allow(alloc-in-loop)
#[hotpath]
fn inner(x: Data) -> String {
    format!(\"{}\", x) // hotpath: allow(format-identity)
}
";

fn scan(text: &str) -> Source {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("lib.rs"), text).unwrap();
    Source::scan(&[Root {
        package: "orders".to_owned(),
        target: "orders".to_owned(),
        edition: "2024".to_owned(),
        file: PathBuf::from("lib.rs"),
        workspace_root: directory.path().to_owned(),
        implicit: false,
    }])
}

fn function(name: &str, line: u32, column: u32, sites: &[(&str, u32, u32)]) -> Function {
    let site = |&(kind, line, column): &(&str, u32, u32)| Site {
        kind: kind.to_owned(),
        line,
        column,
        label: if kind == "clone" { "x.clone()" } else { "format!(\"{}\", x)" }.to_owned(),
        histogram: Vec::new(),
    };
    Function {
        package: "orders".to_owned(),
        target: "orders".to_owned(),
        module: "orders".to_owned(),
        name: name.to_owned(),
        file: "lib.rs".to_owned(),
        line,
        column,
        budget: "allocs_per_call = 3".to_owned(),
        sites: sites.iter().map(site).collect(),
        ..Function::default()
    }
}

fn row(function: usize, site: usize, type_name: &str) -> Row {
    Row {
        function,
        site,
        type_name: Some(type_name.to_owned()),
        type_size: 24,
        needs_drop: true,
        count: 3,
        timed: 3,
        self_ns: 30,
        error_ns: 0.0,
        max_ns: 20,
        allocs: Allocs { count: 3, ..Allocs::default() },
        awaits: None,
        hold: None,
        waiting: None,
        unreceived: None,
    }
}

fn context(function: usize, parent: Option<usize>, total_ns: u64, allocs: u64) -> Context {
    Context {
        function,
        parent,
        calls: 3,
        timed: 3,
        total_ns,
        self_ns: total_ns / 2,
        max_ns: total_ns,
        allocs: Allocs { count: allocs, ..Allocs::default() },
        ..Context::default()
    }
}

/// As measured on [`TEXT`].
fn profile() -> Profile {
    Profile {
        wall_ns: 1_000,
        cpu_ns: Some(900),
        outside_ns: 100,
        threads: 2,
        memory: Some(Memory::default()),
        functions: vec![
            function("inner", 10, 4, &[("format", 11, 5)]),
            function("outer", 2, 4, &[("clone", 4, 17)]),
        ],
        contexts: vec![context(1, None, 800, 1), context(0, Some(0), 400, 2)],
        rows: vec![row(0, 0, "String"), row(1, 0, "Data")],
        ..Profile::default()
    }
}

fn joined(profile: &Profile, text: &str) -> Facts {
    join(profile, &scan(text), BuildFacts::default())
}

#[test]
fn functions_and_sites_meet_their_source() {
    let facts = joined(&profile(), TEXT);
    let [inner, outer] = &facts.functions[..] else { panic!("{:?}", facts.functions) };
    assert_eq!((inner.path.as_str(), inner.from_macro), ("orders::inner", false));
    assert_eq!(inner.allowed, ["alloc-in-loop"]);
    assert_eq!(inner.budget.to_string(), "allocs_per_call = 3");
    let site = &inner.sites[0];
    assert_eq!(
        (site.kind, site.count, site.allowed.join(",")),
        (Kind::Format, 3, "format-identity".to_owned())
    );
    assert_eq!(site.source.as_ref().unwrap().arguments, ["x"]);
    assert_eq!(outer.sites[0].source.as_ref().unwrap().loop_depth, 1);
    assert_eq!(outer.unreached_sites, 0);
    assert_eq!(facts.sources["lib.rs"], TEXT);
    assert_eq!(
        (facts.wall_ns, facts.cpu_ns, facts.outside_ns, facts.threads),
        (1_000, Some(900), 100, 2)
    );
    assert!(facts.allocations_measured);
}

#[test]
fn what_hid_behind_the_clock_is_added() {
    let hidden = |hidden_ns| {
        let probes = ProbeCosts { inside_ns: 10.0, hidden_ns, ..ProbeCosts::default() };
        joined(&Profile { probes, ..profile() }, TEXT).functions[0].sites[0].hidden_ns
    };
    // Three executions that read as nothing.
    assert!(hidden(0.0).abs() < 1e-9 && (hidden(6.0) - 6.0).abs() < 1e-9);
}

#[test]
fn sites_that_were_not_reached_are_counted() {
    let mut profile = profile();
    profile.rows.remove(0);
    let mut never = row(1, 0, "Data");
    never.count = 0;
    profile.rows = vec![never];
    let facts = joined(&profile, TEXT);
    assert_eq!(facts.functions[0].unreached_sites, 1);
    assert_eq!(facts.functions[1].unreached_sites, 1);
    assert!(facts.functions[1].sites.is_empty());
}

#[test]
fn one_site_with_two_types_is_reached_once_and_listed_twice() {
    let mut profile = profile();
    profile.rows.push(row(1, 0, "Other"));
    let facts = joined(&profile, TEXT);
    assert_eq!((facts.functions[1].sites.len(), facts.functions[1].unreached_sites), (2, 0));
}

#[test]
fn moved_lines_are_followed_by_name() {
    let moved = format!("// new\n\nuse a::b;\n{TEXT}");
    let before = joined(&profile(), TEXT);
    let after = joined(&profile(), &moved);
    for (before, after) in before.functions.iter().zip(&after.functions) {
        assert_eq!(after.id, before.id);
        assert!(!after.from_macro);
        assert_eq!(after.line, before.line + 3, "positions are those of the source");
        assert_eq!(after.sites[0].line, before.sites[0].line + 3);
        assert!(after.sites[0].source.is_some());
    }
}

#[test]
fn swapped_functions_are_not_taken_for_each_other() {
    let swapped = "#[hotpath]\nfn inner(x: Data) { format!(\"{}\", x); }\n#[hotpath]\nfn outer() { x.clone(); }";
    let facts = joined(&profile(), swapped);
    assert_eq!((facts.functions[0].line, facts.functions[1].line), (2, 4));
    assert_eq!(facts.functions[1].sites[0].kind, Kind::Clone);
    assert!(facts.functions[1].sites[0].source.is_some());
}

#[test]
fn a_changed_function_keeps_the_sites_that_are_where_they_were() {
    let changed =
        TEXT.replace("inner(x.clone());\n", "inner(x.clone());\n        g(y.to_vec());\n");
    let facts = joined(&profile(), &changed);
    assert!(facts.functions[1].sites[0].source.is_some(), "still at the same place");
    let kind = TEXT.replace("inner(x.clone());", "inner(x.to_vec());");
    let facts = joined(&profile(), &kind);
    assert!(!facts.functions[1].from_macro);
    assert!(facts.functions[1].sites[0].source.is_none(), "of another kind now");
}

#[test]
fn functions_of_macros_have_no_source() {
    let text = format!(
        "{TEXT}\nmacro_rules! make {{ ($n:ident) => {{ #[hotpath] fn $n() {{ x.clone(); }} }} }}\nmake!(made);"
    );
    let mut profile = profile();
    let mut made = function("made", 14, 60, &[("clone", 14, 70)]);
    profile.functions.push(made.clone());
    made.ordinal = 1;
    profile.functions.push(made);
    profile.rows.push(row(2, 0, "Data"));
    let facts = joined(&profile, &text);
    assert!(facts.functions[2].from_macro && facts.functions[3].from_macro);
    assert!(facts.functions[2].sites[0].source.is_none());
    let mut ids: Vec<&str> = facts.functions.iter().map(|f| f.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4, "ids are unique");
}

#[test]
fn ids_do_not_depend_on_what_else_was_measured() {
    let text = "impl A for S { #[hotpath] fn f() {} }\nimpl B for S { #[hotpath] fn f() {} }";
    // On a method itself the attribute can't see the type.
    let both = Profile {
        functions: vec![function("f", 1, 30, &[]), function("f", 2, 30, &[])],
        ..Profile::default()
    };
    let second = Profile { functions: both.functions[1..].to_vec(), ..Profile::default() };
    let all = joined(&both, text);
    assert_ne!(all.functions[0].id, all.functions[1].id);
    assert_eq!(joined(&second, text).functions[0].id, all.functions[1].id);
    assert_eq!(all.functions[0].id.len(), 12);
    assert_eq!(all.functions[0].path, "orders::S::f");
}

#[test]
fn totals_count_the_outermost_context_only() {
    let mut profile = profile();
    // inner below outer below inner: what a merged tree of old data may hold.
    profile.contexts =
        vec![context(0, None, 1_000, 1), context(1, Some(0), 600, 2), context(0, Some(1), 200, 4)];
    profile.functions[0].histogram = vec![Bucket { low_ns: 1, high_ns: 2, count: 3 }];
    let facts = joined(&profile, TEXT);
    let [inner, outer] = &facts.functions[..] else { panic!("{:?}", facts.functions) };
    assert_eq!((inner.calls, inner.total_ns, inner.self_ns, inner.max_ns), (6, 1_000, 600, 1_000));
    assert_eq!((inner.self_allocs.count, inner.total_allocs.count), (5, 7));
    assert_eq!((outer.self_allocs.count, outer.total_allocs.count), (2, 6));
    assert_eq!(inner.histogram.len(), 1);
}

#[test]
fn edges_hold_every_call() {
    let mut profile = profile();
    profile.contexts = vec![context(1, None, 800, 0), context(0, Some(0), 400, 0)];
    profile.contexts[0].calls = 5;
    profile.contexts[0].back_calls = 2;
    profile.contexts[0].back_edges = vec![BackEdge { caller: 1, calls: 2, total_ns: 90 }];
    let facts = joined(&profile, TEXT);
    let edge = |caller, callee, calls, total_ns| Edge { caller, callee, calls, total_ns };
    assert_eq!(
        facts.edges,
        [edge(None, 1, 3, 800), edge(Some(0), 1, 2, 90), edge(Some(1), 0, 3, 400)]
    );
}

#[test]
fn async_figures_are_summed() {
    let mut profile = profile();
    profile.functions[0].is_async = true;
    let polls = Polls { polls: 4, wait_ns: 50, cancelled: 1, future_bytes: 64 };
    profile.contexts.push(context(0, None, 10, 0));
    profile.contexts[1].polls = Some(polls);
    profile.contexts[2].polls = Some(Polls { future_bytes: 48, ..polls });
    let facts = joined(&profile, TEXT);
    let sum = facts.functions[0].polls.unwrap();
    assert_eq!((sum.polls, sum.wait_ns, sum.cancelled, sum.future_bytes), (8, 100, 2, 64));
    assert_eq!(facts.functions[1].polls, None);
}

#[test]
fn only_what_takes_a_lock_holds_one() {
    use crate::profile::Hold;
    let held = |rows: &[(&str, &str)]| {
        let kind = rows[0].0;
        let rows = rows.iter().enumerate().map(|(i, (_, name))| Row {
            hold: (i == 0).then_some(Hold { count: 3, timed: 3, ns: 90, max_ns: 40 }),
            ..row(0, 0, name)
        });
        let rows = rows.collect();
        let functions = vec![function("f", 1, 4, &[(kind, 2, 5)])];
        let facts = joined(&Profile { functions, rows, ..profile_of_nothing() }, "");
        facts.functions[0].sites[0].hold.is_some()
    };
    let mutex = "std::sync::poison::mutex::Mutex<Db>";
    let tokio = "tokio::sync::mutex::Mutex<Db>";
    assert!(held(&[("lock", mutex)]));
    assert!(held(&[("lock", mutex), ("lock", "std::sync::poison::mutex::Mutex<u8>")]));
    assert!(held(&[("await", "tokio::sync::mutex::Mutex<Db>::lock::{{closure}}")]));
    // A method of the same name, on what holds a lock; one site that is both; a future alone.
    assert!(!held(&[("lock", "app::Store<std::sync::poison::mutex::Mutex<Db>>")]));
    assert!(!held(&[("lock", mutex), ("lock", "app::Store<Db>")]));
    assert!(!held(&[("lock", tokio)]));
}

fn profile_of_nothing() -> Profile {
    Profile { wall_ns: 1_000, threads: 1, ..Profile::default() }
}
