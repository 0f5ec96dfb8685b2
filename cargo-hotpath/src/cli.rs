//! The command line: cargo's flags with cargo's meaning, and our own.

use std::path::{Path, PathBuf};

use clap::builder::FalseyValueParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Args, Parser, Subcommand, ValueEnum};

const PACKAGE: &str = "Package selection";
const TARGET: &str = "Target selection";
const FEATURES: &str = "Feature selection";
const BUILD: &str = "Compilation options";
const MANIFEST: &str = "Manifest options";
const MEASURE: &str = "Measurement options";
const REPORT: &str = "Report options";
const DISPLAY: &str = "Display options";

/// Finds what to change next in a Rust program, and how much it will gain.
#[derive(Debug, Parser)]
#[command(name = "cargo-hotpath", bin_name = "cargo hotpath", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What is printed.
    #[command(flatten)]
    pub display: DisplayArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build the workload with probes, run it, and print ranked fixes
    #[command(
        after_help = "Exit codes: 0 ran, 1 a finding is denied by the configuration, 2 usage, \
        configuration or unreadable data, 3 the workload failed, 4 no site was hit, 70 internal \
        error, 74 output can't be written, 101 cargo's build failed, 130 Ctrl-C"
    )]
    Run(Box<RunArgs>),
    /// Print the report of a stored run again
    #[command(after_help = "Exit codes: 0 printed, 1 a finding is denied by the configuration, \
        2 usage, configuration or unreadable data, 74 output can't be written")]
    Report(ReportArgs),
    /// List annotated functions and their sites, without running anything
    List(ListArgs),
    /// Explain a rule: what it means, when not to follow it, before and after
    Explain(ExplainArgs),
    /// Make a package depend on the runtime
    Init(InitArgs),
    /// Add `#[hotpath]` to functions of the source, or take it away
    Annotate(AnnotateArgs),
    /// Judge budgets, the baseline and denied rules; for continuous integration
    #[command(
        after_help = "Exit codes: 0 all kept, 1 a budget or the baseline is exceeded or a finding is \
        denied, 2 usage, configuration or unreadable data, 3 the workload failed, 4 no site was hit, \
        70 internal error, 74 output can't be written, 101 cargo's build failed, 130 Ctrl-C"
    )]
    Check(Box<CheckArgs>),
    /// Say what differs between two runs or baselines
    #[command(after_help = "BASE and NEW are runs (`last`, a saved name, an id, a directory) or \
        baselines (a name in `hotpath-baseline.json`, or another such file)")]
    Compare(CompareArgs),
    /// Keep runs in `hotpath-baseline.json`, to be committed and checked against
    Baseline(BaselineArgs),
    /// Remove what is kept under `target/hotpath`
    Clean(CleanArgs),
}

impl Command {
    /// The format that errors are printed in too.
    pub fn format(&self) -> Format {
        match self {
            Self::Run(args) => args.report.format,
            Self::Report(args) => args.report.format,
            Self::List(args) => args.format,
            Self::Check(args) => args.run.report.format,
            Self::Compare(args) => args.format,
            Self::Baseline(BaselineArgs { command: BaselineCommand::List { format }, .. }) => {
                *format
            }
            Self::Baseline(_)
            | Self::Explain(_)
            | Self::Init(_)
            | Self::Annotate(_)
            | Self::Clean(_) => Format::Human,
        }
    }
}

impl Command {
    /// The file that the report was to be written to.
    pub fn output(&self) -> Option<&Path> {
        match self {
            Self::Run(args) => args.report.output.as_deref(),
            Self::Report(args) => args.report.output.as_deref(),
            Self::Check(args) => args.run.report.output.as_deref(),
            Self::Compare(args) => args.output.as_deref(),
            _ => None,
        }
    }
}

/// Flags of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Which package and target is the workload.
    #[command(flatten)]
    pub workload: WorkloadArgs,
    /// With which features.
    #[command(flatten)]
    pub features: FeatureArgs,
    /// How it is compiled.
    #[command(flatten)]
    pub build: BuildArgs,
    /// Where the manifest is.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// How often and how long it runs.
    #[command(flatten)]
    pub measure: MeasureArgs,
    /// What the report shows.
    #[command(flatten)]
    pub report: ReportFlags,
    /// Keep this run under a name, for `cargo hotpath report NAME`
    #[arg(long, value_name = "NAME", env = "CARGO_HOTPATH_SAVE", help_heading = MEASURE)]
    pub save: Option<String>,
    /// Arguments for the workload
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<std::ffi::OsString>,
}

