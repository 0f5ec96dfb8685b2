//! `annotate`: adds `#[hotpath]` to functions of the user's source, or takes it away.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::Package;

use crate::advise;
use crate::auto::Pattern;
use crate::cargo::metadata::{RUNTIME, Workspace, runtime_names};
use crate::cargo::select;
use crate::cli::{AnnotateArgs, Format};
use crate::config::Config;
use crate::edit::Edit;
use crate::error::{Error, Exit};
use crate::options::ReportOptions;
use crate::roots;
use crate::run_dir;
use crate::schema::Report;
use crate::source::annotate::annotations;
use crate::source::{Source, SourceFunction};
use crate::stored;
use crate::term::{self, Term};
use crate::units;

/// Functions with a smaller share of the measured time are not hot, findings in them aside.
const HOT_PCT: f64 = 1.0;

/// Shows the change, or makes it.
pub fn annotate(args: &AnnotateArgs, term: &Term) -> Result<Exit, Error> {
    let workspace = Workspace::load(&args.manifest, args.target_dir.as_deref())?;
    let packages = match &args.package {
        Some(spec) => vec![select::find_package(&workspace, spec)?],
        None => workspace.members(),
    };
    let chosen = Chosen::new(args, &workspace)?;
    let source = advise::scan(&roots::of_every_target(&workspace, &packages), workspace.root());
    let functions: Vec<&SourceFunction> =
        source.functions().iter().filter(|function| chosen.takes(function)).collect();
    if functions.is_empty() {
        return Err(chosen.nothing(&source));
    }
    let edits = if args.remove {
        removals(&functions, &source, workspace.root(), chosen.is_everything(), term)
    } else {
        additions(&functions, &source, &workspace, &packages)?
    };
    finish(&edits, args, term)
}

/// Which functions it is about.
struct Chosen {
    patterns: Vec<Pattern>,
    /// File and line of what the last run found hot.
    hot: Option<BTreeSet<(String, u32)>>,
}

impl Chosen {
    fn new(args: &AnnotateArgs, workspace: &Workspace) -> Result<Self, Error> {
        let patterns = args.patterns.iter().map(|it| Pattern::new(it)).collect::<Result<_, _>>()?;
        let hot = args.hot.as_ref().map(|run| hot(run, workspace)).transpose()?;
        if args.patterns.is_empty() && hot.is_none() && !args.remove {
            return Err(Error::usage(
                "which functions?",
                "name them (`orders::parser::*`, `src/parser.rs`), or take those of the last run by `--hot`",
            ));
        }
        Ok(Self { patterns, hot })
    }

    fn is_everything(&self) -> bool {
        self.patterns.is_empty() && self.hot.is_none()
    }

    fn takes(&self, function: &SourceFunction) -> bool {
        let by_name = self.patterns.iter().any(|pattern| pattern.takes(function));
        let place = || (function.file.clone(), function.line);
        by_name
            || self.hot.as_ref().is_some_and(|hot| hot.contains(&place()))
            || self.is_everything()
    }

    fn nothing(&self, source: &Source) -> Error {
        let message = match (&self.patterns[..], &self.hot) {
            ([], None) => "there is no function to take the attribute from".to_owned(),
            ([], Some(_)) => "no function of the last run is hot and still where it was".to_owned(),
            (patterns, _) => {
                let texts: Vec<String> =
                    patterns.iter().map(|pattern| format!("`{}`", pattern.text())).collect();
                format!("no function matches {}", texts.join(", "))
            }
        };
        let functions: Vec<&SourceFunction> = source.functions().iter().collect();
        let hint = match self.patterns.first() {
            Some(pattern) => select::suggestion(pattern.text(), &pattern.candidates(&functions)),
            None => "`cargo hotpath run` measures what there is".to_owned(),
        };
        Error::Selection { message, hint }
    }
}

/// What a run spent its time in, and what its findings are about.
fn hot(run: &str, workspace: &Workspace) -> Result<BTreeSet<(String, u32)>, Error> {
    let dir = run_dir::find(&workspace.data_dir, run)?;
    let (record, profile) = stored::load(&dir)?;
    let options = ReportOptions {
        top: None,
        min_impact_pct: None,
        all: false,
        format: Format::Json,
        output: None,
        also: Vec::new(),
    };
    let config = Config::load(workspace, &record.workload.package)?;
    let Report { functions, findings, .. } =
        advise::advise(&record, &profile, workspace.root(), &options, &config.rules).report;
    let found: BTreeSet<&str> = findings.iter().filter_map(|it| it.function.as_deref()).collect();
    let is_hot = functions
        .into_iter()
        .filter(|function| function.self_pct >= HOT_PCT || found.contains(function.id.as_str()));
    Ok(is_hot.map(|function| (function.file, function.line)).collect())
}

