//! Judged budgets: as a table for people, with the places that broke them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hotpath_runtime_syntax::budget::{Metric, Unit};

use super::instructions;
use super::markdown::escape;
use crate::schema::{Budget, BudgetOrigin, BudgetStatus, Cause, Report};
use crate::units;

/// The verdict for people.
pub fn human(report: &Report, sources: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for warning in &report.quality.warnings {
        // Writing to a string can't fail.
        let _ = writeln!(text, "warning[{}]: {}", warning.id, warning.message);
    }
    let _ = writeln!(text, "{}", headline(report));
    if let Some(instructions) = instructions::sentence(report) {
        let _ = writeln!(text, "{instructions}");
    }
    text.push('\n');
    let rows = table(report);
    if rows.len() > 1 {
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> = (0..5).map(|column| width(column).unwrap_or(0)).collect();
        for row in &rows {
            let [verdict, limit, actual, margin, metric, target] = row;
            let _ = writeln!(
                text,
                "  {verdict:<a$}  {limit:>b$}  {actual:>c$}  {margin:>d$}  {metric:<e$}  {target}",
                a = widths[0],
                b = widths[1],
                c = widths[2],
                d = widths[3],
                e = widths[4],
            );
        }
    }
    if let Some(kept) = kept(report) {
        let _ = writeln!(text, "  {kept}");
    }
    for budget in broken(report) {
        let _ = writeln!(text, "\n{}", sentence(budget));
        for cause in &budget.causes {
            let _ = writeln!(text, "  --> {}", cause_sentence(cause));
            if let Some(line) = source_line(cause, sources) {
                let _ = writeln!(text, "  {:>5} | {line}", cause.line);
            }
        }
    }
    text
}

/// The verdict for a pull request.
pub fn markdown(report: &Report, sources: &BTreeMap<String, String>) -> String {
    let mut text = format!("## cargo hotpath: {}\n\n", escape::text(&headline(report)));
    if let Some(instructions) = instructions::sentence(report) {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{}\n", escape::text(&instructions));
    }
    for warning in &report.quality.warnings {
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "> **{}**: {}\n",
            escape::text(&warning.id),
            escape::text(&warning.message)
        );
    }
    let rows = table(report);
    if rows.len() > 1 {
        for (index, row) in rows.iter().enumerate() {
            let cells = row.iter().enumerate().map(|(column, it)| match column {
                5 if index > 0 => escape::cell(it),
                _ => escape::text(it),
            });
            let _ = writeln!(text, "| {} |", cells.collect::<Vec<_>>().join(" | "));
            if index == 0 {
                text.push_str("| --- | ---: | ---: | ---: | --- | --- |\n");
            }
        }
        text.push('\n');
    }
    if let Some(kept) = kept(report) {
        let _ = writeln!(text, "{}\n", escape::text(&kept));
    }
    for budget in broken(report) {
        let _ = writeln!(text, "### {}\n", escape::text(&sentence(budget)));
        for cause in &budget.causes {
            let _ = writeln!(text, "- {}", escape::text(&cause_sentence(cause)));
            if let Some(line) = source_line(cause, sources) {
                let _ = writeln!(text, "\n{}\n", escape::fenced("rust", line.trim()));
            }
        }
    }
    for finding in report.findings.iter().filter(|finding| finding.denied) {
        let place = finding.file.clone().zip(finding.line);
        let place = place.map(|(file, line)| format!(" (`{file}:{line}`)")).unwrap_or_default();
        let said = format!("`{}` is denied: {}{place}", finding.rule, finding.title);
        let _ = writeln!(text, "- {}", escape::text(&said));
    }
    text
}

