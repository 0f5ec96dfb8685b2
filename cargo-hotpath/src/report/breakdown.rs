//! Where the time went: your code, dependencies, the standard library, outside.

use std::collections::BTreeMap;

use hotpath_runtime_syntax::Kind;

use crate::facts::crates::{Crates, called_crate};
use crate::facts::{Facts, FunctionFacts, SiteFacts};
use crate::impact::span_ns;
use crate::report::share_of_threads;
use crate::rules::{Home, crate_of};
use crate::schema::{Where, WhereKind};

/// Where a site's time is spent, if not in your code, with the crate's name where it is one.
type Destination = (WhereKind, Option<String>);

/// A part that grows site by site.
#[derive(Default)]
struct Part {
    ns: f64,
    most_ns: f64,
    called_from: Option<String>,
}

/// The parts of all threads' measured time but what they were idle outside of it, biggest first; they sum to at most 100 %.
pub(super) fn breakdown(facts: &Facts) -> Vec<Where> {
    let mut parts: BTreeMap<Destination, Part> = BTreeMap::new();
    let mut led_away = 0.0;
    let mut homes = Homes { crates: Crates::new(facts) };
    for function in &facts.functions {
        // A function's own time is the most that its sites can have taken out of it.
        let mut left = function.self_ns as f64;
        for site in &function.sites {
            let Some(destination) = homes.destination(site) else { continue };
            let ns = span_ns(site, &facts.probes).unwrap_or_default().min(left);
            left -= ns;
            led_away += ns;
            let part = parts.entry(destination).or_default();
            part.ns += ns;
            if ns > part.most_ns {
                part.most_ns = ns;
                part.called_from = Some(caller(function, site));
            }
        }
    }
    let own: u64 = facts.functions.iter().map(|function| function.self_ns).sum();
    let mut all = vec![
        entry(facts, WhereKind::YourCode, None, None, own as f64 - led_away),
        entry(facts, WhereKind::Outside, None, None, facts.active_outside_ns() as f64),
    ];
    all.extend(
        parts
            .into_iter()
            .map(|((kind, name), part)| entry(facts, kind, name, part.called_from, part.ns)),
    );
    all.retain(|part| part.self_ns > 0);
    all.sort_by(|a, b| b.self_ns.cmp(&a.self_ns).then_with(|| a.name.cmp(&b.name)));
    all
}

fn entry(
    facts: &Facts,
    kind: WhereKind,
    name: Option<String>,
    called_from: Option<String>,
    ns: f64,
) -> Where {
    let self_pct = share_of_threads(facts, ns);
    Where { kind, name, called_from, self_ns: ns.max(0.0).round() as u64, self_pct }
}

fn caller(function: &FunctionFacts, site: &SiteFacts) -> String {
    format!("{} ({}:{})", function.path, function.file, site.line)
}

/// Whose code a name stands for.
struct Homes<'a> {
    crates: Crates<'a>,
}

impl Homes<'_> {
    fn destination(&mut self, site: &SiteFacts) -> Option<Destination> {
        match site.kind {
            // These run the closures they are given, or the future that is awaited: your code.
            Kind::Collect | Kind::Await | Kind::Grow | Kind::Search => None,
            Kind::Lock => Some((WhereKind::Locks, None)),
            Kind::Format | Kind::Print => Some(in_std()),
            Kind::Call => match called_crate(&site.label) {
                Some(name) => (!self.crates.is_own(name)).then(|| in_dependency(name)),
                None => self.by_type(site),
            },
            _ => self.by_type(site),
        }
    }

    fn by_type(&mut self, site: &SiteFacts) -> Option<Destination> {
        let type_name = site.type_name.as_deref()?;
        // A constructor that can fail is its value's.
        let type_name = type_name.strip_prefix("core::result::Result<").unwrap_or(type_name);
        match crate_of(type_name) {
            Home::Std => Some(in_std()),
            Home::Crate(name) => (!self.crates.is_own(name)).then(|| in_dependency(name)),
        }
    }
}

fn in_std() -> Destination {
    (WhereKind::Std, Some("std".to_owned()))
}

