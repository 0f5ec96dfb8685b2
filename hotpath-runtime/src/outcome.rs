//! Whether a value says that something failed, as far as the compiler knows its type where it is asked.

use core::ops::Deref;

/// A value that may be a `Result`.
#[derive(Debug)]
pub struct Outcome<'v, T>(Unknown<'v, T>);

/// Any value: none that failed.
#[derive(Debug)]
pub struct Unknown<'v, T>(&'v T);

/// What a value says.
#[inline]
pub fn outcome<T>(value: &T) -> Outcome<'_, T> {
    Outcome(Unknown(value))
}

// Methods of the type itself come before those that it dereferences to, where it is that type.
impl<T, E> Outcome<'_, Result<T, E>> {
    /// Whether it is an error.
    #[inline]
    pub fn is_err(&self) -> bool {
        self.0.0.is_err()
    }
}

impl<'v, T> Deref for Outcome<'v, T> {
    type Target = Unknown<'v, T>;

    #[inline]
    fn deref(&self) -> &Unknown<'v, T> {
        &self.0
    }
}

impl<T> Unknown<'_, T> {
    /// Says no.
    #[inline]
    pub fn is_err(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::outcome;

    #[test]
    fn only_an_error_failed() {
        assert!(outcome(&Err::<(), u8>(1)).is_err());
        assert!(!outcome(&Ok::<u8, u8>(1)).is_err());
        assert!(!outcome(&Some(1)).is_err());
    }

    #[test]
    fn where_the_type_is_not_known_nothing_is() {
        fn any<T>(value: &T) -> bool {
            outcome(value).is_err()
        }
        assert!(!any(&Err::<(), u8>(1)));
    }
}