/// `2 of 14 budgets are broken: bin `shop`, 3 repetitions`.
fn headline(report: &Report) -> String {
    let all = report.budgets.len();
    let broken = broken(report).count();
    let denied = report.findings.iter().filter(|finding| finding.denied).count();
    let budgets = match (all, broken) {
        (0, _) => "no budgets".to_owned(),
        (_, 0) => format!("{} kept", units::counted(all as u64, "budget")),
        _ => format!("{broken} of {} broken", units::counted(all as u64, "budget")),
    };
    let denied = match denied {
        0 => String::new(),
        denied => format!(", {} denied", units::counted(denied as u64, "finding")),
    };
    let runs = units::counted(report.runs.len() as u64, "repetition");
    let workload = &report.workload;
    format!("{budgets}{denied}: {} `{}`, {runs}", workload.kind, workload.name)
}

fn broken(report: &Report) -> impl Iterator<Item = &Budget> {
    report.budgets.iter().filter(|budget| budget.status == BudgetStatus::Fail)
}

/// Each budget that somebody wrote, and each that is broken; the header first.
fn table(report: &Report) -> Vec<[String; 6]> {
    let header = ["", "limit", "actual", "margin", "metric", "of"].map(str::to_owned);
    let is_shown = |budget: &&Budget| {
        budget.origin != BudgetOrigin::Baseline || budget.status == BudgetStatus::Fail
    };
    let row = |budget: &Budget| {
        let verdict = if budget.status == BudgetStatus::Fail { "FAIL" } else { "ok" };
        [
            verdict.to_owned(),
            value(budget, budget.limit),
            actual(budget),
            margin(budget),
            if budget.unsteady {
                format!("{}, unsteady", budget.metric)
            } else {
                budget.metric.clone()
            },
            budget.target.clone(),
        ]
    };
    [header].into_iter().chain(report.budgets.iter().filter(is_shown).map(row)).collect()
}

/// What the baseline alone limits, and what keeps to it.
fn kept(report: &Report) -> Option<String> {
    let is_kept = |budget: &&Budget| {
        budget.origin == BudgetOrigin::Baseline && budget.status == BudgetStatus::Pass
    };
    let count = report.budgets.iter().filter(is_kept).count() as u64;
    (count > 0).then(|| {
        let plural = if count == 1 { " does" } else { "s do" };
        format!("{} figure{plural} not exceed the baseline", units::count(count))
    })
}

/// ``allocs_per_call of `orders::parse` is 4, its limit is 3 (configuration)``.
pub(crate) fn sentence(budget: &Budget) -> String {
    let origin = match budget.origin {
        BudgetOrigin::Configuration => "configuration",
        BudgetOrigin::Attribute => "attribute",
        BudgetOrigin::Baseline => "baseline",
    };
    let place = budget.file.as_ref().zip(budget.line);
    let place = place.map(|(file, line)| format!(" ({file}:{line})")).unwrap_or_default();
    let target = match budget.function {
        Some(_) => format!("`{}`{place}", budget.target),
        None => "the workload".to_owned(),
    };
    let (metric, limit) = (&budget.metric, value(budget, budget.limit));
    let unsteady = if budget.unsteady { ", unsteady" } else { "" };
    format!("{metric} of {target} is {}, its limit is {limit} ({origin}{unsteady})", actual(budget))
}

/// ``src/links.rs:12:9 `text.to_owned()` in `links::count`: 12 allocations (96 B), 12 more``.
pub(crate) fn cause_sentence(cause: &Cause) -> String {
    let Cause { function, file, line, column, text, allocs, alloc_bytes, .. } = cause;
    let what = if cause.site.is_some() { format!("`{text}`") } else { text.clone() };
    let more = match cause.more_allocs {
        Some(more @ 1..) => format!(", {} more than in the baseline", units::count(more as u64)),
        Some(0) => ", as in the baseline".to_owned(),
        Some(less) => {
            format!(", {} fewer than in the baseline", units::count(less.unsigned_abs()))
        }
        None => String::new(),
    };
    format!(
        "{file}:{line}:{column} {what} in `{function}`: {} ({}){more}",
        units::counted(*allocs, "allocation"),
        units::bytes(*alloc_bytes)
    )
}

