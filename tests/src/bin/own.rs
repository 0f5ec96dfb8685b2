//! What the tool does with a stored run, and what its probes do beside a program's work: the workload
//! that its own budgets are checked on, and timed by `cargo run --release --package hotpath-tests --bin own`.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use cargo_hotpath::advise::{Advice, advise};
use cargo_hotpath::cli::Format;
use cargo_hotpath::options::ReportOptions;
use cargo_hotpath::profile::Profile;
use cargo_hotpath::report::{human, json, markdown};
use cargo_hotpath::rules::Settings;
use cargo_hotpath::run_dir;
use hotpath_runtime::hotpath;
use hotpath_tests::large::{self, PUBLISHED, Size};

/// Reports of one run.
const REPORTS: usize = 5;

/// Calls of each annotated function.
const CALLS: u64 = 10_000;

fn main() {
    let scratch = tempfile::tempdir().expect("a folder is made");
    let root = scratch.path();
    large::write_sources(root, &Size { files: 8, functions: 5, lines: PUBLISHED });
    large::store(root, &large::profile(root));
    for _ in 0..REPORTS {
        timed("report", || reported(root));
    }
    for _ in 0..REPORTS {
        timed("probes", || probed(CALLS));
    }
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) {
    let start = Instant::now();
    black_box(work());
    println!("{what}: {:.2} ms", 1e3 * start.elapsed().as_secs_f64());
}

/// From the files of a run to the text of its report, in each format.
fn reported(root: &Path) -> usize {
    let dir = run_dir::find(&root.join("target/hotpath"), "last").expect("it was stored");
    let record = run_dir::read(&dir).expect("it was stored");
    let profile = dir.join(&record.repetitions[record.reported].profile);
    let profile = Profile::read(&profile).expect("it was stored");
    let options = ReportOptions {
        top: None,
        min_impact_pct: None,
        all: true,
        format: Format::Json,
        output: None,
        also: Vec::new(),
    };
    let Advice { report, sources, .. } =
        advise(&record, &profile, root, &options, &Settings::default());
    assert!(!report.findings.is_empty(), "this workload has much to change");
    json::render(&report).len()
        + human::render(&report, &sources, &human::Options::default()).len()
        + markdown::render(&report, &sources, &human::Options::default().limits).len()
}

/// Calls, expressions and polls that allocate nothing themselves, so that what is counted for them is
/// the probes'.
#[hotpath(budget(allocs_per_call = 0))]
fn probed(calls: u64) -> u64 {
    let words = BTreeMap::<u64, u64>::new();
    let mut sum = 0;
    for number in 0..calls {
        sum += leaf(number) + recursive(number % 8);
        sum += words.get(&number).copied().unwrap_or_default();
        sum += ready(polled(number));
    }
    sum
}

#[hotpath(budget(allocs_per_call = 0))]
#[inline(never)]
fn leaf(number: u64) -> u64 {
    black_box(number) + 1
}

#[hotpath(budget(allocs_per_call = 0))]
fn recursive(depth: u64) -> u64 {
    if depth == 0 { 1 } else { recursive(depth - 1) + leaf(depth) }
}

#[hotpath(budget(allocs_per_call = 0))]
async fn polled(number: u64) -> u64 {
    std::future::ready(leaf(number)).await
}

/// The value of a future that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("nothing waits in it"),
    }
}
