//! Which flags go together with stored runs.

use clap::error::ErrorKind;
use clap::parser::ValueSource;

/// Flags of `check` that mean something where stored runs are judged.
const OF_STORED: &[&str] = &[
    "stored",
    "baseline",
    "update",
    "manifest_path",
    "locked",
    "offline",
    "frozen",
    "target_dir",
    "top",
    "min_impact",
    "all",
    "format",
    "output",
    "also",
    "color",
    "quiet",
    "verbose",
];

/// Refuses what says how to build and run where `check` does neither. Variables, which may be set for
/// all commands, are let pass.
///
/// # Errors
///
/// An argument that would be without effect.
pub fn check_stored(
    command: &mut clap::Command,
    matches: &clap::ArgMatches,
) -> Result<(), clap::Error> {
    let Some(given) = matches.subcommand_matches("check") else { return Ok(()) };
    let is_given = |id: &str| given.value_source(id) == Some(ValueSource::CommandLine);
    let Some(check) = command.find_subcommand_mut("check").filter(|_| is_given("stored")) else {
        return Ok(());
    };
    let lost = check
        .get_arguments()
        .find(|argument| {
            let id = argument.get_id().as_str();
            !OF_STORED.contains(&id) && is_given(id)
        })
        .map(|argument| match argument.get_long() {
            Some(long) => format!("`--{long}`"),
            None => "arguments for the workload".to_owned(),
        });
    match lost {
        None => Ok(()),
        Some(what) => Err(check.error(
            ErrorKind::ArgumentConflict,
            format!(
                "{what} can't be used with stored runs: they are judged as they were built and run"
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn what_says_how_to_build_and_run_is_refused_with_stored_runs() {
        let check = |args: &[&str]| {
            let mut command = Cli::command();
            let all = ["x", "check"].iter().chain(args);
            let matches = command.try_get_matches_from_mut(all).unwrap();
            check_stored(&mut command, &matches).map_err(|error| error.to_string())
        };
        let ids = ["top=3", "min-impact=1", "format=json", "output=x", "also=json=x"];
        for id in ids.iter().chain(&["baseline=b", "manifest-path=m", "target-dir=t"]) {
            assert_eq!(check(&["run", &format!("--{id}")]), Ok(()), "{id}");
        }
        for flag in ["--update", "--locked", "--offline", "--all", "-q", "-v"] {
            assert_eq!(check(&["run", flag]), Ok(()), "{flag}");
        }
        assert_eq!(
            check(&["--bin", "x", "--runs", "3", "--", "args"]),
            Ok(()),
            "nothing is stored"
        );
        for flag in
            ["package=x", "bin=x", "features=x", "runs=3", "timeout=1s", "save=x", "auto", "jobs=1"]
        {
            let error = check(&["run", &format!("--{flag}")]).unwrap_err();
            let name = flag.split('=').next().unwrap();
            assert!(
                error.contains(&format!("`--{name}` can't be used with stored runs")),
                "{error}"
            );
        }
        assert!(check(&["run", "--release"]).unwrap_err().contains("`--release`"));
        assert!(check(&["run", "--", "args"]).unwrap_err().contains("arguments for the workload"));
    }
}
