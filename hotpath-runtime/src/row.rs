//! Rows: the counters of one (site, type) in one slab, found through a table by site.

use core::any::type_name;
use core::mem::needs_drop;

use crate::register::{put_text, text_bytes};
use crate::segment::cell::{Count, Link};
use crate::segment::layout::{Holds, Row, Slab};
use crate::site::Function;
use crate::slab::{self, reach};
use crate::{channel, cold, map};

/// What a row is keyed by beside its site.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Type {
    pub(crate) name: &'static str,
    /// Twice the size, and one more where it needs to be dropped.
    pub(crate) layout: u64,
}

impl Type {
    /// The type of a value that is not at hand.
    #[inline(always)]
    pub(crate) fn of<T>() -> Self {
        Self::new(type_name::<T>(), size_of::<T>(), needs_drop::<T>())
    }

    /// The type of a place, of which only the type is known: no size.
    #[inline(always)]
    pub(crate) fn of_receiver<R: ?Sized>() -> Self {
        Self::new(type_name::<R>(), 0, needs_drop::<R>())
    }

    #[inline(always)]
    fn new(name: &'static str, size: usize, needs_drop: bool) -> Self {
        Self { name, layout: ((size as u64) << 1) | u64::from(needs_drop) }
    }
}

impl Row {
    #[inline(always)]
    pub(crate) fn is_of(&self, name: &str) -> bool {
        self.type_start.get() == name.as_ptr().addr() as u64
            && self.type_len.get() == name.len() as u64
    }
}

/// The row of a site and type in this thread's slab, which is most likely `slab`; and that slab.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn find(
    slab: &'static Slab,
    function: &'static Function,
    index: u32,
    of: Type,
) -> (&'static Slab, Option<&'static Row>) {
    match slab.rows.follow(function.site_id(index)) {
        Some(row) if row.is_of(of.name) => (slab, Some(row)),
        _ => find_attached(function, index, of.name, of.layout),
    }
}

// What is called from inlined code says by `extern "C"` that it does not unwind.

#[cold]
#[inline(never)]
extern "C" fn find_attached(
    function: &'static Function,
    index: u32,
    name: &'static str,
    layout: u64,
) -> (&'static Slab, Option<&'static Row>) {
    // The type comes in parts, which lie in no memory before there is need.
    let slab = slab::attached();
    (slab, find_or_make(slab, function, index, Some(Type { name, layout })))
}

/// The row of a site and type; likely `first`, the one that the site led to. For an expression whose end
/// was read before.
pub(crate) fn check(
    slab: &Slab,
    function: &'static Function,
    index: u32,
    first: Option<&'static Row>,
    of: Type,
) -> Option<&'static Row> {
    let row = first.filter(|row| row.is_of(of.name));
    row.or_else(|| find_or_make_after(slab, function, index, Some(of)))
}

/// The row of an execution that ended without a value: that which the site leads to, else one
/// without a type.
#[cold]
pub(crate) fn find_untyped(
    slab: &Slab,
    function: &'static Function,
    index: u32,
) -> Option<&'static Row> {
    let row = slab.rows.follow(function.site_id(index));
    row.or_else(|| find_or_make_after(slab, function, index, None))
}

#[cold]
#[inline(never)]
fn find_or_make(
    slab: &Slab,
    function: &'static Function,
    index: u32,
    of: Option<Type>,
) -> Option<&'static Row> {
    if slab.is_none() {
        return None;
    }
    let found = known(slab, function, index, of);
    found.or_else(|| slab::change(|| cold::within(slab, || add(slab, function, index, of))))
}

/// The same where the expression's end was read before.
#[cold]
#[inline(never)]
fn find_or_make_after(
    slab: &Slab,
    function: &'static Function,
    index: u32,
    of: Option<Type>,
) -> Option<&'static Row> {
    // Of a child that gave up its slab the token may know the parent's.
    if slab.is_none() || slab::current().is_none() {
        return None;
    }
    let found = known(slab, function, index, of);
    found.or_else(|| slab::change(|| cold::after_span(slab, || add(slab, function, index, of))))
}

