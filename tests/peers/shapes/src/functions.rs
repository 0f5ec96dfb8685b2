//! The functions themselves, from one macro: without probes, with the limit's, with the peer's.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// What the future is worth, if it is ready at once.
#[inline(always)]
pub fn poll_once(future: impl Future<Output = u64>) -> u64 {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("no shape waits"),
    }
}

/// Defines `SHAPES`. After `sync` come the attributes of each function, and the statements at the
/// start of its body; after `future` those of an async function, where the peer has any.
#[macro_export]
macro_rules! shapes {
    (sync $sync:tt $enter:tt) => {
        $crate::shapes!(@define $sync $enter {} {});
        const SHAPES: &[$crate::Shape] = &[
            $crate::shape!("leaf" 1 leaf),
            $crate::shape!("deep" 10 deep),
            $crate::shape!("turn" 16 turn),
            $crate::PAIR,
        ];
    };
    (sync $sync:tt $enter:tt future $future:tt $poll:tt) => {
        $crate::shapes!(@define $sync $enter $future $poll);
        const SHAPES: &[$crate::Shape] = &[
            $crate::shape!("leaf" 1 leaf),
            $crate::shape!("deep" 10 deep),
            $crate::shape!("turn" 16 turn),
            $crate::shape!("async" 1 ready),
            $crate::PAIR,
        ];
    };
    (@define $sync:tt $enter:tt $future:tt $poll:tt) => {
        $crate::functions!(plain {} {} {} {});
        $crate::functions!(limit
            {} { let _probe = $crate::limit::Probe::enter(); }
            {} { let _probe = $crate::limit::Probe::enter(); });
        $crate::functions!(probed $sync $enter $future $poll);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! shape {
    ($name:literal $probes:literal $function:ident) => {
        $crate::Shape {
            name: $name,
            probes: $probes,
            plain: plain::$function,
            limit: Some(limit::$function),
            probed: probed::$function,
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! functions {
    ($module:ident $sync:tt $enter:tt $future:tt $poll:tt) => {
        #[allow(dead_code, unused_imports)]
        mod $module {
            use super::*;

            $crate::leaf!($sync $enter leaf);
            $crate::chain!($sync $enter d0 d1 d2 d3 d4 d5 d6 d7 d8 d9);
            $crate::turn!($sync $enter t0 t1 t2 t3 t4 t5 t6 t7 t8 t9 ta tb tc td te tf);
            $crate::future!($future $poll);

            pub(super) fn deep(value: u64) -> u64 {
                d0(value)
            }

            #[inline(never)]
            pub(super) fn ready(value: u64) -> u64 {
                $crate::poll_once(at_once(value))
            }
        }
    };
}

/// A function that calls nothing.
#[doc(hidden)]
#[macro_export]
macro_rules! leaf {
    ({ $($sync:tt)* } { $($enter:tt)* } $function:ident) => {
        $($sync)*
        #[inline(never)]
        pub(super) fn $function(value: u64) -> u64 {
            $($enter)*
            value ^ 1
        }
    };
}

/// Functions each of which calls the next.
#[doc(hidden)]
#[macro_export]
macro_rules! chain {
    ($sync:tt $enter:tt $last:ident) => { $crate::leaf!($sync $enter $last); };
    ({ $($sync:tt)* } { $($enter:tt)* } $first:ident $next:ident $($rest:ident)*) => {
        $($sync)*
        #[inline(never)]
        pub(super) fn $first(value: u64) -> u64 {
            $($enter)*
            $next(value) ^ 1
        }
        $crate::chain!({ $($sync)* } { $($enter)* } $next $($rest)*);
    };
}

/// Functions that one caller calls in turn.
#[doc(hidden)]
#[macro_export]
macro_rules! turn {
    ($sync:tt $enter:tt $($function:ident)*) => {
        $($crate::leaf!($sync $enter $function);)*

        #[inline(never)]
        pub(super) fn turn(value: u64) -> u64 {
            $(let value = $function(value);)*
            value
        }
    };
}

/// An async function that never waits.
#[doc(hidden)]
#[macro_export]
macro_rules! future {
    ({ $($future:tt)* } { $($poll:tt)* }) => {
        $($future)*
        async fn at_once(value: u64) -> u64 {
            $($poll)*
            std::future::ready(std::hint::black_box(value)).await ^ 1
        }
    };
}
