//! What a fix gains: two variants of a program, run in turns.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::accuracy::Metric;

/// The gains of all rounds, in percent of the slow variant, sorted.
#[derive(Debug)]
pub struct Race {
    gains: Vec<f64>,
    slow_seconds: f64,
}

/// What one run took, and printed.
struct Run {
    seconds: f64,
    peak_kib: Option<f64>,
    output: Vec<String>,
}

/// The line in which a program says how much memory it had.
const PEAK: &str = "peak: ";

impl Race {
    /// Runs both variants `rounds` times, the first in turn being the other each time.
    ///
    /// # Panics
    /// When one can't be started, fails, or doesn't print what the other does.
    pub fn new(
        rounds: usize,
        metric: Metric,
        mut slow: impl FnMut() -> Command,
        mut fixed: impl FnMut() -> Command,
    ) -> Self {
        assert_eq!(run(slow()).output, run(fixed()).output, "the variants do the same");
        Self::of_talkers(rounds, metric, slow, fixed)
    }

    /// The same with programs that print something else each time.
    ///
    /// # Panics
    /// When one can't be started, or fails.
    pub fn of_talkers(
        rounds: usize,
        metric: Metric,
        mut slow: impl FnMut() -> Command,
        mut fixed: impl FnMut() -> Command,
    ) -> Self {
        // What is on disk only is read before anything counts.
        let _ = (run(slow()), run(fixed()));
        let (mut gains, mut slowest) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
        for round in 0..rounds {
            let (before, after) = if round % 2 == 0 {
                let before = run(slow());
                (before, run(fixed()))
            } else {
                let after = run(fixed());
                (run(slow()), after)
            };
            let of = |run: &Run| match metric {
                Metric::Wall => run.seconds,
                Metric::PeakMemory => run.peak_kib.expect("the program says what it had at most"),
            };
            gains.push(100.0 * (1.0 - of(&after) / of(&before)));
            slowest.push(before.seconds);
        }
        gains.sort_by(f64::total_cmp);
        slowest.sort_by(f64::total_cmp);
        Self { gains, slow_seconds: slowest[rounds / 2] }
    }

    /// The median.
    pub fn gain(&self) -> f64 {
        self.gains[self.gains.len() / 2]
    }

    /// Half of the rounds lie between these.
    pub fn middle_half(&self) -> (f64, f64) {
        let last = self.gains.len() - 1;
        (self.gains[last / 4], self.gains[last - last / 4])
    }

    /// How long the slow variant takes.
    pub fn slow_seconds(&self) -> f64 {
        self.slow_seconds
    }
}

fn run(mut command: Command) -> Run {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let seconds = start.elapsed().as_secs_f64();
    assert!(output.status.success(), "{command:?}: {output:?}");
    let text = String::from_utf8(output.stdout).expect("programs print UTF-8");
    let peak = text.lines().find_map(|line| line.strip_prefix(PEAK)?.strip_suffix(" KiB"));
    Run {
        seconds,
        peak_kib: peak.map(|kib| kib.parse().expect("a number")),
        output: text.lines().filter(|line| !line.starts_with(PEAK)).map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    #[cfg(unix)]
    fn gains_are_of_what_is_asked_for() {
        let slow = || shell("echo same; echo peak: 400 KiB");
        let fixed = || shell("echo same; echo peak: 100 KiB");
        let race = Race::new(3, Metric::PeakMemory, slow, fixed);
        assert!((race.gain() - 75.0).abs() < 1e-9, "{race:?}");
        assert_eq!(race.middle_half(), (race.gain(), race.gain()));
        assert!(race.slow_seconds() > 0.0);
    }

    #[test]
    #[cfg(unix)]
    fn the_middle_half_leaves_out_a_quarter_at_each_end() {
        let race = Race { gains: (0..9).map(f64::from).collect(), slow_seconds: 1.0 };
        assert_eq!(race.gain().to_bits(), 4_f64.to_bits());
        assert_eq!(race.middle_half(), (2.0, 6.0));
    }

    #[test]
    #[cfg(unix)]
    #[should_panic(expected = "the variants do the same")]
    fn a_fix_that_changes_the_result_is_none() {
        Race::new(1, Metric::Wall, || shell("echo one"), || shell("echo other"));
    }
}
