//! Which package and target is the workload, and where its features have to be switched on.

use std::fmt;
use std::path::Path;

use cargo_metadata::{Package, Target, TargetKind};

use super::metadata::{Workspace, runtime_names};
use crate::error::Error;
use crate::options::Choice;

/// The kinds of workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A binary.
    Bin,
    /// An example.
    Example,
    /// A library's unit tests.
    Lib,
    /// An integration test.
    Test,
    /// A benchmark.
    Bench,
}

impl Kind {
    /// The name in reports, which is also cargo's flag.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bin => "bin",
            Self::Example => "example",
            Self::Lib => "lib",
            Self::Test => "test",
            Self::Bench => "bench",
        }
    }

    /// Whether a target can be run as this.
    pub fn fits(self, target: &Target) -> bool {
        match self {
            Self::Bin => target.is_bin(),
            Self::Example => target.is_example(),
            Self::Test => target.is_test(),
            Self::Bench => target.is_bench(),
            Self::Lib => is_library(target),
        }
    }

    /// Whether the executable is a test or bench harness.
    pub fn is_harness(self) -> bool {
        matches!(self, Self::Lib | Self::Test | Self::Bench)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a target is the package's library.
pub fn is_library(target: &Target) -> bool {
    target.kind.iter().any(|kind| {
        matches!(
            kind,
            TargetKind::Lib
                | TargetKind::RLib
                | TargetKind::DyLib
                | TargetKind::CDyLib
                | TargetKind::StaticLib
                | TargetKind::ProcMacro
        )
    })
}

/// What will be built and run.
#[derive(Debug)]
pub struct Selection<'a> {
    /// The workload's package.
    pub package: &'a Package,
    /// The workload's target.
    pub target: &'a Target,
    /// Kind of that target.
    pub kind: Kind,
    /// Where the probes are switched on: the package itself, or a member that it uses; `None` where
    /// neither depends on the runtime.
    pub switch: Option<Switch<'a>>,
}

/// Where the probes are switched on.
#[derive(Debug)]
pub struct Switch<'a> {
    /// The package that depends on the runtime.
    pub package: &'a Package,
    /// The name of the dependency in its manifest.
    pub name: String,
}

/// Chooses as cargo would, or says what to choose from.
pub fn select<'a>(
    workspace: &'a Workspace,
    package: Option<&str>,
    choice: &Choice,
) -> Result<Selection<'a>, Error> {
    let packages = match package {
        Some(spec) => vec![find_package(workspace, spec)?],
        None => workspace.default_packages(),
    };
    let (package, target, kind) = match choice {
        Choice::Default => default_binary(&packages)?,
        Choice::Bin(name) => named(&packages, Kind::Bin, name)?,
        Choice::Example(name) => named(&packages, Kind::Example, name)?,
        Choice::Test(name) => named(&packages, Kind::Test, name)?,
        Choice::Bench(name) => named(&packages, Kind::Bench, name)?,
        Choice::Lib => library(&packages)?,
    };
    let switch = switch(workspace, package);
    Ok(Selection { package, target, kind, switch })
}

/// What was selected in a workspace, in a copy of it.
pub fn counterpart<'a>(
    copy: &'a Workspace,
    workspace: &Workspace,
    selection: &Selection<'_>,
) -> Result<Selection<'a>, Error> {
    let name = |package: &Package, root: &Path| {
        package.manifest_path.as_std_path().strip_prefix(root).map(Path::to_owned).ok()
    };
    let wanted = name(selection.package, workspace.root());
    let members = copy.members();
    let found = members.into_iter().find(|it| wanted.is_some() && name(it, copy.root()) == wanted);
    let target = found.and_then(|package| {
        let same = |it: &&Target| it.name == selection.target.name && selection.kind.fits(it);
        Some((package, package.targets.iter().find(same)?))
    });
    let Some((package, target)) = target else {
        return Err(Error::Selection {
            message: format!(
                "package `{}` can't be instrumented: it lies outside of the workspace's directory",
                selection.package.name
            ),
            hint: "annotate its functions with `#[hotpath_runtime::hotpath]`".to_owned(),
        });
    };
    Ok(Selection { package, target, kind: selection.kind, switch: switch(copy, package) })
}

/// A member by `name` or `name@version`.
pub fn find_package<'a>(workspace: &'a Workspace, spec: &str) -> Result<&'a Package, Error> {
    let members = workspace.members();
    let matches = |package: &&&Package| {
        package.name == spec || format!("{}@{}", package.name, package.version) == spec
    };
    members.iter().find(matches).copied().ok_or_else(|| Error::Selection {
        message: format!("no member of this workspace is called `{spec}`"),
        hint: suggestion(spec, &names(members.iter().map(|package| package.name.as_str()))),
    })
}

type Candidate<'a> = (&'a Package, &'a Target, Kind);

