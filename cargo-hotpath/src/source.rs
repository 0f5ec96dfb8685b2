//! What the source says: annotated functions, their sites, and facts about each.

pub mod annotate;
mod annotation;
mod arguments;
mod comment;
mod enumeration;
mod equality;
mod iteration;
mod model;
mod module;
mod place;
mod range;
mod scan;
mod scope;
mod site;
mod span;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hotpath_runtime::hotpath;
use hotpath_runtime_syntax::{Budget, Kind};

use crate::facts::SiteSource;

/// One target whose source is scanned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Root {
    /// Name of the package.
    pub package: String,
    /// Name of the target; `-` counts as `_`, as in the name of its crate.
    pub target: String,
    /// Edition of the target, for messages: all are parsed as the newest.
    pub edition: String,
    /// The crate root: `src/lib.rs` and the like.
    pub file: PathBuf,
    /// Root of the workspace: names of files are relative to it.
    pub workspace_root: PathBuf,
    /// Whether functions count as annotated though they carry no attribute: in a copy they got one.
    /// Left out are tests, and what [`annotate`] leaves out.
    pub implicit: bool,
}

/// The annotated functions of a workspace.
#[derive(Clone, Debug, Default)]
pub struct Source {
    functions: Vec<SourceFunction>,
    texts: BTreeMap<String, String>,
    files: BTreeSet<PathBuf>,
    allowances: Vec<Allowance>,
    notes: Vec<String>,
}

impl Source {
    /// Reads and parses every file of the given targets, on all cores.
    ///
    /// Files that can't be read or parsed are left out and said in [`Source::notes`]. Unless
    /// functions count without it, only files in which the attribute's name occurs are parsed for
    /// more than their modules.
    #[hotpath]
    pub fn scan(roots: &[Root]) -> Self {
        scan::scan(roots)
    }

    /// The annotated functions with their enumerated sites, by target, file and position.
    pub fn functions(&self) -> &[SourceFunction] {
        &self.functions
    }

    /// Texts of the files that hold annotated functions, by name as in [`SourceFunction::file`].
    pub fn texts(&self) -> &BTreeMap<String, String> {
        &self.texts
    }

    /// Every file that the targets consist of, as far as their `mod` declarations tell: those under
    /// another `cfg` too.
    pub fn files(&self) -> &BTreeSet<PathBuf> {
        &self.files
    }

    /// Every place at which a rule is switched off, by file and line, wherever it stands.
    pub fn allowances(&self) -> &[Allowance] {
        &self.allowances
    }

    /// What could not be read, and why.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// A rule that is switched off, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allowance {
    /// File relative to the workspace root, with `/`.
    pub file: String,
    /// Line of the comment or attribute, 1-based.
    pub line: u32,
    /// The rule's id, which may be that of no rule; `None` for a comment that names none.
    pub rule: Option<String>,
}

/// An annotated function.
#[derive(Clone, Debug, Default)]
pub struct SourceFunction {
    /// Package.
    pub package: String,
    /// Crate name of the target.
    pub target: String,
    /// Module path as `module_path!` gives it.
    pub module: String,
    /// `function` or `Type::method`, or the `name` option.
    pub name: String,
    /// The name in the profile: as `name`, but without the type where the attribute stands on the
    /// method itself, which can't see it there.
    pub registered: String,
    /// File relative to the workspace root, with `/`.
    pub file: String,
    /// Line of its identifier, 1-based.
    pub line: u32,
    /// Column in characters, 1-based.
    pub column: u32,
    /// Position among functions of the same target, module and name.
    pub ordinal: u32,
    /// Whether it is an `async fn`.
    pub is_async: bool,
    /// Rules switched off for all of it.
    pub allowed: Vec<String>,
    /// What a call may cost, as its attributes say now.
    pub budget: Budget,
    /// Its sites, in the order of the enumeration.
    pub sites: Vec<SourceSite>,
    /// Where the attribute goes that it doesn't carry; `None` where it does.
    pub insertion: Option<Insertion>,
}

/// Where an attribute goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insertion {
    /// Byte offset of the token that it goes before.
    pub byte: usize,
    /// Column of that token in characters, 1-based.
    pub column: u32,
}

/// A site of an annotated function.
#[derive(Clone, Debug)]
pub struct SourceSite {
    /// Kind.
    pub kind: Kind,
    /// Line of the method name, macro path or `await`, 1-based.
    pub line: u32,
    /// Column in characters, 1-based.
    pub column: u32,
    /// Short text.
    pub label: String,
    /// What stands around it; `None` inside macros with a syntax of their own.
    pub source: Option<SiteSource>,
    /// Rules switched off here by a comment.
    pub allowed: Vec<String>,
}

#[cfg(test)]
mod tests;
