//! Rows: the counters of one (site, type) in one slab, found through a table by site.

use core::any::type_name;
use core::mem::needs_drop;

use crate::register::{put_text, text_bytes};
use crate::segment::cell::Count;
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
    fn is_of(&self, name: &str) -> bool {
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

#[cold]
#[inline(never)]
extern "C" fn find_attached_after(
    function: &'static Function,
    index: u32,
    name: &'static str,
    layout: u64,
) -> Option<&'static Row> {
    find_or_make_after(slab::attached(), function, index, Some(Type { name, layout }))
}

/// The row of a site and type; likely `first`, the one that the site leads to.
#[inline(always)]
pub(crate) fn check(
    function: &'static Function,
    index: u32,
    first: Option<&'static Row>,
    of: Type,
) -> Option<&'static Row> {
    match first {
        Some(row) if row.is_of(of.name) => first,
        _ => find_attached_after(function, index, of.name, of.layout),
    }
}

/// The row of an execution that ended without a value: that of the site's first type, else one
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
    if slab.is_none() {
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
    core::iter::successors(first.get(), |row| row.next_type.get()).find(|row| row.is_of(name))
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
    let older = first.get();
    let holds = match older {
        Some(older) => older.holds.get(),
        // Now, as the lock is not held yet.
        None if is_lock(function, index, of) => slab.allot::<Holds>(1).and_then(<[_]>::first),
        None => None,
    };
    row.holds.set(holds);
    row.next_type.set(older);
    first.set(Some(row));
    // They are of all types of the site, which a guard that goes knows nothing of: one row has them.
    older.inspect(|older| older.holds.set(None));
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
