//! The `#[hotpath]` attribute: model, then expansion.
//!
//! Without the feature `enabled` the attribute hands its item back token for
//! token, and neither syn nor quote is built.
#![forbid(unsafe_code)]

use proc_macro::TokenStream;

#[cfg(feature = "enabled")]
mod columns;
#[cfg(feature = "enabled")]
mod expand;
#[cfg(feature = "enabled")]
mod fallback;
#[cfg(feature = "enabled")]
mod marker;
#[cfg(feature = "enabled")]
mod model;
#[cfg(feature = "enabled")]
mod place;
#[cfg(feature = "sources")]
mod sources;
#[cfg(feature = "enabled")]
mod split;
#[cfg(feature = "enabled")]
mod statements;

/// Measures the function, or every function of the `impl` block or inline module.
///
/// | option | does |
/// | --- | --- |
/// | `skip` | leaves this function, block or module alone |
/// | `name = "..."` | the function's name in reports |
/// | `sites = off` | measures the function only; `calls`, the default, also the expressions that rules can use; `all` every call |
/// | `allow(rule, ...)` | these rules say nothing here |
/// | `budget(metric = limit, ...)` | what a call may cost; only `cargo hotpath check` judges it |
/// | `crate = path` | where the runtime is found, when the dependency was renamed |
///
/// Options on a block or module are defaults for the functions inside. What can't be measured there
/// (declarations without body, traits) is left alone, and so is a `const fn` everywhere. An
/// attribute that meets a function a second time (by `cfg_attr`, under another name, on a module
/// over an `impl` block) joins its options with those of the first.
///
/// # Budgets
///
/// ```ignore
/// #[hotpath(budget(allocs_per_call = 3, alloc_bytes_per_call = "1 KiB", p99 = "50 us"))]
/// ```
///
/// | metric | limit | of |
/// | --- | --- | --- |
/// | `allocs_per_call`, `reallocs_per_call` | a number, `2.5` | a call with all that it calls, on average, without the first call of the run |
/// | `alloc_bytes_per_call` | bytes, `1024` or `"1 KiB"` | likewise |
/// | `polls_per_call` | a number | a call of an async function, likewise |
/// | `future_bytes` | bytes | an async function's future |
/// | `p50`, `p95`, `p99` | a time, `"50 us"` | so many of a hundred calls take at most this |
///
/// Units are `B`, `KiB`, `MiB`, `GiB`, `TiB` (and `kB`, `MB`, `GB`, `TB`), `ns`, `us`, `ms` and `s`. On a block
/// or module it is the budget of each function inside; a function's own goes first, metric by
/// metric. Unknown metrics and units are errors in builds that measure.
///
/// # What is measured of a function
///
/// | function | a call is | beside its body |
/// | --- | --- | --- |
/// | `fn` | a call | |
/// | `async fn` | a future that was polled | its polls and waits |
/// | `-> impl Future`, `-> BoxFuture`, `-> Pin<Box<dyn Future>>` | a future that was polled | polls and waits of the future that it returns; time and allocations of its making |
/// | `-> impl Iterator` | a call, and a `next` of the iterator that it returns | |
/// | `-> impl Stream`, with the feature `stream` | a call, and a poll of the stream that it returns | |
/// | async block | a future that was polled | its polls and waits, under the name `function::{async#0}` |
///
/// A boxed future is measured where the box is made in the function's tail or a `return`
/// (`Box::pin(..)`, `.boxed()`), the rest where the bounds name nothing that a wrapper can't keep, and
/// where no macro in the body, but for those of the standard library, `select!`, `join!` and the
/// log and tracing crates, may hold a `return` that nobody sees; else only the making is measured.
/// Without the feature `stream` of the runtime, which brings in `futures-core`, only the making of an
/// `impl Stream` is measured; so it is where the trait of that name is another one. Closures and async
/// closures are part of their function.
///
/// # Dropping arguments
///
/// By-value arguments and `self` are dropped inside the measured span, in the order of the plain
/// function. The exceptions, which go right after it: all arguments where another attribute may
/// refer to them by name; and `self` where the body names it in a format string or in a macro that
/// is not one of the standard library's.
///
/// # Errors
///
/// On any other item and on unknown options the build fails with a message at the culprit; the
/// item itself is kept.
#[proc_macro_attribute]
pub fn hotpath(options: TokenStream, item: TokenStream) -> TokenStream {
    #[cfg(feature = "enabled")]
    return expand::attribute(options.into(), item.into()).into();
    #[cfg(not(feature = "enabled"))]
    {
        drop(options);
        item
    }
}

/// What `hotpath_runtime::scope!` expands to: `scope!(RUNTIME, "label", { .. })`. Use that.
#[doc(hidden)]
#[proc_macro]
pub fn scope(input: TokenStream) -> TokenStream {
    #[cfg(feature = "enabled")]
    return expand::scope(input.into()).into();
    #[cfg(not(feature = "enabled"))]
    input.into_iter().last().into_iter().collect()
}

/// What `hotpath_runtime::SOURCES` is: the sources of the runtime, this package and its library.
#[doc(hidden)]
#[cfg(feature = "sources")]
#[proc_macro]
pub fn sources(_: TokenStream) -> TokenStream {
    sources::expand()
}
