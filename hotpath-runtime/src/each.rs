//! What a `for` goes through: each of its steps counts as an expression, with what it allocates.

use core::mem::needs_drop;

use crate::expression;
use crate::row::Type;
use crate::site::Function;

/// An iterator whose steps are counted. Only a `for`, or what hands its items to one, ever has it.
#[must_use]
#[derive(Debug)]
pub struct Each<I> {
    function: &'static Function,
    index: u32,
    iterator: I,
}

/// Counts the steps of what a `for` goes through, the one that finds its end among them.
#[cfg_attr(not(debug_assertions), inline(always))]
pub fn each<I: IntoIterator>(
    function: &'static Function,
    index: u32,
    iterable: I,
) -> Each<I::IntoIter> {
    Each { function, index, iterator: iterable.into_iter() }
}

impl<I: Iterator> Iterator for Each<I> {
    type Item = I::Item;

    #[inline]
    fn next(&mut self) -> Option<I::Item> {
        // Items that own nothing (`&str`) were allocated by nobody: there is nothing to count.
        if !needs_drop::<I::Item>() {
            return self.iterator.next();
        }
        let token = expression::grow(self.function, self.index);
        let item = self.iterator.next();
        expression::close(token, Type::of::<I::Item>());
        item
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.iterator.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::call;
    use crate::testing::{function, own};

    #[test]
    fn steps_are_counted_with_what_they_allocate() {
        function!(F, "goes_through", "lines");
        let open = call(&F);
        let mut kept = Vec::with_capacity(5);
        for number in each(&F, 0, (0..5_u32).map(Box::new)) {
            kept.push(number);
        }
        drop(open);
        let own = own();
        let row = own.row("goes_through", 0);
        assert_eq!(row.type_name.as_deref(), Some("alloc::boxed::Box<u32>"));
        assert_eq!((row.count, row.timed, row.allocs.count), (6, 0, 5));
        assert_eq!(kept.len(), 5);
    }

    #[test]
    fn items_that_own_nothing_are_not_counted() {
        function!(F, "goes_through_text", "lines");
        let open = call(&F);
        let lines = each(&F, 0, "a\nb".lines());
        assert_eq!(lines.size_hint().0, "a\nb".lines().size_hint().0);
        assert_eq!(lines.count(), 2);
        drop(open);
        assert!(own().rows("goes_through_text", 0).is_empty());
    }
}
