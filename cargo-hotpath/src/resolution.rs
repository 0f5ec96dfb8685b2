//! How far the time of a short call can be told from that of its caller.
//!
//! Reading the clock does not wait for the work before it: some of it drifts over the end of a
//! span, and some of what follows into it. Measured with children of 3 to 35 ns: +8 to -6 ns a
//! call, where a span of nothing reads 10 ns. The worst case is one chain of work each step of
//! which waits for the one before (`tests/own_cost.rs` measures it): there 20 ns of 30 drift out
//! of the span, and 45 of 245. The processor holds no more than some hundred instructions
//! unfinished, so that it ends there however long the span is. No calibration takes it out of a function's
//! time, as it differs from place to place; so it is given as a range. What likely hides of an expression is
//! added to it ([`SiteFacts::hidden_ns`](crate::facts::SiteFacts::hidden_ns)).

use crate::facts::{Facts, FunctionFacts};
use crate::own_cost::{self, Cost};
use crate::profile::ProbeCosts;

/// Spans of nothing that a mean span must be long to count as resolved: about 100 ticks.
const RESOLVED: f64 = 4.0;

/// What a span of nothing reads, where the clock was not calibrated.
const DRIFT_NS: f64 = 10.0;

/// What drifts at worst, in spans of nothing, whatever the span's length.
const LEAST: f64 = 2.0;

/// What drifts at worst besides, as a share of the span.
const SHARE: f64 = 0.25;

/// The most that drifts, in spans of nothing.
const MOST: f64 = 8.0;

/// Between which bounds a function's times lie, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Resolution {
    /// Whether its mean span is too short to be told from what is around it.
    pub is_below: bool,
    /// Least and most of its total time.
    pub total_ns: (f64, f64),
    /// Least and most of its own time.
    pub self_ns: (f64, f64),
}

/// What commonly drifts between a short span and what is around it, for each span.
pub fn drift_ns(probes: &ProbeCosts) -> f64 {
    if probes.inside_ns > 0.0 { probes.inside_ns } else { DRIFT_NS }
}

/// What drifts at worst, for all calls of a function together.
fn moved_ns(function: &FunctionFacts, probes: &ProbeCosts) -> f64 {
    let drift = drift_ns(probes);
    let (calls, total) = (function.calls as f64, function.total_ns as f64);
    (LEAST * drift * calls + SHARE * total).min(MOST * drift * calls)
}

/// Of each function, by index into [`Facts::functions`]; nothing without a calibration.
///
/// Both have the probes inside of them taken out, at most and at least. The bounds of its total
/// time hold what drifts over the ends of its own calls, those of its own time also what does over
/// the ends of the calls that it makes. What sampling adds is no part of them (see
/// [`FunctionFacts::error_ns`]).
pub fn of(facts: &Facts) -> Vec<Resolution> {
    if facts.probes.inside_ns <= 0.0 {
        return Vec::new();
    }
    let probes = &facts.probes;
    let moved: Vec<f64> =
        facts.functions.iter().map(|function| moved_ns(function, probes)).collect();
    let mut around = moved.clone();
    for edge in &facts.edges {
        let callee = facts.functions.get(edge.callee).filter(|callee| callee.calls > 0);
        let moved_around = edge.caller.and_then(|caller| around.get_mut(caller));
        if let (Some(callee), Some(moved_around)) = (callee, moved_around) {
            *moved_around += moved[edge.callee] * edge.calls as f64 / callee.calls as f64;
        }
    }
    let own = own_cost::in_self(facts);
    let rows = facts.functions.iter().zip(moved).zip(around).zip(own);
    rows.map(|(((function, moved), around), own)| {
        let inside = own_cost::in_total(function, probes);
        let is_short = RESOLVED * drift_ns(probes) * function.calls as f64;
        Resolution {
            is_below: function.calls > 0 && (function.total_ns as f64) < is_short,
            total_ns: bounds(function.total_ns, moved, inside),
            self_ns: bounds(function.self_ns, around, own),
        }
    })
    .collect()
}

/// A measured time, less the probes in it, with what may have drifted in or out.
fn bounds(measured_ns: u64, moved: f64, probes: Cost) -> (f64, f64) {
    let measured = measured_ns as f64;
    let plain = |probes: f64| (measured - probes).max(0.0);
    ((plain(probes.high) - moved).max(0.0), plain(probes.low) + moved)
}

#[cfg(test)]
mod tests;
