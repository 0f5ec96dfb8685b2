//! The order service of the examples: it runs measured, and probes leave it its throughput.
//!
//! All of this builds `SQLite` and axum, which takes minutes, and fetches them first (network); so
//! it runs on demand:
//!
//! `cargo test --package hotpath-tests --test orders -- --ignored --nocapture --test-threads 1`

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use hotpath_tests::accuracy::Metric;
use hotpath_tests::race::Race;
use hotpath_tests::{Finished, Hotpath, Report, binary, carried, number};
use serde_json::Value;

/// The file of each planted fault, its function, and that of the fixed twin.
const PLANTED: [(&str, &str, &str); 7] = [
    ("history.rs", "history::one_by_one", "history::at_once"),
    ("quote.rs", "quote::in_turn", "quote::at_once"),
    ("stock.rs", "stock::reserve_locked", "stock::reserve"),
    ("label.rs", "label::print", "label::print_aside"),
    ("offers.rs", "offers::in_tasks", "offers::in_place"),
    ("trending.rs", "trending::count", "trending::count_fast"),
    ("notifier.rs", "notifier::send_each", "notifier::send_together"),
];

/// Where each fault is: its rule, and the line that must be named; and the argument that takes it out.
const FINDINGS: [(&str, &str, &str, &str); 7] = [
    ("n-plus-one", "history.rs", "store.lines_of(", "n-plus-one"),
    ("sequential-awaits", "quote.rs", "customs.duty(parcel).await?", "sequential"),
    ("guard-across-await", "stock.rs", "stock.left.lock().await;", "guard"),
    ("blocking-in-async", "label.rs", "thread::sleep(", "blocking"),
    ("spawn-per-item", "offers.rs", "tokio::spawn(", "spawn"),
    ("default-hasher-hot", "trending.rs", ".entry(sale.product)", "hasher"),
    ("unbounded-channel", "notifier.rs", "mpsc::unbounded_channel()", "channel"),
];

/// Requests of a measured run.
const REQUESTS: &str = "6000";

/// Runs of each variant.
const ROUNDS: usize = 9;

/// What the sums of a handler may be off the client's latency, in percent.
const OFF_PCT: f64 = 5.0;

/// Throughput that has to be left with all probes on, as a share of that without.
const LEFT: f64 = 0.95;

/// What may be resident more after the last half of a minute, in KiB.
#[cfg(target_os = "linux")]
const GROWN_KIB: u64 = 2_048;

fn folder() -> PathBuf {
    binary::repository().join("examples/orders")
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("orders")
}

fn fetch() {
    static FETCHED: OnceLock<()> = OnceLock::new();
    FETCHED.get_or_init(|| {
        let fetched = carried::cargo(&folder()).args(["fetch", "--locked"]).status();
        assert!(fetched.expect("cargo starts").success());
    });
}

/// The release build with these features.
fn built(name: &str, features: &str) -> PathBuf {
    fetch();
    let target = target().join(name);
    let output = carried::cargo(&folder())
        .args(["build", "--release", "--locked", "--features", features, "--target-dir"])
        .arg(&target)
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join("release/orders")
}

fn plain() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| built("plain", ""))
}

fn probed() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| built("probed", "hotpath-runtime/enabled,hotpath-runtime/global-allocator"))
}

/// Its `cargo hotpath run` with these flags.
fn measured(flags: &[&str]) -> Report {
    measuring(flags).report()
}

/// The same, with what the program itself prints on stderr.
fn measuring(flags: &[&str]) -> Finished {
    fetch();
    let target = target().join("measured");
    let target = target.to_str().expect("the path is UTF-8");
    let run = ["run", "--format", "json", "--runs", "1", "--target-dir", target];
    Hotpath::new(&folder(), &run).args(flags).run().expect_code(0)
}

/// Requests a second, as the program says in its last line.
fn throughput(text: &str) -> f64 {
    let rate = text.lines().last().and_then(|line| line.rsplit_once(": "));
    rate.and_then(|(_, rate)| rate.strip_suffix(" requests/s")?.parse().ok())
        .unwrap_or_else(|| panic!("no requests/s in {text}"))
}

fn run(program: &Path, segments: &Path) -> f64 {
    let output = Command::new(program)
        .args(["--requests", "4000"])
        .env("CARGO_HOTPATH_DIR", segments)
        .output()
        .expect("orders starts");
    assert!(output.status.success(), "{output:?}");
    throughput(&String::from_utf8(output.stdout).expect("it prints UTF-8"))
}

/// Calls of each function that holds a fault, and of each twin.
fn calls(report: &Report) -> BTreeMap<&'static str, u64> {
    let calls = |end: &str| {
        let named = |path: &str| path.strip_prefix("orders::") == Some(end);
        let row = report.functions().iter().find(|it| it["path"].as_str().is_some_and(named));
        row.map_or(0, |row| row["calls"].as_u64().expect("a count"))
    };
    let ends = PLANTED.iter().flat_map(|(_, slow, fixed)| [*slow, *fixed]);
    ends.map(|end| (end, calls(end))).collect()
}

