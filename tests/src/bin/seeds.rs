//! Writes the seeds of the fuzzers: `seeds DIRECTORY`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1) else {
        eprintln!("name the directory to write to, such as fuzz/corpus");
        return ExitCode::from(2);
    };
    hotpath_tests::seeds::write(Path::new(&directory));
    ExitCode::SUCCESS
}
