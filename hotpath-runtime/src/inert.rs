//! The probes of targets without mapped counters: the same names and types, nothing measured.

use core::future::{Future, IntoFuture};
use core::marker::PhantomData;

use crate::site::Function;

/// Guard of a measured call.
#[derive(Debug)]
pub struct Call(PhantomData<*const ()>);

impl Drop for Call {
    #[inline]
    fn drop(&mut self) {}
}

/// Opens a call.
#[inline]
pub fn call(_function: &'static Function) -> Call {
    Call(PhantomData)
}

/// An open expression span.
#[derive(Debug)]
pub struct Token(PhantomData<*const ()>);

impl Drop for Token {
    #[inline]
    fn drop(&mut self) {}
}

/// Opens a timed span.
#[inline]
pub fn site(_function: &'static Function, _index: u32) -> Token {
    Token(PhantomData)
}

/// Opens a timed span with the receiver's type.
#[inline]
pub fn site_on<R: ?Sized>(_function: &'static Function, _index: u32, _receiver: *const R) -> Token {
    Token(PhantomData)
}

/// Opens a counted span.
#[inline]
pub fn grow(_function: &'static Function, _index: u32) -> Token {
    Token(PhantomData)
}

/// Opens a counted span with the receiver's type.
#[inline]
pub fn grow_on<R: ?Sized>(_function: &'static Function, _index: u32, _receiver: *const R) -> Token {
    Token(PhantomData)
}

/// Opens the span of a message that is sent.
#[inline]
pub fn send_on<R: ?Sized>(_function: &'static Function, _index: u32, _receiver: *const R) -> Token {
    Token(PhantomData)
}

/// Closes a span.
#[inline]
pub fn exit<T>(_token: Token, value: T) -> T {
    value
}

/// Closes the span of a message that is sent.
#[inline]
pub fn sent<T>(_token: Token, value: T) -> T {
    value
}

/// Restarts the span on top.
#[inline]
pub fn mark<T>(value: T) -> T {
    value
}

/// Beside the guard of a lock.
#[derive(Debug)]
pub struct Hold(());

/// Comes beside a guard.
#[inline]
pub fn hold(_function: &'static Function, _index: u32) -> Hold {
    Hold(())
}

/// Goes before its guard does.
#[inline]
pub fn held(_hold: Hold) {}

/// The body of an `async fn`.
pub type Frame<F> = F;

/// Hands the body of an `async fn` back.
#[inline]
pub fn frame<F: Future>(_function: &'static Function, future: F) -> Frame<F> {
    future
}

/// An awaited future.
pub type Awaited<F> = F;

/// Hands an awaited future back.
#[inline]
pub fn awaited<F: IntoFuture>(
    _function: &'static Function,
    _index: u32,
    future: F,
) -> Awaited<F::IntoFuture> {
    future.into_future()
}

/// Guard over the body of a function that returns a future.
#[derive(Debug)]
pub struct Making(PhantomData<*const ()>);

impl Drop for Making {
    #[inline]
    fn drop(&mut self) {}
}

/// Opens the span in which a function makes its future.
#[inline]
pub fn making(_function: &'static Function) -> Making {
    Making(PhantomData)
}

/// An iterator that a function returns.
pub type Steps<I> = I;

/// Hands the iterator that a function returns back.
#[inline]
pub fn steps<I: Iterator>(_function: &'static Function, iterator: I) -> Steps<I> {
    iterator
}

/// What a `for` goes through.
pub type Each<I> = I;

/// Hands what a `for` goes through back.
#[inline]
pub fn each<I: IntoIterator>(
    _function: &'static Function,
    _index: u32,
    iterable: I,
) -> Each<I::IntoIter> {
    iterable.into_iter()
}

/// A piece of async code.
#[derive(Debug)]
pub struct Scope(());

/// Opens a scope.
#[inline]
pub fn scope(_function: &'static Function) -> Scope {
    Scope(())
}

impl Scope {
    /// Hands an await of the scope back.
    #[inline]
    pub fn through<F: IntoFuture>(&self, future: F) -> F::IntoFuture {
        future.into_future()
    }
}
