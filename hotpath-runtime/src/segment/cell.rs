//! What mapped memory is made of: words that one thread writes and anybody may read.

use core::sync::atomic::{AtomicPtr, AtomicU64};

/// A counter with a single writer.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Count(pub(crate) AtomicU64);

/// The address of a `T` that is never unmapped, or nothing. Eight bytes on any target, so that
/// segments are laid out alike on all.
#[derive(Debug)]
#[repr(C, align(8))]
pub(crate) struct Link<T>(pub(crate) AtomicPtr<T>);

/// The address and length of private memory: means nothing to a reader.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Table<T> {
    pub(crate) start: AtomicPtr<T>,
    pub(crate) len: Count,
}
