//! The command line.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::fix::{Fixes, UnknownFix};

/// What `--help` prints.
pub const HELP: &str = "\
Index Rust sources for full-text search.

Usage: srcindex [FOLDER] [--fix NAME,..|all] [--out FILE] [--megabytes N]
       srcindex --generate DIR [--megabytes N]

  FOLDER           sources to index; by default the packages in cargo's registry
  --fix NAMES      faults to fix: regex, output, clone, string, growth, all
  --out FILE       the result file; by default srcindex.tsv in the folder for temporary files
  --megabytes N    index, or generate, at most N megabytes; by default 40, or 4
  --generate DIR   write made-up sources to DIR, the same ones each time
  --help           print this";

const INDEXED_MEGABYTES: u64 = 40;
const GENERATED_MEGABYTES: u64 = 4;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Write a corpus of about `bytes` to `folder`.
    Generate {
        /// Where to.
        folder: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// Build an index.
    Index {
        /// The sources; cargo's registry when there is none.
        folder: Option<PathBuf>,
        /// The most to read.
        cap_bytes: u64,
        /// The result file.
        out: PathBuf,
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
            let mut value = |option| arguments.next().ok_or(UsageError::NoValue(option));
            match argument.to_str() {
                Some("--help" | "-h") => return Ok(Self::Help),
                Some("--fix") => given.fixes = Some(fixes(&value("--fix")?)?),
                Some("--out") => given.out = Some(value("--out")?.into()),
                Some("--megabytes") => given.bytes = Some(bytes(&value("--megabytes")?)?),
                Some("--generate") => given.generate = Some(value("--generate")?.into()),
                Some(option) if option.starts_with('-') => {
                    return Err(UsageError::Unknown(option.to_owned()));
                }
                _ if given.folder.is_some() => {
                    return Err(UsageError::Unknown(argument.to_string_lossy().into_owned()));
                }
                _ => given.folder = Some(argument.into()),
            }
        }
        given.command()
    }
}

#[derive(Default)]
struct Given {
    folder: Option<PathBuf>,
    fixes: Option<Fixes>,
    out: Option<PathBuf>,
    bytes: Option<u64>,
    generate: Option<PathBuf>,
}

impl Given {
    fn command(self) -> Result<Command, UsageError> {
        let Self { folder, fixes, out, bytes, generate } = self;
        let Some(target) = generate else {
            return Ok(Command::Index {
                folder,
                cap_bytes: bytes.unwrap_or(INDEXED_MEGABYTES * 1_000_000),
                out: out.unwrap_or_else(|| env::temp_dir().join("srcindex.tsv")),
                fixes: fixes.unwrap_or_default(),
            });
        };
        if folder.is_some() || fixes.is_some() || out.is_some() {
            return Err(UsageError::GenerateOnly);
        }
        let bytes = bytes.unwrap_or(GENERATED_MEGABYTES * 1_000_000);
        Ok(Command::Generate { folder: target, bytes })
    }
}

fn fixes(names: &OsString) -> Result<Fixes, UsageError> {
    names.to_string_lossy().parse().map_err(UsageError::Fix)
}

fn bytes(megabytes: &OsString) -> Result<u64, UsageError> {
    megabytes
        .to_str()
        .and_then(|number| number.parse::<u64>().ok())
        .filter(|&number| number > 0)
        .and_then(|number| number.checked_mul(1_000_000))
        .ok_or_else(|| UsageError::Megabytes(megabytes.to_string_lossy().into_owned()))
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
    /// A size that is no whole number above 0.
    Megabytes(String),
    /// `--generate` together with what only indexing knows.
    GenerateOnly,
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(argument) => write!(f, "unexpected argument `{argument}`; see --help"),
            Self::NoValue(option) => write!(f, "`{option}` needs a value; see --help"),
            Self::Fix(error) => error.fmt(f),
            Self::Megabytes(number) => {
                write!(f, "`--megabytes {number}` is no whole number above 0")
            }
            Self::GenerateOnly => f.write_str(
                "`--generate` takes only `--megabytes` beside it; index in a second run",
            ),
        }
    }
}

impl std::error::Error for UsageError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, UsageError> {
        Command::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn options_reach_the_command() {
        assert_eq!(
            parse("src --fix all --megabytes 2 --out x.tsv"),
            Ok(Command::Index {
                folder: Some("src".into()),
                cap_bytes: 2_000_000,
                out: "x.tsv".into(),
                fixes: Fixes::all(),
            })
        );
        assert_eq!(
            parse("--generate made"),
            Ok(Command::Generate { folder: "made".into(), bytes: 4_000_000 })
        );
    }

    #[test]
    fn bad_lines_are_refused() {
        assert_eq!(parse("a b"), Err(UsageError::Unknown("b".to_owned())));
        assert_eq!(parse("--fast"), Err(UsageError::Unknown("--fast".to_owned())));
        assert_eq!(parse("--out"), Err(UsageError::NoValue("--out")));
        assert_eq!(parse("--megabytes 0"), Err(UsageError::Megabytes("0".to_owned())));
        assert_eq!(parse("--generate d --fix all"), Err(UsageError::GenerateOnly));
        assert!(matches!(parse("--fix speed"), Err(UsageError::Fix(_))));
    }
}