fn in_dependency(name: &str) -> Destination {
    (WhereKind::Dependency, Some(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{hot, run};

    fn of_ns(index: usize, kind: Kind, label: &str, type_name: &str, self_ns: u64) -> SiteFacts {
        SiteFacts { index, self_ns, ..hot(kind, label, type_name) }
    }

    fn parts(sites: Vec<SiteFacts>) -> Vec<(WhereKind, Option<String>, u64)> {
        let parts = breakdown(&run(sites));
        let sum: f64 = parts.iter().map(|part| part.self_pct).sum();
        assert!((sum - 100.0).abs() < 1e-6, "{sum}");
        parts.into_iter().map(|part| (part.kind, part.name, part.self_ns / 1_000_000)).collect()
    }

    #[test]
    fn sites_lead_to_dependencies_and_the_standard_library() {
        let serde = of_ns(0, Kind::Call, "serde_json::from_str(text)", "app::Row", 300_000_000);
        let clone = of_ns(1, Kind::Clone, "x.clone()", "alloc::string::String", 200_000_000);
        let own = of_ns(2, Kind::Clone, "row.clone()", "app::Row", 100_000_000);
        assert_eq!(
            parts(vec![serde, clone, own]),
            [
                (WhereKind::YourCode, None, 400),
                (WhereKind::Dependency, Some("serde_json".to_owned()), 300),
                (WhereKind::Std, Some("std".to_owned()), 200),
                (WhereKind::Outside, None, 100),
            ]
        );
    }

    #[test]
    fn taking_locks_is_a_part_of_its_own() {
        let guard = "core::result::Result<std::sync::poison::mutex::MutexGuard<u32>, E>";
        let lock = of_ns(0, Kind::Lock, "queue.lock()", guard, 400_000_000);
        assert!(parts(vec![lock]).contains(&(WhereKind::Locks, None, 400)));
    }

    #[test]
    fn a_part_names_the_call_that_leads_there_most() {
        let near = of_ns(0, Kind::Format, "format!()", "String", 100_000_000);
        let far = SiteFacts { line: 77, ..of_ns(1, Kind::Print, "println!()", "()", 200_000_000) };
        let parts = breakdown(&run(vec![near, far]));
        let std = parts.iter().find(|part| part.kind == WhereKind::Std);
        let from = std.and_then(|part| part.called_from.as_deref());
        assert_eq!(from, Some("app::run (src/main.rs:77)"));
    }

    #[test]
    fn calls_into_own_modules_stay_in_your_code() {
        let of = |index, label| of_ns(index, Kind::Call, label, "u64", 200_000_000);
        let mut facts =
            run(vec![of(0, "parse::line(x)"), of(1, "report::show(x)"), of(2, "de::f(x)")]);
        facts.functions[0].path = "app::parse::run".to_owned();
        facts.sources.insert("src/main.rs".to_owned(), "use crate::{report, x};\n".to_owned());
        let names: Vec<_> = breakdown(&facts).into_iter().filter_map(|part| part.name).collect();
        assert_eq!(names, ["de"]);
    }

    #[test]
    fn methods_of_other_crates_count_by_their_type() {
        let regex = "core::result::Result<regex::regex::string::Regex, regex::error::Error>";
        let new = of_ns(0, Kind::RegexNew, "Regex::new(..)", regex, 300_000_000);
        let send = of_ns(1, Kind::Call, "client.send(x)", "reqwest::Client", 200_000_000);
        let names: Vec<_> = parts(vec![new, send]).into_iter().filter_map(|part| part.1).collect();
        assert_eq!(names, ["regex", "reqwest"]);
        let unit = "core::result::Result<(), std::io::error::Error>";
        let flush = of_ns(0, Kind::Write, "writer.flush()", unit, 300_000_000);
        assert!(parts(vec![flush]).contains(&(WhereKind::Std, Some("std".to_owned()), 300)));
    }

    #[test]
    fn consumers_of_iterators_run_your_closures() {
        let collect = of_ns(0, Kind::Collect, "x.collect()", "alloc::vec::Vec<u8>", 300_000_000);
        assert_eq!(parts(vec![collect])[0], (WhereKind::YourCode, None, 900));
    }

    #[test]
    fn sites_never_take_more_than_their_function_has() {
        let huge = of_ns(0, Kind::Format, "format!()", "String", 5_000_000_000);
        assert_eq!(parts(vec![huge])[0], (WhereKind::Std, Some("std".to_owned()), 900));
    }

    #[test]
    fn an_empty_run_went_nowhere() {
        assert!(breakdown(&Facts::default()).is_empty());
    }
}
