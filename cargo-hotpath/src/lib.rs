//! Tells a Rust developer what to change next, and how much it will gain.
//!
//! The pipeline, one module a stage, each importing only from those before it:
//! build, run, collect, join, facts, impact, rules, rank, report.
#![forbid(unsafe_code)]

pub mod advise;
pub mod allocator;
pub mod auto;
pub mod baseline;
pub mod cargo;
pub mod checkout;
pub mod cli;
pub mod collect;
pub mod commands;
pub mod compare;
pub mod config;
pub mod counters;
pub mod date;
pub mod deliver;
pub mod drive;
pub mod edit;
pub mod environment;
pub mod error;
pub mod facts;
mod fnv;
pub mod gate;
pub mod impact;
pub mod instructions;
pub mod interrupt;
pub mod judge;
pub mod options;
pub mod overlay;
pub mod own_cost;
pub mod profile;
pub mod rank;
pub mod repeat;
pub mod replace;
pub mod report;
pub mod resolution;
pub mod roots;
pub mod rules;
pub mod run_dir;
pub mod sampler;
pub mod schema;
pub mod snapshot;
pub mod source;
pub mod stored;
pub mod term;
mod text;
pub mod unhit;
pub mod units;
pub mod update;

use std::ffi::{OsStr, OsString};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;

use clap::{ColorChoice, CommandFactory, FromArgMatches, ValueEnum};

use cli::{Also, Cli, Command, Format};
use error::{Error, Exit};
use options::RunOptions;
use term::Term;

/// The whole program: parses, runs the command, and turns what went wrong into words and an exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = without_cargo(args.into_iter().collect());
    let cli = match parse(&args) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, &args),
    };
    let term = Term::new(&cli.display);
    let (format, output) = (cli.command.format(), cli.command.output().map(Path::to_owned));
    let also = cli.command.also().to_vec();
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| dispatch(cli.command, &term)));
    let result = outcome.unwrap_or_else(|panic| Err(Error::Internal(panic_message(&*panic))));
    match result {
        Ok(exit) => exit.into(),
        Err(error) => fail(&error, (format, output.as_deref(), &also), &term).into(),
    }
}

fn dispatch(command: Command, term: &Term) -> Result<Exit, Error> {
    match command {
        Command::Run(args) => commands::run::run(&RunOptions::try_from(*args)?, term),
        Command::Report(args) => commands::report::report(args, term),
        Command::List(args) => commands::list::list(&args, term),
        Command::Annotate(args) => commands::annotate::annotate(&args, term),
        Command::Init(args) => commands::init::init(&args, term),
        Command::Explain(args) => commands::explain::explain(&args),
        Command::Check(args) => commands::check::check(*args, term),
        Command::Compare(args) => commands::compare::compare(&args, term),
        Command::Baseline(args) => commands::baseline::baseline(&args, term),
        Command::Clean(args) => commands::clean::clean(&args, term),
    }
}

/// Says what went wrong: to people, and as a document where one was asked for.
fn fail(
    error: &Error,
    (format, output, also): (Format, Option<&Path>, &[Also]),
    term: &Term,
) -> Exit {
    if matches!(error, Error::Closed) {
        return error.exit();
    }
    term.error(error);
    deliver::failure(error, format, output, also);
    error.exit()
}

/// As `cargo hotpath`, cargo puts the name of the subcommand first.
fn without_cargo(mut args: Vec<OsString>) -> Vec<OsString> {
    if args.get(1).is_some_and(|word| word == "hotpath") {
        args.remove(1);
    }
    args
}

fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    let color = match std::env::var("CARGO_TERM_COLOR").as_deref() {
        Ok("always") => ColorChoice::Always,
        Ok("never") => ColorChoice::Never,
        _ => ColorChoice::Auto,
    };
    let mut command = Cli::command().color(color);
    let matches = command.try_get_matches_from_mut(args)?;
    cli::check_stored(&mut command, &matches)?;
    Cli::from_arg_matches(&matches)
}

/// Help, version, and arguments that can't be parsed.
fn refuse(error: &clap::Error, args: &[OsString]) -> ExitCode {
    // Where nobody reads, there is nobody to tell.
    let _ = error.print();
    if let (true, Some(format)) = (error.use_stderr(), asked_for(args)) {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        let message = first.strip_prefix("error: ").unwrap_or(first).to_owned();
        let error = Error::usage(message, "`cargo hotpath --help` lists what there is");
        deliver::failure(&error, format, None, &[]);
    }
    ExitCode::from(error.exit_code() as u8)
}

/// The format of arguments that can't be parsed.
fn asked_for(args: &[OsString]) -> Option<Format> {
    let own: Vec<&OsStr> =
        args.iter().take_while(|word| *word != "--").map(OsString::as_os_str).collect();
    let split = own.windows(2).find(|pair| pair[0] == "--format").map(|pair| pair[1].to_owned());
    let joined = || {
        let words = own.iter().filter_map(|word| word.to_str());
        words.filter_map(|word| word.strip_prefix("--format=")).map(OsString::from).next()
    };
    let asked = split.or_else(joined).or_else(|| std::env::var_os("CARGO_HOTPATH_FORMAT"))?;
    Format::from_str(asked.to_str()?, false).ok()
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panic".to_owned())
}
