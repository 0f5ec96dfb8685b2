//! Which packages of the workspace are instrumented, and why others are not.

use std::collections::BTreeSet;
use std::fs;

use cargo_metadata::{DependencyKind, Edition, Package, PackageId, TargetKind};
use toml_edit::{DocumentMut, Item};

use crate::cargo::metadata::{RUNTIME, Workspace};

/// What the runtime and its attribute are built from. A workspace that puts its own in their place
/// would have them depend on themselves.
const BUILT_FROM: [&str; 5] = ["libc", "proc-macro2", "quote", "syn", "unicode-ident"];

/// A package that is instrumented.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) package: &'a Package,
    /// The name that the dependency on the runtime has, or gets.
    pub(super) runtime: String,
}

/// A package that isn't.
#[derive(Debug)]
pub(super) struct LeftOut<'a> {
    pub(super) package: &'a Package,
    pub(super) why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    ProcMacro,
    Edition2015,
    Outside,
    PartOfRuntime,
}

impl LeftOut<'_> {
    /// For the report.
    pub(super) fn message(&self) -> String {
        let reason = match self.why {
            Why::ProcMacro => "it runs in the compiler, not in the workload",
            Why::Edition2015 => "it is of the edition 2015, in which the attribute has no path",
            Why::Outside => {
                "it lies outside of the workspace's directory, where it is used as it is"
            }
            Why::PartOfRuntime => "the runtime itself is built from it",
        };
        format!("package `{}` is not instrumented: {reason}", self.package.name)
    }

    /// Whether the workload may spend time in it.
    pub(super) fn matters(&self) -> bool {
        self.why != Why::ProcMacro
    }
}

/// All that can be, whatever the workload: the copy then stays the same for the next one. Of those
/// that can't, only the ones that the workload's package consists of and uses.
pub(super) fn of<'a>(
    workspace: &'a Workspace,
    package: &'a Package,
) -> (Vec<Member<'a>>, Vec<LeftOut<'a>>) {
    let of_runtime = part_of_runtime(workspace);
    let mut members = Vec::new();
    let mut left_out = Vec::new();
    let used: BTreeSet<_> = workspace.reachable(package).iter().map(|it| &it.id).collect();
    for package in workspace.members() {
        match reason(workspace, package, &of_runtime) {
            Some(why) if used.contains(&package.id) => left_out.push(LeftOut { package, why }),
            Some(_) => {}
            None => members.push(Member { package, runtime: name_of_runtime(package) }),
        }
    }
    (members, left_out)
}

fn reason(
    workspace: &Workspace,
    package: &Package,
    of_runtime: &BTreeSet<&PackageId>,
) -> Option<Why> {
    let is_macro = |kind: &TargetKind| *kind == TargetKind::ProcMacro;
    if of_runtime.contains(&package.id) {
        Some(Why::PartOfRuntime)
    } else if package.targets.iter().any(|target| target.kind.iter().any(is_macro)) {
        Some(Why::ProcMacro)
    } else if !package.manifest_path.as_std_path().starts_with(workspace.root()) {
        Some(Why::Outside)
    } else if package.edition == Edition::E2015 {
        Some(Why::Edition2015)
    } else {
        None
    }
}

/// The runtime, where it is a member, what it's built from where the workspace puts its own in the
/// place of the registry's, and what those use.
fn part_of_runtime(workspace: &Workspace) -> BTreeSet<&PackageId> {
    let members = workspace.members();
    let replaced = BUILT_FROM.iter().any(|name| members.iter().any(|member| member.name == *name));
    let replaced = if replaced { replacements(workspace) } else { BTreeSet::new() };
    let first = members.into_iter().filter(|member| {
        member.name == RUNTIME
            || BUILT_FROM.iter().any(|name| member.name == *name)
                && replaced.contains(member.name.as_str())
    });
    first.flat_map(|member| workspace.reachable(member)).map(|package| &package.id).collect()
}

/// Packages for which the root manifest has a `[patch]` or `[replace]`.
fn replacements(workspace: &Workspace) -> BTreeSet<String> {
    let text = fs::read_to_string(workspace.root().join("Cargo.toml")).unwrap_or_default();
    let Ok(document) = text.parse::<DocumentMut>() else { return BTreeSet::new() };
    let mut names = BTreeSet::new();
    let patches = document.get("patch").and_then(Item::as_table_like);
    for (_, source) in patches.into_iter().flat_map(|table| table.iter()) {
        for (key, item) in source.as_table_like().into_iter().flat_map(|table| table.iter()) {
            let package = item.get("package").and_then(Item::as_str);
            names.insert(package.unwrap_or(key).to_owned());
        }
    }
    let replaced = document.get("replace").and_then(Item::as_table_like);
    for (spec, _) in replaced.into_iter().flat_map(|table| table.iter()) {
        let name = spec.split([':', '@']).next().unwrap_or(spec);
        names.insert(name.to_owned());
    }
    names
}

/// That of the dependency which every target has, else of any.
fn name_of_runtime(package: &Package) -> String {
    let ours = package.dependencies.iter().filter(|dependency| dependency.name == RUNTIME);
    let first = ours.min_by_key(|it| (it.kind != DependencyKind::Normal, it.target.is_some()));
    first.and_then(|dependency| dependency.rename.clone()).unwrap_or_else(|| RUNTIME.to_owned())
}
