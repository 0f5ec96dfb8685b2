//! The `#[hotpath]` attribute: model, then expansion.
//!
//! Without the feature `enabled` the attribute hands its item back token for
//! token, and neither syn nor quote is built.
#![forbid(unsafe_code)]

use proc_macro::TokenStream;

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
#[cfg(feature = "enabled")]
mod split;

/// Measures the function, or every function of the `impl` block or inline module.
///
/// | option | does |
/// | --- | --- |
/// | `skip` | leaves this function, block or module alone |
/// | `name = "..."` | the function's name in reports |
/// | `sites = off` | measures the function only; `calls`, the default, also the expressions that rules can use |
/// | `allow(rule, ...)` | these rules say nothing here |
/// | `crate = path` | where the runtime is found, when the dependency was renamed |
///
/// Options on a block or module are defaults for the functions inside. What can't be measured there
/// (`const fn`, declarations without body, traits) is left alone.
///
/// By-value arguments are dropped inside the measured span, with these exceptions: `self`; all
/// arguments where another attribute may refer to them by name; those of an `async fn` that its
/// body doesn't use.
///
/// # Errors
///
/// On any other item, on a `const fn`, and on unknown options, the build fails with a message at
/// the culprit; the item itself is kept.
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
