//! How far the time of a short call can be told from that of its caller.
//!
//! Reading the clock does not wait for the work before it: some of it drifts over the end of a
//! span, and some of what follows into it, by up to about what a span of nothing reads (measured
//! with children of 3 to 35 ns: +8 to -6 ns a call, where that was 10 ns). No calibration takes it
//! out, as it differs from place to place; so it is given as a range.

use crate::facts::Facts;
use crate::own_cost;
use crate::profile::ProbeCosts;

/// Spans of nothing that a mean span must be long to count as resolved: about 100 ticks.
const RESOLVED: f64 = 4.0;

/// What drifts over one end of a span, where the clock was not calibrated.
const DRIFT_NS: f64 = 10.0;

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

/// What may drift between a span and what is around it, for each span.
pub fn drift_ns(probes: &ProbeCosts) -> f64 {
    if probes.inside_ns > 0.0 { probes.inside_ns } else { DRIFT_NS }
}

/// Of each function, by index into [`Facts::functions`]; nothing without a calibration.
///
/// The bounds of its own time hold what drifts over the ends of its own calls and of those that
/// it makes, and have the probes inside of it taken out, at most and at least. Those of its total
/// time hold only what drifts over the ends of its own calls. What sampling adds is no part of
/// them (see [`crate::facts::FunctionFacts::error_ns`]).
pub fn of(facts: &Facts) -> Vec<Resolution> {
    if facts.probes.inside_ns <= 0.0 {
        return Vec::new();
    }
    let drift = drift_ns(&facts.probes);
    let mut spans: Vec<f64> =
        facts.functions.iter().map(|function| function.calls as f64).collect();
    for edge in &facts.edges {
        if let Some(spans) = edge.caller.and_then(|caller| spans.get_mut(caller)) {
            *spans += edge.calls as f64;
        }
    }
    let rows = facts.functions.iter().zip(spans).zip(own_cost::in_self(facts));
    rows.map(|((function, spans), probes)| {
        let (calls, total, own) =
            (function.calls as f64, function.total_ns as f64, function.self_ns as f64);
        let moved = drift * calls;
        Resolution {
            is_below: calls > 0.0 && total < RESOLVED * drift * calls,
            total_ns: ((total - moved).max(0.0), total + moved),
            self_ns: (
                (own - drift * spans - probes.high).max(0.0),
                own + drift * spans - probes.low.min(own),
            ),
        }
    })
    .collect()
}

#[cfg(test)]
mod tests;
