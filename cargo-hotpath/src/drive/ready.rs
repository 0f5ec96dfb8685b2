//! When a workload can take work.

use std::fmt;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use regex::bytes::Regex;

use super::{LOOK, Log, Over};
use crate::error::Error;

/// How long one attempt to connect may take.
const CONNECT: Duration = Duration::from_millis(200);

/// What says that it is ready.
#[derive(Clone, Debug)]
pub enum Ready {
    /// It accepts connections there: `host:port`.
    Tcp(String),
    /// It has printed a line that matches.
    Log(Regex),
    /// So much time has passed.
    After(Duration),
}

/// Why it can't be said to be ready.
pub(super) enum Failed {
    /// There is nothing left to wait for.
    Over,
    /// The limit has passed.
    Late,
}

impl Ready {
    /// Parses `tcp:PORT`, `tcp:HOST:PORT`, `log:REGEX`, or what `duration` takes.
    ///
    /// # Errors
    ///
    /// Says which of the forms it can't be.
    pub fn parse(
        text: &str,
        duration: impl FnOnce(&str) -> Result<Duration, Error>,
    ) -> Result<Self, Error> {
        if let Some(address) = text.strip_prefix("tcp:") {
            let (host, port) = address.rsplit_once(':').unwrap_or(("localhost", address));
            return match port.parse::<u16>() {
                Ok(port) if port > 0 && !host.is_empty() => Ok(Self::Tcp(format!("{host}:{port}"))),
                _ => Err(Error::usage(
                    format!("`{address}` is no port to wait for"),
                    "write `--ready tcp:8080` or `--ready tcp:127.0.0.1:8080`",
                )),
            };
        }
        if let Some(pattern) = text.strip_prefix("log:") {
            return Regex::new(pattern).map(Self::Log).map_err(|error| {
                Error::usage(
                    format!("`{pattern}` is not a regular expression: {}", last_line(&error)),
                    "write what a line of its output looks like, such as `--ready 'log:listening on'`",
                )
            });
        }
        duration(text).map(Self::After).map_err(|_| {
            Error::usage(
                format!("`{text}` doesn't say when the workload is ready"),
                "write `tcp:PORT`, `log:REGEX` or a duration such as `500ms`",
            )
        })
    }

    /// What is said of a workload that never got there.
    pub(super) fn unmet(&self) -> String {
        match self {
            Self::Tcp(address) => format!("accepted no connection on {address}"),
            Self::Log(pattern) => format!("printed no line that matches `{pattern}`"),
            Self::After(_) => "was not ready".to_owned(),
        }
    }

    /// Waits until it is so; `pause` waits a little and tells whether to go on.
    pub(super) fn wait(
        &self,
        limit: Duration,
        log: &Log,
        pause: impl Fn(Duration) -> Result<(), Over>,
    ) -> Result<(), Failed> {
        let began = Instant::now();
        // A time that was asked for is no reason to give up.
        let limit = if let Self::After(duration) = self { *duration + limit } else { limit };
        loop {
            if self.is_met(log, began) {
                return Ok(());
            }
            if began.elapsed() >= limit {
                return Err(Failed::Late);
            }
            pause(LOOK).map_err(|_| Failed::Over)?;
        }
    }

    fn is_met(&self, log: &Log, began: Instant) -> bool {
        match self {
            Self::Tcp(address) => accepts(address),
            Self::Log(_) => log.has_matched(),
            Self::After(duration) => began.elapsed() >= *duration,
        }
    }
}

/// The error's own line, without the drawing of the pattern above it.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

/// `localhost` may be either of two addresses.
fn accepts(address: &str) -> bool {
    let Ok(mut addresses) = address.to_socket_addrs() else { return false };
    addresses.any(|address| TcpStream::connect_timeout(&address, CONNECT).is_ok())
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "connections on {address}"),
            Self::Log(pattern) => write!(f, "a line that matches `{pattern}`"),
            Self::After(duration) => write!(f, "{duration:?}"),
        }
    }
}