fn unit(budget: &Budget) -> Unit {
    budget.metric.parse::<Metric>().map_or(Unit::Count, Metric::unit)
}

/// Decimals that a figure of the judge has at most.
const MOST_DECIMALS: usize = 9;

/// A figure as it is read best.
fn short(unit: Unit, value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    let size = value.abs();
    let text = match unit {
        Unit::Count if size.fract() == 0.0 => units::count(size as u64),
        Unit::Count => format!("{size:.3}"),
        Unit::Bytes => units::bytes(size.round() as u64),
        Unit::Nanoseconds => units::time(size),
    };
    format!("{sign}{text}")
}

/// In the smallest unit, with so many decimals as there are.
fn long(unit: Unit, value: f64) -> String {
    let text = format!("{value:.MOST_DECIMALS$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match unit {
        Unit::Count => text.to_owned(),
        Unit::Bytes => format!("{text} B"),
        Unit::Nanoseconds => format!("{text} ns"),
    }
}

/// A figure with so many digits as tell what was counted from its limit: a broken budget never shows the
/// same number twice.
fn value(budget: &Budget, value: f64) -> String {
    let unit = unit(budget);
    let shown = |value: f64| match unit {
        Unit::Count => format!("{value:.3}"),
        _ => short(unit, value),
    };
    let differs = (budget.actual - budget.limit).abs() > 0.0;
    let is_near = differs && shown(budget.actual) == shown(budget.limit);
    if is_near { long(unit, value) } else { short(unit, value) }
}

/// `4`, or `4 to 5` where repetitions differ.
fn actual(budget: &Budget) -> String {
    let (least, most) = (value(budget, budget.actual), value(budget, budget.actual_most));
    if least == most { least } else { format!("{least} to {most}") }
}

/// What is left below the limit, in percent of it; negative where it is exceeded.
fn margin(budget: &Budget) -> String {
    let left = budget.limit - budget.actual;
    if budget.limit > 0.0 {
        let pct = 100.0 * left / budget.limit;
        // As many decimals as it takes for less than nothing not to be 0.
        let is_seen = |decimals: &usize| pct.abs() * 10_f64.powf(*decimals as f64) >= 0.5;
        let decimals = (1..=MOST_DECIMALS).find(is_seen).filter(|_| pct != 0.0).unwrap_or(1);
        format!("{pct:+.decimals$} %")
    } else {
        value(budget, left)
    }
}

