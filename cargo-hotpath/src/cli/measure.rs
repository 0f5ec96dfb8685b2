//! Flags that say how the workload is run and measured.

use clap::{Args, ValueEnum};

use super::MEASURE;

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
    /// Count the instructions that the instrumented workload runs: with the processor's counter where
    /// it may be read, or with valgrind's callgrind, in another run after each repetition
    #[arg(long, value_name = "HOW", env = "CARGO_HOTPATH_INSTRUCTIONS", help_heading = MEASURE,
        value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "hardware")]
    pub instructions: Option<Instructions>,
}

/// What counts instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Instructions {
    /// The processor
    Hardware,
    /// Valgrind
    Callgrind,
}
