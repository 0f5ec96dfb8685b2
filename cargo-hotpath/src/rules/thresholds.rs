//! The named limits of rules, and what the configuration sets them to.

use std::collections::BTreeMap;

/// A named limit of a rule. Its value is told by [`Thresholds`] alone, so that none goes past the
/// configuration.
#[derive(Debug)]
pub struct Threshold {
    name: &'static str,
    default: f64,
    meaning: &'static str,
}

impl Threshold {
    /// One with a name in `snake_case` that ends in its unit, where it has one.
    pub const fn new(name: &'static str, default: f64, meaning: &'static str) -> Self {
        Self { name, default, meaning }
    }

    /// Its name, as the configuration writes it.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// `min_writes = 1000: writes at the site in the run`.
    pub(super) fn described(&self) -> String {
        format!("{} = {}: {}", self.name, self.default, self.meaning)
    }

    /// `min_writes = 1000`.
    pub(super) fn assigned(&self) -> String {
        format!("{} = {}", self.name, self.default)
    }
}

/// The limits of one rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thresholds {
    set: BTreeMap<&'static str, f64>,
}

impl Thresholds {
    /// Sets a limit to something else than its default.
    pub fn set(&mut self, threshold: &Threshold, value: f64) {
        self.set.insert(threshold.name, value);
    }

    /// What holds for a limit.
    pub fn of(&self, threshold: &Threshold) -> f64 {
        self.set.get(threshold.name).copied().unwrap_or(threshold.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_holds_and_else_the_default() {
        const LEAST: Threshold = Threshold::new("least", 3.0, "so many");
        let mut thresholds = Thresholds::default();
        assert!((thresholds.of(&LEAST) - 3.0).abs() < f64::EPSILON);
        thresholds.set(&LEAST, 0.5);
        assert!((thresholds.of(&LEAST) - 0.5).abs() < f64::EPSILON);
        assert_eq!(LEAST.described(), "least = 3: so many");
    }
}
