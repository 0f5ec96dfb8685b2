//! What was measured of one peer in one profile.

use std::process::Command;

use shapes::median;

use crate::command;
use crate::error::Error;
use crate::peer::Peer;
use crate::workspace::{self, Profile};

/// What one process printed of a shape: nanoseconds that the peer adds to a call, and what multiple
/// of the limit that is. Of the shape `threads`: CPU time on each of two, a multiple of that on one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    shape: String,
    added: f64,
    ratio: Option<f64>,
}

/// All that was measured; what could not be is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) samples: Vec<Sample>,
    /// Of `leaf` and `pair`, by name.
    pub(crate) instructions: Vec<(&'static str, f64)>,
    /// Bytes for each call of `leaf` and `pair`.
    pub(crate) memory: Vec<(&'static str, f64)>,
}

impl Figures {
    /// One more process.
    pub(crate) fn time(&mut self, peer: &Peer, profile: Profile) -> Result<(), Error> {
        let mut command = Command::new(workspace::program(peer, profile));
        command.envs(peer.variables.iter().copied()).args(["time", &peer.warm_up.to_string()]);
        let printed = command::output(&mut command)?;
        self.samples.extend(parse(peer.package, &printed)?);
        Ok(())
    }

    /// How much memory calls take for good.
    pub(crate) fn grow(&mut self, peer: &Peer, profile: Profile) -> Result<(), Error> {
        for &shape in peer.role.shapes() {
            let mut command = Command::new(workspace::program(peer, profile));
            command.envs(peer.variables.iter().copied()).args(["memory", shape]);
            command.arg(peer.growing.to_string());
            let printed = command::output(&mut command)?;
            let bytes = printed.trim().strip_prefix("memory ");
            let bytes = bytes.ok_or_else(|| no_figure(peer.package, &printed))?;
            if bytes != "-" {
                let bytes = bytes.parse().map_err(|_| no_figure(peer.package, &printed))?;
                self.memory.push((shape, bytes));
            }
        }
        Ok(())
    }

    /// Nanoseconds that the peer adds to a call, in the process that was disturbed least.
    pub(crate) fn added(&self, shape: &str) -> Option<f64> {
        self.of(shape).map(|sample| sample.added).reduce(f64::min)
    }

    /// The same as a multiple of the limit: the median process.
    pub(crate) fn ratio(&self, shape: &str) -> Option<f64> {
        median(self.ratios(shape))
    }

    /// The least and the greatest multiple.
    pub(crate) fn spread(&self, shape: &str) -> Option<(f64, f64)> {
        let ratios = self.ratios(shape).into_iter();
        ratios.map(|ratio| (ratio, ratio)).reduce(|one, two| (one.0.min(two.0), one.1.max(two.1)))
    }

    fn ratios(&self, shape: &str) -> Vec<f64> {
        self.of(shape).filter_map(|sample| sample.ratio).collect()
    }

    fn of<'a>(&'a self, shape: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| sample.shape == shape)
    }
}

#[cfg(test)]
impl Figures {
    /// As of a process that printed this.
    pub(crate) fn of_text(printed: &str) -> Self {
        let samples = parse("test", printed).expect("figures");
        Self { samples, ..Self::default() }
    }
}

/// The lines of a program: `SHAPE ADDED RATIO`, with `-` where there is no limit.
fn parse(program: &str, printed: &str) -> Result<Vec<Sample>, Error> {
    let parse = |line| sample(line).ok_or_else(|| no_figure(program, line));
    printed.lines().map(parse).collect()
}

fn sample(line: &str) -> Option<Sample> {
    let mut words = line.split_whitespace();
    let (shape, added, ratio) = (words.next()?, words.next()?, words.next()?);
    let ratio = if ratio == "-" { None } else { Some(ratio.parse().ok()?) };
    Some(Sample { shape: shape.to_owned(), added: added.parse().ok()?, ratio })
}

fn no_figure(program: &str, line: &str) -> Error {
    Error::Figure { program: program.to_owned(), line: line.to_owned() }
}

#[cfg(test)]
mod tests;
