//! What serde can't check in a profile: that its indices point at something.

use super::Profile;

/// The first thing in `profile` that later stages could not rely on.
///
/// # Errors
///
/// Says which entry it is and what is wrong with it.
pub(super) fn check(profile: &Profile) -> Result<(), String> {
    contexts(profile)?;
    rows(profile)?;
    if !costs_are_finite(profile) {
        return Err("probes holds a figure that is no finite number".to_owned());
    }
    let mut errors = (profile.contexts.iter().map(|context| context.error_ns))
        .chain(profile.rows.iter().map(|row| row.error_ns));
    if errors.any(|error| !error.is_finite() || error < 0.0) {
        return Err("an error_ns is no finite number of 0 or more".to_owned());
    }
    Ok(())
}

fn contexts(profile: &Profile) -> Result<(), String> {
    for (index, context) in profile.contexts.iter().enumerate() {
        if context.function >= profile.functions.len() {
            return Err(format!(
                "contexts[{index}].function is {} but there are {} functions",
                context.function,
                profile.functions.len()
            ));
        }
        if let Some(parent) = context.parent.filter(|&parent| parent >= index) {
            return Err(format!("contexts[{index}].parent is {parent}, which doesn't come before"));
        }
        for edge in &context.back_edges {
            if edge.caller >= profile.contexts.len() {
                return Err(format!(
                    "contexts[{index}].back_edges names context {} of {}",
                    edge.caller,
                    profile.contexts.len()
                ));
            }
        }
    }
    Ok(())
}

fn rows(profile: &Profile) -> Result<(), String> {
    for (index, row) in profile.rows.iter().enumerate() {
        let Some(function) = profile.functions.get(row.function) else {
            return Err(format!(
                "rows[{index}].function is {} but there are {} functions",
                row.function,
                profile.functions.len()
            ));
        };
        if row.site >= function.sites.len() {
            return Err(format!(
                "rows[{index}].site is {} but its function has {} sites",
                row.site,
                function.sites.len()
            ));
        }
    }
    Ok(())
}

fn costs_are_finite(profile: &Profile) -> bool {
    let probes = &profile.probes;
    [
        probes.inside_ns,
        probes.function_ns,
        probes.expression_ns,
        probes.counted_ns,
        probes.alloc_ns,
        probes.free_ns,
        probes.function_inside_ns,
        probes.function_untimed_ns,
        probes.expression_inside_ns,
        probes.expression_untimed_ns,
        probes.poll_ns,
        probes.poll_untimed_ns,
        probes.awaited_ns,
        probes.charge_ns,
        probes.charge_open_ns,
    ]
    .iter()
    .all(|cost| cost.is_finite())
}
