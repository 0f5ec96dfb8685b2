//! Which functions of different processes are the same one.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use hotpath_runtime::segment::reader::{self, Segment};

use crate::profile::{Function, Site, path};

/// The merged functions, and where each segment's own are among them.
pub(super) struct Identities {
    /// Sorted by identity.
    pub(super) functions: Vec<Function>,
    /// By segment: the index in `functions` for each index of the segment.
    pub(super) of_segment: Vec<Vec<usize>>,
}

/// Merges the functions of all segments.
///
/// Functions of one `macro_rules` body are told apart by the call of the macro; those of one call
/// that agree in everything else, by the order in which their process registered them.
pub(super) fn merge(segments: &[Segment], workspace_root: &Path) -> Identities {
    let mut files = HashMap::new();
    let mut keys: Vec<Vec<Key>> = Vec::with_capacity(segments.len());
    for segment in segments {
        let mut seen: HashMap<Key, u32> = HashMap::new();
        let mut of_this = Vec::with_capacity(segment.functions.len());
        for function in &segment.functions {
            let file = files
                .entry(function.file.clone())
                .or_insert_with(|| path::relative(workspace_root, Path::new(&function.file)));
            let mut key = Key::new(function, file);
            let occurrence = seen.entry(key.clone()).or_default();
            key.occurrence = *occurrence;
            *occurrence += 1;
            of_this.push(key);
        }
        keys.push(of_this);
    }
    let mut order: BTreeMap<&Key, usize> = keys.iter().flatten().map(|key| (key, 0)).collect();
    let mut functions: Vec<Function> = Vec::with_capacity(order.len());
    for (index, (key, slot)) in order.iter_mut().enumerate() {
        *slot = index;
        let function = key.function(functions.last());
        functions.push(function);
    }
    let of_segment =
        keys.iter().map(|of_this| of_this.iter().map(|key| order[key]).collect()).collect();
    Identities { functions, of_segment }
}

/// All that is known of a function; its order is that of the profile.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    package: String,
    target: String,
    module: String,
    name: String,
    file: String,
    line: u32,
    column: u32,
    is_async: bool,
    origin: [u32; 2],
    budget: String,
    sites: Vec<(String, u32, u32, String)>,
    occurrence: u32,
}

impl Key {
    fn new(function: &reader::Function, file: &str) -> Self {
        let site =
            |site: &reader::Site| (site.kind.clone(), site.line, site.column, site.label.clone());
        Self {
            package: function.package.clone(),
            target: function.target.clone(),
            module: function.module.clone(),
            name: function.name.clone(),
            file: file.to_owned(),
            line: function.line,
            column: function.column,
            is_async: function.is_async,
            origin: function.origin,
            budget: function.budget.clone(),
            sites: function.sites.iter().map(site).collect(),
            occurrence: 0,
        }
    }

    /// The profile's entry, numbered after `before` where that is at the same place.
    fn function(&self, before: Option<&Function>) -> Function {
        let ordinal = match before {
            Some(before) if self.is_at(before) => before.ordinal + 1,
            _ => 0,
        };
        let site = |(kind, line, column, label): &(String, u32, u32, String)| Site {
            kind: kind.clone(),
            line: *line,
            column: *column,
            label: label.clone(),
            histogram: Vec::new(),
        };
        Function {
            package: self.package.clone(),
            target: self.target.clone(),
            module: self.module.clone(),
            name: self.name.clone(),
            file: self.file.clone(),
            line: self.line,
            column: self.column,
            ordinal,
            is_async: self.is_async,
            budget: self.budget.clone(),
            sites: self.sites.iter().map(site).collect(),
            histogram: Vec::new(),
        }
    }

    fn is_at(&self, function: &Function) -> bool {
        self.package == function.package
            && self.target == function.target
            && self.module == function.module
            && self.name == function.name
            && self.file == function.file
            && (self.line, self.column) == (function.line, function.column)
    }
}
