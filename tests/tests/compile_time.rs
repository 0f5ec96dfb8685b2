//! What the probes cost the compiler: `cargo check` of a dense crate against the same without them,
//! and the expansion of a long `impl` block.
//!
//! With tables, on a machine that does nothing else:
//! `cargo test -p hotpath-tests --test compile_time -- --ignored --nocapture --test-threads 1`

use std::path::Path;
use std::time::Duration;

use hotpath_tests::dense::{self, Attribute};
use hotpath_tests::package::Package;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// Lines of the crate.
const LINES: usize = 20_000;

/// Lines of the block.
const BLOCK: usize = 2_000;

const ROUNDS: usize = 5;

const VARIANTS: [(Attribute, &str); 3] =
    [(Attribute::Absent, "plain"), (Attribute::Default, "calls"), (Attribute::All, "all")];

fn packages(name: &str, write: impl Fn(&Path, Attribute) -> usize) -> Vec<Package> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let packages = VARIANTS.iter().map(|(attribute, variant)| {
        let name = format!("{name}-{variant}");
        let package = Package::new(scratch, &name, "2024").expect("is made");
        let lines = write(&scratch.join(&name).join("src"), *attribute);
        println!("{name}: {lines} lines without attributes");
        // Dependencies first, so that they are no part of what is measured.
        let said = package.cargo(&["check", "--lib"]).expect("cargo checks");
        let said: Vec<_> = said.iter().map(|it| it.rendered.as_str()).collect();
        assert!(said.is_empty(), "{}", said.concat());
        package
    });
    packages.collect()
}

fn touch(package: &Package) {
    let file = package.path("src/lib.rs");
    let text = std::fs::read(&file).expect("is read");
    std::fs::write(&file, text).expect("is written");
}

/// User and system time of the processes that have ended.
fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the system tells");
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(micros).expect("time is positive"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Medians for each variant, of rounds in which each has its turn.
fn medians(packages: &[Package], measure: impl Fn(&Package) -> f64) -> Vec<f64> {
    let mut figures = vec![Vec::new(); packages.len()];
    for _ in 0..ROUNDS {
        for (package, figures) in packages.iter().zip(&mut figures) {
            touch(package);
            figures.push(measure(package));
        }
    }
    figures.into_iter().map(median).collect()
}

fn table(what: &str, unit: &str, medians: &[f64]) {
    println!("\n{what}, medians of {ROUNDS} rounds");
    for ((_, name), figure) in VARIANTS.iter().zip(medians) {
        println!("  {name:<6} {figure:>8.0} {unit}  {:>5.2}x", figure / medians[0]);
    }
}

#[test]
#[ignore = "compares times: wants a quiet machine"]
fn a_dense_crate_is_checked_in_little_more_time() {
    let packages = packages("dense", |source, attribute| {
        dense::library(source, LINES, attribute).expect("is written")
    });
    let medians = medians(&packages, |package| {
        let before = children();
        let mut command = package.command(&["check", "--lib", "--quiet"]);
        let status = command.env("CARGO_INCREMENTAL", "0").status().expect("cargo runs");
        assert!(status.success());
        children().saturating_sub(before).as_secs_f64() * 1e3
    });
    table("cargo check, CPU time", "ms", &medians);
    let ratios = [medians[1] / medians[0], medians[2] / medians[0]];
    assert!(ratios[0] <= 1.5, "sites = calls: {:.2}x", ratios[0]);
    assert!(ratios[1] <= 2.5, "sites = all: {:.2}x", ratios[1]);
}

/// CPU time of the compiler up to the end of macro expansion, in ms.
fn expansion(package: &Package) -> f64 {
    let before = children();
    let status = package
        .command(&["rustc", "--lib", "--quiet", "--profile", "check"])
        .args(["--", "-Zno-analysis"])
        .env("CARGO_INCREMENTAL", "0")
        // A stable compiler stops there only when told so.
        .env("RUSTC_BOOTSTRAP", "1")
        .status()
        .expect("cargo runs");
    assert!(status.success());
    children().saturating_sub(before).as_secs_f64() * 1e3
}

#[test]
#[ignore = "compares times: wants a quiet machine"]
fn a_long_block_is_expanded_in_a_quarter_of_a_second() {
    let packages = packages("block", |source, attribute| {
        dense::block(source, BLOCK, attribute).expect("is written")
    });
    // Other flags than those of `packages`: the dependencies are built again.
    for package in &packages {
        let _ = expansion(package);
    }
    let medians = medians(&packages, expansion);
    table("CPU time up to the end of expansion, the macro at opt-level 0", "ms", &medians);
    for (figure, (_, name)) in medians.iter().zip(VARIANTS).skip(1) {
        let own = figure - medians[0];
        println!("  {name}: {own:.0} ms are the attribute's");
        assert!(own < 250.0, "sites = {name}: {own:.0} ms");
    }
}