/// Which package and target is the workload.
#[derive(Debug, Default, Args)]
pub struct WorkloadArgs {
    /// Package with the target to run
    #[arg(short, long, value_name = "SPEC", help_heading = PACKAGE)]
    pub package: Option<String>,
    /// Run the named binary
    #[arg(long, value_name = "NAME", help_heading = TARGET, group = "target_choice")]
    pub bin: Option<String>,
    /// Run the named example
    #[arg(long, value_name = "NAME", help_heading = TARGET, group = "target_choice")]
    pub example: Option<String>,
    /// Run the library's unit tests
    #[arg(long, help_heading = TARGET, group = "target_choice")]
    pub lib: bool,
    /// Run the named integration test
    #[arg(long, value_name = "NAME", help_heading = TARGET, group = "target_choice")]
    pub test: Option<String>,
    /// Run the named benchmark
    #[arg(long, value_name = "NAME", help_heading = TARGET, group = "target_choice")]
    pub bench: Option<String>,
}

/// With which features.
#[derive(Clone, Debug, Default, Args)]
pub struct FeatureArgs {
    /// Space or comma separated list of features to activate
    #[arg(short = 'F', long, value_name = "FEATURES", help_heading = FEATURES)]
    pub features: Vec<String>,
    /// Activate all available features
    #[arg(long, help_heading = FEATURES)]
    pub all_features: bool,
    /// Do not activate the `default` feature
    #[arg(long, help_heading = FEATURES)]
    pub no_default_features: bool,
}

/// How the workload is compiled.
#[derive(Clone, Debug, Default, Args)]
pub struct BuildArgs {
    /// Build with the named profile [default: release; `bench` for benchmarks]
    #[arg(long, value_name = "NAME", help_heading = BUILD, group = "profile_choice")]
    pub profile: Option<String>,
    /// Build with the release profile (the default)
    #[arg(short, long, help_heading = BUILD, group = "profile_choice")]
    pub release: bool,
    /// Build with the dev profile
    #[arg(long, help_heading = BUILD, group = "profile_choice")]
    pub dev: bool,
    /// Build for the target triple
    #[arg(long, value_name = "TRIPLE", help_heading = BUILD)]
    pub target: Option<String>,
    /// Directory for all generated artifacts
    #[arg(long, value_name = "DIRECTORY", help_heading = BUILD)]
    pub target_dir: Option<PathBuf>,
    /// Number of parallel jobs
    #[arg(short, long, value_name = "N", help_heading = BUILD, allow_hyphen_values = true)]
    pub jobs: Option<String>,
}

/// Where the manifest is, and what cargo may do to find dependencies.
#[derive(Clone, Debug, Default, Args)]
pub struct ManifestArgs {
    /// Path to Cargo.toml
    #[arg(long, value_name = "PATH", help_heading = MANIFEST)]
    pub manifest_path: Option<PathBuf>,
    /// Assert that `Cargo.lock` will remain unchanged
    #[arg(long, help_heading = MANIFEST)]
    pub locked: bool,
    /// Run without accessing the network
    #[arg(long, help_heading = MANIFEST)]
    pub offline: bool,
    /// Equivalent to specifying both --locked and --offline
    #[arg(long, help_heading = MANIFEST)]
    pub frozen: bool,
}

/// How often and how long the workload runs.
#[derive(Debug, Args)]
pub struct MeasureArgs {
    /// Repetitions; figures are those of the one with the median wall time [default: 3 where the
    /// first took under 5 s, else 1; 1 also keeps `--auto` from a second pass]
    #[arg(long, value_name = "N", env = "CARGO_HOTPATH_RUNS", help_heading = MEASURE,
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub runs: Option<u32>,
    /// Stop a repetition after this time (`90s`, `5m`, `500ms`) and report what it did
    #[arg(long, value_name = "DURATION", env = "CARGO_HOTPATH_TIMEOUT", help_heading = MEASURE)]
    pub timeout: Option<String>,
    /// Run CMD with the shell once the workload is ready, and stop the workload when CMD has ended
    #[arg(long, value_name = "CMD", env = "CARGO_HOTPATH_DRIVE", help_heading = MEASURE)]
    pub drive: Option<String>,
    /// What says that the workload is ready: `tcp:PORT`, `log:REGEX` (a line of its output) or a
    /// duration, each waited for up to 60 s [default: 1s]
    #[arg(long, value_name = "WHEN", env = "CARGO_HOTPATH_READY", help_heading = MEASURE)]
    pub ready: Option<String>,
    /// Stop the workload after this time (from when it is ready); that is no failure
    #[arg(long, value_name = "DURATION", env = "CARGO_HOTPATH_DURATION", help_heading = MEASURE)]
    pub duration: Option<String>,
    /// Sample live blocks, one byte in BYTES (`64 KiB`, `1 MiB`): which sites retain memory at the
    /// end [without a value: 512 KiB]
    #[arg(long, value_name = "BYTES", env = "CARGO_HOTPATH_RETAINED", help_heading = MEASURE,
        num_args = 0..=1, require_equals = true, default_missing_value = "512 KiB")]
    pub retained: Option<String>,
    /// Measure every function without any annotation, in a copy of the workspace; with GLOB only
    /// those of files (`src/parser/**`) or paths (`orders::parser::*`) that match [default: where no
    /// function is annotated]
    #[arg(long, value_name = "GLOB", env = "CARGO_HOTPATH_AUTO", help_heading = MEASURE,
        num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub auto: Option<String>,
}

