//! The hand-over between threads: a lock for cold paths, the chain of free slabs behind it, and the
//! publication of ids. Generic over its words, so that loom can try every order of them.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// The word of a [`Lock`].
pub(crate) trait Word {
    fn load(&self, order: Ordering) -> usize;
    fn store(&self, value: usize, order: Ordering);
    /// Sets it to `value` if it is 0, acquiring what was released with the 0.
    fn claim(&self, value: usize) -> bool;
    /// Lets others run.
    fn pause();
}

impl Word for AtomicUsize {
    fn load(&self, order: Ordering) -> usize {
        AtomicUsize::load(self, order)
    }

    fn store(&self, value: usize, order: Ordering) {
        AtomicUsize::store(self, value, order);
    }

    fn claim(&self, value: usize) -> bool {
        self.compare_exchange(0, value, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn pause() {
        crate::sys::let_others_run();
    }
}

/// A lock for cold paths, which neither allocates nor needs the system. It knows its owner: a fork
/// in the middle of a cold path must not wait for itself.
#[derive(Debug)]
pub(crate) struct Lock<W>(W);

/// Holds a [`Lock`].
#[derive(Debug)]
pub(crate) struct Held<'a, W: Word>(&'a Lock<W>);

impl<W: Word> Lock<W> {
    /// Open, given a word of 0.
    pub(crate) const fn new(word: W) -> Self {
        Self(word)
    }

    /// Waits until it is open. `owner` is not 0, and no other thread's.
    pub(crate) fn take(&self, owner: usize) -> Held<'_, W> {
        while !self.0.claim(owner) {
            W::pause();
        }
        Held(self)
    }

    /// Whether `owner` took it. Only `owner` itself may ask: the answer can't change meanwhile.
    pub(crate) fn is_held_by(&self, owner: usize) -> bool {
        self.0.load(Ordering::Relaxed) == owner
    }

    /// Opens it: for the two sides of a fork, whose preparation took it.
    pub(crate) fn open(&self) {
        self.0.store(0, Ordering::Release);
    }
}

impl<W: Word> Drop for Held<'_, W> {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// A link to a member of a chain, or to nothing.
pub(crate) trait Place<T: 'static> {
    fn get(&self) -> Option<&'static T>;
    fn set(&self, member: Option<&'static T>);
}

/// What is handed from thread to thread.
pub(crate) trait Member: Sized + 'static {
    type Place: Place<Self>;

    /// The next one of the chain, while it is in it.
    fn next_free(&self) -> &Self::Place;
}

/// Puts a member in front of the chain. What its owner wrote, the next one sees: the lock's
/// release and acquire lie between them.
pub(crate) fn hand_back<T: Member, W: Word>(_: &Held<'_, W>, first: &T::Place, member: &'static T) {
    member.next_free().set(first.get());
    first.set(Some(member));
}

/// Takes the first member off the chain.
pub(crate) fn take_over<T: Member, W: Word>(
    _: &Held<'_, W>,
    first: &T::Place,
) -> Option<&'static T> {
    let member = first.get()?;
    first.set(member.next_free().get());
    Some(member)
}

/// An id that is 0 until it is given.
pub(crate) trait Id {
    fn load(&self, order: Ordering) -> u32;
    fn store(&self, value: u32, order: Ordering);
}

impl Id for AtomicU32 {
    fn load(&self, order: Ordering) -> u32 {
        AtomicU32::load(self, order)
    }

    fn store(&self, value: u32, order: Ordering) {
        AtomicU32::store(self, value, order);
    }
}

/// Gives an id. Whoever sees it in [`published`] sees what was written before.
pub(crate) fn publish(id: &impl Id, value: u32) {
    id.store(value, Ordering::Release);
}

/// The id, if it has been given.
pub(crate) fn published(id: &impl Id) -> Option<u32> {
    Some(id.load(Ordering::Acquire)).filter(|id| *id != 0)
}

#[cfg(all(test, loom))]
mod tests;
