//! The command line.

use crate::peer::PEERS;

/// What to measure, and what to do with it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Options {
    /// Put the tables into the README.
    pub(crate) write: bool,
    /// Measure the builds only.
    pub(crate) build: bool,
    /// Processes of each peer in each profile.
    pub(crate) rounds: usize,
    /// Packages to measure; none means all.
    pub(crate) only: Vec<String>,
}

pub(crate) const USAGE: &str = "\
usage: peers [--write] [--build] [--rounds N] [--only PACKAGE,...]

  --write     put the tables into the README
  --build     measure the builds only
  --rounds N  processes of each peer in each profile (7)
  --only ...  measure these packages only, as `peer-limit,peer-hotpath-runtime`; no builds
";

impl Options {
    /// The options, or what is wrong with them.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { write: false, build: false, rounds: 7, only: Vec::new() };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--write" => options.write = true,
                "--build" => options.build = true,
                "--rounds" => {
                    let rounds = arguments.next().and_then(|rounds| rounds.parse().ok());
                    options.rounds = rounds
                        .filter(|rounds| *rounds > 0)
                        .ok_or("--rounds needs a number of at least 1")?;
                }
                "--only" => {
                    let names = arguments.next().ok_or("--only needs names of packages")?;
                    options.only = names.split(',').map(str::to_owned).collect();
                    let is_peer = |name: &str| PEERS.iter().any(|peer| peer.package == name);
                    if let Some(name) = options.only.iter().find(|name| !is_peer(name)) {
                        return Err(format!("no peer is the package {name:?}"));
                    }
                }
                _ => return Err(format!("unknown option {argument:?}")),
            }
        }
        if !options.only.is_empty() && (options.write || options.build) {
            return Err("--only leaves no table to write and no build to measure".to_owned());
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_say_what_they_say() {
        let options = parse("--write --rounds 3").expect("both are known");
        assert!(options.write && !options.build);
        assert_eq!(options.rounds, 3);
        let options = parse("--only peer-limit,peer-dhat").expect("they are known");
        assert_eq!(options.only, ["peer-limit", "peer-dhat"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let lines = ["--rounds", "--rounds 0", "--rounds x", "--only", "--only a", "-x"];
        for line in lines.into_iter().chain(["--only peer-limit --write"]) {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