/// What the report shows, and where it goes.
#[derive(Debug, Args)]
pub struct ReportFlags {
    /// List at most this many functions [default: 10]
    #[arg(long, value_name = "N", env = "CARGO_HOTPATH_TOP", help_heading = REPORT,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub top: Option<u32>,
    /// Hide findings that gain less than this percentage of the wall time [default: 0.5, or 1 % of
    /// the allocations; `min_impact_pct` of a rule in the configuration goes first]
    #[arg(long, value_name = "PCT", env = "CARGO_HOTPATH_MIN_IMPACT", help_heading = REPORT)]
    pub min_impact: Option<String>,
    /// Show every finding, however small, but for what the source or the configuration allows
    #[arg(long, env = "CARGO_HOTPATH_ALL", help_heading = REPORT,
        value_parser = FalseyValueParser::new(), conflicts_with = "min_impact")]
    pub all: bool,
    /// Format of the report
    #[arg(long, value_name = "FORMAT", env = "CARGO_HOTPATH_FORMAT", help_heading = REPORT,
        value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Write the report to a file
    #[arg(short, long, value_name = "FILE", env = "CARGO_HOTPATH_OUTPUT", help_heading = REPORT)]
    pub output: Option<PathBuf>,
    /// Write the report in another format to a file, too (`sarif=hotpath.sarif`)
    #[arg(long, value_name = "FORMAT=FILE", env = "CARGO_HOTPATH_ALSO", help_heading = REPORT,
        value_parser = also)]
    pub also: Vec<Also>,
}

/// A format, and the file that it goes to beside the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Also {
    /// Format.
    pub format: Format,
    /// File.
    pub path: PathBuf,
}

/// Flags of `check` that mean something where stored runs are judged.
const OF_STORED: &[&str] = &[
    "stored",
    "baseline",
    "update",
    "manifest_path",
    "locked",
    "offline",
    "frozen",
    "target_dir",
    "top",
    "min_impact",
    "all",
    "format",
    "output",
    "also",
    "color",
    "quiet",
    "verbose",
];

/// Refuses what says how to build and run where `check` does neither. Variables, which may be set for
/// all commands, are let pass.
///
/// # Errors
///
/// An argument that would be without effect.
pub fn check_stored(
    command: &mut clap::Command,
    matches: &clap::ArgMatches,
) -> Result<(), clap::Error> {
    let Some(given) = matches.subcommand_matches("check") else { return Ok(()) };
    let is_given = |id: &str| given.value_source(id) == Some(ValueSource::CommandLine);
    let Some(check) = command.find_subcommand_mut("check").filter(|_| is_given("stored")) else {
        return Ok(());
    };
    let lost = check
        .get_arguments()
        .find(|argument| {
            let id = argument.get_id().as_str();
            !OF_STORED.contains(&id) && is_given(id)
        })
        .map(|argument| match argument.get_long() {
            Some(long) => format!("`--{long}`"),
            None => "arguments for the workload".to_owned(),
        });
    match lost {
        None => Ok(()),
        Some(what) => Err(check.error(
            ErrorKind::ArgumentConflict,
            format!(
                "{what} can't be used with stored runs: they are judged as they were built and run"
            ),
        )),
    }
}

fn also(text: &str) -> Result<Also, String> {
    let names: Vec<&str> = Format::value_variants().iter().map(|format| format.name()).collect();
    let known = || format!("write `FORMAT=FILE`, FORMAT one of {}", names.join(", "));
    let (format, path) = text.split_once('=').filter(|(_, path)| !path.is_empty()).ok_or_else(known)?;
    Ok(Also { format: Format::from_str(format, false).map_err(|_| known())?, path: path.into() })
}

