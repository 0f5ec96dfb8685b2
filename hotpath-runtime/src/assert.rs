//! `assert_allocs!`: a limit for the allocations of a block, checked in tests.

use core::fmt;
use core::future::Future;
use core::panic::Location;

use crate::measure::{Measured, measure, measure_async};

/// Runs a block and panics if it made more allocations than the limit allows; gives its value.
///
/// ```
/// let text = hotpath_runtime::assert_allocs!(<= 1, { "text".to_owned() });
/// hotpath_runtime::assert_allocs!(== 0, { text.len() });
/// hotpath_runtime::assert_allocs!(< 3, { text.clone() });
/// # async fn load() {}
/// # async fn test() {
/// hotpath_runtime::assert_allocs!(<= 4, async { load().await }).await;
/// # }
/// ```
///
/// Counted is what this thread allocates, by [`measure`](crate::measure()), and for an async block
/// what its polls do, by [`measure_async`](crate::measure_async); so the answer is the same when tests
/// run in parallel. Reallocations are no allocations, but a limit that allows no allocation allows
/// no reallocation either. The block is a closure's: `return` and `?` leave the block only; what it
/// gives can be asked after the macro, `assert_allocs!(<= 3, { parse(text) })?`.
///
/// Built with optimisation, code may allocate less than it says.
///
/// Where nothing is measured (the feature `enabled` is off, no counting allocator is there) the
/// block runs, nothing is checked, and one line on stderr says so; with `CARGO_HOTPATH_REQUIRE=1` in
/// the environment that is a failure. `cargo test --features hotpath-runtime/global-allocator` checks.
///
/// # Panics
///
/// Where the block allocates more, and as the block does.
#[macro_export]
macro_rules! assert_allocs {
    (<= $($rest:tt)+) => { $crate::__assert_allocs!(AtMost $($rest)+) };
    (== $($rest:tt)+) => { $crate::__assert_allocs!(Exactly $($rest)+) };
    (< $($rest:tt)+) => { $crate::__assert_allocs!(Below $($rest)+) };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "`assert_allocs!` starts with its limit, one of `<=`, `==` and `<` with a number: \
             `assert_allocs!(<= 3, { .. })`"
        )
    };
}

/// What is behind the operator of [`assert_allocs!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __assert_allocs {
    ($limit:ident $number:expr, async move $body:block $(,)?) => {
        $crate::__assert::future($crate::__assert::Limit::$limit($number), async move $body)
    };
    ($limit:ident $number:expr, async $body:block $(,)?) => {
        $crate::__assert::future($crate::__assert::Limit::$limit($number), async $body)
    };
    ($limit:ident $number:expr, $body:expr $(,)?) => {
        $crate::__assert::block($crate::__assert::Limit::$limit($number), || $body)
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "`assert_allocs!` takes a limit and one block: `assert_allocs!(<= 3, { .. })`"
        )
    };
}

/// What a block may allocate.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// `<= n`
    AtMost(u64),
    /// `== n`
    Exactly(u64),
    /// `< n`
    Below(u64),
}

impl Limit {
    fn allows(self, allocs: u64) -> bool {
        match self {
            Self::AtMost(limit) => allocs <= limit,
            Self::Exactly(limit) => allocs == limit,
            Self::Below(limit) => allocs < limit,
        }
    }

    /// Whether what was counted is within it. What was not measured is not checked: that has been
    /// said.
    fn is_kept<T>(self, measured: &Measured<T>) -> bool {
        let Some((allocs, reallocs)) = measured.allocs().zip(measured.reallocs()) else {
            return true;
        };
        self.allows(allocs) && (reallocs == 0 || !self.is_none())
    }

    /// Whether it is a limit for blocks that don't allocate.
    fn is_none(self) -> bool {
        self.allows(0) && !self.allows(1)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(limit) => write!(f, "allocations <= {limit}"),
            Self::Exactly(limit) => write!(f, "allocations == {limit}"),
            Self::Below(limit) => write!(f, "allocations < {limit}"),
        }?;
        if self.is_none() { f.write_str(", and no reallocation") } else { Ok(()) }
    }
}

/// `assert_allocs!` with a block.
#[track_caller]
pub fn block<T>(limit: Limit, work: impl FnOnce() -> T) -> T {
    let measured = measure(work);
    assert!(limit.is_kept(&measured), "assertion failed: {limit}\n counted: {measured}");
    measured.value
}

/// `assert_allocs!` with an async block. Nobody sees where a future is polled from: the place is in
/// the message.
#[track_caller]
pub fn future<F: Future>(limit: Limit, future: F) -> impl Future<Output = F::Output> {
    let at = Location::caller();
    async move {
        let measured = measure_async(future).await;
        let is_kept = limit.is_kept(&measured);
        assert!(is_kept, "assertion failed: {limit}\n counted: {measured}\n      at: {at}");
        measured.value
    }
}