/// The attribute in a line of its own before each function that doesn't carry it.
fn additions(
    functions: &[&SourceFunction],
    source: &Source,
    workspace: &Workspace,
    packages: &[&Package],
) -> Result<Vec<Edit>, Error> {
    let mut places: BTreeMap<&str, BTreeMap<usize, String>> = BTreeMap::new();
    for function in functions {
        let Some(insertion) = function.insertion else { continue };
        let Some(text) = source.texts().get(&function.file) else { continue };
        let name = runtime_of(packages, function)?;
        let attribute = attribute(&name, text);
        let indent = indent(text, insertion.byte);
        let inserted = format!("{attribute}{}{indent}", line_end(text));
        places.entry(&function.file).or_default().insert(insertion.byte, inserted);
    }
    Ok(edits(places, source, workspace.root(), |text, byte, inserted| {
        text.insert_str(byte, inserted);
    }))
}

/// The crate by which a package finds the runtime.
fn runtime_of(packages: &[&Package], function: &SourceFunction) -> Result<String, Error> {
    let package = packages.iter().find(|package| *package.name == function.package);
    let name = package.and_then(|package| runtime_names(package).into_iter().next());
    name.map(|name| name.replace('-', "_")).ok_or_else(|| {
        let package = &function.package;
        Error::usage(
            format!("package `{package}` does not depend on `{RUNTIME}`"),
            format!("run `cargo hotpath init -p {package}` first"),
        )
    })
}

/// As short as the file's imports let it be.
fn attribute(name: &str, text: &str) -> String {
    let imported = text.lines().any(|line| line.trim() == format!("use {name}::hotpath;"));
    let path = if imported { "hotpath".to_owned() } else { format!("{name}::hotpath") };
    match name {
        "hotpath_runtime" => format!("#[{path}]"),
        other => format!("#[{path}(crate = ::{other})]"),
    }
}

/// What stands before a place in its line, if that is only space.
fn indent(text: &str, byte: usize) -> &str {
    let line = text[..byte].rfind('\n').map_or(0, |newline| newline + 1);
    let before = &text[line..byte];
    let spaces = before.len() - before.trim_start_matches([' ', '\t']).len();
    &before[..spaces]
}

fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Takes the attribute from these functions; where it is about everything, from blocks and modules too.
fn removals(
    functions: &[&SourceFunction],
    source: &Source,
    root: &Path,
    everything: bool,
    term: &Term,
) -> Vec<Edit> {
    let mut places: BTreeMap<&str, BTreeMap<usize, String>> = BTreeMap::new();
    for file in functions.iter().map(|function| &function.file).collect::<BTreeSet<_>>() {
        let Some(text) = source.texts().get(file) else { continue };
        let Ok(present) = annotations(text) else { continue };
        let wanted: BTreeSet<(u32, u32)> = functions
            .iter()
            .filter(|function| function.file == *file)
            .map(|function| (function.line, function.column))
            .collect();
        for it in present {
            let is_wanted = it
                .function
                .map_or(everything, |at| wanted.contains(&(at.line as u32, at.column as u32 + 1)));
            if is_wanted {
                let entry = places.entry(file).or_default();
                entry.insert(it.range.start, text[it.range].to_owned());
            }
        }
    }
    if !everything {
        let carried: usize = places.values().map(BTreeMap::len).sum();
        let measured = functions.iter().filter(|it| it.insertion.is_none()).count();
        if carried < measured {
            term.warning(
                "some of them are measured by an attribute around them, or on a condition: that one \
                 is left; `#[hotpath(skip)]` on the function leaves it out",
            );
        }
    }
    edits(places, source, root, |text, byte, removed| {
        text.replace_range(byte..byte + removed.len(), "");
    })
}

/// One edit a file, its places changed from the last to the first.
fn edits(
    places: BTreeMap<&str, BTreeMap<usize, String>>,
    source: &Source,
    root: &Path,
    change: impl Fn(&mut String, usize, &str),
) -> Vec<Edit> {
    let edit = |(file, places): (&str, BTreeMap<usize, String>)| {
        let before = source.texts().get(file)?;
        let mut after = before.clone();
        for (byte, text) in places.iter().rev() {
            change(&mut after, *byte, text);
        }
        Some(Edit { path: root.join(file), name: file.to_owned(), before: before.clone(), after })
    };
    places.into_iter().filter_map(edit).collect()
}

fn finish(edits: &[Edit], args: &AnnotateArgs, term: &Term) -> Result<Exit, Error> {
    if edits.is_empty() {
        let state = if args.remove { "carry no attribute" } else { "carry it already" };
        term.status("Unchanged", format_args!("the functions {state}"));
        return Ok(Exit::Success);
    }
    let files = units::counted(edits.len() as u64, "file");
    if !args.apply {
        let diffs: String = edits.iter().map(|edit| edit.diff(term.color_stdout())).collect();
        term::write_stdout(&diffs)?;
        term.status("Next", format_args!("`--apply` writes this to {files}"));
        return Ok(Exit::Success);
    }
    for edit in edits {
        edit.apply()?;
    }
    term.status("Changed", files);
    Ok(Exit::Success)
}
