//! The iterator that a function returns: each of its steps is a call of that function.

use core::iter::FusedIterator;

use crate::probe;
use crate::site::Function;

/// An iterator whose steps are measured. It is all that the `impl Iterator` of a signature can
/// promise if the iterator inside is.
#[must_use]
#[derive(Clone, Debug)]
pub struct Steps<I> {
    function: &'static Function,
    iterator: I,
}

/// Measures the iterator that a function returns.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn steps<I: Iterator>(function: &'static Function, iterator: I) -> Steps<I> {
    Steps { function, iterator }
}

/// What calls a closure of the consumer (`fold`, `try_fold`) is left to the provided methods, so
/// that the consumer's time is not taken for the function's.
impl<I: Iterator> Iterator for Steps<I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        let _call = probe::call(self.function);
        self.iterator.next()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.iterator.size_hint()
    }

    #[inline]
    fn nth(&mut self, n: usize) -> Option<I::Item> {
        let _call = probe::call(self.function);
        self.iterator.nth(n)
    }

    #[inline]
    fn count(self) -> usize {
        let _call = probe::call(self.function);
        self.iterator.count()
    }

    #[inline]
    fn last(self) -> Option<I::Item> {
        let _call = probe::call(self.function);
        self.iterator.last()
    }
}

impl<I: DoubleEndedIterator> DoubleEndedIterator for Steps<I> {
    #[inline]
    fn next_back(&mut self) -> Option<I::Item> {
        let _call = probe::call(self.function);
        self.iterator.next_back()
    }

    #[inline]
    fn nth_back(&mut self, n: usize) -> Option<I::Item> {
        let _call = probe::call(self.function);
        self.iterator.nth_back(n)
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for Steps<I> {
    #[inline]
    fn len(&self) -> usize {
        self.iterator.len()
    }
}

impl<I: FusedIterator> FusedIterator for Steps<I> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{function, own};

    #[test]
    fn behaves_as_the_iterator_inside() {
        function!(NUMBERS, "numbers");
        let mut numbers = steps(&NUMBERS, [1, 2, 3, 4, 5].into_iter());
        assert_eq!((numbers.len(), numbers.size_hint()), (5, (5, Some(5))));
        assert_eq!((numbers.next(), numbers.nth(1)), (Some(1), Some(3)));
        assert_eq!((numbers.next_back(), numbers.clone().last()), (Some(5), Some(4)));
        assert_eq!(numbers.count(), 1);
        assert_eq!(own().node("numbers").calls, 5);
    }
}
