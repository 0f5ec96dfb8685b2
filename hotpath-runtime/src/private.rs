//! What the expansion of `#[hotpath]` names. Not for use by hand: it changes with every version.

#[cfg(not(all(unix, target_pointer_width = "64")))]
pub use crate::inert::{
    Awaited, Call, Each, Frame, Hold, Making, Scope, Steps, Token, awaited, call, each, exit,
    frame, grow, grow_on, held, hold, making, mark, scope, send_on, sent, site, site_on, steps,
};
pub use crate::site::{Function, Site};
#[cfg(feature = "stream")]
pub use crate::stream::{Items, Kind, Whole, kind};
#[cfg(all(unix, target_pointer_width = "64"))]
pub use crate::{
    each::{Each, each},
    expression::{Token, exit, grow, grow_on, mark, send_on, sent, site, site_on},
    future::{Awaited, Frame, awaited, frame},
    hold::{Hold, held, hold},
    iterator::{Steps, steps},
    making::{Making, making},
    probe::{Call, call},
    scope::{Scope, Through, scope},
};
pub use hotpath_runtime_macros::scope as measured_scope;

#[cfg(all(unix, target_pointer_width = "64"))]
#[doc(inline)]
pub use crate::clock::ticks;

/// A value closed by [`field`]: a place expression, so that `&` and `&mut` borrow it directly and
/// its temporary lives as long as that of the expression it stands for.
#[derive(Debug)]
pub struct Field<T>(pub T);

/// Closes the span, for an expression directly under `&` or `&mut`.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn field<T>(token: Token, value: T) -> Field<T> {
    Field(exit(token, value))
}

/// The return-type edge of an expansion: tells inference what the body's block must become.
///
/// # Panics
///
/// Always; it stands behind `if false`.
#[cold]
pub fn edge<T>() -> T {
    unreachable!("the return-type edge of an expansion is never called")
}
