//! Published programs, plain and by `run --auto`: the same output, little slower, and figures that a
//! sampling profiler agrees with.
//!
//! `cargo test -p hotpath-tests --test programs -- --ignored --nocapture` does all of them (network,
//! an hour); `PROGRAMS=hexyl,rhai` only those.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hotpath_tests::perf::{self, Frame, Stacks};
use hotpath_tests::program::{Inputs, Program, Unpacked, Workload};
use hotpath_tests::published::{LOCKED, Published};
use hotpath_tests::{Finished, Report, binary, number};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

const fn program(
    name: &'static str,
    version: &'static str,
    workload: Workload,
    args: &'static [&'static str],
) -> Program {
    let published = Published {
        name,
        version,
        features: &[],
        no_default_features: false,
        integration: false,
        cut: &[],
        measures_itself: &[],
    };
    Program { published, workload, args, single: true }
}

/// With these features only.
const fn with(program: Program, features: &'static [&'static str]) -> Program {
    let published = Published { no_default_features: true, features, ..program.published };
    Program { published, ..program }
}

/// One that works on several threads.
const fn threaded(program: Program) -> Program {
    Program { single: false, ..program }
}

macro_rules! main {
    ($name:literal, $version:expr $(, $arg:literal)*) => {
        program(
            $name,
            $version,
            Workload::Main(include_str!(concat!("../fixtures/programs/", $name, ".rs"))),
            &[$($arg),*],
        )
    };
}

/// Libraries that are dependencies of ours and have none that isn't: nothing is fetched.
const SHORT: &[Program] =
    &[main!("heck", LOCKED), main!("percent-encoding", LOCKED), main!("regex-syntax", LOCKED)];

const ALL: &[Program] = &[
    program("comrak", "0.39.1", Workload::Bin("comrak"), &["-e", "table", "{md}"]),
    main!("csv", "1.3.1", "{csv}"),
    main!("fancy-regex", "0.16.2", "{md}"),
    threaded(with(
        program("fd-find", "10.2.0", Workload::Bin("fd"), &["-j1", "e1.*[.]rs$", "{many}"]),
        &[],
    )),
    main!("grass_compiler", "0.13.4"),
    main!("handlebars", "6.3.2"),
    program("hexyl", "0.16.0", Workload::Bin("hexyl"), &["--color", "never", "{bin}"]),
    with(main!("image", "0.25.6"), &[]),
    with(main!("lopdf", "0.36.0"), &[]),
    main!("minijinja", "2.10.2"),
    with(main!("miniz_oxide", "0.8.9", "{bin}"), &["with-alloc"]),
    main!("petgraph", "0.8.2"),
    main!("png", "0.17.16"),
    program(
        "pulldown-cmark",
        "0.13.0",
        Workload::Bin("pulldown-cmark"),
        &["-T", "{md}", "{md}", "{md}", "{md}", "{md}", "{md}", "{md}", "{md}"],
    ),
    main!("quick-xml", "0.42.0"),
    main!("rhai", "1.22.2"),
    program(
        "ripgrep",
        "14.1.1",
        Workload::Bin("rg"),
        &["-j1", "--sort=path", "-c", "-i", "(len|[a-z]+s).{3,9}(word|self)", "{tree}"],
    ),
    main!("serde_json", "1.0.140"),
    main!("similar", "2.7.0"),
    with(main!("syntect", "5.2.0", "{rs}"), &["default-fancy"]),
    with(main!("taplo", "0.13.2"), &[]),
    main!("textwrap", "0.16.1", "{md}"),
    threaded(program("tokei", "12.1.2", Workload::Bin("tokei"), &["{tree}"])),
    main!("zopfli", "0.8.4", "{bin}"),
];

/// CPU time of the instrumented program in terms of the plain one's.
const MEDIAN_SLOWDOWN: f64 = 1.3;
const MOST_SLOWDOWN: f64 = 3.0;
/// Below this CPU time a program says nothing about its speed.
const SHORT_NS: f64 = 50e6;
/// Functions that are compared with the profiler's: so many, of those with this share at least.
/// Below it the order is chance.
const TOP: usize = 5;
/// Programs in which four of the five have to be the same.
const AGREEING: usize = 8;
const LEAST_PCT: f64 = 1.0;