#[test]
#[ignore = "builds SQLite and axum, from the network"]
fn each_fault_and_its_twin_is_a_function_of_its_own() {
    let requests = ["--", "--requests", "400"];
    for (is_fixed, fixes) in [(false, &[] as &[&str]), (true, &["--fix", "all"])] {
        let report = measured(&[&requests, fixes].concat());
        report.assert_shares_are_sane();
        let calls = calls(&report);
        for (file, slow, fixed) in PLANTED {
            assert_eq!(calls[slow] > 0, !is_fixed, "{file}: {calls:?}");
            assert_eq!(calls[fixed] > 0, is_fixed, "{file}: {calls:?}");
        }
    }
}

#[test]
#[ignore = "builds SQLite and axum, from the network"]
fn it_serves_for_real_and_is_driven() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = port.expect("a port is free").to_string();
    let drive = format!(
        "exec bash -c 'for i in 1 2 3; do exec 3<>/dev/tcp/{}; \
         printf \"GET /trending/$i HTTP/1.0\\r\\n\\r\\n\" >&3; cat <&3 >&2; done'",
        address.replace(':', "/")
    );
    let flags = ["--ready", "log:^listening on ", "--drive", &drive, "--", "--serve", &address];
    assert_eq!(calls(&measured(&flags))["trending::count"], 3);
}

/// The finding at the line of a fault.
fn finding<'r>(report: &'r Report, fault: &(&str, &str, &str, &str)) -> Option<&'r Value> {
    let (rule, file, text, _) = fault;
    let source = fs::read_to_string(folder().join("src").join(file)).expect("the source is there");
    let is_there =
        |line: u64| source.lines().nth(line as usize - 1).is_some_and(|it| it.contains(text));
    report.findings().iter().find(|it| {
        it["rule"] == *rule
            && it["file"] == format!("src/{file}")
            && it["line"].as_u64().is_some_and(is_there)
    })
}

/// What the whole program had at most, with these faults fixed.
fn peak_bytes(fixes: &[&str]) -> f64 {
    let report = measured(&[&["--", "--requests", REQUESTS], fixes].concat());
    number(&report["totals"]["peak_live_bytes"])
}

/// Prints rank, predicted range and what each fix gains: throughput, and of the channel the most
/// bytes that are live.
#[test]
#[ignore = "measures for a quarter of an hour, and wants the machine for itself"]
fn each_fault_is_found_at_its_line_and_gains_what_was_predicted() {
    let report = measured(&["--", "--requests", REQUESTS]);
    let planted: Vec<&str> = FINDINGS.iter().map(|(rule, ..)| *rule).collect();
    let first = report.findings().iter().take(5);
    let first: Vec<&str> = first.filter_map(|it| it["rule"].as_str()).collect();
    assert!(first.iter().all(|rule| planted.contains(rule)), "{first:?}");
    println!("rank  fault        predicted %                 achieved % (middle half)  inside");
    let (mut inside, mut gains) = (0, Vec::new());
    for fault in &FINDINGS {
        let fix = ["--fix", fault.3];
        let finding = finding(&report, fault)
            .unwrap_or_else(|| panic!("{fault:?} not found: {:#?}", report.findings()));
        let memory = &finding["impact"]["peak_memory_pct"];
        let (range, achieved, (from, to)) = if memory.is_object() {
            let gain =
                100.0 * (1.0 - peak_bytes(&fix) / number(&report["totals"]["peak_live_bytes"]));
            (memory, gain, (gain, gain))
        } else {
            let once = |fixes: &[&str]| {
                let mut command = Command::new(plain());
                command.args(["--requests", REQUESTS]).args(fixes);
                command
            };
            let race = Race::of_talkers(ROUNDS, Metric::Wall, || once(&[]), || once(&fix));
            gains.push((finding["rank"].as_u64(), race.middle_half(), fault.3));
            (&finding["impact"]["wall_pct"], race.gain(), race.middle_half())
        };
        let (low, best, high) =
            (number(&range["low"]), number(&range["best"]), number(&range["high"]));
        let holds = (low..=high).contains(&achieved);
        inside += u32::from(holds);
        println!(
            "{:>4}  {:<11}  {low:>4.1} to {high:>4.1}, likely {best:>4.1}  {achieved:>8.1} ({from:.1} to {to:.1})  {holds}",
            finding["rank"], fault.3
        );
    }
    assert!(inside >= 5, "{inside} of 7 predictions hold");
    // Those whose gains can be told apart at all.
    gains.retain(|(rank, ..)| rank.is_some_and(|rank| rank <= 5));
    for (rank, (from, _), name) in &gains {
        for (other, (_, to), after) in &gains {
            assert!(from <= to || rank < other, "{name} gains more than {after}");
        }
    }
}

