//! `init`: makes a package depend on the runtime, its manifest otherwise left as it is.

use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::Package;
use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike, Value, value};

use crate::cargo::metadata::{RUNTIME, Workspace, runtime_names};
use crate::cargo::select;
use crate::cli::InitArgs;
use crate::edit::Edit;
use crate::error::{Error, Exit};
use crate::roots;
use crate::term::{self, Term};

/// Adds the dependency, or shows the change.
pub fn init(args: &InitArgs, term: &Term) -> Result<Exit, Error> {
    let workspace = Workspace::load(&args.manifest, None)?;
    let package = package(&workspace, args.package.as_deref())?;
    if let [name, ..] = &runtime_names(package)[..] {
        let alias = if name == RUNTIME { String::new() } else { format!(", as `{name}`") };
        term.status(
            "Unchanged",
            format_args!("`{}` depends on `{RUNTIME}` already{alias}", package.name),
        );
        return Ok(Exit::Success);
    }
    let source = source(args.path.as_deref(), &workspace, package)?;
    let edit = edit(&workspace, package, &source)?;
    if args.dry_run {
        term::write_stdout(&edit.diff(term.color_stdout()))?;
        return Ok(Exit::Success);
    }
    edit.apply()?;
    term.status("Adding", format_args!("{RUNTIME} ({source}) to {}", edit.name));
    term.status(
        "Next",
        "write `#[hotpath_runtime::hotpath]` above the functions to measure, then `cargo hotpath run`",
    );
    Ok(Exit::Success)
}

/// Where the runtime comes from.
enum Runtime {
    Registry,
    Path(PathBuf),
    /// What the workspace says.
    Workspace,
}

impl std::fmt::Display for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Registry => write!(f, "{}", env!("CARGO_PKG_VERSION")),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Workspace => write!(f, "of the workspace"),
        }
    }
}

fn package<'a>(workspace: &'a Workspace, spec: Option<&str>) -> Result<&'a Package, Error> {
    if let Some(spec) = spec {
        return select::find_package(workspace, spec);
    }
    match workspace.default_packages()[..] {
        [one] => Ok(one),
        ref several => {
            let names: Vec<&str> = several.iter().map(|package| package.name.as_str()).collect();
            Err(Error::Selection {
                message: "several packages could get the dependency".to_owned(),
                hint: format!("choose one with `-p`: {}", names.join(", ")),
            })
        }
    }
}

fn source(path: Option<&Path>, workspace: &Workspace, package: &Package) -> Result<Runtime, Error> {
    let Some(path) = path else {
        let root = read(&workspace.root().join("Cargo.toml"))?;
        let shared = root.1.get("workspace").and_then(|it| it.get("dependencies"));
        let is_shared = shared.is_some_and(|dependencies| dependencies.get(RUNTIME).is_some());
        return Ok(if is_shared { Runtime::Workspace } else { Runtime::Registry });
    };
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let is_runtime = fs::read_to_string(whole.join("Cargo.toml"))
        .is_ok_and(|text| text.contains(&format!("name = \"{RUNTIME}\"")));
    if !is_runtime {
        return Err(Error::usage(
            format!("{} is not the package `{RUNTIME}`", path.display()),
            "give the directory that has its Cargo.toml",
        ));
    }
    let from = package.manifest_path.parent().map_or(workspace.root(), |it| it.as_std_path());
    Ok(Runtime::Path(relative(&whole, from)))
}

/// The path as seen from a directory, where it shares more than the root with it.
fn relative(to: &Path, from: &Path) -> PathBuf {
    let shared = to.components().zip(from.components()).take_while(|(a, b)| a == b).count();
    if shared < 2 {
        return to.to_owned();
    }
    let up = from.components().skip(shared).map(|_| std::path::Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

fn read(path: &Path) -> Result<(String, DocumentMut), Error> {
    let unusable = |reason: String| Error::Data { path: path.to_owned(), reason };
    let text = fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    let document =
        text.parse().map_err(|error: toml_edit::TomlError| unusable(error.to_string()))?;
    Ok((text, document))
}

fn edit(workspace: &Workspace, package: &Package, runtime: &Runtime) -> Result<Edit, Error> {
    let path = package.manifest_path.as_std_path();
    let (before, mut document) = read(path)?;
    let table = document.entry("dependencies").or_insert_with(|| Item::Table(Table::new()));
    let Some(table) = table.as_table_like_mut() else {
        let reason = "`dependencies` is not a table".to_owned();
        return Err(Error::Data { path: path.to_owned(), reason });
    };
    add(table, runtime);
    Ok(Edit {
        path: path.to_owned(),
        name: roots::relative(path, workspace.root()),
        before,
        after: document.to_string(),
    })
}

fn add(dependencies: &mut dyn TableLike, runtime: &Runtime) {
    let keys: Vec<String> = dependencies.iter().map(|(key, _)| key.to_owned()).collect();
    let is_sorted = keys.is_sorted();
    let mut table = InlineTable::new();
    let item = match runtime {
        Runtime::Registry => value(env!("CARGO_PKG_VERSION")),
        Runtime::Path(path) => {
            table.insert("path", Value::from(path.to_string_lossy().replace('\\', "/")));
            value(table)
        }
        Runtime::Workspace => {
            table.insert("workspace", Value::from(true));
            value(table)
        }
    };
    dependencies.insert(RUNTIME, item);
    if is_sorted {
        dependencies.sort_values();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(text: &str, runtime: &Runtime) -> String {
        let mut document: DocumentMut = text.parse().unwrap();
        let table = document.entry("dependencies").or_insert_with(|| Item::Table(Table::new()));
        add(table.as_table_like_mut().unwrap(), runtime);
        document.to_string()
    }

    #[test]
    fn comments_and_order_stay() {
        let text = "[package]\nname = \"a\" # mine\n\n[dependencies]\n# first\nb = \"1\"   # two\n\n\
                    # last\nz = { version = \"1\" }\n";
        let expected = format!(
            "[package]\nname = \"a\" # mine\n\n[dependencies]\n# first\nb = \"1\"   # two\n\
             hotpath-runtime = \"{}\"\n\n# last\nz = {{ version = \"1\" }}\n",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(added(text, &Runtime::Registry), expected);
    }

    #[test]
    fn an_order_of_its_own_gets_it_at_the_end() {
        let text = added("[dependencies]\nz = \"1\"\nb = \"1\"\n", &Runtime::Workspace);
        assert_eq!(
            text,
            "[dependencies]\nz = \"1\"\nb = \"1\"\nhotpath-runtime = { workspace = true }\n"
        );
    }

    #[test]
    fn without_a_table_one_is_made() {
        let text = added("[package]\nname = \"a\"\n", &Runtime::Path(PathBuf::from("../r")));
        assert_eq!(
            text,
            "[package]\nname = \"a\"\n\n[dependencies]\nhotpath-runtime = { path = \"../r\" }\n"
        );
    }

    #[test]
    fn paths_are_relative_where_that_says_less() {
        let relative = |to, from| relative(Path::new(to), Path::new(from));
        assert_eq!(
            relative("/home/me/hotpath/runtime", "/home/me/app"),
            Path::new("../hotpath/runtime")
        );
        assert_eq!(relative("/opt/runtime", "/home/me/app"), Path::new("/opt/runtime"));
    }
}
