//! The command line: cargo's flags with cargo's meaning, and our own.

mod measure;
mod report;
mod stored;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use measure::{Instructions, MeasureArgs};
pub use report::{Also, Format, ReportFlags};
pub use stored::check_stored;

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
    /// The files that the report was to be written to besides.
    pub fn also(&self) -> &[Also] {
        match self {
            Self::Run(args) => &args.report.also,
            Self::Report(args) => &args.report.also,
            Self::Check(args) => &args.run.report.also,
            _ => &[],
        }
    }

    /// The file that it is written to.
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
            "instructions",
        ] {
            let argument = run.get_arguments().find(|a| a.get_id() == flag).unwrap();
            let variable = argument.get_env().unwrap().to_str().unwrap().to_owned();
            assert_eq!(variable, format!("CARGO_HOTPATH_{}", flag.to_uppercase()));
        }
    }
}
