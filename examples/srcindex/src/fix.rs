//! The planted faults by name, and the set of those that are fixed in this run.

use std::fmt;
use std::str::FromStr;

/// One planted fault, named by what its fix is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fix {
    /// A pattern compiled per passage.
    Regex,
    /// An unbuffered write per posting.
    Output,
    /// A clone of the ignored words per passage.
    Clone,
    /// A temporary string per term.
    String,
    /// A vector that grows although its length is known.
    Growth,
}

impl Fix {
    /// All of them, the one that gains most first.
    pub const ALL: [Self; 5] = [Self::Regex, Self::Output, Self::Clone, Self::String, Self::Growth];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Regex => "regex",
            Self::Output => "output",
            Self::Clone => "clone",
            Self::String => "string",
            Self::Growth => "growth",
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
        names
            .split(',')
            .map(|name| {
                Fix::ALL
                    .into_iter()
                    .find(|fix| fix.name() == name)
                    .ok_or_else(|| UnknownFix(name.to_owned()))
            })
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
        let fixes: Fixes = "clone,regex".parse().unwrap();
        assert_eq!(fixes, [Fix::Regex, Fix::Clone].into_iter().collect());
        assert!(fixes.has(Fix::Clone) && !fixes.has(Fix::Output));
        assert!(Fix::ALL.into_iter().all(|fix| "all".parse::<Fixes>().unwrap().has(fix)));
    }

    #[test]
    fn unknown_name_is_refused_with_the_known_ones() {
        let error = "regex,regx".parse::<Fixes>().unwrap_err();
        assert!(error.to_string().contains("`regx`") && error.to_string().contains("growth"));
        assert!("".parse::<Fixes>().is_err());
    }
}
