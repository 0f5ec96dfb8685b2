//! `run --auto`: measures functions that carry no attribute, in a copy of the workspace.

mod allocator;
mod copy;
mod members;
mod pace;
mod pattern;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

pub use self::copy::Copy;
use self::members::Member;
pub use self::pace::LeftOut;
pub use self::pattern::Pattern;
use crate::advise;
use crate::cargo::config;
use crate::cargo::metadata::{RUNTIME, Workspace};
use crate::cargo::select::{self, Selection};
use crate::error::Error;
use crate::options::{Auto, RunOptions};
use crate::overlay::{self, Edit, Edits};
use crate::profile::path::{self, normal};
use crate::roots;
use crate::run_dir::CrateRoot;
use crate::schema::Warning;
use crate::source::{Source, SourceFunction, annotate};
use crate::term::Term;

/// What the copy will differ in, and what the report needs to know of that.
#[derive(Debug)]
pub struct Plan {
    /// Crates whose functions are measured.
    pub roots: Vec<CrateRoot>,
    /// How many functions get the attribute.
    pub functions: usize,
    /// Whether the program has a global allocator of its own, which is wrapped.
    pub wraps_allocator: bool,
    /// What to know before reading the figures.
    pub warnings: Vec<Warning>,
    /// Manifests of the instrumented packages, with the name of the runtime in each.
    members: BTreeMap<PathBuf, String>,
    edits: BTreeMap<PathBuf, Edits>,
    /// Every file that the crates consist of.
    files: BTreeSet<PathBuf>,
    /// The runtime's directory, where it is a member of the workspace.
    own_runtime: Option<PathBuf>,
}

/// The plan where there is to be one: asked for, or because nothing is annotated.
///
/// # Errors
///
/// Nothing can be instrumented, or the compiler is too old for the runtime.
pub fn plan(
    workspace: &Workspace,
    selection: &Selection<'_>,
    options: &RunOptions,
    term: &Term,
) -> Result<Option<Plan>, Error> {
    let pattern = match &options.auto {
        Auto::Matching(pattern) => Some(&**pattern),
        Auto::All => None,
        Auto::Unasked if !is_annotated(workspace, selection) => {
            term.status(
                "Annotating",
                "a copy: no function of the workload is annotated (`--auto`)",
            );
            None
        }
        Auto::Unasked | Auto::Never => {
            let package = || selection.package.name.to_string();
            return match selection.switch {
                Some(_) => Ok(None),
                None => Err(Error::MissingDependency { package: package() }),
            };
        }
    };
    check_toolchain(config::rustc_version().as_deref().unwrap_or_default())?;
    let plan = Plan::new(workspace, selection, pattern, &LeftOut::default())?;
    for warning in &plan.warnings {
        term.detail("Note", &warning.message);
    }
    Ok(Some(plan))
}

/// The plan for a second pass.
///
/// # Errors
///
/// As [`plan`]; nothing is left to measure, for one.
pub fn plan_without(
    workspace: &Workspace,
    selection: &Selection<'_>,
    options: &RunOptions,
    without: &LeftOut,
) -> Result<Plan, Error> {
    let pattern = match &options.auto {
        Auto::Matching(pattern) => Some(&**pattern),
        _ => None,
    };
    Plan::new(workspace, selection, pattern, without)
}

fn is_annotated(workspace: &Workspace, selection: &Selection<'_>) -> bool {
    let roots = || roots::of_workload(workspace, selection);
    selection.switch.is_some() && advise::annotated(&roots(), workspace.root()) > 0
}

/// `rustc -vV` says what it is; of one that says nothing cargo will tell.
fn check_toolchain(version: &str) -> Result<(), Error> {
    let release = version.lines().find_map(|line| line.strip_prefix("release: "));
    let number = |text: &str| -> Option<(u32, u32)> {
        let mut parts = text.split(['.', '-']).map(str::parse::<u32>);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    };
    let Some(found) = release else { return Ok(()) };
    let needed = overlay::runtime::RUST_VERSION;
    match (number(found), number(needed)) {
        (Some(has), Some(wants)) if has < wants => {
            Err(Error::Toolchain { found: found.to_owned(), needed: needed.to_owned() })
        }
        _ => Ok(()),
    }
}

