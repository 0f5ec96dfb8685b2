//! The order service of the examples: it runs measured, and probes leave it its throughput.
//!
//! All of this builds `SQLite` and axum, which takes minutes, and fetches them first (network); so
//! it runs on demand:
//!
//! `cargo test --package hotpath-tests --test orders -- --ignored --nocapture --test-threads 1`

#![cfg(unix)]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use hotpath_tests::{Hotpath, Report, binary, carried};

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
    fetch();
    let target = target().join("measured");
    let target = target.to_str().expect("the path is UTF-8");
    let run = ["run", "--format", "json", "--runs", "1", "--target-dir", target];
    Hotpath::new(&folder(), &run).args(flags).run().expect_code(0).report()
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

/// Prints the ratio of each round.
#[test]
#[ignore = "measures for minutes, and wants the machine for itself"]
fn probes_leave_it_its_throughput() {
    let segments = tempfile::tempdir().expect("a folder is made");
    let (mut ratios, once) = (Vec::new(), |program| run(program, segments.path()));
    for round in 0..11 {
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
