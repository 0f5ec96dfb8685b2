//! Which crates hold the workload's measured functions, and where their sources begin.

use std::path::Path;

use cargo_metadata::{Package, Target};

use crate::cargo::metadata::{Workspace, runtime_names};
use crate::cargo::select::{Selection, is_library};
use crate::run_dir::CrateRoot;

/// The workload itself, and the libraries that it uses from the workspace and that depend on the runtime.
pub fn of_workload(workspace: &Workspace, selection: &Selection<'_>) -> Vec<CrateRoot> {
    let mut roots = vec![root(selection.package, selection.target, workspace.root())];
    for package in workspace.reachable(selection.package) {
        roots.extend(libraries(package, workspace.root()));
    }
    unique(roots)
}

/// The workload and the libraries that it uses from the workspace: of packages that are `taken` all
/// functions count, of others the annotated ones.
pub fn of_auto(
    workspace: &Workspace,
    selection: &Selection<'_>,
    taken: &dyn Fn(&Package) -> bool,
) -> Vec<CrateRoot> {
    let mut roots = vec![];
    let mut add = |package: &Package, target: &Target| {
        let implicit = taken(package);
        if implicit || !runtime_names(package).is_empty() {
            roots.push(CrateRoot { implicit, ..root(package, target, workspace.root()) });
        }
    };
    add(selection.package, selection.target);
    for package in workspace.reachable(selection.package) {
        package.targets.iter().filter(|target| is_library(target)).for_each(|it| add(package, it));
    }
    unique(roots)
}

/// Every crate of these packages, functions without the attribute counted in.
pub fn of_every_target(workspace: &Workspace, packages: &[&Package]) -> Vec<CrateRoot> {
    let of = |package: &&Package| {
        let built = package.targets.iter().filter(|target| !target.is_custom_build());
        let implicit =
            |target| CrateRoot { implicit: true, ..root(package, target, workspace.root()) };
        built.map(implicit).collect::<Vec<_>>()
    };
    unique(packages.iter().flat_map(of).collect())
}

/// These crates and the libraries of these packages, whose functions all count.
pub fn with_libraries(
    mut roots: Vec<CrateRoot>,
    workspace: &Workspace,
    packages: &[&Package],
) -> Vec<CrateRoot> {
    for package in packages {
        let libraries = package.targets.iter().filter(|target| is_library(target));
        roots.extend(
            libraries.map(|target| CrateRoot {
                implicit: true,
                ..root(package, target, workspace.root())
            }),
        );
    }
    unique(roots)
}

/// The build scripts of these packages.
pub fn of_build_scripts(workspace: &Workspace, packages: &[&Package]) -> Vec<CrateRoot> {
    let of = |package: &&Package| {
        let scripts = package.targets.iter().filter(|target| target.is_custom_build());
        scripts.map(|target| root(package, target, workspace.root())).collect::<Vec<_>>()
    };
    packages.iter().flat_map(of).collect()
}

/// Every crate of these packages.
pub fn of_packages(workspace: &Workspace, packages: &[&Package]) -> Vec<CrateRoot> {
    let annotated = packages.iter().filter(|package| !runtime_names(package).is_empty());
    let targets = annotated.flat_map(|package| {
        let built = package.targets.iter().filter(|target| !target.is_custom_build());
        built.map(|target| root(package, target, workspace.root()))
    });
    unique(targets.collect())
}

/// With `/`, and relative to the workspace root where it lies there.
pub fn relative(path: &Path, root: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/")
}

fn libraries(package: &Package, workspace_root: &Path) -> Vec<CrateRoot> {
    if runtime_names(package).is_empty() {
        return Vec::new();
    }
    let libraries = package.targets.iter().filter(|target| is_library(target));
    libraries.map(|target| root(package, target, workspace_root)).collect()
}

fn root(package: &Package, target: &Target, workspace_root: &Path) -> CrateRoot {
    CrateRoot {
        package: package.name.to_string(),
        // As in `CARGO_CRATE_NAME`, by which the measured functions name it.
        target: target.name.replace('-', "_"),
        edition: target.edition.to_string(),
        file: relative(target.src_path.as_std_path(), workspace_root),
        implicit: false,
    }
}

/// The workload may be one of the libraries itself.
fn unique(mut roots: Vec<CrateRoot>) -> Vec<CrateRoot> {
    let mut seen = std::collections::HashSet::new();
    roots.retain(|root| seen.insert((root.target.clone(), root.file.clone())));
    roots
}