impl Plan {
    /// Decides what is instrumented; nothing is written.
    ///
    /// # Errors
    ///
    /// There is no function to instrument, or none that `pattern` takes.
    pub fn new(
        workspace: &Workspace,
        selection: &Selection<'_>,
        pattern: Option<&Pattern>,
        without: &LeftOut,
    ) -> Result<Self, Error> {
        let root = workspace.root();
        let (members, left_out) = members::of(workspace, selection.package);
        let taken: BTreeSet<_> = members.iter().map(|member| &member.package.id).collect();
        let roots = roots::of_auto(workspace, selection, &|package| taken.contains(&package.id));
        let packages: Vec<_> = members.iter().map(|member| member.package).collect();
        let all = roots::with_libraries(roots.clone(), workspace, &packages);
        let source = advise::scan(&all, root);
        let scripts = advise::scan(&roots::of_build_scripts(workspace, &packages), root);
        let files = overlay::files_of(&source, &scripts);
        let own = workspace.members().into_iter().find(|member| member.name == RUNTIME);
        let mut plan = Self {
            roots,
            functions: 0,
            wraps_allocator: false,
            warnings: Vec::new(),
            members: BTreeMap::new(),
            edits: BTreeMap::new(),
            own_runtime: own
                .and_then(|member| member.manifest_path.parent())
                .map(|directory| directory.as_std_path().to_owned()),
            files: source.files().clone(),
        };
        plan.edit((root, &source, &files), &members, (pattern, without));
        let notes = left_out.iter().filter(|it| it.matters()).map(members::LeftOut::message);
        plan.warnings = notes
            .map(|message| Warning { id: "not-instrumented".to_owned(), message })
            .chain((!without.is_empty()).then(|| without.warning()))
            .collect();
        plan.members = members
            .into_iter()
            .map(|it| (it.package.manifest_path.clone().into_std_path_buf(), it.runtime))
            .collect();
        if plan.functions == 0 {
            return Err(plan.nothing(&source, pattern, selection));
        }
        Ok(plan)
    }

    fn edit(
        &mut self,
        (root, source, files): (&Path, &Source, &BTreeSet<PathBuf>),
        members: &[Member<'_>],
        (pattern, without): (Option<&Pattern>, &LeftOut),
    ) {
        let takes = |function: &SourceFunction| {
            pattern.is_none_or(|pattern| pattern.takes(function))
                && !without.holds(&function.file, function.line, function.column)
        };
        let mut edits: BTreeMap<PathBuf, Vec<Edit>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for function in source.functions() {
            let Some(insertion) = function.insertion else { continue };
            let file = normal(&root.join(&function.file));
            // A module of several targets is scanned for each.
            if !files.contains(&file) || !takes(function) {
                continue;
            }
            self.functions += usize::from(self.is_of_workload(function));
            let Some(name) = crate_name(members, &file) else { continue };
            if !seen.insert((file.clone(), insertion.byte)) {
                continue;
            }
            let (line, column) = (function.line, function.column);
            let is_quiet = without.holds_expressions(&function.file, line, column);
            let options = if is_quiet { "sites = off" } else { "" };
            edits.entry(file).or_default().push(Edit {
                range: insertion.byte..insertion.byte,
                text: annotate::attribute(&name, options, insertion),
            });
        }
        for file in files {
            let Some(name) = crate_name(members, file) else { continue };
            // What was scanned, so that the places are of this text.
            let scanned = source.texts().get(&path::relative(root, file)).cloned();
            let Some(text) = scanned.or_else(|| fs::read_to_string(file).ok()) else { continue };
            let wrapping = allocator::wrap(&text, &name);
            let is_root = self.roots.iter().any(|it| normal(&root.join(&it.file)) == *file);
            self.wraps_allocator |= wrapping.is_certain && is_root;
            let mut list = edits.remove(file).unwrap_or_default();
            list.extend(wrapping.edits);
            if !list.is_empty() {
                self.edits.insert(file.clone(), Edits::new(&text, list));
            }
        }
    }

    fn is_of_workload(&self, function: &SourceFunction) -> bool {
        let of =
            |root: &CrateRoot| root.package == function.package && root.target == function.target;
        self.roots.iter().any(of)
    }

    fn nothing(
        &self,
        source: &Source,
        pattern: Option<&Pattern>,
        selection: &Selection<'_>,
    ) -> Error {
        let functions: Vec<&SourceFunction> =
            source.functions().iter().filter(|it| self.is_of_workload(it)).collect();
        if let Some(pattern) = pattern.filter(|_| !functions.is_empty()) {
            return Error::Selection {
                message: format!("no function to measure matches `--auto={}`", pattern.text()),
                hint: select::suggestion(pattern.text(), &pattern.candidates(&functions)),
            };
        }
        let reasons: Vec<&str> =
            self.warnings.iter().map(|warning| warning.message.as_str()).collect();
        Error::Selection {
            message: format!(
                "nothing in package `{}` can be measured{}",
                selection.package.name,
                if reasons.is_empty() {
                    ": it has no function with a loop, call or macro in it"
                } else {
                    ""
                }
            ),
            hint: match reasons.as_slice() {
                [] => "choose another package with `-p`".to_owned(),
                reasons => reasons.join("; "),
            },
        }
    }
}

/// Under which crate name the code of a file finds the runtime: its package's.
fn crate_name(members: &[Member<'_>], file: &Path) -> Option<String> {
    let directory = |member: &Member<'_>| {
        let directory = member.package.manifest_path.parent()?.as_std_path();
        file.starts_with(directory).then(|| directory.components().count())
    };
    let (_, member) = members
        .iter()
        .filter_map(|member| Some((directory(member)?, member)))
        .max_by_key(|(depth, _)| *depth)?;
    Some(member.runtime.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_that_is_too_old_is_told() {
        let error = check_toolchain("rustc 1.70.0 (x)\nrelease: 1.70.0\n").unwrap_err();
        assert!(error.to_string().contains("1.70.0"), "{error}");
        for version in ["release: 1.88.0", "release: 1.100.0-nightly", "release: 2.0.0", ""] {
            assert!(check_toolchain(version).is_ok(), "{version}");
        }
    }
}
