//! *Profiling commands*: other tools, only for what this one can't see.

mod command;

use super::{Block, Section, functions};
use crate::schema::{Function, Report, WhereKind};
use crate::units;

/// Share of all threads' measured time from which it matters what is in it.
const LEAST_PCT: f64 = 20.0;

/// Share of a function's self time that its sites explain from which it is no riddle.
const EXPLAINED: f64 = 0.5;

/// Share of wall time without CPU time from which it matters what was waited for.
const WAITED_PCT: f64 = 50.0;

pub(super) fn section(report: &Report) -> Option<Section<'static>> {
    let groups: Vec<_> = [inside(report), waiting(report)].into_iter().flatten().collect();
    (!groups.is_empty()).then_some(Section { title: "Profiling commands", groups })
}

/// Code whose time has no measured site.
fn inside(report: &Report) -> Option<Vec<Block<'static>>> {
    let own = report.functions.iter().filter_map(|function| {
        // What waits a profiler of running code doesn't see.
        let ran = 1.0 - functions::blocked_share(report, function).unwrap_or(0.0);
        let pct = function.self_pct * (1.0 - explained(report, function)) * ran;
        (pct >= LEAST_PCT && is_riddle(report, function))
            .then(|| format!("{} in `{}` itself", units::percent(pct), function.path))
    });
    let elsewhere = report.breakdown.iter().filter(|part| part.self_pct >= LEAST_PCT);
    let elsewhere = elsewhere.filter_map(|part| {
        let pct = units::percent(part.self_pct);
        match (part.kind, &part.name) {
            (WhereKind::Outside, _) => Some(format!("{pct} outside of measured functions")),
            (WhereKind::Dependency, Some(name))
                if !is_found(report, part.called_from.as_deref()) =>
            {
                Some(format!("{pct} in `{name}`"))
            }
            _ => None,
        }
    });
    let parts: Vec<String> = own.chain(elsewhere).collect();
    if parts.is_empty() {
        return None;
    }
    let text = format!(
        "No site tells what these spend their time on, their own code or what it steps through and \
         drops: {}. A sampling profiler names the lines, of a build without probes:",
        parts.join(", ")
    );
    Some(vec![Block::Text(text), Block::Commands(command::sampling(report))])
}

fn is_riddle(report: &Report, function: &Function) -> bool {
    explained(report, function) < EXPLAINED
}

/// Share of a function's self time that its sites make up.
fn explained(report: &Report, function: &Function) -> f64 {
    let sites = report.sites.iter().filter(|site| site.function == function.id);
    let ns: u64 = sites.filter_map(|site| site.self_ns).sum();
    (ns as f64 / function.self_ns.max(1) as f64).min(1.0)
}

/// Whether a finding is about the call that leads there: then it is known what to do.
fn is_found(report: &Report, called_from: Option<&str>) -> bool {
    let Some(from) = called_from else { return false };
    report.findings.iter().any(|finding| {
        let place = finding.file.as_ref().zip(finding.line);
        place.is_some_and(|(file, line)| from.ends_with(&format!(" ({file}:{line})")))
    })
}

/// What a program without awaits waits for is a matter of the system.
fn waiting(report: &Report) -> Option<Vec<Block<'static>>> {
    let (wall, cpu) = (report.totals.wall_ns as f64, report.totals.cpu_ns? as f64);
    let pct = 100.0 * (1.0 - cpu / wall.max(1.0));
    let awaits = report.functions.iter().any(|function| function.asynchronous.is_some());
    if pct < WAITED_PCT || awaits {
        return None;
    }
    let commands = command::system_calls(report)?;
    let text = format!(
        "{} of the wall time passed without using a processor. What the system was asked for \
         meanwhile, by time:",
        units::percent(pct)
    );
    Some(vec![Block::Text(text), Block::Commands(commands)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{busy, report};
    use crate::schema::{Seen, Timeline, Where};

    fn texts(report: &Report) -> Vec<String> {
        let groups = section(report).map(|section| section.groups).unwrap_or_default();
        let text = |block: Block<'static>| match block {
            Block::Text(text) => text,
            Block::Commands(commands) => commands.join("\n"),
            _ => String::new(),
        };
        groups.into_iter().flatten().map(text).collect()
    }

    #[test]
    fn what_sites_explain_needs_no_other_tool() {
        assert!(texts(&report(&busy(), |_, _| {})).is_empty());
    }

    #[test]
    fn a_function_that_is_all_own_code_is_named_with_a_profiler() {
        let mut facts = busy();
        facts.functions[0].sites.clear();
        let report = report(&facts, |inputs, _| {
            inputs.environment.os = "linux".to_owned();
            inputs.environment.profile = "release".to_owned();
        });
        let texts = texts(&report);
        assert!(texts[0].contains(": 90.0 % in `app::run` itself. A"), "{texts:?}");
        assert!(
            texts[1].contains("perf record --call-graph dwarf cargo run --release"),
            "{texts:?}"
        );
    }

    #[test]
    fn no_profiler_is_named_for_what_only_waited() {
        let mut facts = busy();
        facts.functions[0].sites.clear();
        let mut report = report(&facts, |_, _| {});
        let seen = |blocked| Seen {
            self_ns: 900_000_000,
            running_ns: Some(900_000_000 - blocked),
            blocked_ns: Some(blocked),
            alone_ns: None,
            wall_ns: None,
        };
        let looked = |effective_samples| Timeline {
            samples: 800,
            effective_samples,
            interval_ns: 1_000_000,
            covered_pct: 100.0,
            sampler_cpu_ns: None,
            sampler_cpu_pct: None,
            parallelism: None,
        };
        report.quality.timeline = Some(looked(800.0));
        report.functions[0].timeline = Some(seen(300_000_000));
        assert!(texts(&report)[0].contains("60.0 % in `app::run` itself"), "of 90 % the rest");
        report.functions[0].timeline = Some(seen(800_000_000));
        assert!(texts(&report).is_empty(), "{:?}", texts(&report));
        report.quality.timeline = Some(looked(30.0));
        assert!(!texts(&report).is_empty(), "27 looks tell nothing");
    }

    #[test]
    fn dependencies_count_where_no_finding_says_what_to_do() {
        let mut report = report(&busy(), |_, _| {});
        let place = |line: u32| Where {
            kind: WhereKind::Dependency,
            name: Some("regex".to_owned()),
            called_from: Some(format!("app::run (src/main.rs:{line})")),
            self_ns: 400_000_000,
            self_pct: 40.0,
        };
        report.breakdown.push(place(5));
        assert!(texts(&report).is_empty(), "there is a finding at line 5");
        report.breakdown.push(place(7));
        assert!(texts(&report)[0].contains("40.0 % in `regex`"));
    }

    #[test]
    fn waiting_without_awaits_is_the_systems() {
        let mut report = report(&busy(), |inputs, _| inputs.environment.os = "linux".to_owned());
        report.totals.cpu_ns = Some(100_000_000);
        let found = texts(&report);
        assert!(found[0].starts_with("90.0 % of the wall time passed"), "{found:?}");
        assert!(found[1].contains("strace -f -c -w cargo run"), "{found:?}");
        report.environment.os = "macos".to_owned();
        assert!(texts(&report).is_empty());
        report.environment.os = "linux".to_owned();
        report.totals.cpu_ns = None;
        assert!(texts(&report).is_empty());
    }
}