#[test]
fn small_libraries_do_the_same_under_auto() {
    let scratch = tempfile::tempdir().unwrap();
    check(SHORT, scratch.path());
}

#[test]
#[ignore = "fetches and builds published programs twice"]
fn published_programs_do_the_same_under_auto() {
    let only = std::env::var("PROGRAMS").unwrap_or_default();
    let only: BTreeSet<&str> = only.split(',').filter(|name| !name.is_empty()).collect();
    let is_chosen = |it: &&Program| only.is_empty() || only.contains(it.published.name);
    let chosen: Vec<Program> = SHORT.iter().chain(ALL).filter(is_chosen).copied().collect();
    assert!(!chosen.is_empty(), "PROGRAMS names none of them");
    let scratch = binary::repository().join("target/published");
    std::fs::create_dir_all(&scratch).unwrap();
    let (slowdowns, agreed) = check(&chosen, &scratch);
    let median = median(slowdowns);
    println!("median slowdown {median:.2}; a profiler agrees on four of five in {agreed}");
    assert!(only.len() == 1 || median <= MEDIAN_SLOWDOWN, "median slowdown {median:.2}");
    let is_compared = only.is_empty() && perf::is_available();
    assert!(!is_compared || agreed >= AGREEING, "a profiler agrees in {agreed} only");
}

