//! What the allocator took, and what was still live at the end.

use crate::facts::Facts;
use crate::profile::{self, Profile};
use crate::schema::{OperationCost, Retained, RetainedSite, SizeClass};

/// Costs by size class; `None` without a counting allocator.
pub(super) fn allocator(profile: &Profile) -> Option<Vec<SizeClass>> {
    let cost = |cost: profile::OperationCost| {
        (cost.timed > 0).then_some(OperationCost {
            timed: cost.timed,
            mean_ns: round(cost.mean_ns),
            error_ns: round(cost.error_ns),
        })
    };
    let class = |class: &profile::SizeClass| SizeClass {
        max_bytes: class.max_bytes,
        alloc: cost(class.alloc),
        free: cost(class.free),
    };
    profile.memory.as_ref().map(|_| profile.allocator.iter().map(class).collect())
}

/// To a hundredth: more would be noise.
fn round(ns: f64) -> f64 {
    (ns * 100.0).round() / 100.0
}

/// The sample of live blocks, by name; `None` where none was taken.
pub(super) fn retained(facts: &Facts, profile: &Profile) -> Option<Retained> {
    let retained = profile.retained.as_ref()?;
    let variance = |error: u64| (error as f64).powi(2);
    let error: f64 = retained.sites.iter().map(|site| variance(site.error_bytes)).sum();
    Some(Retained {
        period_bytes: retained.period_bytes,
        bytes: retained.sites.iter().fold(0, |sum, site| site.bytes.saturating_add(sum)),
        error_bytes: error.sqrt().round() as u64,
        dropped_blocks: retained.dropped,
        sites: retained.sites.iter().map(|site| named(site, facts, profile)).collect(),
    })
}

fn named(of: &profile::RetainedSite, facts: &Facts, profile: &Profile) -> RetainedSite {
    let function = of.function.and_then(|index| facts.functions.get(index));
    // The profile knows every site; where the source knows it too, its position is the better one.
    let measured = of.site.and_then(|site| profile.functions.get(of.function?)?.sites.get(site));
    let joined = function
        .and_then(|function| function.sites.iter().find(|site| Some(site.index) == of.site));
    let position = joined
        .map(|site| (site.line, site.column))
        .or_else(|| measured.map(|site| (site.line, site.column)))
        .or_else(|| function.map(|function| (function.line, function.column)));
    RetainedSite {
        function: function.map(|function| function.id.clone()),
        path: function.map(|function| function.path.clone()),
        kind: measured.map(|site| site.kind.clone()),
        text: measured.map(|site| site.label.clone()),
        file: function.map(|function| function.file.clone()),
        line: position.map(|(line, _)| line),
        column: position.map(|(_, column)| column),
        sampled_blocks: of.blocks,
        bytes: of.bytes,
        error_bytes: of.error_bytes,
        born_bytes: of.born_bytes,
    }
}