fn source_line<'s>(cause: &Cause, sources: &'s BTreeMap<String, String>) -> Option<&'s str> {
    let source = sources.get(&cause.file)?;
    source.lines().nth((cause.line as usize).checked_sub(1)?).map(str::trim_end)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::report::tests::{busy, report};

    pub(crate) fn broken() -> Budget {
        Budget {
            target: "app::run".to_owned(),
            metric: "allocs_per_call".to_owned(),
            limit: 3.0,
            actual: 4.0,
            actual_most: 5.0,
            unsteady: false,
            status: BudgetStatus::Fail,
            origin: BudgetOrigin::Configuration,
            function: Some("f1".to_owned()),
            file: Some("src/main.rs".to_owned()),
            line: Some(3),
            column: Some(4),
            causes: vec![Cause {
                site: Some("f1:clone:0".to_owned()),
                function: "app::run".to_owned(),
                file: "src/main.rs".to_owned(),
                line: 5,
                column: 23,
                text: "name.clone()".to_owned(),
                count: 10,
                allocs: 12,
                alloc_bytes: 96,
                more_allocs: Some(12),
            }],
        }
    }

    #[test]
    fn a_broken_budget_names_limit_actual_margin_and_cause() {
        let facts = busy();
        let mut report = report(&facts, |_, _| {});
        report.budgets = vec![broken()];
        let text = human(&report, &facts.sources);
        assert!(text.contains("1 of 1 budget broken: bin `"), "{text}");
        assert!(text.contains("FAIL      3  4 to 5  -33.3 %  allocs_per_call  app::run"), "{text}");
        assert!(text.contains("is 4 to 5, its limit is 3 (configuration)"), "{text}");
        let cause = "  --> src/main.rs:5:23 `name.clone()` in `app::run`: 12 allocations (96 B), 12 \
                     more than in the baseline\n      5 |       total += width(&name.clone());\n";
        assert!(text.contains(cause), "{text}");
        let text = markdown(&report, &facts.sources);
        assert!(
            text.contains("| FAIL | 3 | 4 to 5 | -33.3 % | allocs\\_per\\_call | `app::run` |")
        );
        assert!(text.contains("total += width(&name.clone());"), "{text}");
    }

    #[test]
    fn what_exceeds_its_limit_never_reads_as_if_it_kept_it() {
        let of = |metric: &str, limit: f64, actual: f64| {
            let metric = metric.to_owned();
            let budget = Budget { metric, limit, actual, actual_most: actual, ..broken() };
            let text = sentence(&budget);
            let figures = text.split_once(" is ").unwrap().1.replace(" (configuration)", "");
            (figures.replace(", its limit is ", " > "), margin(&budget))
        };
        let said = |figures: &str, margin: &str| (figures.to_owned(), margin.to_owned());
        assert_eq!(of("allocs_per_call", 3.0, 3.0001), said("3.0001 > 3", "-0.003 %"));
        assert_eq!(of("allocs_per_call", 3.1, 3.100_01), said("3.10001 > 3.1", "-0.0003 %"));
        assert_eq!(of("allocs_per_call", 2.9999, 3.0), said("3 > 2.9999", "-0.003 %"));
        assert_eq!(of("allocs_per_call", 3.0, 3.5), said("3.500 > 3", "-16.7 %"));
        let near = said("1048577 B > 1048576 B", "-0.0001 %");
        assert_eq!(of("alloc_bytes", 1_048_576.0, 1_048_577.0), near);
        assert_eq!(of("alloc_bytes_per_call", 0.0, 96.0), said("96 B > 0 B", "-96 B"));
        assert_eq!(of("alloc_bytes_per_call", 0.0, 0.25), said("0.25 B > 0 B", "-0.25 B"));
        assert_eq!(of("allocs", 0.0, 1200.0), said("1 200 > 0", "-1 200"));
        assert_eq!(of("p99", 50_000.0, 50_001.0), said("50001 ns > 50000 ns", "-0.002 %"));
        let kept = Budget { limit: 0.0, actual: 0.0, actual_most: 0.0, ..broken() };
        assert_eq!((margin(&kept), value(&kept, 0.0)), ("0".to_owned(), "0".to_owned()));
        let kept = Budget { limit: 3.0, actual: 3.0, actual_most: 3.0, ..broken() };
        assert_eq!((margin(&kept), actual(&kept)), ("+0.0 %".to_owned(), "3".to_owned()));
    }

    #[test]
    fn what_is_unsteady_is_marked() {
        let mut report = report(&busy(), |_, _| {});
        report.budgets = vec![Budget { unsteady: true, ..broken() }];
        let text = human(&report, &BTreeMap::new());
        assert!(text.contains("allocs_per_call, unsteady  app::run"), "{text}");
        assert!(text.contains("its limit is 3 (configuration, unsteady)"), "{text}");
    }

    #[test]
    fn the_other_formats_point_at_the_site() {
        let mut report = report(&busy(), |_, _| {});
        (report.budgets, report.findings) = (vec![broken()], Vec::new());
        let text = crate::report::github::render(&report, "");
        assert!(text.starts_with("::error file=src/main.rs,line=5,col=23,title=budget"), "{text}");
        let text = crate::report::junit::render(&report);
        assert!(text.contains("<testcase classname=\"app::run\" name=\"allocs_per_call\">"));
        assert_eq!(text.matches("<failure ").count(), 1, "{text}");
        let text = crate::report::sarif::render(&report, "");
        assert!(text.contains("\"ruleId\": \"budget\"") && text.contains("\"startLine\": 5"));
    }
}
