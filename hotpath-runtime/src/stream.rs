//! The stream that a function returns: each of its polls is a call of that function.

use core::marker::PhantomData;
use core::ops::Deref;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::Stream;

#[cfg(not(all(unix, target_pointer_width = "64")))]
use crate::inert as probe;
#[cfg(all(unix, target_pointer_width = "64"))]
use crate::probe;
use crate::site::Function;

/// A stream whose polls are measured.
#[must_use]
#[derive(Debug)]
pub struct Items<S> {
    function: &'static Function,
    stream: S,
}

impl<S: Stream> Stream for Items<S> {
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        // SAFETY: nothing is moved out; `stream` stays where it is until it is dropped there, and is
        // pinned with `self`.
        let (function, stream) = unsafe {
            let this = self.get_unchecked_mut();
            (this.function, Pin::new_unchecked(&mut this.stream))
        };
        let _call = probe::call(function);
        stream.poll_next(context)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

/// What a value of this type is, as far as the compiler knows it where the attribute stands.
#[derive(Debug)]
pub struct Kind<S>(Whole<S>);

/// Any value: left alone. A trait named `Stream` may be another one than that of `futures`.
#[derive(Debug)]
pub struct Whole<S>(PhantomData<fn(S)>);

/// The kind of a value.
#[must_use]
pub fn kind<S>(_value: &S) -> Kind<S> {
    Kind(Whole(PhantomData))
}

// Methods of the type itself come before those that it dereferences to, where their bounds hold.
impl<S: Stream> Kind<S> {
    /// Measures the stream.
    pub fn measure(&self, function: &'static Function, stream: S) -> Items<S> {
        Items { function, stream }
    }
}

impl<S> Deref for Kind<S> {
    type Target = Whole<S>;

    fn deref(&self) -> &Whole<S> {
        &self.0
    }
}

impl<S> Whole<S> {
    /// Hands the value back.
    pub fn measure(&self, _function: &'static Function, value: S) -> S {
        value
    }
}

#[cfg(all(test, unix, target_pointer_width = "64"))]
mod tests {
    use core::task::Waker;

    use super::*;
    use crate::testing::{function, own};

    struct Count(u8);

    impl Stream for Count {
        type Item = u8;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u8>> {
            self.0 = self.0.saturating_sub(1);
            Poll::Ready((self.0 > 0).then_some(self.0))
        }

        fn size_hint(&self) -> (usize, Option<usize>) {
            (self.0.into(), None)
        }
    }

    fn generic<S: Stream>(function: &'static Function, stream: S) -> impl Stream<Item = S::Item> {
        kind(&stream).measure(function, stream)
    }

    #[test]
    fn polls_are_calls() {
        function!(ITEMS, "items");
        let mut items = core::pin::pin!(generic(&ITEMS, Count(3)));
        assert_eq!(items.size_hint(), (3, None));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(items.as_mut().poll_next(&mut context), Poll::Ready(Some(2)));
        assert_eq!(items.as_mut().poll_next(&mut context), Poll::Ready(Some(1)));
        assert_eq!(items.as_mut().poll_next(&mut context), Poll::Ready(None));
        assert_eq!(own().node("items").calls, 3);
    }

    #[test]
    fn other_values_are_left_alone() {
        function!(OTHER, "other");
        let text: String = kind(&String::new()).measure(&OTHER, "a".to_owned());
        assert_eq!(text, "a");
    }
}
