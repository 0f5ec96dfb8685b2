//! Flags checked and merged once into what the commands work with.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use crate::auto::Pattern;
use crate::cli::{
    Also, BuildArgs, FeatureArgs, Format, Instructions, ManifestArgs, MeasureArgs, ReportFlags,
    RunArgs, WorkloadArgs,
};
use crate::drive::{Plan, Ready};
use crate::error::Error;
use crate::schema::InstructionSource;

/// Everything `run` needs to know.
#[derive(Debug)]
pub struct RunOptions {
    /// The target that was asked for.
    pub choice: Choice,
    /// Package that was asked for.
    pub package: Option<String>,
    /// Features.
    pub features: FeatureArgs,
    /// Compilation.
    pub build: BuildArgs,
    /// Profile name.
    pub profile: String,
    /// Manifest and network.
    pub manifest: ManifestArgs,
    /// Repetitions asked for.
    pub runs: Option<u32>,
    /// Longest time of a repetition.
    pub timeout: Option<Duration>,
    /// What is done with the workload while it runs.
    pub plan: Option<Plan>,
    /// Bytes of which one is drawn to sample live blocks, where they are.
    pub retained: Option<u64>,
    /// Whether functions are measured without annotation.
    pub auto: Auto,
    /// What counts instructions, where they were asked for.
    pub instructions: Option<InstructionSource>,
    /// Report.
    pub report: ReportOptions,
    /// Name to keep the run under.
    pub save: Option<String>,
    /// Workload's arguments.
    pub args: Vec<OsString>,
}

/// Everything a report needs to know.
#[derive(Clone, Debug)]
pub struct ReportOptions {
    /// Rows and findings shown at most.
    pub top: Option<usize>,
    /// Smallest gain shown, percent of wall time, where one was given.
    pub min_impact_pct: Option<f64>,
    /// Whether every finding is shown.
    pub all: bool,
    /// Format.
    pub format: Format,
    /// File to write to; standard output without one.
    pub output: Option<PathBuf>,
    /// Other formats, each with its file.
    pub also: Vec<Also>,
}

/// Whether functions are measured without annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auto {
    /// Where none is annotated.
    Unasked,
    /// In no case.
    Never,
    /// All of them.
    All,
    /// Those that match.
    Matching(Box<Pattern>),
}

/// The target that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// As `cargo run` without a target: the only binary, or `default-run`.
    Default,
    /// This binary.
    Bin(String),
    /// This example.
    Example(String),
    /// The library's unit tests.
    Lib,
    /// This integration test.
    Test(String),
    /// This benchmark.
    Bench(String),
}

impl From<WorkloadArgs> for Choice {
    fn from(args: WorkloadArgs) -> Self {
        // clap's group lets at most one through.
        match args {
            WorkloadArgs { bin: Some(name), .. } => Self::Bin(name),
            WorkloadArgs { example: Some(name), .. } => Self::Example(name),
            WorkloadArgs { test: Some(name), .. } => Self::Test(name),
            WorkloadArgs { bench: Some(name), .. } => Self::Bench(name),
            WorkloadArgs { lib: true, .. } => Self::Lib,
            _ => Self::Default,
        }
    }
}

impl From<Instructions> for InstructionSource {
    fn from(asked: Instructions) -> Self {
        match asked {
            Instructions::Hardware => Self::Hardware,
            Instructions::Callgrind => Self::Callgrind,
        }
    }
}

impl TryFrom<RunArgs> for RunOptions {
    type Error = Error;

    fn try_from(args: RunArgs) -> Result<Self, Error> {
        let package = args.workload.package.clone();
        let choice = Choice::from(args.workload);
        let profile = profile_name(&args.build, &choice);
        if let Some(name) = &args.save {
            check_name(name)?;
        }
        check_clock(std::env::var_os("CARGO_HOTPATH_CLOCK").as_deref())?;
        Ok(Self {
            choice,
            package,
            features: args.features,
            profile,
            build: args.build,
            manifest: args.manifest,
            runs: args.measure.runs,
            timeout: args.measure.timeout.as_deref().map(timeout).transpose()?,
            plan: plan(&args.measure)?,
            retained: args.measure.retained.as_deref().map(period).transpose()?,
            auto: auto(args.measure.auto.as_deref())?,
            instructions: args.measure.instructions.map(InstructionSource::from),
            report: args.report.try_into()?,
            save: args.save,
            args: args.args,
        })
    }
}

impl TryFrom<ReportFlags> for ReportOptions {
    type Error = Error;

