//! The command line.

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::client::Until;
use crate::fix::{Fixes, UnknownFix};

/// What `--help` prints.
pub const HELP: &str = "\
Serve orders from an SQLite file, and load the service by HTTP.

Usage: orders [--requests N | --seconds N] [--connections N] [--fix NAME,..|all]
       orders --serve ADDRESS [--fix NAME,..|all]

  --requests N      requests of the load; by default 10000
  --seconds N       load it for so long instead
  --connections N   connections of the load, each with one request at a time; by default 6
  --fix NAMES       faults to fix: n-plus-one, sequential, guard, blocking, spawn, hasher,
                    channel, all
  --serve ADDRESS   only serve, on an address like 127.0.0.1:8080, until stopped
  --help            print this";

const REQUESTS: u64 = 10_000;
const CONNECTIONS: usize = 6;
const MOST_CONNECTIONS: usize = 1_000;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Serve on an address.
    Serve {
        /// The address.
        address: SocketAddr,
        /// The faults that are fixed.
        fixes: Fixes,
    },
    /// Serve on some port, and load it.
    Load {
        /// How many requests, or how long.
        until: Until,
        /// How many at a time.
        connections: usize,
        /// The faults that are fixed.
        fixes: Fixes,
    },
}

impl Command {
    /// Reads the arguments, the program's name not among them.
    ///
    /// # Errors
    ///
    /// When an argument is unknown, incomplete or doesn't go with another.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let mut given = Given::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let argument = argument.to_string_lossy().into_owned();
            let mut value = |option| match arguments.next() {
                Some(value) => Ok(value.to_string_lossy().into_owned()),
                None => Err(UsageError::NoValue(option)),
            };
            match argument.as_str() {
                "--help" | "-h" => return Ok(Self::Help),
                "--fix" => given.fixes = Some(value("--fix")?.parse().map_err(UsageError::Fix)?),
                "--serve" => given.serve = Some(address(&value("--serve")?)?),
                "--requests" => {
                    let requests = number("--requests", &value("--requests")?, u64::MAX)?;
                    given.until(Until::Requests(requests))?;
                }
                "--seconds" => {
                    let seconds = number("--seconds", &value("--seconds")?, 86_400)?;
                    given.until(Until::Elapsed(Duration::from_secs(seconds)))?;
                }
                "--connections" => {
                    let most = MOST_CONNECTIONS as u64;
                    let connections = number("--connections", &value("--connections")?, most)?;
                    given.connections = Some(connections as usize);
                }
                _ => return Err(UsageError::Unknown(argument)),
            }
        }
        given.command()
    }
}

#[derive(Default)]
struct Given {
    fixes: Option<Fixes>,
    serve: Option<SocketAddr>,
    until: Option<Until>,
    connections: Option<usize>,
}

impl Given {
    fn until(&mut self, until: Until) -> Result<(), UsageError> {
        match self.until.replace(until) {
            None => Ok(()),
            Some(_) => Err(UsageError::TwoEnds),
        }
    }

    fn command(self) -> Result<Command, UsageError> {
        let fixes = self.fixes.unwrap_or_default();
        match self.serve {
            Some(_) if self.until.is_some() || self.connections.is_some() => {
                Err(UsageError::ServeOnly)
            }
            Some(address) => Ok(Command::Serve { address, fixes }),
            None => Ok(Command::Load {
                until: self.until.unwrap_or(Until::Requests(REQUESTS)),
                connections: self.connections.unwrap_or(CONNECTIONS),
                fixes,
            }),
        }
    }
}

fn address(text: &str) -> Result<SocketAddr, UsageError> {
    text.parse().map_err(|_| UsageError::Address(text.to_owned()))
}

fn number(option: &'static str, text: &str, most: u64) -> Result<u64, UsageError> {
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| UsageError::Number(option, text.to_owned(), most))
}

/// A command line that makes no sense.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UsageError {
    /// An argument that is none of ours.
    Unknown(String),
    /// An option without its value.
    NoValue(&'static str),
    /// A name of a fix that there is not.
    Fix(UnknownFix),
    /// What follows `--serve` is no address.
    Address(String),
    /// An option, what follows it, and the most that may.
    Number(&'static str, String, u64),
    /// More than one of `--requests` and `--seconds`.
    TwoEnds,
    /// `--serve` together with what only the load knows.
    ServeOnly,
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(argument) => write!(f, "unexpected argument `{argument}`; see --help"),
            Self::NoValue(option) => write!(f, "`{option}` needs a value; see --help"),
            Self::Fix(error) => error.fmt(f),
            Self::Address(text) => write!(
                f,
                "`--serve {text}` is no address of digits with a port, such as 127.0.0.1:8080"
            ),
            Self::Number(option, text, u64::MAX) => {
                write!(f, "`{option} {text}` is no whole number above 0")
            }
            Self::Number(option, text, most) => {
                write!(f, "`{option} {text}` is no whole number from 1 to {most}")
            }
            Self::TwoEnds => f.write_str("give one of `--requests` and `--seconds`, and once"),
            Self::ServeOnly => {
                f.write_str("`--serve` takes only `--fix` beside it; load it from elsewhere")
            }
        }
    }
}

impl std::error::Error for UsageError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fix::Fix;

    fn parse(line: &str) -> Result<Command, UsageError> {
        Command::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn options_reach_the_command() {
        assert_eq!(
            parse("--seconds 2 --connections 3 --fix guard"),
            Ok(Command::Load {
                until: Until::Elapsed(Duration::from_secs(2)),
                connections: 3,
                fixes: [Fix::Guard].into_iter().collect(),
            })
        );
        assert_eq!(
            parse("--fix all --serve 127.0.0.1:80"),
            Ok(Command::Serve { address: "127.0.0.1:80".parse().unwrap(), fixes: Fixes::all() })
        );
    }

    #[test]
    fn bad_lines_are_refused() {
        assert_eq!(parse("fast"), Err(UsageError::Unknown("fast".to_owned())));
        assert_eq!(parse("--fix"), Err(UsageError::NoValue("--fix")));
        assert!(matches!(parse("--requests 0"), Err(UsageError::Number("--requests", ..))));
        assert!(matches!(parse("--connections 1001"), Err(UsageError::Number(..))));
        assert!(matches!(parse("--serve here"), Err(UsageError::Address(_))));
        assert_eq!(parse("--requests 1 --seconds 1"), Err(UsageError::TwoEnds));
        assert_eq!(parse("--serve 127.0.0.1:80 --seconds 1"), Err(UsageError::ServeOnly));
        assert!(matches!(parse("--fix speed"), Err(UsageError::Fix(_))));
    }
}
