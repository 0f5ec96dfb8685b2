//! Systems on which the processor's counter isn't read.

use super::{Counted, OTHERWISE};

/// Counts nothing.
#[derive(Debug)]
pub struct Counter(());

impl Counter {
    /// Opens none.
    pub fn open() -> Self {
        Self(())
    }

    /// Says that there is none.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn read(self) -> Counted {
        Err(format!("the processor's counter is read on Linux only; {OTHERWISE}"))
    }
}
