//! Honest work of a few seconds in which nothing is worth fixing: a made-up access log is written
//! to memory, parsed with borrowed fields, aggregated per endpoint, and its latencies are
//! searched for a period.
//!
//! A profiler's right answer to this program is silence: what takes time is the work itself.

mod aggregate;
mod generate;
mod period;
mod record;

use std::env;
use std::io::{self, BufWriter, Write};
use std::ops::RangeInclusive;
use std::process::ExitCode;

use hotpath_runtime::hotpath;

use crate::aggregate::Totals;

const ROUNDS: u64 = 90;
const LINES: usize = 100_000;

/// Shorter lags only say that neighbours are alike.
const LAGS: RangeInclusive<usize> = 24..=1536;

fn main() -> ExitCode {
    let rounds = match env::args().nth(1).map(|argument| argument.parse()) {
        None => ROUNDS,
        Some(Ok(rounds)) => rounds,
        Some(Err(_)) => {
            eprintln!("usage: clean [ROUNDS], a whole number; by default {ROUNDS}");
            return ExitCode::from(2);
        }
    };
    match work(rounds, &mut BufWriter::new(io::stdout().lock())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("clean: can't write the result: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Goes through `rounds` logs, one after the other in the same buffers, and writes the totals.
#[hotpath]
fn work(rounds: u64, out: &mut impl Write) -> io::Result<()> {
    let mut log = String::with_capacity(LINES * generate::LINE_BYTES);
    let mut latencies = Vec::with_capacity(LINES);
    let mut totals = Totals::new();
    let mut rejected = 0;
    let mut strongest = period::Period::default();
    for round in 0..rounds {
        generate::log(&mut log, LINES, round);
        latencies.clear();
        rejected += aggregate::log(&log, &mut totals, &mut latencies);
        let found = period::strongest(&latencies, LAGS);
        if found.strength > strongest.strength {
            strongest = found;
        }
    }
    for (endpoint, total) in totals.iter() {
        writeln!(
            out,
            "{endpoint:12} {:9} requests {:7} failed {:14} bytes {:6} us mean",
            total.requests,
            total.failed,
            total.bytes,
            total.latency_us / total.requests.max(1)
        )?;
    }
    writeln!(
        out,
        "{rejected} lines rejected; latencies repeat every {} requests ({:.3})",
        strongest.lag, strongest.strength
    )?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_rounds_give_the_same_totals() {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        work(1, &mut first).unwrap();
        work(1, &mut second).unwrap();
        assert_eq!(first, second);
        let text = String::from_utf8(first).unwrap();
        assert!(text.contains("repeat every 48 requests"), "{text}");
    }
}
