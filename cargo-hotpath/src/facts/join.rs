//! Profile and source to facts: function to function, site to site.

use std::collections::{HashMap, HashSet};

use hotpath_runtime::hotpath;
use hotpath_runtime_syntax::Kind;

use super::lock::Lock;
use super::{BuildFacts, Facts, FunctionFacts, SiteFacts, hidden, matching, totals};
use crate::fnv::fnv1a;
use crate::profile::{Allocs, Function, Profile, Row};
use crate::source::{Source, SourceFunction, SourceSite};

/// Joins what was measured with what the source says.
///
/// Functions without a counterpart in the source are marked `from_macro`; sites without one have
/// no [`SiteFacts::source`]. Indices of [`Facts::functions`] are those of the profile.
#[hotpath]
pub fn join(profile: &Profile, source: &Source, build: BuildFacts) -> Facts {
    let counterparts = matching::counterparts(profile, source);
    let mut ids = Ids::default();
    let mut functions: Vec<FunctionFacts> = profile
        .functions
        .iter()
        .zip(&counterparts)
        .map(|(function, counterpart)| describe(function, *counterpart, &mut ids))
        .collect();
    totals::add(profile, &mut functions);
    add_sites(profile, &counterparts, &mut functions);
    for function in &mut functions {
        hidden::add(function, &profile.probes);
    }
    let sources = functions.iter().filter_map(|function| {
        let text = source.texts().get(&function.file)?;
        Some((function.file.clone(), text.clone()))
    });
    Facts {
        wall_ns: profile.wall_ns,
        cpu_ns: profile.cpu_ns,
        outside_ns: profile.outside_ns,
        processor: profile.processor,
        threads: profile.threads,
        cores: 0,
        polling_threads: profile.polling_threads,
        allocations_measured: profile.memory.is_some(),
        probes: profile.probes,
        allocator: profile.allocator.clone(),
        retained: profile.retained.clone(),
        build,
        sources: sources.collect(),
        edges: totals::edges(profile),
        timeline: profile.timeline.clone(),
        cold_ns: profile.cold_ns,
        peak_live_bytes: profile.memory.as_ref().map(|memory| memory.peak_live_bytes),
        outside_allocs: profile
            .memory
            .as_ref()
            .map_or_else(Allocs::default, |memory| memory.outside),
        functions,
    }
}

fn describe(
    function: &Function,
    counterpart: Option<&SourceFunction>,
    ids: &mut Ids,
) -> FunctionFacts {
    let (file, line, column) = match counterpart {
        Some(source) => (&source.file, source.line, source.column),
        None => (&function.file, function.line, function.column),
    };
    let name = counterpart.map_or(&function.name, |source| &source.name);
    FunctionFacts {
        path: format!("{}::{name}", function.module),
        id: ids.of(function, counterpart),
        package: function.package.clone(),
        file: file.clone(),
        line,
        column,
        from_macro: counterpart.is_none(),
        is_async: function.is_async,
        histogram: function.histogram.clone(),
        allowed: counterpart.map(|source| source.allowed.clone()).unwrap_or_default(),
        // One that is damaged was dropped when the profile was made or read.
        budget: function.budget.parse().unwrap_or_default(),
        ..FunctionFacts::default()
    }
}

fn add_sites(
    profile: &Profile,
    counterparts: &[Option<&SourceFunction>],
    functions: &mut [FunctionFacts],
) {
    let mut reached: Vec<Vec<bool>> =
        profile.functions.iter().map(|function| vec![false; function.sites.len()]).collect();
    let others = other_than_locks(profile);
    for row in profile.rows.iter().filter(|row| row.count > 0) {
        let function = &profile.functions[row.function];
        reached[row.function][row.site] = true;
        if let Some(mut site) = site(row, function, counterparts[row.function]) {
            // Of a site's guards it is not known of which type each was.
            site.hold = row.hold.filter(|_| !others.contains(&(row.function, row.site)));
            functions[row.function].sites.push(site);
        }
    }
    for (function, reached) in functions.iter_mut().zip(reached) {
        function.unreached_sites = reached.iter().filter(|reached| !**reached).count() as u64;
    }
}