/// Formats of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Human,
    /// One JSON document, with a schema
    Json,
    /// For pull requests, issues and job summaries
    Markdown,
    /// Annotations of GitHub's workflows, and the job summary
    Github,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// XML as that of `JUnit`, for test reports
    Junit,
}

impl Format {
    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Github => "github",
            Self::Sarif => "sarif",
            Self::Junit => "junit",
        }
    }
}

/// Flags of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// A saved name, the id of a run, its directory, or `last` for the newest
    #[arg(value_name = "RUN", default_value = "last")]
    pub run: String,
    /// What the report shows.
    #[command(flatten)]
    pub report: ReportFlags,
    /// Where the manifest is.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// Directory for all generated artifacts
    #[arg(long, value_name = "DIRECTORY", help_heading = BUILD)]
    pub target_dir: Option<PathBuf>,
}

/// Flags of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only this package [default: every workspace member]
    #[arg(short, long, value_name = "SPEC", help_heading = PACKAGE)]
    pub package: Option<String>,
    /// Where the manifest is.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// Format of the list
    #[arg(long, value_name = "FORMAT", env = "CARGO_HOTPATH_FORMAT", help_heading = REPORT,
        value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Flags of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The rule, as findings name it; all rules are listed without one
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,
}

/// Flags of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Package that gets the dependency
    #[arg(short, long, value_name = "SPEC", help_heading = PACKAGE)]
    pub package: Option<String>,
    /// Only show the change
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Depend on a copy of the runtime in this directory instead of the registry's
    #[arg(long, value_name = "DIRECTORY")]
    pub path: Option<PathBuf>,
    /// Where the manifest is.
    #[command(flatten)]
    pub manifest: ManifestArgs,
}

/// Flags of `annotate`.
#[derive(Debug, Args)]
pub struct AnnotateArgs {
    /// Functions (`orders::parser::*`) or files (`src/parser/**`)
    #[arg(value_name = "GLOB")]
    pub patterns: Vec<String>,
    /// Those with 1 % of the measured time or a finding in a run [without a value: the last]
    #[arg(long, value_name = "RUN", num_args = 0..=1, require_equals = true,
        default_missing_value = "last")]
    pub hot: Option<String>,
    /// Take the attribute away; without GLOB or `--hot` from everything
    #[arg(long)]
    pub remove: bool,
    /// Write the change instead of showing it
    #[arg(long)]
    pub apply: bool,
    /// Only functions of this package [default: every workspace member]
    #[arg(short, long, value_name = "SPEC", help_heading = PACKAGE)]
    pub package: Option<String>,
    /// Where the manifest is.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// Directory for all generated artifacts
    #[arg(long, value_name = "DIRECTORY", help_heading = BUILD)]
    pub target_dir: Option<PathBuf>,
}

/// Flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Stored runs to judge together instead of running: saved names, ids, directories or `last`
    #[arg(value_name = "RUN")]
    pub stored: Vec<String>,
    /// The baseline to judge against [default: `default`, or the only one of this workload]
    #[arg(long, value_name = "NAME", env = "CARGO_HOTPATH_BASELINE", help_heading = MEASURE)]
    pub baseline: Option<String>,
    /// Set the configured limits and the baseline to what was measured, and show what changed
    #[arg(long, help_heading = MEASURE)]
    pub update: bool,
    /// What is run, and how.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Flags of `compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// What it was before
    #[arg(value_name = "BASE")]
    pub base: String,
    /// What it is now
    #[arg(value_name = "NEW", default_value = "last")]
    pub new: String,
    /// List at most this many functions [default: 20]
    #[arg(long, value_name = "N", env = "CARGO_HOTPATH_TOP", help_heading = REPORT,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub top: Option<u32>,
    /// Format of the comparison
    #[arg(long, value_name = "FORMAT", env = "CARGO_HOTPATH_FORMAT", help_heading = REPORT,
        value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Write the comparison to a file
    #[arg(short, long, value_name = "FILE", env = "CARGO_HOTPATH_OUTPUT", help_heading = REPORT)]
    pub output: Option<PathBuf>,
    /// Where the manifest is.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// Directory for all generated artifacts
    #[arg(long, value_name = "DIRECTORY", help_heading = BUILD)]
    pub target_dir: Option<PathBuf>,
}

/// Flags of `baseline`.
#[derive(Debug, Args)]
pub struct BaselineArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: BaselineCommand,
    /// Where the manifest is.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// Directory for all generated artifacts
    #[arg(long, value_name = "DIRECTORY", help_heading = BUILD)]
    pub target_dir: Option<PathBuf>,
}