fn known(
    slab: &Slab,
    function: &'static Function,
    index: u32,
    of: Option<Type>,
) -> Option<&'static Row> {
    function.known_id()?;
    let first = slab.rows.get(function.site_id(index))?;
    let name = of.map_or("", |of| of.name);
    let row = of_site(first).find(|row| row.is_of(name))?;
    if of.is_some() && row.count.get().is_multiple_of(LOOKED_FOR) && !first.is(row) {
        slab::change(|| {
            bring_forward(first, row);
            Some(())
        });
    }
    Some(row)
}

/// A row that is looked for comes to the front once in so many executions: a type that is hot for a while has
/// the short way then, and where types take turns little is spent on it.
const LOOKED_FOR: u64 = 8;

/// The rows of a site, of which the first has its holds.
fn of_site(first: &Link<Row>) -> impl Iterator<Item = &'static Row> {
    core::iter::successors(first.get(), |row| row.next_type.get())
}

/// Makes a row of a site the one that it leads to.
fn bring_forward(first: &Link<Row>, row: &'static Row) {
    let Some(before) = of_site(first).find(|it| it.next_type.is(row)) else { return };
    before.next_type.follow(&row.next_type);
    put_first(first, row);
}

/// Puts a row in front of those of its site. The holds are of all types, which a guard that goes knows
/// nothing of: one row has them.
fn put_first(first: &Link<Row>, row: &'static Row) {
    let older = first.get();
    if let Some(older) = older {
        row.holds.set(older.holds.get());
        older.holds.set(None);
    }
    row.next_type.set(older);
    first.set(Some(row));
}

fn add(
    slab: &Slab,
    function: &'static Function,
    index: u32,
    of: Option<Type>,
) -> Option<&'static Row> {
    let id = function.registered()?;
    let site = function.site_id(index);
    if !reach(&slab.rows, site) {
        return lost();
    }
    let first = slab.rows.get(site)?;
    let Some(row) = make(slab, of) else { return lost() };
    row.function.set(id);
    row.site.set(u64::from(index));
    row.is_await.set(u64::from(kind(function, index) == Some("await")));
    if let (Some(of), Some("await" | "send")) = (of, kind(function, index)) {
        row.channel.set(channel::of(of.name, row.is_await.get() != 0));
    }
    if keeps_histogram(function, index) {
        row.histogram.set(
            first
                .get()
                .and_then(|row| row.histogram.get())
                .or_else(|| slab.make_histogram(id, u64::from(index) + 1)),
        );
    }
    if first.get().is_none() && is_lock(function, index, of) {
        // Now, as the lock is not held yet.
        row.holds.set(slab.allot::<Holds>(1).and_then(<[_]>::first));
    }
    put_first(first, row);
    slab.all_rows.append(row, |row| &row.newer);
    Some(row)
}

/// Whether it is likely that guards come of a site.
fn is_lock(function: &Function, index: u32, of: Option<Type>) -> bool {
    let is_named = |of: Type| ["Mutex", "RwLock"].iter().any(|lock| of.name.contains(lock));
    match kind(function, index) {
        Some("lock") => true,
        Some("await") => of.is_some_and(is_named),
        _ => false,
    }
}

fn make(slab: &Slab, of: Option<Type>) -> Option<&'static Row> {
    let row = slab.allot::<Row>(1)?.first()?;
    if let Some(of) = of {
        let words = slab.allot::<Count>(text_bytes(of.name) / 8)?;
        put_text(&row.type_name, words, of.name);
        row.type_start.set(of.name.as_ptr().addr() as u64);
        row.type_len.set(of.name.len() as u64);
        row.type_size.set(of.layout >> 1);
        row.needs_drop.set(of.layout & 1);
    }
    Some(row)
}

/// Distributions are kept where the tail matters: how long one waits.
fn keeps_histogram(function: &Function, index: u32) -> bool {
    matches!(kind(function, index), Some("await" | "lock"))
}

fn kind(function: &Function, index: u32) -> Option<&'static str> {
    let mut sites = function.described().sites.iter();
    sites.nth(index as usize).map(|site| site.kind)
}

fn lost() -> Option<&'static Row> {
    if let Some(header) = map::header() {
        header.overflowed.add_shared(1);
    }
    None
}