    fn try_from(flags: ReportFlags) -> Result<Self, Error> {
        Ok(Self {
            top: flags.top.map(|top| top as usize),
            min_impact_pct: flags.min_impact.as_deref().map(percentage).transpose()?,
            all: flags.all,
            format: flags.format,
            output: flags.output,
            also: flags.also,
        })
    }
}

/// Release unless asked otherwise; cargo has a profile of its own for benchmarks.
fn profile_name(build: &BuildArgs, choice: &Choice) -> String {
    match (&build.profile, build.dev, build.release, choice) {
        (Some(name), ..) => name.clone(),
        (None, true, ..) => "dev".to_owned(),
        (None, false, false, Choice::Bench(_)) => "bench".to_owned(),
        _ => "release".to_owned(),
    }
}

/// How long a workload is left alone where nothing says when it is ready.
const READY: Duration = Duration::from_secs(1);

/// What `--drive`, `--ready` and `--duration` say together.
fn plan(args: &MeasureArgs) -> Result<Option<Plan>, Error> {
    if args.drive.is_none() && args.duration.is_none() {
        return match &args.ready {
            None => Ok(None),
            Some(_) => Err(Error::usage(
                "--ready says when to begin, but not what with",
                "add `--drive CMD`, or `--duration D` to stop the workload after a time",
            )),
        };
    }
    if args.drive.as_deref().is_some_and(|command| command.trim().is_empty()) {
        return Err(Error::usage(
            "--drive names no command",
            "write what gives the workload something to do, such as `--drive 'wrk -d5 http://localhost:8080'`",
        ));
    }
    let otherwise = if args.drive.is_some() { READY } else { Duration::ZERO };
    let ready = match &args.ready {
        Some(text) => Ready::parse(text, |text| duration(text, "--ready"))?,
        None => Ready::After(otherwise),
    };
    let limit = args.duration.as_deref().map(|text| duration(text, "--duration")).transpose()?;
    Ok(Some(Plan { command: args.drive.clone(), ready, duration: limit }))
}

fn timeout(text: &str) -> Result<Duration, Error> {
    duration(text, "--timeout")
}

/// `90s`, `1.5m`, `500ms`, `2h`; a bare number is seconds.
fn duration(text: &str, flag: &str) -> Result<Duration, Error> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit.trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => 0.0,
    };
    number
        .parse::<f64>()
        .ok()
        .map(|number| number * scale)
        .filter(|seconds| *seconds > 0.0)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| {
            Error::usage(
                format!("`{text}` is not a duration for {flag}"),
                "write a number above zero with its unit: `500ms`, `90s`, `5m`, `1h`",
            )
        })
}

/// A flag without a value, a variable that says yes or no, or a glob.
fn auto(text: Option<&str>) -> Result<Auto, Error> {
    Ok(match text.map(str::trim) {
        None | Some("") => Auto::Unasked,
        Some("1" | "true" | "yes" | "on") => Auto::All,
        Some("0" | "false" | "no" | "off") => Auto::Never,
        Some(glob) => Auto::Matching(Box::new(Pattern::new(glob)?)),
    })
}

/// `64 KiB`, `1M`, `4096`: a bare number is bytes.
fn period(text: &str) -> Result<u64, Error> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => 0,
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| {
        Error::usage(
            format!("`{text}` is not a size for --retained"),
            "write a whole number of bytes above zero, with its unit: `4096`, `64KiB`, `1MiB`",
        )
    })
}

fn percentage(text: &str) -> Result<f64, Error> {
    let number = text.trim().trim_end_matches('%').trim_end();
    number.parse::<f64>().ok().filter(|n| (0.0..=100.0).contains(n)).ok_or_else(|| {
        Error::usage(
            format!("`{text}` is not a percentage for --min-impact"),
            "write a number from 0 to 100, such as `2.5`",
        )
    })
}

/// Names become file names on every system.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fits = (1..=100).contains(&name.len())
        && name.chars().all(plain)
        && !name.starts_with(['-', '.'])
        && name != "last";
    if fits {
        return Ok(());
    }
    Err(Error::usage(
        format!("`{name}` can't name a run"),
        "use letters, digits, `-`, `_` and `.`, not starting with `-` or `.`; `last` is always the newest run",
    ))
}