/// A row with its source; `None` for a kind that only another version knows.
fn site(row: &Row, function: &Function, counterpart: Option<&SourceFunction>) -> Option<SiteFacts> {
    let measured = &function.sites[row.site];
    let kind: Kind = measured.kind.parse().ok()?;
    let source = counterpart.and_then(|source| site_source(row.site, function, source));
    Some(SiteFacts {
        index: row.site,
        kind,
        line: source.map_or(measured.line, |source| source.line),
        column: source.map_or(measured.column, |source| source.column),
        label: measured.label.clone(),
        type_name: row.type_name.clone(),
        type_size: row.type_size,
        needs_drop: row.needs_drop,
        count: row.count,
        timed: row.timed,
        self_ns: row.self_ns,
        hidden_ns: 0.0,
        error_ns: row.error_ns,
        max_ns: row.max_ns,
        allocs: row.allocs,
        awaits: row.awaits,
        waiting: row.waiting,
        unreceived: row.unreceived,
        hold: None,
        histogram: measured.histogram.clone(),
        source: source.and_then(|source| source.source.clone()),
        allowed: source.map(|source| source.allowed.clone()).unwrap_or_default(),
    })
}

/// Sites, by function, that don't take a lock, or not always: much else has a `read` or `write`, and what
/// only makes the future that takes one holds none.
fn other_than_locks(profile: &Profile) -> HashSet<(usize, usize)> {
    let takes = |row: &Row| {
        let lock = row.type_name.as_deref().and_then(Lock::of);
        let is_call = profile.functions[row.function].sites[row.site].kind == Kind::Lock.name();
        lock.is_some_and(|lock| !(is_call && lock.is_awaited()))
    };
    // Without a type are executions that ended without a value, and so without a guard.
    let others =
        profile.rows.iter().filter(|row| row.count > 0 && row.type_name.is_some() && !takes(row));
    others.map(|row| (row.function, row.site)).collect()
}

/// The site at the same index, if the two enumerations agree there; if the function was changed,
/// the one at the same distance from its name.
fn site_source<'s>(
    index: usize,
    function: &Function,
    source: &'s SourceFunction,
) -> Option<&'s SourceSite> {
    let measured = &function.sites[index];
    if function.sites.len() == source.sites.len() {
        return source.sites.get(index).filter(|site| site.kind.name() == measured.kind);
    }
    let down = measured.line.checked_sub(function.line)?;
    source.sites.iter().find(|site| {
        site.kind.name() == measured.kind
            && site.line.checked_sub(source.line) == Some(down)
            && site.column == measured.column
            && site.label == measured.label
    })
}

/// Gives out ids that stay the same while a function's name does, wherever it moves.
#[derive(Default)]
struct Ids {
    /// Functions seen of each name that have no counterpart to number them.
    unmatched: HashMap<String, u32>,
}

impl Ids {
    fn of(&mut self, function: &Function, counterpart: Option<&SourceFunction>) -> String {
        let name = counterpart.map_or(&function.name, |source| &source.name);
        let name = [&function.package, &function.target, &function.module, name]
            .map(String::as_str)
            .join("\0");
        let ordinal = match counterpart {
            // Ordinals of one `macro_rules` body lie behind those of the source.
            Some(source) if function.ordinal == 0 => source.ordinal.to_string(),
            _ => {
                let next = self.unmatched.entry(name.clone()).or_default();
                *next += 1;
                format!("macro {next}")
            }
        };
        format!("{:016x}", fnv1a(&format!("{name}\0{ordinal}")))[..12].to_owned()
    }
}

#[cfg(test)]
mod tests;
