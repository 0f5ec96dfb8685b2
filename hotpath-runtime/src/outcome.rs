//! Whether a value says that something failed, whatever its type turns out to be.
//!
//! Asked in code that is generic in the value, not where the value is made: there its type may be known only
//! from what follows, and whoever asks for a method of it would settle what it is.

use core::any::type_name;
use core::hash::{Hash as _, Hasher};
use core::mem::discriminant;

/// Whether it is the `Err` of a `Result`.
pub(crate) fn failed<T>(value: &T) -> bool {
    if !type_name::<T>().starts_with("core::result::Result<") {
        return false;
    }
    // `Ok` is the first of the two, and their discriminants are not set: 0 and 1.
    let mut number = Number { is_zero: true };
    discriminant(value).hash(&mut number);
    !number.is_zero
}

/// Looks at what would be hashed.
struct Number {
    is_zero: bool,
}

impl Hasher for Number {
    fn write(&mut self, bytes: &[u8]) {
        self.is_zero &= bytes.iter().all(|byte| *byte == 0);
    }

    fn finish(&self) -> u64 {
        u64::from(!self.is_zero)
    }
}

#[cfg(test)]
mod tests {
    use super::failed;

    #[test]
    fn only_an_error_failed() {
        assert!(failed(&Err::<(), u8>(1)));
        assert!(!failed(&Ok::<u8, u8>(1)));
        for value in [Some(1), None] {
            assert!(!failed(&value));
        }
        assert!(!failed(&[Err::<(), u8>(1)]) && !failed(&Some(Err::<(), u8>(1))));
        assert!(!failed(&1_u8) && !failed(&()));
    }

    #[test]
    fn wherever_the_compiler_put_the_discriminant() {
        let text = String::from("a");
        assert!(failed(&Err::<(), &str>(&text)) && !failed(&Ok::<&str, ()>(&text)));
        assert!(failed(&Err::<(), String>(text)) && failed(&Err::<u64, bool>(false)));
        assert!(failed(&Err::<(), ()>(())) && !failed(&Ok::<(), ()>(())));
        assert!(
            failed(&Err::<Result<(), u8>, bool>(true))
                && !failed(&Ok::<Result<(), u8>, bool>(Err(1)))
        );
        assert!(failed(&Err::<std::convert::Infallible, Box<u8>>(Box::new(1))));
        assert!(!failed(&Ok::<Box<u8>, std::convert::Infallible>(Box::new(1))));
    }

    #[test]
    fn a_type_that_only_has_the_name_is_another() {
        mod result {
            pub(super) enum Result<T> {
                _Other,
                Err(T),
            }
        }
        assert!(!failed(&result::Result::Err(1)));
    }

    #[test]
    fn generic_code_is_told_too() {
        fn any<T>(value: &T) -> bool {
            failed(value)
        }
        assert!(any(&Err::<(), u8>(1)));
    }
}