/// Busy and wait of a handler are what its clients wait, but for what HTTP takes.
#[test]
#[ignore = "builds SQLite and axum, from the network"]
fn a_handlers_busy_and_wait_are_its_clients_latency() {
    let run = measuring(&["--", "--requests", "3000", "--connections", "1"]);
    let report = run.report();
    let mut quote = None;
    for module in ["history", "quote", "stock", "label", "offers"] {
        let handler = if ["stock", "label"].contains(&module) { "post" } else { "get" };
        let path = format!("orders::{module}::{handler}");
        let row = report.functions().iter().find(|it| it["path"] == path.as_str());
        let row = row.expect("a handler");
        let sum = number(&row["async"]["busy_ns"]) + number(&row["async"]["wait_ns"]);
        let line = run.stderr.lines().find(|line| line.starts_with(module)).expect("its row");
        let words: Vec<f64> = line.split_whitespace().filter_map(|it| it.parse().ok()).collect();
        let client = 1e3 * words[0] * words[1];
        println!(
            "{module}: handler {:.1} ms, client {:.1} ms: {:.3}",
            sum / 1e6,
            client / 1e6,
            sum / client
        );
        if module == "quote" {
            quote = Some(sum / client);
        }
    }
    // The longest request: of the others HTTP itself is more than that.
    let off = 100.0 * (1.0 - quote.expect("it is measured"));
    assert!(off.abs() <= OFF_PCT, "{off}");
}

/// What measured functions ran and what lies outside of them, each by the threads' own clocks, is the
/// process's CPU time, by the system. A run whose sample says that it tells no 5 % is made again.
#[test]
#[ignore = "measures for minutes, and wants the machine for itself"]
#[cfg(target_os = "linux")]
fn what_ran_inside_and_outside_is_the_cpu_time() {
    // With the faults its polls are of many kinds, so that a sample needs more of them to tell as much.
    for (requests, fixes) in [("16000", &["--fix", "all"] as &[&str]), ("48000", &[])] {
        for attempt in 1.. {
            let report = measured(&[&["--", "--requests", requests], fixes].concat());
            let total = |name: &str| number(&report["totals"][name]);
            let cpu = total("cpu_ns");
            let error_pct = 100.0 * total("outside_cpu_error_ns") / cpu;
            let off_pct = 100.0 * ((total("busy_cpu_ns") + total("outside_cpu_ns")) / cpu - 1.0);
            println!(
                "{fixes:?}: inside {:.2} s, outside {:.2} s of {:.2} s: off by {off_pct:.1} %, likely error {error_pct:.1} %",
                total("busy_cpu_ns") / 1e9,
                total("outside_cpu_ns") / 1e9,
                cpu / 1e9
            );
            if error_pct <= OFF_PCT {
                assert!(off_pct.abs() <= OFF_PCT, "{off_pct}");
                break;
            }
            assert!(attempt < 5, "the sample never told as much");
        }
    }
}

/// Prints the ratio of each round.
#[test]
#[ignore = "measures for minutes, and wants the machine for itself"]
fn probes_leave_it_its_throughput() {
    let segments = tempfile::tempdir().expect("a folder is made");
    let (mut ratios, once) = (Vec::new(), |program| run(program, segments.path()));
    for round in 0..21 {
        let (plain, probed) = if round % 2 == 0 {
            let plain = once(plain());
            (plain, once(probed()))
        } else {
            let probed = once(probed());
            (once(plain()), probed)
        };
        println!("plain {plain:.0}, with probes {probed:.0} requests/s: {:.3}", probed / plain);
        ratios.push(probed / plain);
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    println!("median {median:.3}");
    assert!(median >= LEFT, "{median}");
}

/// With every fault fixed, as one of them is a queue that grows.
#[test]
#[ignore = "measures for a minute"]
#[cfg(target_os = "linux")]
fn probes_take_no_memory_as_time_goes_by() {
    use std::process::Stdio;
    use std::time::Duration;

    let segments = tempfile::tempdir().expect("a folder is made");
    let mut service = Command::new(probed())
        .args(["--seconds", "60", "--fix", "all"])
        .env("CARGO_HOTPATH_DIR", segments.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("orders starts");
    let mut resident_kib = Vec::new();
    for _ in 0..11 {
        std::thread::sleep(Duration::from_secs(5));
        let status = std::fs::read_to_string(format!("/proc/{}/status", service.id()));
        let status = status.expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its memory");
        let kib = line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
        resident_kib.push(kib.expect("a number"));
    }
    println!("resident, KiB, each 5 s: {resident_kib:?}");
    assert!(service.wait().expect("it ends").success());
    let grown = resident_kib[10].saturating_sub(resident_kib[5]);
    assert!(grown <= GROWN_KIB, "{grown} KiB more in half a minute");
}
