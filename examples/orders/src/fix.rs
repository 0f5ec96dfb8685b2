//! The planted faults by name, and the set of those that are fixed in this run.

use std::fmt;
use std::str::FromStr;

/// One planted fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// A query for each order of a list.
    NPlusOne,
    /// Two services asked one after the other.
    Sequential,
    /// A lock held while a service is asked.
    Guard,
    /// A thread of the runtime that sleeps.
    Blocking,
    /// A task for each price.
    Spawn,
    /// A hash that withstands attackers, of numbers that come from nobody else.
    Hasher,
    /// A queue without bound, and a slow reader.
    Channel,
}

impl Fix {
    /// All of them, the one that gains most first.
    pub const ALL: [Self; 7] = [
        Self::NPlusOne,
        Self::Sequential,
        Self::Guard,
        Self::Blocking,
        Self::Spawn,
        Self::Hasher,
        Self::Channel,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NPlusOne => "n-plus-one",
            Self::Sequential => "sequential",
            Self::Guard => "guard",
            Self::Blocking => "blocking",
            Self::Spawn => "spawn",
            Self::Hasher => "hasher",
            Self::Channel => "channel",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of [`Fix`]es; empty by default, so that every fault is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fixes(u8);

impl Fixes {
    /// Every fault fixed.
    pub fn all() -> Self {
        Fix::ALL.into_iter().collect()
    }

    /// Whether `fix` is in the set.
    pub const fn has(self, fix: Fix) -> bool {
        self.0 & fix.bit() != 0
    }
}

impl FromIterator<Fix> for Fixes {
    fn from_iter<I: IntoIterator<Item = Fix>>(fixes: I) -> Self {
        Self(fixes.into_iter().fold(0, |set, fix| set | fix.bit()))
    }
}

impl FromStr for Fixes {
    type Err = UnknownFix;

    /// Reads `all`, or names separated by commas.
    fn from_str(names: &str) -> Result<Self, UnknownFix> {
        if names == "all" {
            return Ok(Self::all());
        }
        let known = |name: &str| Fix::ALL.into_iter().find(|fix| fix.name() == name);
        names
            .split(',')
            .map(|name| known(name).ok_or_else(|| UnknownFix(name.to_owned())))
            .collect()
    }
}

/// A name that is no fix.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownFix(String);

impl fmt::Display for UnknownFix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Fix::ALL.map(Fix::name).join(", ");
        write!(f, "no fix is called `{}`; there are {names}, and all", self.0)
    }
}

impl std::error::Error for UnknownFix {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_make_the_set_they_name() {
        let fixes: Fixes = "guard,n-plus-one".parse().unwrap();
        assert_eq!(fixes, [Fix::NPlusOne, Fix::Guard].into_iter().collect());
        assert!(fixes.has(Fix::Guard) && !fixes.has(Fix::Channel));
        assert!(Fix::ALL.into_iter().all(|fix| "all".parse::<Fixes>().unwrap().has(fix)));
    }

    #[test]
    fn unknown_name_is_refused_with_the_known_ones() {
        let error = "guard,gard".parse::<Fixes>().unwrap_err();
        assert!(error.to_string().contains("`gard`") && error.to_string().contains("n-plus-one"));
        assert!("".parse::<Fixes>().is_err());
    }
}
