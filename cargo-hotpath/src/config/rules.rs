//! `[rules]`: `"rule-id" = "allow" | "warn" | "deny"`, or a table with the level, the least impact and
//! the rule's own limits.

use super::ConfigError;
use super::entry::Entry;
use crate::rules::{self, Level, Meta, Setting, Settings, Threshold};

/// Takes over what the table says; what was said of a rule before is gone.
pub(super) fn take(settings: &mut Settings, table: &Entry<'_>) -> Result<(), ConfigError> {
    for (id, entry) in table.entries()? {
        let rule = rules::find(id)
            .map_err(|unknown| entry.refuse(format!("there is no rule `{id}`"), unknown.hint()))?;
        settings.set(rule.meta(), setting(rule.meta(), &entry)?);
    }
    Ok(())
}

fn setting(rule: &Meta, entry: &Entry<'_>) -> Result<Setting, ConfigError> {
    if entry.text().is_some() {
        return Ok(Setting { level: level(entry)?, ..Setting::default() });
    }
    let thresholds = rule.thresholds.iter().map(Threshold::name);
    let known: Vec<&str> = ["level", "min_impact_pct"].into_iter().chain(thresholds).collect();
    entry.only(&known)?;
    let mut setting = Setting::default();
    if let Some(entry) = entry.get("level")? {
        setting.level = level(&entry)?;
    }
    if let Some(entry) = entry.get("min_impact_pct")? {
        setting.min_impact_pct = Some(entry.number(100.0)?);
    }
    for threshold in rule.thresholds {
        if let Some(entry) = entry.get(threshold.name())? {
            setting.thresholds.set(threshold, entry.number(f64::INFINITY)?);
        }
    }
    Ok(setting)
}

fn level(entry: &Entry<'_>) -> Result<Level, ConfigError> {
    entry.choice("level", &Level::NAMES)
}