/// The workload's probes read the variable themselves, and would not say that they don't know it.
fn check_clock(value: Option<&OsStr>) -> Result<(), Error> {
    match value {
        None => Ok(()),
        Some(known) if known.is_empty() || known == "system" => Ok(()),
        Some(other) => Err(Error::usage(
            format!("CARGO_HOTPATH_CLOCK is `{}`: there is no such clock", other.display()),
            "set it to `system` to have the probes read the system's clock, or unset it",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn run(args: &[&str]) -> Result<RunOptions, Error> {
        let all = ["x", "run"].iter().chain(args);
        match Cli::try_parse_from(all).unwrap().command {
            Command::Run(args) => RunOptions::try_from(*args),
            _ => panic!("not run"),
        }
    }

    #[test]
    fn release_is_the_default_profile() {
        assert_eq!(run(&[]).unwrap().profile, "release");
        assert_eq!(run(&["--dev"]).unwrap().profile, "dev");
        assert_eq!(run(&["--bench", "b"]).unwrap().profile, "bench");
        assert_eq!(run(&["--bench", "b", "--profile", "p"]).unwrap().profile, "p");
    }

    #[test]
    fn durations_need_a_known_unit_and_a_value() {
        assert_eq!(timeout("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(timeout("1.5m").unwrap(), Duration::from_secs(90));
        assert_eq!(timeout("2").unwrap(), Duration::from_secs(2));
        for bad in ["", "0s", "5x", "s", "1e400s", "-3s", "99999999999999999999999h"] {
            assert!(timeout(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_plan_needs_something_to_do_or_an_end() {
        assert!(run(&[]).unwrap().plan.is_none());
        let plan = run(&["--drive", "wrk", "--ready", "tcp:80"]).unwrap().plan.unwrap();
        assert_eq!((plan.command.as_deref(), plan.duration), (Some("wrk"), None));
        let plan = run(&["--drive", "wrk"]).unwrap().plan.unwrap();
        assert!(matches!(plan.ready, Ready::After(READY)));
        let plan = run(&["--duration", "5s"]).unwrap().plan.unwrap();
        assert!(matches!(plan.ready, Ready::After(Duration::ZERO)));
        assert_eq!(plan.duration, Some(Duration::from_secs(5)));
        for bad in [
            &["--ready", "tcp:80"][..],
            &["--drive", " "],
            &["--duration", "0"],
            &["--drive", "x", "--ready", "y"],
        ] {
            assert!(run(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn retained_memory_is_sampled_by_bytes() {
        assert_eq!(run(&[]).unwrap().retained, None);
        assert_eq!(run(&["--retained"]).unwrap().retained, Some(512 << 10));
        assert_eq!(run(&["--retained=64 KiB", "--", "x"]).unwrap().retained, Some(64 << 10));
        assert_eq!(period("4096").unwrap(), 4096);
        assert_eq!(period("2m").unwrap(), 2 << 20);
        for bad in ["", "0", "-1", "1.5k", "x", "1 parsec", "99999999999 GiB"] {
            assert!(period(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn instructions_are_counted_where_that_is_asked_for() {
        let asked = |args: &[&str]| run(args).unwrap().instructions;
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&["--instructions", "--", "x"]), Some(InstructionSource::Hardware));
        assert_eq!(asked(&["--instructions=callgrind"]), Some(InstructionSource::Callgrind));
        assert!(Cli::try_parse_from(["x", "run", "--instructions=perf"]).is_err());
    }

    #[test]
    fn annotation_can_be_done_without_by_flag_or_variable() {
        assert_eq!(run(&[]).unwrap().auto, Auto::Unasked);
        assert_eq!(run(&["--auto", "--", "x"]).unwrap().auto, Auto::All);
        assert!(matches!(run(&["--auto=src/**"]).unwrap().auto, Auto::Matching(_)));
        assert!(run(&["--auto=src/{a"]).is_err());
        for (value, expected) in [("1", Auto::All), ("0", Auto::Never), ("", Auto::Unasked)] {
            assert_eq!(auto(Some(value)).unwrap(), expected);
        }
    }

    #[test]
    fn percentages_lie_between_0_and_100() {
        assert!((percentage("2.5 %").unwrap() - 2.5).abs() < f64::EPSILON);
        for bad in ["x", "-1", "101", "NaN", ""] {
            assert!(percentage(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_only_clock_to_ask_for_is_the_systems() {
        assert!(check_clock(None).is_ok());
        assert!(check_clock(Some(OsStr::new(""))).is_ok());
        assert!(check_clock(Some(OsStr::new("system"))).is_ok());
        assert!(check_clock(Some(OsStr::new("tsc"))).is_err());
    }

    #[test]
    fn names_are_file_names() {
        assert!(check_name("before-1.2_ä").is_ok());
        for bad in ["", "last", "../x", "a/b", ".hidden", "-x", "a b"] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