/// The slowdowns after the second pass, and in how many programs a profiler agrees.
fn check(programs: &[Program], scratch: &Path) -> (Vec<f64>, usize) {
    let inputs = Inputs::new(&scratch.join("inputs"), programs).unwrap();
    let mut wrong = String::new();
    let mut slowdowns = Vec::new();
    let mut agreed = 0;
    println!("{HEAD}");
    for program in programs {
        let mut row = Row::default();
        if let Err(error) = row.fill(*program, scratch, &inputs) {
            row.wrong.push(error);
        }
        println!("| {} | {} {} |", program.published.name, program.published.version, row.cells);
        print!("{}", row.notes);
        slowdowns.extend(row.slowdown);
        agreed += usize::from(row.agrees);
        for what in row.wrong {
            println!("    WRONG: {what}");
            let _ = writeln!(wrong, "{}: {what}", program.published.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    (slowdowns, agreed)
}

const HEAD: &str = "\
| program | version | functions | plain ms | pass 1 | pass 2 | sum | profiler | top function | finding |
| --- | --- | ---: | ---: | ---: | ---: | ---: | --- | --- | --- |";

/// What was found of one program.
#[derive(Default)]
struct Row {
    cells: String,
    notes: String,
    wrong: Vec<String>,
    slowdown: Option<f64>,
    /// Whether a profiler names four of the five functions that are on top too.
    agrees: bool,
}

impl Row {
    /// An error is what keeps from going on.
    fn fill(&mut self, program: Program, scratch: &Path, inputs: &Inputs) -> Result<(), String> {
        let said = |error: std::io::Error| error.to_string();
        let unpacked = program.unpack(scratch, inputs).map_err(said)?;
        let executable = unpacked.build().map_err(|error| format!("plain build: {error}"))?;
        let (first, once) = timed(&unpacked, &executable)?;
        let mut plain = vec![once];
        let output = scratch.join("report.json");
        let mut reports = Vec::new();
        // Once there is no second pass, then there may be.
        for runs in [1, 2] {
            let finished = unpacked.hotpath(&output, &["--runs", &runs.to_string()]).run();
            let expected = if first.status.success() { 0 } else { 3 };
            if finished.code != expected {
                return Err(format!("--auto ends with {}: {}", finished.code, said_of(&finished)));
            }
            self.compare_output(&first.stdout, &finished.stdout, runs, program.single);
            let text = std::fs::read_to_string(&output).map_err(said)?;
            let report = Report(serde_json::from_str(&text).map_err(|error| error.to_string())?);
            if report["workload"]["exit"]["code"].as_i64() != first.status.code().map(i64::from) {
                self.wrong.push(format!("exit {}", report["workload"]["exit"]));
            }
            plain.push(timed(&unpacked, &executable)?.1);
            reports.push(report);
        }
        let plain = median(plain);
        let slowdown = |report: &Report| {
            let runs = report["runs"].as_array().into_iter().flatten();
            median(runs.map(|run| number(&run["cpu_ns"])).collect()) / plain
        };
        let [first_pass, second_pass] = [slowdown(&reports[0]), slowdown(&reports[1])];
        if plain >= SHORT_NS {
            self.slowdown = Some(second_pass);
            if second_pass > MOST_SLOWDOWN {
                self.wrong.push(format!("{second_pass:.2} times slower"));
            }
        }
        let report = &reports[1];
        let again = if report.warns_of("second-pass") { "" } else { " (the first)" };
        let _ = write!(
            self.cells,
            "| {} | {:.0} | {first_pass:.2} | {second_pass:.2}{again} ",
            report.functions().len(),
            plain / 1e6,
        );
        self.compare_sums(report, program.single);
        self.compare_samples(report, &unpacked, &executable, plain)?;
        let line = first_line(&unpacked.report().run().stdout);
        self.check_first_line(report, &line);
        let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
        let top = report.functions().first();
        let top = top.map(|it| format!("{} {:.0} %", text(&it["path"]), number(&it["self_pct"])));
        let finding = report.findings().first();
        let finding = finding.map(|it| format!("{} in {}", text(&it["rule"]), text(&it["file"])));
        let none = || "none".to_owned();
        let (top, finding) = (top.unwrap_or_else(none), finding.unwrap_or_else(none));
        let _ = write!(self.cells, "| {top} | {finding}");
        let _ = writeln!(self.notes, "    {line}");
        Ok(())
    }

    /// The workload's output is that of so many plain runs at least: a second pass has its own.
    fn compare_output(&mut self, plain: &[u8], auto: &str, runs: usize, is_ordered: bool) {
        let plain = String::from_utf8_lossy(plain);
        let times = auto.len().checked_div(plain.len()).unwrap_or(0);
        if times < runs && !plain.is_empty() {
            self.wrong.push(format!("output of {times} runs, not {runs}"));
        }
        let all = plain.repeat(times);
        let [mut expected, mut lines]: [Vec<&str>; 2] =
            [all.as_str(), auto].map(|text| text.split('\n').collect());
        if !is_ordered {
            expected.sort_unstable();
            lines.sort_unstable();
        }
        if expected != lines {
            let differs = expected.iter().zip(&lines).find(|(one, other)| one != other);
            self.wrong.push(format!("the output differs: {differs:?}"));
        }
    }

    fn compare_sums(&mut self, report: &Report, single: bool) {
        let sum: f64 = report.functions().iter().map(|it| number(&it["self_pct"])).sum();
        if sum > 100.0 + 1e-6 {
            self.wrong.push(format!("shares of {sum} %"));
        }
        let total = |name: &str| number(&report["totals"][name]);
        let (cpu, wall) = (total("cpu_ns"), total("wall_ns"));
        let accounted = report.accounted_ns() + number(&report["quality"]["cold_ns"]);
        let _ = write!(self.cells, "| {:.3} ", accounted / cpu);
        // A thread without a processor is still in its function: where others had it, only wall time
        // is a bound.
        let had_processor = (wall - cpu) / wall < 0.02;
        let range = 0.95 * cpu..=1.05 * if had_processor { cpu } else { wall.max(cpu) };
        if single && cpu >= SHORT_NS && !range.contains(&accounted) {
            self.wrong
                .push(format!("{accounted} ns are accounted for of {cpu} ns ({wall} ns wall)"));
        }
    }

    /// Where most time is a dependency's, people read that first.
    fn check_first_line(&mut self, report: &Report, line: &str) {
        let most = &report["breakdown"][0];
        let name = most["name"].as_str().unwrap_or("");
        let caller = most["called_from"].as_str().unwrap_or("");
        let is_dependency = most["kind"] == "dependency" && number(&most["self_pct"]) > 50.0;
        if is_dependency && !(line.contains(name) && line.contains(caller)) {
            self.wrong.push(format!("{name} and {caller} aren't named first: {line}"));
        }
    }

    /// Which functions are on top, by us and by samples of the plain program.
    fn compare_samples(
        &mut self,
        report: &Report,
        unpacked: &Unpacked<'_>,
        executable: &Path,
        plain: f64,
    ) -> Result<(), String> {
        if !perf::is_available() || plain < SHORT_NS {
            self.cells.push_str("| - ");
            return Ok(());
        }
        let mut command = unpacked.command(executable);
        let stacks = perf::sample(&mut command, executable).map_err(|error| error.to_string())?;
        let seen = seen(report, &stacks, unpacked.root());
        let all: usize = seen.iter().map(|(count, _)| count).sum();
        let sampled: Vec<&str> = seen.iter().take(TOP).map(|(_, path)| *path).collect();
        let path = |it: &'_ serde_json::Value| it["path"].as_str().unwrap_or("").to_owned();
        let is_large = |it: &&serde_json::Value| number(&it["self_pct"]) >= LEAST_PCT;
        let top = report.functions().iter().filter(is_large).take(TOP);
        let measured: Vec<String> = top.clone().map(path).collect();
        let agreed = measured.iter().filter(|path| sampled.contains(&path.as_str())).count();
        let of = measured.len();
        self.agrees = of == TOP && agreed + 1 >= TOP;
        let _ = write!(self.cells, "| {agreed} of {of} ");
        let shares = seen.iter().take(TOP);
        let shares: Vec<String> = shares
            .map(|(count, path)| format!("{path} {:.0} %", 100.0 * *count as f64 / all as f64))
            .collect();
        let own: Vec<String> =
            top.map(|it| format!("{} {:.0} %", path(it), number(&it["self_pct"]))).collect();
        let _ = writeln!(self.notes, "    measured {}", own.join(", "));
        let _ = writeln!(self.notes, "    sampled  {}", shares.join(", "));
        Ok(())
    }
}

/// The functions of a report by how many samples are theirs: the innermost measured one of a stack
/// is, as what isn't measured counts as its caller's. Most first.
fn seen<'a>(report: &'a Report, stacks: &Stacks, root: &Path) -> Vec<(usize, &'a str)> {
    let mut measured: BTreeMap<(PathBuf, u64), &str> = BTreeMap::new();
    for function in report.functions() {
        let path = function["path"].as_str().unwrap_or("");
        let file = root.join(function["file"].as_str().unwrap_or(""));
        measured.insert((file, function["line"].as_u64().unwrap_or(0)), path);
    }
    let mut places: BTreeMap<(String, String, u32), Option<&str>> = BTreeMap::new();
    let mut find = |frame: &Frame| {
        let key = (frame.name.clone(), frame.file.clone(), frame.line);
        let find = || {
            let file = PathBuf::from(&frame.file);
            let line = definition(&file, &frame.name, frame.line)?;
            measured.get(&(file, line)).copied()
        };
        *places.entry(key).or_insert_with(find)
    };
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for path in stacks.iter().filter_map(|stack| stack.iter().find_map(&mut find)) {
        *seen.entry(path).or_default() += 1;
    }
    let mut order: Vec<_> = seen.into_iter().map(|(path, count)| (count, path)).collect();
    order.sort_unstable_by(|a, b| b.cmp(a));
    order
}

/// The line of the function of this name that a line belongs to: the last that begins before.
fn definition(file: &Path, name: &str, line: u32) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let start = format!("fn {name}");
    let is_one = |text: &str| {
        let after = text.split_once(&start).map(|(_, after)| after.chars().next());
        matches!(after, Some(Some('(' | '<')))
    };
    let before = text.lines().take(line as usize).enumerate();
    before.filter(|(_, text)| is_one(text)).last().map(|(index, _)| index as u64 + 1)
}

/// The first sentence of *Current state*, however it is wrapped.
fn first_line(report: &str) -> String {
    let lines = report.lines().skip_while(|line| !line.contains("Current state")).skip(1);
    let mut sentence = String::new();
    for line in lines {
        sentence.push_str(line.trim());
        if line.ends_with('.') {
            break;
        }
        sentence.push(' ');
    }
    sentence
}

/// What a run said of its failure.
fn said_of(finished: &Finished) -> String {
    let start = finished.stderr.find("error").unwrap_or(0);
    let end = finished.stderr.len().min(start + 3_000);
    String::from_utf8_lossy(&finished.stderr.as_bytes()[start..end]).into_owned()
}

fn timed(
    unpacked: &Unpacked<'_>,
    executable: &Path,
) -> Result<(std::process::Output, f64), String> {
    let used = || {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system counts");
        (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 * 1e3
    };
    let before = used();
    let output = unpacked.run(executable).map_err(|error| error.to_string())?;
    Ok((output, used() - before))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
