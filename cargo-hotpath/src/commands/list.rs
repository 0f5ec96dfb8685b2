//! `list`: annotated functions and their sites, without running anything.

use std::fmt::Write as _;

use serde::Serialize;

use crate::advise;
use crate::cargo::metadata::Workspace;
use crate::cargo::select;
use crate::cli::{Format, ListArgs};
use crate::error::{Error, Exit};
use crate::report::markdown::escape::code;
use crate::roots;
use crate::schema::SCHEMA_VERSION;
use crate::source::{Source, SourceFunction};
use crate::term::{self, Term};
use crate::units;

/// Lists what the source says; nothing is built.
pub fn list(args: &ListArgs, term: &Term) -> Result<Exit, Error> {
    let workspace = Workspace::load(&args.manifest, None)?;
    let packages = match &args.package {
        Some(spec) => vec![select::find_package(&workspace, spec)?],
        None => workspace.members(),
    };
    let source = advise::scan(&roots::of_packages(&workspace, &packages), workspace.root());
    for note in source.notes() {
        term.warning(note);
    }
    for warning in advise::suppressions(&source) {
        term.warning(warning.message);
    }
    if args.format != Format::Json && source.functions().is_empty() {
        term.warning(
            "no function is annotated with `#[hotpath]`: write `#[hotpath_runtime::hotpath]` above \
             the functions to measure",
        );
        return Ok(Exit::Success);
    }
    let text = match args.format {
        Format::Human => human(&source),
        Format::Json => json(&source)?,
        Format::Markdown => markdown(&source),
        other => {
            return Err(Error::usage(
                format!("a list has no format `{}`", other.name()),
                "there are `human`, `json` and `markdown`",
            ));
        }
    };
    term::write_stdout(&text)?;
    Ok(Exit::Success)
}

fn human(source: &Source) -> String {
    let mut text = String::new();
    for function in source.functions() {
        let SourceFunction { module, name, file, line, column, .. } = function;
        // Writing to a string can't fail.
        let _ = writeln!(text, "{module}::{name}  ({file}:{line}:{column})");
        for site in &function.sites {
            let kind = site.kind.name();
            let _ =
                writeln!(text, "  {:>5}:{:<3} {kind:13} {}", site.line, site.column, site.label);
        }
    }
    text + "\n" + &count(source) + "\n"
}

/// The same as nested lists.
fn markdown(source: &Source) -> String {
    let mut text = String::new();
    for function in source.functions() {
        let SourceFunction { module, name, file, line, column, .. } = function;
        let (path, place) = (format!("{module}::{name}"), format!("{file}:{line}:{column}"));
        // Writing to a string can't fail.
        let _ = writeln!(text, "- {} ({})", code(&path), code(&place));
        for site in &function.sites {
            let kind = site.kind.name();
            let _ =
                writeln!(text, "  - {}:{} {kind}: {}", site.line, site.column, code(&site.label));
        }
    }
    text + "\n" + &count(source) + "\n"
}

/// `3 functions, 12 sites in them`.
fn count(source: &Source) -> String {
    let sites: usize = source.functions().iter().map(|function| function.sites.len()).sum();
    let functions = units::counted(source.functions().len() as u64, "function");
    format!("{functions}, {} in them", units::counted(sites as u64, "site"))
}

/// The list for machines.
#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    functions: Vec<Function<'a>>,
}

#[derive(Serialize)]
struct Function<'a> {
    path: String,
    package: &'a str,
    file: &'a str,
    line: u32,
    column: u32,
    sites: Vec<Site<'a>>,
}

#[derive(Serialize)]
struct Site<'a> {
    kind: &'a str,
    line: u32,
    column: u32,
    text: &'a str,
}

fn json(source: &Source) -> Result<String, Error> {
    let functions = source.functions().iter().map(document).collect();
    let document = Document { schema_version: SCHEMA_VERSION, functions };
    let text = serde_json::to_string_pretty(&document);
    text.map(|text| text + "\n").map_err(|error| Error::Internal(error.to_string()))
}

fn document(function: &SourceFunction) -> Function<'_> {
    let sites = function.sites.iter().map(|site| Site {
        kind: site.kind.name(),
        line: site.line,
        column: site.column,
        text: &site.label,
    });
    Function {
        path: format!("{}::{}", function.module, function.name),
        package: &function.package,
        file: &function.file,
        line: function.line,
        column: function.column,
        sites: sites.collect(),
    }
}