/// What to do with baselines.
#[derive(Debug, Subcommand)]
pub enum BaselineCommand {
    /// Keep a run, in place of another baseline of this name
    Save {
        /// Name of the baseline
        #[arg(value_name = "NAME", default_value = "default")]
        name: String,
        /// The run: a saved name, an id, a directory, or `last` for the newest
        #[arg(long, value_name = "RUN", default_value = "last")]
        run: String,
    },
    /// List what is kept
    List {
        /// Format of the list
        #[arg(long, value_name = "FORMAT", env = "CARGO_HOTPATH_FORMAT", help_heading = REPORT,
            value_enum, default_value_t = Format::Human)]
        format: Format,
    },
    /// Remove a baseline
    Rm {
        /// Name of the baseline
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Flags of `clean`.
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// Only say what would go
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Where the manifest is.
    #[command(flatten)]
    pub manifest: ManifestArgs,
    /// Directory for all generated artifacts
    #[arg(long, value_name = "DIRECTORY", help_heading = BUILD)]
    pub target_dir: Option<PathBuf>,
}

/// What is printed beside the report.
#[derive(Clone, Debug, Default, Args)]
pub struct DisplayArgs {
    /// Coloring: auto, always, never
    #[arg(long, value_name = "WHEN", env = "CARGO_TERM_COLOR", help_heading = DISPLAY,
        global = true, value_enum, hide_env = true)]
    pub color: Option<Color>,
    /// Do not print progress
    #[arg(short, long, help_heading = DISPLAY, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Use verbose output
    #[arg(short, long, help_heading = DISPLAY, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn two_targets_are_refused() {
        assert!(Cli::try_parse_from(["x", "run", "--bin", "a", "--lib"]).is_err());
    }

    #[test]
    fn workload_arguments_come_after_two_dashes() {
        let cli = Cli::try_parse_from(["x", "run", "--bin", "a", "--", "--top", "3"]).unwrap();
        let Command::Run(run) = cli.command else { panic!("not run") };
        assert_eq!(run.args, ["--top", "3"]);
        assert_eq!(run.report.top, None);
    }

    #[test]
    fn what_says_how_to_build_and_run_is_refused_with_stored_runs() {
        let check = |args: &[&str]| {
            let mut command = Cli::command();
            let all = ["x", "check"].iter().chain(args);
            let matches = command.try_get_matches_from_mut(all).unwrap();
            check_stored(&mut command, &matches).map_err(|error| error.to_string())
        };
        let ids = ["top=3", "min-impact=1", "format=json", "output=x", "also=json=x"];
        for id in ids.iter().chain(&["baseline=b", "manifest-path=m", "target-dir=t"]) {
            assert_eq!(check(&["run", &format!("--{id}")]), Ok(()), "{id}");
        }
        for flag in ["--update", "--locked", "--offline", "--all", "-q", "-v"] {
            assert_eq!(check(&["run", flag]), Ok(()), "{flag}");
        }
        assert_eq!(check(&["--bin", "x", "--runs", "3", "--", "args"]), Ok(()), "nothing is stored");
        for flag in ["package=x", "bin=x", "features=x", "runs=3", "timeout=1s", "save=x", "auto", "jobs=1"] {
            let error = check(&["run", &format!("--{flag}")]).unwrap_err();
            let name = flag.split('=').next().unwrap();
            assert!(error.contains(&format!("`--{name}` can't be used with stored runs")), "{error}");
        }
        assert!(check(&["run", "--release"]).unwrap_err().contains("`--release`"));
        assert!(check(&["run", "--", "args"]).unwrap_err().contains("arguments for the workload"));
    }

    #[test]
    fn other_formats_are_each_for_a_file() {
        assert_eq!(also("junit=a=b.xml").unwrap().path, Path::new("a=b.xml"));
        assert_eq!(also("sarif=x").unwrap().format, Format::Sarif);
        for bad in ["sarif", "sarif=", "xml=x", "=x", ""] {
            assert!(also(bad).unwrap_err().contains("one of human, json"), "{bad}");
        }
    }

    #[test]
    fn every_own_flag_reads_its_variable() {
        let command = Cli::command();
        let run = command.find_subcommand("run").unwrap();
        for flag in [
            "runs",
            "timeout",
            "drive",
            "ready",
            "duration",
            "top",
            "min_impact",
            "all",
            "format",
            "output",
            "also",
            "save",
            "retained",
            "auto",
        ] {
            let argument = run.get_arguments().find(|a| a.get_id() == flag).unwrap();
            let variable = argument.get_env().unwrap().to_str().unwrap().to_owned();
            assert_eq!(variable, format!("CARGO_HOTPATH_{}", flag.to_uppercase()));
        }
    }
}
