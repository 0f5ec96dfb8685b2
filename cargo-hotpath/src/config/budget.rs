//! `[budget]`: `"path::of::function" = { metric = limit, .. }`, for a glob of functions, or with `"*"` for
//! the whole workload.

use std::collections::BTreeMap;
use std::path::PathBuf;

use globset::{Glob, GlobBuilder, GlobMatcher};
use hotpath_runtime_syntax::Budget;
use hotpath_runtime_syntax::budget::{BudgetError, Limit, Metric};

use super::ConfigError;
use super::entry::Entry;

/// The key of the whole workload.
const WORKLOAD: &str = "*";

/// Limits for a function, a glob of functions, or the workload.
#[derive(Clone, Debug)]
pub struct BudgetEntry {
    /// The key, as written.
    pub key: String,
    /// The limits.
    pub budget: Budget,
    /// The file that it stands in.
    pub file: PathBuf,
    /// The table that it stands in: `workspace.metadata.hotpath.budget`.
    pub table: String,
    glob: Option<GlobMatcher>,
}

impl BudgetEntry {
    /// Whether it is for the whole workload.
    pub fn is_of_workload(&self) -> bool {
        self.key == WORKLOAD
    }

    /// Whether it is for the function with this path: the very one, whatever its path would be as a
    /// pattern (`<impl Read for [u8]>::read`), or one that the pattern matches.
    pub fn takes(&self, path: &str) -> bool {
        let is_match = |glob: &GlobMatcher| glob.is_match(path.replace("::", "/"));
        self.key == path || self.glob.as_ref().is_some_and(is_match)
    }
}

/// Takes over what the table says; an entry of this key that was there before is gone.
pub(super) fn take(
    budgets: &mut BTreeMap<String, BudgetEntry>,
    table: &Entry<'_>,
) -> Result<(), ConfigError> {
    for (key, entry) in table.entries()? {
        let is_of_workload = key == WORKLOAD;
        let mut budget = Budget::default();
        for (name, limit) in entry.entries()? {
            let of = |metric: &Metric| {
                if is_of_workload { metric.is_of_workload() } else { metric.is_of_function() }
            };
            let (metric, limit) = read(name, &limit, &of)?;
            // A table has each key once.
            let _ = budget.add(metric, limit);
        }
        if budget.is_empty() {
            return Err(entry.refuse(
                format!("`{}` limits nothing", entry.path()),
                "write what it may come to: `{ allocs_per_call = 3 }`".to_owned(),
            ));
        }
        let is_pattern = !is_of_workload && key.contains(['*', '?', '[', '{']);
        let glob = is_pattern.then(|| compile(key)).transpose().map_err(|error| {
            entry.refuse(
                format!("`{key}` is no pattern for functions: {}", error.kind()),
                "write a path (`orders::parse`), a glob (`orders::**`) or `\"*\"` for the workload"
                    .to_owned(),
            )
        })?;
        let (file, table) = (entry.file().to_owned(), table.path().to_owned());
        let key = key.to_owned();
        budgets.insert(key.clone(), BudgetEntry { key, budget, file, table, glob });
    }
    Ok(())
}

fn read(
    name: &str,
    limit: &Entry<'_>,
    may_stand: &dyn Fn(&Metric) -> bool,
) -> Result<(Metric, Limit), ConfigError> {
    let refuse = |error: BudgetError| {
        let known = Metric::ALL.iter().copied().filter(|metric| may_stand(metric));
        limit.refuse(format!("`{}`: {error}", limit.path()), error.hint_among(known))
    };
    let metric: Metric = name.parse().map_err(refuse)?;
    if !may_stand(&metric) {
        let (not_of, of) = if metric.is_of_workload() {
            ("a function", "under `\"*\"`, which is the whole workload")
        } else {
            (
                "the whole workload",
                "under the path of a function or a glob such as `\"orders::**\"`",
            )
        };
        return Err(limit.refuse(
            format!("`{}` is no metric of {not_of}", limit.path()),
            format!("write it {of}"),
        ));
    }
    let read = match (limit.text(), limit.as_number()) {
        (Some(text), _) => Limit::from_text(metric, text),
        (None, Some(number)) => Limit::from_number(metric, number),
        (None, None) => {
            Err(BudgetError::Malformed { metric, given: "neither number nor text".to_owned() })
        }
    };
    Ok((metric, read.map_err(refuse)?))
}

fn compile(key: &str) -> Result<GlobMatcher, globset::Error> {
    let glob: Glob = GlobBuilder::new(&key.replace("::", "/")).literal_separator(true).build()?;
    Ok(glob.compile_matcher())
}
