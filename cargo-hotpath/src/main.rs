//! The `cargo hotpath` subcommand.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    cargo_hotpath::main(std::env::args_os())
}
