//! From a stored run to its report: join, facts, rules, rank, assemble.

use std::collections::BTreeMap;
use std::path::Path;

use hotpath_runtime::hotpath;

use crate::checkout;
use crate::facts::{self, BuildFacts, Facts};
use crate::options::ReportOptions;
use crate::profile::Profile;
use crate::rank;
use crate::report;
use crate::rules::{self, Settings};
use crate::run_dir::{CrateRoot, Repetition, RunRecord};
use crate::schema::{self, Report, Warning};
use crate::source::{Allowance, Root, Source};

/// A report, with the sources that its excerpts are from.
#[derive(Debug)]
pub struct Advice {
    /// The report.
    pub report: Report,
    /// Source text by file name.
    pub sources: BTreeMap<String, String>,
    /// The workspace's path in its checkout, with `/` at its end.
    pub prefix: String,
}

/// Joins a run with the workspace's sources and ranks what is worth changing.
#[hotpath]
pub fn advise(
    record: &RunRecord,
    profile: &Profile,
    root: &Path,
    options: &ReportOptions,
    rules: &Settings,
) -> Advice {
    let source = scan(&record.roots, root);
    let cores = record.environment.cores;
    let facts = Facts { cores, ..facts::join(profile, &source, build(record)) };
    let floor = rank::Options {
        min_impact_pct: options.min_impact_pct,
        all: options.all,
        rules: rules.clone(),
    };
    let ranked = rank::findings(&facts, &floor);
    let report = report::assemble(report::Inputs {
        facts: &facts,
        profile,
        ranked,
        environment: record.environment.clone(),
        workload: record.workload.clone(),
        command: record.arguments().to_vec(),
        runs: runs(record),
        instructions: instructions(record),
        warnings: warnings(record, &source),
        cut_short: record.interrupted || record.repetitions[record.reported].timed_out,
        stopped: record.repetitions[record.reported].stopped,
    });
    Advice { report, sources: facts.sources, prefix: checkout::prefix(root) }
}

/// The repetitions of a run.
pub fn runs(record: &RunRecord) -> Vec<schema::Run> {
    let run = |repetition: &Repetition| schema::Run {
        wall_ns: repetition.wall_ns,
        cpu_ns: repetition.cpu_ns,
        allocs: repetition.allocs,
        instructions: repetition.instructions,
        exit: repetition.exit.clone(),
    };
    record.repetitions.iter().map(run).collect()
}

fn instructions(record: &RunRecord) -> Option<schema::Instructions> {
    let counting = record.instructions.clone()?;
    Some(schema::Instructions {
        count: record.repetitions[record.reported].instructions,
        source: counting.source,
        reason: counting.reason,
    })
}

/// How a run's workload was built.
pub fn build(record: &RunRecord) -> BuildFacts {
    BuildFacts {
        profile: record.environment.profile.clone(),
        opt_level: Some(record.build.opt_level.clone()),
        debug_assertions: Some(record.build.debug_assertions),
        manifest: Some(record.build.manifest.clone()),
        codegen: record.build.codegen.clone(),
        own_allocator: record.build.own_allocator,
    }
}

/// The sources of these crates.
pub fn scan(roots: &[CrateRoot], workspace_root: &Path) -> Source {
    let roots: Vec<Root> = roots
        .iter()
        .map(|root| Root {
            package: root.package.clone(),
            target: root.target.clone(),
            edition: root.edition.clone(),
            file: workspace_root.join(&root.file),
            workspace_root: workspace_root.to_owned(),
            implicit: root.implicit,
        })
        .collect();
    Source::scan(&roots)
}

/// How many functions of these crates are annotated.
pub fn annotated(roots: &[CrateRoot], workspace_root: &Path) -> usize {
    scan(roots, workspace_root).functions().len()
}

fn warnings(record: &RunRecord, source: &Source) -> Vec<Warning> {
    let unread = source
        .notes()
        .iter()
        .map(|note| Warning { id: "source-unreadable".to_owned(), message: note.clone() });
    record.warnings.iter().cloned().chain(unread).chain(suppressions(source)).collect()
}

/// Places at which no rule is switched off, though it seems so.
pub fn suppressions(source: &Source) -> Vec<Warning> {
    let warning = |allowance: &Allowance| {
        let Allowance { file, line, rule } = allowance;
        let (id, what) = match rule.as_deref().map(|rule| (rule, rules::find(rule))) {
            Some((_, Ok(_))) => return None,
            Some((rule, Err(unknown))) => (
                "unknown-rule",
                format!(
                    "no rule is called `{rule}`, so allowing it does nothing; {}",
                    unknown.hint()
                ),
            ),
            None => (
                "suppression-without-rule",
                "`hotpath: allow(..)` names no rule, so it does nothing; write \
                 `hotpath: allow(print-loop)`"
                    .to_owned(),
            ),
        };
        Some(Warning { id: id.to_owned(), message: format!("{file}:{line}: {what}") })
    };
    source.allowances().iter().filter_map(warning).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suppressions_that_do_nothing_are_said_with_their_place() {
        let dir = tempfile::tempdir().unwrap();
        let text = "#[hotpath(allow(print-lop))]\nimpl A {}\n\
                    // hotpath: allow(clone-for-borow, print-loop, all)\n\
                    const B: u8 = 1;\nfn c() {} // hotpath: allow()\n";
        std::fs::write(dir.path().join("lib.rs"), text).unwrap();
        let (file, workspace_root) = ("lib.rs".into(), dir.path().to_owned());
        let root = Root { file, workspace_root, ..Root::default() };
        let source = Source::scan(&[root.clone(), root]);
        let messages: Vec<String> = suppressions(&source)
            .into_iter()
            .map(|it| format!("{} {}", it.id, it.message))
            .collect();
        assert_eq!(messages.len(), 4, "{messages:?}");
        assert!(messages[0].starts_with("unknown-rule lib.rs:1: no rule is called `print-lop`"));
        assert!(messages[0].ends_with("did you mean `print-loop`?"));
        assert!(messages[1].contains("lib.rs:3: no rule is called `all`"), "{messages:?}");
        assert!(messages[1].ends_with("lists all rules"));
        assert!(messages[2].ends_with("did you mean `clone-for-borrow`?"));
        assert!(messages[3].starts_with("suppression-without-rule lib.rs:5: "));
    }
}
