//! What the configuration says of each rule.

use std::collections::BTreeMap;

use super::{Meta, Thresholds};

/// What is done with the findings of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// They are left out.
    Allow,
    /// They are advice.
    #[default]
    Warn,
    /// They make the command fail.
    Deny,
}

impl Level {
    /// Every level by its name.
    pub const NAMES: [(&'static str, Self); 3] =
        [("allow", Self::Allow), ("warn", Self::Warn), ("deny", Self::Deny)];
}

/// What is said of one rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setting {
    /// What is done with its findings.
    pub level: Level,
    /// Best share of wall time from which they are shown, and denied; `None` for that of all rules.
    pub min_impact_pct: Option<f64>,
    /// Its limits.
    pub thresholds: Thresholds,
}

/// What is said of all rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    of_rule: BTreeMap<&'static str, Setting>,
}

impl Settings {
    /// Replaces what is said of a rule.
    pub fn set(&mut self, rule: &Meta, setting: Setting) {
        self.of_rule.insert(rule.id, setting);
    }

    /// What is said of a rule; what holds without a word where nothing is.
    pub fn of(&self, rule: &Meta) -> Setting {
        self.of_rule.get(rule.id).cloned().unwrap_or_default()
    }

    /// Whether any rule has this level by what was said.
    pub fn any(&self, level: Level) -> bool {
        self.of_rule.values().any(|setting| setting.level == level)
    }

    /// Rules whose findings are left out, by id.
    pub fn allowed(&self) -> Vec<String> {
        let allowed = self.of_rule.iter().filter(|(_, setting)| setting.level == Level::Allow);
        allowed.map(|(id, _)| (*id).to_owned()).collect()
    }
}
