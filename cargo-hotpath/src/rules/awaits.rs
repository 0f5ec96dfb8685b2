//! Awaits with what was measured and what the source says of them.

use hotpath_runtime_syntax::Kind;

use crate::facts::{AwaitSource, Facts, Repeated};
use crate::impact::{Claim, Measure, Saved, wall_of_wait};
use crate::profile::Awaits;
use crate::rules::site::{Site, sites};
use crate::rules::{Home, Threshold, Thresholds, types};
use crate::units;

/// Mean wait below which changing the order of awaits is not worth it.
pub(super) const MIN_WAIT_NS: Threshold =
    Threshold::new("min_wait_ns", 50_000.0, "mean wait of an await from which it is spoken of");

/// What programs wait for because there is nothing to do.
const EVENTS: &[&str] = &[
    "accept",
    "cancelled",
    "changed",
    "closed",
    "ctrl_c",
    "join_next",
    "next",
    "notified",
    "readable",
    "recv",
    "recv_many",
    "shutdown",
    "tick",
    "try_next",
    "wait",
    "writable",
];

/// Delays that are there on purpose.
const DELAYS: &[&str] = &["sleep", "sleep_until", "yield_now"];

/// What changes something others see: its order may matter.
const ORDERED: &[&str] = &[
    "acquire",
    "begin",
    "close",
    "commit",
    "connect",
    "delete",
    "execute",
    "flush",
    "insert",
    "lock",
    "post",
    "publish",
    "put",
    "read",
    "remove",
    "rollback",
    "save",
    "send",
    "set",
    "update",
    "write",
    "write_all",
];

/// Crates whose futures ask a database.
const DATABASES: &[&str] = &[
    "diesel_async",
    "elasticsearch",
    "mongodb",
    "mysql_async",
    "redis",
    "rusqlite",
    "scylla",
    "sea_orm",
    "sqlx",
    "sqlx_core",
    "tiberius",
    "tokio_postgres",
    "tokio_rusqlite",
];

/// An await that the run reached and that the source is known of.
#[derive(Clone)]
pub(super) struct Await<'a> {
    facts: &'a Facts,
    pub(super) site: Site<'a>,
    pub(super) source: &'a AwaitSource,
    awaits: Awaits,
}

/// All of them, in the order of functions and enumeration.
pub(super) fn awaits<'a>(facts: &'a Facts, thresholds: &'a Thresholds) -> Vec<Await<'a>> {
    let sites = sites(facts, thresholds, &[Kind::Await], |row| row.awaits.is_some());
    let known = sites.into_iter().filter_map(|site| {
        let source = site.source()?.awaited.as_ref()?;
        let awaits = site.awaits();
        Some(Await { facts, site, source, awaits })
    });
    known.collect()
}

impl Await<'_> {
    pub(super) fn is_at(&self, function: usize, index: usize) -> bool {
        (self.site.function, self.site.index()) == (function, index)
    }

    /// What was waited, here and at awaits inside.
    pub(super) fn wait_ns(&self) -> f64 {
        self.awaits.wait_ns as f64 + self.awaits.nested_wait_ns as f64
    }

    /// The same for one execution.
    pub(super) fn mean_ns(&self) -> f64 {
        self.wait_ns() / self.site.count().max(1) as f64
    }

    fn calls(&self, names: &[&str]) -> bool {
        self.source.callee.as_deref().is_some_and(|callee| names.contains(&callee))
    }

    /// Whether it waits for something to do, or on purpose: no fault.
    pub(super) fn is_idle(&self) -> bool {
        self.source.repeated == Repeated::Head
            || self.calls(EVENTS)
            || self.calls(DELAYS)
            || self.is_task()
    }

    /// Whether the order of such calls may matter to somebody.
    pub(super) fn is_ordered(&self) -> bool {
        let is_write = |callee: &str| {
            let first = callee.split('_').next().unwrap_or(callee);
            ORDERED.contains(&callee) || ORDERED.contains(&first)
        };
        self.source.is_exclusive || self.source.callee.as_deref().is_some_and(is_write)
    }

    /// Whether it is the end of a task that runs by itself.
    pub(super) fn is_task(&self) -> bool {
        self.site.type_name().is_some_and(|name| name.contains("::JoinHandle<"))
    }

    /// Whether its future is that of a database's driver.
    pub(super) fn is_query(&self) -> bool {
        self.site.type_name().is_some_and(asks_database)
    }

    /// A claim on the wall time: what is waited less, by the tasks that wait at once.
    pub(super) fn claim(&self, saved: Saved) -> Claim {
        let wall = wall_of_wait(self.facts, self.site.function, saved);
        self.site.claim_of(wall, Measure::Wait)
    }

    /// What was measured, in words.
    pub(super) fn measured(&self) -> String {
        format!(
            "`{}` in `{}` ran {} and waited {} ({} each)",
            self.site.label(),
            self.site.of.path,
            units::counted(self.site.count(), "time"),
            units::time(self.wait_ns()),
            units::time(self.mean_ns()),
        )
    }

    /// How waits become wall time, for the basis.
    pub(super) fn shared(&self) -> String {
        shared(self.facts, self.site.function)
    }
}

/// How waits of a function become wall time, for the basis.
pub(super) fn shared(facts: &Facts, function: usize) -> String {
    match facts.concurrency(function) {
        at_once if at_once > 1.0 => format!(
            "; {at_once:.1} tasks wait at once; high where processors are free: {:.0} % of them are in use",
            100.0 * facts.processors_used()
        ),
        _ => String::new(),
    }
}

/// Whether a type is a database driver's, or an adapter's around one.
pub(super) fn asks_database(type_name: &str) -> bool {
    let is_driver = |name: &str| matches!(types::crate_of(name), Home::Crate(home) if DATABASES.contains(&home));
    is_driver(type_name) || type_name.split(['<', ' ', ',']).any(is_driver)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::{awaited, run};

    fn first(callee: &str, type_name: &str) -> (bool, bool, bool) {
        let mut site = awaited("x.y().await", 10, 1_000_000);
        site.type_name = Some(type_name.to_owned());
        let source = site.source.as_mut().and_then(|source| source.awaited.as_mut());
        source.unwrap().callee = Some(callee.to_owned());
        let facts = run(vec![site]);
        let limits = Thresholds::default();
        let all = awaits(&facts, &limits);
        (all[0].is_idle(), all[0].is_ordered(), all[0].is_query())
    }

    #[test]
    fn names_and_types_tell_what_is_waited_for() {
        assert_eq!(first("recv", "tokio::sync::mpsc::Recv"), (true, false, false));
        assert_eq!(first("sleep", "tokio::time::sleep::Sleep"), (true, false, false));
        assert_eq!(first("insert_order", "app::Insert"), (false, true, false));
        assert_eq!(first("get", "app::get::{{closure}}"), (false, false, false));
        let join = "tokio::runtime::task::join::JoinHandle<()>";
        assert_eq!(first("task", join), (true, false, false));
        let query = "sqlx_core::query_as::QueryAs<sqlx_sqlite::Sqlite>::fetch_one::{{closure}}";
        assert_eq!(first("fetch_one", query), (false, false, true));
        let boxed = "core::pin::Pin<alloc::boxed::Box<dyn redis::aio::Future>>";
        assert!(first("query", boxed).2);
    }
}
