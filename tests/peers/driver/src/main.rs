//! Builds the peers, measures them in turn, and writes the tables that the README shows.

mod builds;
mod command;
mod error;
mod figures;
mod instructions;
mod machine;
mod measure;
mod options;
mod peer;
mod processor;
mod readme;
mod table;
mod workspace;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::error::Error;
use crate::options::{Options, USAGE};
use crate::peer::{PEERS, Peer};

fn main() -> ExitCode {
    if env::args().any(|argument| argument == "--help" || argument == "-h") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("peers: {message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let directory = env::temp_dir().join(format!("peers-{}", std::process::id()));
    let done = run(&options, &directory);
    // Nothing in it is worth an error.
    let _ = fs::remove_dir_all(&directory);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options, directory: &Path) -> Result<(), Error> {
    fs::create_dir_all(directory)
        .map_err(|error| Error::File { path: PathBuf::from(directory), error })?;
    let machine = machine::describe()?;
    if !options.build {
        let rows = measure::all(&chosen(&options.only), options.rounds, directory)?;
        let tables = table::both(&rows, &conditions(&machine, options.rounds));
        println!("{tables}\n{}", table::spreads(&rows));
        if options.write {
            readme::write(&workspace::readme(), "peers", &tables)?;
        }
    }
    if options.only.is_empty() {
        let table = builds::table(&builds::measure(directory)?, &machine);
        println!("{table}");
        if options.write {
            readme::write(&workspace::readme(), "builds", &table)?;
        }
    }
    Ok(())
}

fn chosen(only: &[String]) -> Vec<Peer> {
    let is_chosen = |peer: &&Peer| only.is_empty() || only.iter().any(|name| name == peer.package);
    PEERS.iter().filter(is_chosen).copied().collect()
}

fn conditions(machine: &str, rounds: usize) -> String {
    format!(
        "{machine}; {rounds} processes of each that took turns; cargo's default release profile / \
         `lto = \"off\"`. What probes add to a call: where no unit is named, as a multiple of the \
         limit, the median process; in nanoseconds, the fastest."
    )
}
