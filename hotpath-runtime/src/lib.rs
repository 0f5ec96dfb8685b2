//! Probes and counters behind `#[hotpath]`; an empty shell until a build enables it.
//!
//! Annotate functions with [`macro@hotpath`]. Without the feature `enabled` the attribute hands
//! its item back and this crate is empty. `cargo hotpath run` switches the feature on.
//!
//! # What the probes measure
//!
//! Counts and allocations are exact. Every call is timed, until a function or expression has shown
//! over 1,024 of them that it is short (its mean is under 20 times what a probe costs); from then
//! on one call in 4 to 256, more rarely the more there are, chosen at random, and the times of
//! such a function or expression are estimates. Recursive functions are always timed.
//!
//! With `CARGO_HOTPATH_THROTTLE=0` in the environment of the program every call is timed; it is
//! read once, at the first probe. With `CARGO_HOTPATH_RETAINED=BYTES` live blocks are sampled, one
//! byte in so many on average; it is read once as well.
//!
//! # In tests
//!
//! [`assert_allocs!`] and [`fn@measure`] count what a piece of code does on its thread, `measure_async` what the
//! polls of a future do, however many tests run at the same time. They need the features `enabled` and
//! `global-allocator` (or an [`Allocator`]); without, they run the code and check nothing.
//!
//! # Clock
//!
//! Probes read the processor's counter where that is fit to be a clock: it is invariant, the kernel
//! goes by it, a reading takes at most 200 ns, and it runs forward and evenly by the system's clock
//! (watched for some 40 µs, at the first probe). Else, and with `CARGO_HOTPATH_CLOCK=system` in the
//! environment, they read the system's monotonic clock, which costs more.
//!
//! On threads that poll tasks the thread's CPU clock is read around a random sample of the polls: a call of
//! the system, four of them for each, which takes four thousandths of the thread's time at most.
//!
//! # Where it measures
//!
//! On 64-bit Unix systems. Elsewhere (Windows, wasm, 32 bits, no `std`) a build that is switched on
//! is as empty as one that is not: it compiles, and counts nothing.
#![cfg_attr(
    not(any(
        test,
        feature = "reader",
        all(feature = "enabled", unix, target_pointer_width = "64")
    )),
    no_std
)]
#![allow(
    clippy::inline_always,
    reason = "a probe must cost the same in every profile: without LTO, `inline` is no promise"
)]
#![allow(
    improper_ctypes_definitions,
    reason = "of what inlined probes call, `extern \"C\"` says that it does not unwind: both sides are ours"
)]

pub use hotpath_runtime_macros::hotpath;

pub use self::alloc::Allocator;
pub use self::measure::{Measured, measure, measure_async};

/// Measures a piece of code like a function of its own: `scope!("label", { .. })`.
///
/// The block stays part of the function around: it may use `return`, `?`, `break` and `.await`,
/// and the whole is an expression with the block's value. Across an `.await` the time while it is
/// suspended is not its own. Without the feature `enabled` only the block is left.
///
/// An await that is hidden in another macro (`select!`) is refused with an error.
///
/// ```
/// # fn read() -> Result<String, std::fmt::Error> { Ok("1 2".to_owned()) }
/// # fn parse() -> Result<usize, std::fmt::Error> {
/// let words = hotpath_runtime::scope!("read and split", {
///     let text = read()?;
///     text.split(' ').count()
/// });
/// # Ok(words)
/// # }
/// # assert_eq!(parse(), Ok(2));
/// ```
#[cfg(any(test, feature = "enabled"))]
#[macro_export]
macro_rules! scope {
    ($($input:tt)*) => { $crate::__private::measured_scope!($crate, $($input)*) };
}

/// Measures a piece of code like a function of its own, once the feature `enabled` is on; without
/// it, this is the block: `scope!("label", { .. })`.
#[cfg(not(any(test, feature = "enabled")))]
#[macro_export]
macro_rules! scope {
    ($label:literal, $body:block $(,)?) => {
        $body
    };
}

/// The packages that measure, each with its files: path below `src`, and text. Tests are left out.
#[doc(hidden)]
#[cfg(feature = "sources")]
pub const SOURCES: &[(&str, &[(&str, &str)])] = hotpath_runtime_macros::sources!();

#[doc(hidden)]
#[path = "assert.rs"]
pub mod __assert;
mod alloc;
mod measure;
#[cfg(not(all(any(test, feature = "enabled"), unix, target_pointer_width = "64")))]
#[path = "unmetered.rs"]
mod meter;
mod notice;

#[cfg(all(feature = "global-allocator", unix, target_pointer_width = "64", not(test)))]
#[global_allocator]
static GLOBAL: Allocator<std::alloc::System> = Allocator::new(std::alloc::System);

#[doc(hidden)]
#[cfg(any(test, feature = "enabled"))]
#[path = "private.rs"]
pub mod __private;
#[cfg(all(any(test, feature = "enabled"), not(all(unix, target_pointer_width = "64"))))]
mod inert;
#[cfg(any(test, feature = "enabled"))]
mod site;
#[cfg(all(feature = "stream", any(test, feature = "enabled")))]
mod stream;

#[cfg(any(test, feature = "reader", all(feature = "enabled", unix, target_pointer_width = "64")))]
mod clock;
#[cfg(any(test, feature = "reader", all(feature = "enabled", unix, target_pointer_width = "64")))]
pub mod segment;

/// The modules that measure, where there are mapped counters.
macro_rules! measuring {
    ($($module:ident)*) => {
        $(
            #[cfg(all(any(test, feature = "enabled"), unix, target_pointer_width = "64"))]
            mod $module;
        )*
    };
}

measuring! {
    calibrate channel child cold counter each expression file fork future handover heap histogram hold iterator level
    link making map meter outcome page pin probe process processor register retained row scope slab span summary sys
    throttle tree
}
#[cfg(all(test, unix, target_pointer_width = "64"))]
mod testing;
