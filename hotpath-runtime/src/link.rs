//! References into mapped memory, the unsafe part: an address that was stored is a reference again.

use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering::Relaxed, Ordering::Release, fence};

use crate::segment::cell::{Count, Link, Table};
use crate::segment::layout::List;

impl<T: Sync> Link<T> {
    /// A link to nothing.
    pub(crate) const fn none() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// A link to a static.
    pub(crate) const fn to(target: &'static T) -> Self {
        Self(AtomicPtr::new(ptr::from_ref(target).cast_mut()))
    }

    #[inline(always)]
    pub(crate) fn get(&self) -> Option<&'static T> {
        // SAFETY: the fields of this module's types start as null (zeroed pages or `none`) and only
        // `to` and `set` write them, which take a `&'static T`. The segment's file is 0600 and
        // created exclusively, so that no other program writes the word. `T: Sync`, so that the
        // reference may be made on any thread.
        unsafe { self.0.load(Relaxed).as_ref() }
    }

    #[inline(always)]
    pub(crate) fn set(&self, target: Option<&'static T>) {
        self.0.store(target.map_or(ptr::null_mut(), |t| ptr::from_ref(t).cast_mut()), Relaxed);
    }

    /// Leads from now on where the other does.
    #[inline(always)]
    pub(crate) fn follow(&self, other: &Self) {
        self.0.store(other.0.load(Relaxed), Relaxed);
    }

    /// Whether both lead to the same place.
    #[inline(always)]
    pub(crate) fn leads_where(&self, other: &Self) -> bool {
        ptr::eq(self.0.load(Relaxed), other.0.load(Relaxed))
    }

    /// Whether it leads to this very place.
    #[inline(always)]
    pub(crate) fn is(&self, target: &T) -> bool {
        ptr::eq(self.0.load(Relaxed), target)
    }
}

impl<T: Sync> List<T> {
    /// A list without members.
    pub(crate) const fn none() -> Self {
        Self { first: Link::none(), last: Link::none() }
    }

    /// Adds a member, whose link to the next one is `link`.
    pub(crate) fn append(&self, member: &'static T, link: impl Fn(&T) -> &Link<T>) {
        // A snapshot that meets the member has to find in it what was written so far.
        fence(Release);
        match self.last.get() {
            Some(last) => link(last).set(Some(member)),
            None => self.first.set(Some(member)),
        }
        self.last.set(Some(member));
    }
}

impl<T: Sync> Table<Link<T>> {
    /// Where entry `index` leads.
    #[inline(always)]
    pub(crate) fn follow(&self, index: u64) -> Option<&'static T> {
        if index >= self.len.get() {
            return None;
        }
        // SAFETY: as in `get`, which would have the compiler test the entry's address for null.
        unsafe { (*self.start.load(Relaxed).add(index as usize)).get() }
    }
}

impl<T: Sync> Table<T> {
    /// A table without entries.
    pub(crate) const fn none() -> Self {
        Self { start: AtomicPtr::new(ptr::null_mut()), len: Count::new(0) }
    }

    #[inline(always)]
    pub(crate) fn get(&self, index: u64) -> Option<&'static T> {
        if index >= self.len.get() {
            return None;
        }
        // SAFETY: only `set` writes `start` and `len`, both of one `&'static [T]` (`cut` and `restore`
        // write 0 and that length), and only the thread that owns the slab calls them and this; so
        // `index` lies within that slice, which no part of is at null. What a signal handler puts in
        // place of a table between the two loads is longer.
        unsafe {
            let entry = self.start.load(Relaxed).add(index as usize);
            core::hint::assert_unchecked(!entry.is_null());
            Some(&*entry)
        }
    }

    /// Has it seem empty, until [`Table::restore`].
    pub(crate) fn cut(&self) {
        self.len.set(0);
    }

    /// Gives it the length of `whole` back, unless it is another table by now.
    pub(crate) fn restore(&self, whole: &Self) {
        if ptr::eq(self.start.load(Relaxed), whole.start.load(Relaxed)) {
            self.len.set(whole.len.get());
        }
    }

    /// All entries; `None` before there is a table.
    pub(crate) fn entries(&self) -> Option<&'static [T]> {
        let start = NonNull::new(self.start.load(Relaxed))?;
        // SAFETY: `start` and `len` are of one `&'static [T]`, as in `get`.
        unsafe { Some(core::slice::from_raw_parts(start.as_ptr(), self.len.get() as usize)) }
    }

    pub(crate) fn set(&self, entries: &'static [T]) {
        // Never a length that belongs to a longer table than `start`.
        self.len.set(0);
        self.start.store(entries.as_ptr().cast_mut(), Relaxed);
        self.len.set(entries.len() as u64);
    }
}
