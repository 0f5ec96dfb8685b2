//! Where the figures are from.

use std::env;
use std::fs;
use std::process::Command;
use std::thread;

use crate::command;
use crate::error::Error;

/// Processor, cores and compiler, in words.
pub(crate) fn describe() -> Result<String, Error> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let rustc = command::output(Command::new(rustc).arg("--version"))?;
    let rustc: Vec<&str> = rustc.split_whitespace().take(2).collect();
    let processor = processor().unwrap_or_else(|| env::consts::ARCH.to_owned());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let cores = if cores == 1 { "1 core".to_owned() } else { format!("{cores} cores") };
    Ok(format!("{processor}, {cores}, {}, {}", env::consts::OS, rustc.join(" ")))
}

/// The processor's name, where the system says it in a file.
fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
