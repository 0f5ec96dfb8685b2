//! Indexes Rust sources. Five faults are planted in it; a profiler should find them, and should
//! rank them in this order by the wall time that fixing each one gains (in brackets: its share
//! of the slow program's, as measured on Linux; what a write costs differs most):
//!
//! 1. `regex` in `links.rs`: `count` compiles the same pattern for each passage
//!    (`regex-per-call`, about 30 %).
//! 2. `output` in `report.rs`: `write_postings` writes each line straight to a file
//!    (`unbuffered-write`, about 21 %).
//! 3. `clone` in `density.rs`: `telling` copies the ignored words for each passage, only to look
//!    at them (`clone-for-borrow`, `clone-in-loop`, about 11 %).
//! 4. `string` in `signature.rs`: `write` makes a string of each three words, only to append it
//!    (`format-push`, about 6 %).
//! 5. `growth` in `trigrams.rs`: `of_line` grows a vector whose length is known
//!    (`vec-no-capacity`, about 2 %).
//!
//! `--fix NAME` takes the twin without that fault; the result file is the same either way.

use std::env;
use std::error::Error;
use std::process::ExitCode;

use srcindex::generate;
use srcindex::options::{Command, HELP};
use srcindex::walk;

fn main() -> ExitCode {
    match Command::parse(env::args_os().skip(1)) {
        Ok(command) => match execute(command) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(&error);
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            complain(&error);
            ExitCode::from(2)
        }
    }
}

fn execute(command: Command) -> Result<(), srcindex::error::Error> {
    match command {
        Command::Help => println!("{HELP}"),
        Command::Generate { folder, bytes } => {
            println!("{} files in {}", generate::corpus(&folder, bytes)?, folder.display());
        }
        Command::Index { folder, cap_bytes, out, fixes } => {
            let root = folder.map_or_else(walk::registry, Ok)?;
            let sources = walk::sources(&root, cap_bytes)?;
            if sources.left_out > 0 {
                eprintln!("{} files above the cap are left out", sources.left_out);
            }
            let summary = srcindex::run(&sources, &out, fixes)?;
            println!("{summary}");
        }
    }
    Ok(())
}

fn complain(error: &dyn Error) {
    eprint!("srcindex: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprint!(": {error}");
        cause = error.source();
    }
    eprintln!();
}
