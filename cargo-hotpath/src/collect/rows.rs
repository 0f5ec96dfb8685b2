//! Counters of expression and await sites, merged by (function, site, type).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use hotpath_runtime::segment::reader;
use hotpath_runtime_syntax::Kind;

use super::Local;
use crate::profile::{Awaits, Hold, Row};

/// The rows merged so far.
#[derive(Default)]
pub(super) struct Rows {
    of: BTreeMap<(usize, usize, Option<String>), Row>,
}

impl Rows {
    /// Adds those of one slab.
    pub(super) fn add(
        &mut self,
        rows: &[reader::Row],
        functions: &[reader::Function],
        local: Local<'_>,
    ) {
        for row in rows {
            let kind = &functions[row.function].sites[row.site].kind;
            let added = convert(row, kind == Kind::Await.name(), local);
            let key = (added.function, added.site, added.type_name.clone());
            match self.of.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(added);
                }
                Entry::Occupied(mut entry) => add(entry.get_mut(), &added),
            }
        }
    }

    /// The rows, sorted by (function, site, type).
    pub(super) fn finish(self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.of.into_values().collect();
        for site in rows.chunk_by_mut(|a, b| (a.function, a.site) == (b.function, b.site)) {
            gather_holds(site);
        }
        // What only a guard made that went where nobody took the lock has nothing left.
        rows.retain(|row| row.type_name.is_some() || row.count > 0 || row.hold.is_some());
        rows
    }
}

/// Gives the holds of a site to the row that ran most: a guard that goes doesn't know its type.
fn gather_holds(site: &mut [Row]) {
    let mut all = None;
    for row in &mut *site {
        add_hold(&mut all, row.hold.take());
    }
    let main = site.iter_mut().max_by_key(|row| (row.type_name.is_some(), row.count));
    if let Some(main) = main {
        main.hold = all;
    }
}

fn convert(row: &reader::Row, is_await: bool, local: Local<'_>) -> Row {
    let rate = local.rate;
    Row {
        function: local.functions[row.function],
        site: row.site,
        type_name: row.type_name.clone(),
        type_size: row.type_size,
        needs_drop: row.needs_drop,
        count: row.count,
        timed: row.timed,
        self_ns: rate.ns(row.ticks),
        error_ns: rate.error_ns(row.variance),
        max_ns: rate.ns(row.max),
        allocs: rate.allocs(&row.allocs),
        awaits: is_await.then(|| Awaits {
            polls: row.polls,
            ready: row.ready,
            wait_ns: rate.ns(row.wait),
            nested_wait_ns: rate.ns(row.nested_wait),
            cancelled: row.cancelled,
        }),
        hold: row.holds.as_ref().map(|holds| Hold {
            count: holds.count,
            timed: holds.timed,
            ns: rate.ns(holds.ticks),
            max_ns: rate.ns(holds.max),
        }),
        waiting: row.waiting,
        unreceived: row.unreceived,
    }
}

fn add(sum: &mut Row, row: &Row) {
    sum.type_size = sum.type_size.max(row.type_size);
    sum.needs_drop |= row.needs_drop;
    sum.count = sum.count.saturating_add(row.count);
    sum.timed = sum.timed.saturating_add(row.timed);
    sum.self_ns = sum.self_ns.saturating_add(row.self_ns);
    sum.error_ns = sum.error_ns.hypot(row.error_ns);
    sum.max_ns = sum.max_ns.max(row.max_ns);
    sum.allocs.add(&row.allocs);
    if let Some(awaits) = row.awaits {
        let sum = sum.awaits.get_or_insert_with(Awaits::default);
        sum.polls = sum.polls.saturating_add(awaits.polls);
        sum.ready = sum.ready.saturating_add(awaits.ready);
        sum.wait_ns = sum.wait_ns.saturating_add(awaits.wait_ns);
        sum.nested_wait_ns = sum.nested_wait_ns.saturating_add(awaits.nested_wait_ns);
        sum.cancelled = sum.cancelled.saturating_add(awaits.cancelled);
    }
    add_hold(&mut sum.hold, row.hold);
    // Of one process it is the same on all threads.
    sum.waiting = sum.waiting.max(row.waiting);
    sum.unreceived = sum.unreceived.max(row.unreceived);
}

fn add_hold(sum: &mut Option<Hold>, hold: Option<Hold>) {
    if let Some(hold) = hold {
        sum.get_or_insert_default().add(&hold);
    }
}