fn candidates<'a>(packages: &[&'a Package], kind: Kind) -> Vec<Candidate<'a>> {
    let of = |package: &&'a Package| {
        let package: &'a Package = package;
        package.targets.iter().filter(move |t| kind.fits(t)).map(move |t| (package, t, kind))
    };
    packages.iter().flat_map(of).collect()
}

fn named<'a>(packages: &[&'a Package], kind: Kind, name: &str) -> Result<Candidate<'a>, Error> {
    let all = candidates(packages, kind);
    let matching: Vec<_> = all.iter().filter(|(_, target, _)| target.name == name).collect();
    match matching[..] {
        [one] => Ok(*one),
        [] => Err(Error::Selection {
            message: format!("no {kind} target is called `{name}`"),
            hint: suggestion(name, &names(all.iter().map(|(_, target, _)| target.name.as_str()))),
        }),
        _ => Err(Error::Selection {
            message: format!("several packages have a {kind} target called `{name}`"),
            hint: format!("choose with `-p`: {}", listed(&packages_of(&all))),
        }),
    }
}

fn default_binary<'a>(packages: &[&'a Package]) -> Result<Candidate<'a>, Error> {
    let all = candidates(packages, Kind::Bin);
    let preferred: Vec<_> = all
        .iter()
        .filter(|(package, target, _)| package.default_run.as_deref() == Some(&target.name))
        .copied()
        .collect();
    match (&all[..], &preferred[..]) {
        ([one], _) | (_, [one]) => Ok(*one),
        ([], _) => Err(no_binary(packages)),
        _ => Err(Error::Selection {
            message: "several binaries could be the workload".to_owned(),
            hint: format!(
                "choose one with `--bin`: {}",
                listed(&names(all.iter().map(|(_, target, _)| target.name.as_str())))
            ),
        }),
    }
}

fn no_binary(packages: &[&Package]) -> Error {
    let flags: Vec<String> = [Kind::Example, Kind::Test, Kind::Bench]
        .into_iter()
        .flat_map(|kind| candidates(packages, kind))
        .map(|(_, target, kind)| format!("--{kind} {}", target.name))
        .chain(candidates(packages, Kind::Lib).first().map(|_| "--lib".to_owned()))
        .collect();
    Error::Selection {
        message: format!(
            "no binary to run in {}",
            listed(&names(packages.iter().map(|p| p.name.as_str())))
        ),
        hint: if flags.is_empty() {
            "choose a package with a target that can run by `-p`".to_owned()
        } else {
            format!("choose another target: {}", listed(&flags))
        },
    }
}

fn library<'a>(packages: &[&'a Package]) -> Result<Candidate<'a>, Error> {
    let all = candidates(packages, Kind::Lib);
    match all[..] {
        [one] => Ok(one),
        [] => Err(Error::Selection {
            message: "no library target in the selected package".to_owned(),
            hint: "choose a package with a library by `-p`".to_owned(),
        }),
        _ => Err(Error::Selection {
            message: "several packages have a library".to_owned(),
            hint: format!("choose with `-p`: {}", listed(&packages_of(&all))),
        }),
    }
}

/// The package itself where it depends on the runtime, else the nearest member that it uses: features
/// unify, so switching on one switches on all.
fn switch<'a>(workspace: &'a Workspace, package: &'a Package) -> Option<Switch<'a>> {
    workspace.reachable(package).into_iter().find_map(|package| {
        let name = runtime_names(package).into_iter().next()?;
        Some(Switch { package, name })
    })
}

fn packages_of(candidates: &[Candidate<'_>]) -> Vec<String> {
    names(candidates.iter().map(|(package, ..)| package.name.as_str()))
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Names that are listed where none is near.
const LISTED: usize = 12;

/// The nearest known name where one is near, else all of them, or the first where they are many.
pub fn suggestion(name: &str, known: &[String]) -> String {
    let distance = |known: &&String| strsim::damerau_levenshtein(name, known);
    match known.iter().min_by_key(distance) {
        Some(nearest) if distance(&nearest) <= 1 + name.chars().count() / 3 => {
            format!("did you mean `{nearest}`?")
        }
        Some(_) if known.len() > LISTED => {
            let (first, rest) = known.split_at(LISTED);
            format!("there are: {}, and {} more", listed(first), rest.len())
        }
        Some(_) => format!("there are: {}", listed(known)),
        None => "there are none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let known = ["server".to_owned(), "client".to_owned()];
        assert_eq!(suggestion("sever", &known), "did you mean `server`?");
        assert_eq!(suggestion("zzz", &known), "there are: `server`, `client`");
        assert_eq!(suggestion("zzz", &[]), "there are none");
        let many: Vec<String> = (10..40).map(|number| format!("name {number}")).collect();
        let hint = suggestion("zzz", &many);
        assert!(hint.ends_with("`name 20`, `name 21`, and 18 more"), "{hint}");
    }
}
